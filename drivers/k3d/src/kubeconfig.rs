//! The kubeconfig of a cluster, as `k3d kubeconfig get` gives it.
//!
//! k3d reads the file that k3s writes in its container and changes a few names. Doing that
//! here takes some milliseconds instead of a tenth of a second.

use caproni_driver::{Error, ErrorKind, Kubeconfig, Request};
use serde_json::{Value, json};

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
    let address = address(&cluster, engine.endpoint().host());
    let text = rewrite(&text, profile, &address).ok_or_else(|| {
        let message = format!("`{FILE}` in `{}` is not a kubeconfig", server.name);
        Error::new(ErrorKind::BackendFailed, message)
    })?;
    Ok(Kubeconfig::new(text, context(profile)))
}

fn not_running(message: String) -> Error {
    Error::new(ErrorKind::ClusterNotRunning, message).with_hint("run `caproni start`")
}

fn address(cluster: &Cluster, engine_host: Option<&str>) -> String {
    let host = api_host(cluster, engine_host);
    let port = cluster.label(API_PORT).unwrap_or("6443");
    if host.contains(':') {
        format!("https://[{host}]:{port}")
    } else {
        format!("https://{host}:{port}")
    }
}

/// Gives everything in k3s' kubeconfig, which is called `default`, k3d's names, and the
/// address at which the API is reached from outside.
fn rewrite(text: &str, profile: &str, address: &str) -> Option<String> {
    let name = context(profile);
    let user = format!("admin@{name}");
    let mut config: Value = serde_saphyr::from_str(text).ok()?;
    let cluster = config.get_mut("clusters")?.get_mut(0)?;
    cluster["name"] = json!(name);
    cluster["cluster"]["server"] = json!(address);
    config.get_mut("users")?.get_mut(0)?["name"] = json!(user);
    let only = config.get_mut("contexts")?.get_mut(0)?;
    only["name"] = json!(name);
    only["context"]["cluster"] = json!(name);
    only["context"]["user"] = json!(user);
    config["current-context"] = json!(name);
    // Certificates as k3s writes them, on one line each.
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    serde_saphyr::to_string_with_options(&config, options).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::tests::running;

    const K3S: &str = "\
apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: UkVEQUNURUQ=
    server: https://127.0.0.1:6443
  name: default
contexts:
- context:
    cluster: default
    user: default
  name: default
current-context: default
kind: Config
preferences: {}
users:
- name: default
  user:
    client-certificate-data: UkVEQUNURUQ=
    client-key-data: UkVEQUNURUQ=
";

    #[test]
    fn the_names_and_the_address_are_k3ds() {
        let address = address(&running(), None);
        let text = rewrite(K3S, "demo", &address).unwrap();
        let config: Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(config["current-context"], "k3d-demo");
        assert_eq!(config["clusters"][0]["name"], "k3d-demo");
        assert_eq!(config["clusters"][0]["cluster"]["server"], json!(address));
        assert_eq!(
            config["contexts"][0]["context"],
            json!({"cluster": "k3d-demo", "user": "admin@k3d-demo"})
        );
        assert_eq!(config["users"][0]["name"], "admin@k3d-demo");
        assert_eq!(config["users"][0]["user"]["client-key-data"], "UkVEQUNURUQ=");
    }

    #[test]
    fn the_address_is_one_to_go_to() {
        let port = running().label(API_PORT).unwrap().to_owned();
        assert_eq!(address(&running(), None), format!("https://127.0.0.1:{port}"));
        assert_eq!(address(&running(), Some("docker")), format!("https://docker:{port}"));
        assert_eq!(address(&running(), Some("fd00::1")), format!("https://[fd00::1]:{port}"));
    }

    #[test]
    fn what_is_no_kubeconfig_is_refused() {
        assert_eq!(rewrite("clusters: []", "demo", "x"), None);
        assert_eq!(rewrite("\t", "demo", "x"), None);
    }
}
