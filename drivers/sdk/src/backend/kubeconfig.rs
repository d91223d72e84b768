//! A kubeconfig as a backend's node holds it, made fit for use from outside.

use serde_json::Value;

/// Gives the one cluster, user and context of a kubeconfig other names, and the cluster the
/// address at which it is reached from outside; `None` when the text is no such kubeconfig.
///
/// k3s calls all three `default` and kubeadm has names of its own, and both name an address
/// inside the node.
pub fn rename(text: &str, context: &str, user: &str, address: &Address) -> Option<String> {
    let mut config: Value = serde_saphyr::from_str(text).ok()?;
    set(&mut config, "/clusters/0", "name", context)?;
    set(&mut config, "/clusters/0/cluster", "server", &address.url())?;
    if let Some(name) = address.name_in_certificate() {
        set(&mut config, "/clusters/0/cluster", "tls-server-name", name)?;
    }
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

/// Where an API server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// A name or an address.
    pub host: String,
    /// The port there.
    pub port: u16,
}

impl Address {
    /// This port of that host.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port }
    }

    /// The address as a kubeconfig has it, with an IPv6 host in brackets.
    pub fn url(&self) -> String {
        let Self { host, port } = self;
        match host.contains(':') {
            true => format!("https://[{host}]:{port}"),
            false => format!("https://{host}:{port}"),
        }
    }

    /// The name to look for in the server's certificate, where that does not hold the host: k3s and
    /// kubeadm write their own names and addresses into it, and not what a machine around them is
    /// called. All of them write this one.
    pub fn name_in_certificate(&self) -> Option<&'static str> {
        (self.host != "127.0.0.1").then_some("kubernetes")
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
        let text = rename(K3S, "k3d-demo", "admin@k3d-demo", &Address::new("docker", 1)).unwrap();
        let config: Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(config["current-context"], "k3d-demo");
        assert_eq!(config["clusters"][0]["name"], "k3d-demo");
        assert_eq!(config["clusters"][0]["cluster"]["server"], "https://docker:1");
        assert_eq!(config["clusters"][0]["cluster"]["tls-server-name"], "kubernetes");
        assert_eq!(
            config["contexts"][0]["context"],
            json!({"cluster": "k3d-demo", "user": "admin@k3d-demo"})
        );
        assert_eq!(config["users"][0]["name"], "admin@k3d-demo");
        assert_eq!(config["users"][0]["user"]["client-key-data"], "UkVEQUNURUQ=");
    }

    #[test]
    fn what_is_no_kubeconfig_is_refused() {
        let address = Address::new("127.0.0.1", 1);
        let of_texts = "clusters: [a]\nusers: [b]\ncontexts: [c]\n";
        let without_parts = "clusters: [{cluster: a}]\nusers: [{}]\ncontexts: [{context: []}]\n";
        for text in ["clusters: []", "\t", "[]", of_texts, without_parts] {
            assert_eq!(rename(text, "demo", "demo", &address), None, "{text}");
        }
    }

    #[test]
    fn an_ipv6_host_is_put_in_brackets() {
        assert_eq!(Address::new("127.0.0.1", 6443).url(), "https://127.0.0.1:6443");
        assert_eq!(Address::new("fd00::1", 1).url(), "https://[fd00::1]:1");
    }

    #[test]
    fn the_certificate_is_looked_at_by_the_host_only_where_it_names_it() {
        assert_eq!(Address::new("127.0.0.1", 1).name_in_certificate(), None);
        assert_eq!(Address::new("172.17.0.1", 1).name_in_certificate(), Some("kubernetes"));
    }
}
