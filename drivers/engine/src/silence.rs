//! Why a call of the engine failed, in our words.

use std::io;

use bollard::errors::Error as EngineError;
use caproni_driver::backend::Platform;
use caproni_driver::{Error, ErrorKind};

use crate::endpoint::Endpoint;
use crate::mend::{self, Silence};

/// The failure of a request whose engine does not answer, with what was seen.
pub(crate) fn silent(endpoint: &Endpoint, silence: Silence, cause: &EngineError) -> Error {
    mend::engine_silent(&Platform::detect(), endpoint, silence).with_cause(whole(cause))
}

/// Looks for the reason in the causes of an error: the libraries between wrap it.
pub(crate) fn silence(error: &EngineError) -> Silence {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = match error {
        // It passes its own source on as if it were that source.
        EngineError::IOError { err } => Some(err),
        error => Some(error),
    };
    while let Some(error) = cause {
        let io = error.downcast_ref::<io::Error>();
        match io.map(io::Error::kind) {
            Some(io::ErrorKind::PermissionDenied) => return Silence::Forbidden,
            Some(io::ErrorKind::TimedOut) => return Silence::Hangs,
            // An I/O error that holds another does not name it as its source.
            Some(_) => cause = io.and_then(io::Error::get_ref).map(|inner| inner as _),
            None => cause = error.source(),
        }
    }
    match error {
        EngineError::RequestTimeoutError => Silence::Hangs,
        _ => Silence::NotThere,
    }
}

/// An error with all its causes in one line.
fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}

/// A failure the engine itself told, or a thing it should not have said.
pub(crate) fn unexpected(error: &dyn std::error::Error) -> Error {
    let message = format!("the Docker engine refused: {}", whole(error));
    Error::new(ErrorKind::BackendFailed, message)
}

/// The HTTP status, when it was the engine that refused.
pub(crate) fn status_code(error: &EngineError) -> Option<u16> {
    match error {
        EngineError::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forbidden_socket_is_known_however_deep_the_cause_is() {
        let error = io::Error::from(io::ErrorKind::PermissionDenied);
        assert_eq!(silence(&io::Error::other(error).into()), Silence::Forbidden);
        let error = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(silence(&error.into()), Silence::NotThere);
    }
}
