//! A kubeconfig as a backend's node holds it, made fit for use from outside.

use serde_json::Value;

/// Gives the one cluster, user and context of a kubeconfig other names, and the cluster the
/// address at which it is reached from outside; `None` when the text is no such kubeconfig.
///
/// k3s calls all three `default` and kubeadm has names of its own, and both name an address
/// inside the node.
pub fn rename(text: &str, context: &str, user: &str, server: &str) -> Option<String> {
    let mut config: Value = serde_saphyr::from_str(text).ok()?;
    set(&mut config, "/clusters/0", "name", context)?;
    set(&mut config, "/clusters/0/cluster", "server", server)?;
    set(&mut config, "/users/0", "name", user)?;
    set(&mut config, "/contexts/0", "name", context)?;
    set(&mut config, "/contexts/0/context", "cluster", context)?;
    set(&mut config, "/contexts/0/context", "user", user)?;
    set(&mut config, "", "current-context", context)?;
    // Certificates as they are mostly written, on one line each.
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    serde_saphyr::to_string_with_options(&config, options).ok()
}

/// Sets a field of the object at a JSON pointer; `None` where there is no object.
fn set(config: &mut Value, pointer: &str, field: &str, text: &str) -> Option<()> {
    config.pointer_mut(pointer)?.as_object_mut()?.insert(field.into(), text.into());
    Some(())
}

/// The address of an API server, with an IPv6 host in brackets.
pub fn server(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("https://[{host}]:{port}")
    } else {
        format!("https://{host}:{port}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
    fn every_name_and_the_address_are_the_given_ones() {
        let text = rename(K3S, "k3d-demo", "admin@k3d-demo", "https://docker:1").unwrap();
        let config: Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(config["current-context"], "k3d-demo");
        assert_eq!(config["clusters"][0]["name"], "k3d-demo");
        assert_eq!(config["clusters"][0]["cluster"]["server"], "https://docker:1");
        assert_eq!(
            config["contexts"][0]["context"],
            json!({"cluster": "k3d-demo", "user": "admin@k3d-demo"})
        );
        assert_eq!(config["users"][0]["name"], "admin@k3d-demo");
        assert_eq!(config["users"][0]["user"]["client-key-data"], "UkVEQUNURUQ=");
    }

    #[test]
    fn what_is_no_kubeconfig_is_refused() {
        let of_texts = "clusters: [a]\nusers: [b]\ncontexts: [c]\n";
        let without_parts = "clusters: [{cluster: a}]\nusers: [{}]\ncontexts: [{context: []}]\n";
        for text in ["clusters: []", "\t", "[]", of_texts, without_parts] {
            assert_eq!(rename(text, "demo", "demo", "x"), None, "{text}");
        }
    }

    #[test]
    fn an_ipv6_host_is_put_in_brackets() {
        assert_eq!(server("127.0.0.1", 6443), "https://127.0.0.1:6443");
        assert_eq!(server("fd00::1", 1), "https://[fd00::1]:1");
    }
}
