//! Opening a connection, in a version of the API that the engine speaks.

use std::sync::{Mutex, PoisonError};

use bollard::errors::Error as EngineError;
use bollard::{API_DEFAULT_VERSION, ClientVersion, Docker};

use crate::connector;
use crate::endpoint::Transport;

/// bollard's own limit in seconds; each call has a shorter one of ours.
const LIMIT: u64 = 120;

/// The engine that this process has opened: its version is known, and its connections serve again.
static OPENED: Mutex<Option<(Transport, Docker)>> = Mutex::new(None);

/// Connects in bollard's own version, or the newest that the engine speaks.
///
/// An engine refuses versions newer than its own, and says which that is. bollard asks
/// for the engine's version instead, for which the engine runs three programs: with 6 ms
/// that took twice as long as all the rest of a status.
pub(crate) async fn open(transport: &Transport) -> Result<Docker, EngineError> {
    if let Some(docker) = opened(transport) {
        return Ok(docker);
    }
    let docker = connect(transport, API_DEFAULT_VERSION)?;
    let docker = match docker.ping().await {
        Ok(_) => docker,
        Err(refusal) => match newest_version(&refusal) {
            Some(version) => connect(transport, &version)?,
            // A plain failure fails here as well, and an engine of few words answers.
            None => docker.negotiate_version().await?,
        },
    };
    Ok(keep(transport, docker))
}

/// As [`open`], with a first question in the place of a ping.
pub(crate) async fn open_and_ask<T, F>(
    transport: &Transport,
    ask: impl Fn(Docker) -> F,
) -> Result<(Docker, T), EngineError>
where
    F: Future<Output = Result<T, EngineError>>,
{
    let docker = match opened(transport) {
        Some(docker) => docker,
        None => connect(transport, API_DEFAULT_VERSION)?,
    };
    let (docker, answer) = match ask(docker.clone()).await {
        Ok(answer) => (docker, answer),
        Err(refusal) => {
            let version = newest_version(&refusal).ok_or(refusal)?;
            let docker = connect(transport, &version)?;
            let answer = ask(docker.clone()).await?;
            (docker, answer)
        }
    };
    Ok((keep(transport, docker), answer))
}

fn opened(transport: &Transport) -> Option<Docker> {
    let opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    opened.as_ref().filter(|(to, _)| to == transport).map(|(_, docker)| docker.clone())
}

fn keep(transport: &Transport, docker: Docker) -> Docker {
    let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    *opened = Some((transport.clone(), docker.clone()));
    docker
}

pub(crate) fn connect(
    transport: &Transport,
    version: &ClientVersion,
) -> Result<Docker, EngineError> {
    match transport {
        Transport::Tls(address, folder) => Docker::connect_with_ssl(
            address,
            &folder.join("key.pem"),
            &folder.join("cert.pem"),
            &folder.join("ca.pem"),
            LIMIT,
            version,
        ),
        _ => connector::client(transport, LIMIT, version),
    }
}

/// The version in `client version 1.53 is too new. Maximum supported API version is 1.41`.
fn newest_version(refusal: &EngineError) -> Option<ClientVersion> {
    let EngineError::DockerResponseServerError { message, .. } = refusal else { return None };
    let (_, version) = message.split_once("Maximum supported API version is ")?;
    let (major, minor) = version.trim().split_once('.')?;
    Some(ClientVersion { major_version: major.parse().ok()?, minor_version: minor.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_is_taken_from_the_refusal() {
        let refusal = |message: &str| EngineError::DockerResponseServerError {
            status_code: 400,
            message: message.into(),
        };
        let text = "client version 1.53 is too new. Maximum supported API version is 1.41";
        let version = newest_version(&refusal(text)).unwrap();
        assert_eq!((version.major_version, version.minor_version), (1, 41));
        assert!(newest_version(&refusal("page not found")).is_none());
    }
}
