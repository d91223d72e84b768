//! The kubeconfig of a cluster: k3s' own, with colima's names and the address to go to.

use caproni_driver::{Error, ErrorKind, Kubeconfig};
use serde_json::{Value, json};

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
    let mut config: Value = serde_saphyr::from_str(text).ok()?;
    let cluster = config.get_mut("clusters")?.get_mut(0)?;
    cluster["name"] = json!(name);
    let server =
        cluster["cluster"]["server"].as_str()?.replace("//127.0.0.1:", &format!("//{host}:"));
    cluster["cluster"]["server"] = json!(server);
    config.get_mut("users")?.get_mut(0)?["name"] = json!(name);
    let only = config.get_mut("contexts")?.get_mut(0)?;
    only["name"] = json!(name);
    only["context"]["cluster"] = json!(name);
    only["context"]["user"] = json!(name);
    config["current-context"] = json!(name);
    // Certificates as k3s writes them, on one line each.
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    serde_saphyr::to_string_with_options(&config, options).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

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
