//! The kubeconfig of a cluster: k3s' own, with colima's names and the address to go to.

use caproni_driver::backend::kubeconfig::{Address, rename};
use caproni_driver::{Error, ErrorKind, Kubeconfig};
use serde_json::Value;

use crate::guest::Guest;
use crate::look::Look;
use crate::machine::Machine;

/// Gives the kubeconfig of a cluster whose machine answers.
///
/// # Errors
/// `ClusterNotRunning`, `BackendFailed` when k3s wrote something else.
pub(crate) fn of(machine: &Machine, look: &Look) -> Result<Kubeconfig, Error> {
    let not_running = |what: &str| {
        let message = format!("cluster `{}` {what}", machine.profile);
        Error::new(ErrorKind::ClusterNotRunning, message).with_hint("run `caproni start`")
    };
    if look.is_half() {
        return Err(not_running("was not finished"));
    }
    let Some(Guest::Seen(seen)) = &look.guest else { return Err(not_running("is not running")) };
    let Some(text) = &seen.kubeconfig else {
        return Err(not_running("has not written a kubeconfig yet"));
    };
    let text = rewrite(text, &machine.id, seen.host()).ok_or_else(|| {
        let message =
            format!("`/etc/rancher/k3s/k3s.yaml` in `{}` is not a kubeconfig", machine.id);
        Error::new(ErrorKind::BackendFailed, message)
    })?;
    Ok(Kubeconfig::new(text, &machine.id))
}

/// Gives everything the machine's name, which is `default` with k3s, and the address outside.
pub(crate) fn rewrite(text: &str, name: &str, host: &str) -> Option<String> {
    let config: Value = serde_saphyr::from_str(text).ok()?;
    let server = config.pointer("/clusters/0/cluster/server")?.as_str()?;
    let (_, port) = server.rsplit_once(':')?;
    rename(text, name, name, &Address::new(host, port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const K3S: &str = include_str!("../tests/recorded/v0.10.3/k3s.yaml");

    #[test]
    fn the_names_and_the_address_are_colima_s() {
        let config: Value =
            serde_saphyr::from_str(&rewrite(K3S, "colima-demo", "192.168.106.2").unwrap()).unwrap();
        assert_eq!(config["current-context"], "colima-demo");
        let server = config["clusters"][0]["cluster"]["server"].as_str().unwrap();
        assert!(server.starts_with("https://192.168.106.2:"), "{server}");
        assert_eq!(
            config["contexts"][0]["context"],
            json!({"cluster": "colima-demo", "user": "colima-demo"})
        );
        assert!(config["users"][0]["user"]["client-key-data"].is_string());
    }

    #[test]
    fn what_is_no_kubeconfig_is_refused() {
        assert_eq!(rewrite("clusters: []", "x", "y"), None);
        assert_eq!(rewrite("\t", "x", "y"), None);
    }
}
