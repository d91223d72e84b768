//! The kubeconfig of a cluster, as `k3d kubeconfig get` gives it.
//!
//! k3d reads the file that k3s writes in its container and changes a few names. Doing that
//! here takes some milliseconds instead of a tenth of a second.

use caproni_driver::backend::kubeconfig;
use caproni_driver::{Error, ErrorKind, Kubeconfig, Request};
use caproni_engine::Binding;

use crate::cluster::Cluster;
use crate::connect::connect;
use crate::look::look;
use crate::status::{api_host, context};

/// The file that k3s writes in each server.
const FILE: &str = "/output/kubeconfig.yaml";

const API_PORT: &str = "k3d.server.api.port";

/// Gives the kubeconfig of a cluster, be it running or stopped.
///
/// # Errors
/// `ClusterNotRunning` when there is no cluster, or none that ever ran.
pub(crate) async fn kubeconfig(request: &Request, profile: &str) -> Result<Kubeconfig, Error> {
    let engine = connect(request).await?;
    let cluster = look(&engine, profile).await?;
    let servers = cluster.servers();
    // k3d's choice: the server on which it noted the API's address.
    let server = servers.iter().find(|server| server.labels.contains_key(API_PORT));
    let Some(server) = server.or(servers.first()) else {
        let message = format!("there is no cluster `{profile}`");
        return Err(not_running(message));
    };
    let Some(text) = engine.read(&server.id, FILE).await? else {
        let message = format!("cluster `{profile}` has not written a kubeconfig yet");
        return Err(not_running(message));
    };
    let name = context(profile);
    let address = address(&cluster, engine.endpoint().host());
    let text =
        kubeconfig::rename(&text, &name, &format!("admin@{name}"), &address).ok_or_else(|| {
            let message = format!("`{FILE}` in `{}` is not a kubeconfig", server.name);
            Error::new(ErrorKind::BackendFailed, message)
        })?;
    Ok(Kubeconfig::new(text, name))
}

fn not_running(message: String) -> Error {
    Error::new(ErrorKind::ClusterNotRunning, message).with_hint("run `caproni start`")
}

fn address(cluster: &Cluster, engine_host: Option<&str>) -> String {
    let host = api_host(cluster, engine_host);
    let port = cluster.label(API_PORT).and_then(|port| port.parse().ok());
    kubeconfig::server(&host, port.unwrap_or(Binding::API_PORT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::tests::running;

    #[test]
    fn the_address_is_one_to_go_to() {
        let port = running().label(API_PORT).unwrap().to_owned();
        assert_eq!(address(&running(), None), format!("https://127.0.0.1:{port}"));
        assert_eq!(address(&running(), Some("docker")), format!("https://docker:{port}"));
        assert_eq!(address(&running(), Some("fd00::1")), format!("https://[fd00::1]:{port}"));
    }
}
