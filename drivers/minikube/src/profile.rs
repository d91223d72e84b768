//! What minikube keeps of a cluster: its `profiles/NAME/config.json`.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The port of the API in a node unless the config says another.
const API_PORT: u16 = 8443;

/// Addons that minikube enables by itself.
const DEFAULT_ADDONS: [&str; 2] = ["default-storageclass", "storage-provisioner"];

/// A cluster's config, as minikube writes it (`ClusterConfig` in its `config/types.go`); what
/// is of no interest is passed over.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Profile {
    /// What the nodes are made with, such as `docker`.
    pub(crate) driver: String,
    /// Cores of each node; 0 is without limit.
    #[serde(rename = "CPUs")]
    pub(crate) cpus: u32,
    /// Memory of each node in MiB; 0 is without limit.
    pub(crate) memory: u64,
    /// Disk of each node in MiB.
    pub(crate) disk_size: u64,
    /// The API's port in a node.
    #[serde(rename = "APIServerPort")]
    pub(crate) api_server_port: u16,
    /// Published ports as they were last asked for, whether or not the nodes have them.
    #[serde(deserialize_with = "null_is_empty")]
    pub(crate) exposed_ports: Vec<String>,
    /// What of Kubernetes was asked for.
    pub(crate) kubernetes_config: KubernetesConfig,
    /// Each addon that was ever touched, and whether it is on.
    #[serde(deserialize_with = "null_is_empty")]
    pub(crate) addons: BTreeMap<String, bool>,
    /// The nodes, the first one first.
    #[serde(deserialize_with = "null_is_empty")]
    pub(crate) nodes: Vec<ProfileNode>,
}

/// What of Kubernetes was asked for.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct KubernetesConfig {
    /// Its version, such as `v1.34.1`.
    pub(crate) kubernetes_version: String,
    /// What runs containers: `docker`, `containerd`, `crio`.
    pub(crate) container_runtime: String,
}

/// One node.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ProfileNode {
    /// Its short name: `m02`, and empty for the first.
    pub(crate) name: String,
    /// Its address where the nodes are.
    #[serde(rename = "IP")]
    pub(crate) ip: String,
    /// Whether it runs the control plane.
    pub(crate) control_plane: bool,
}

/// Go writes an empty list as `null`.
fn null_is_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl Profile {
    /// Reads the file's text.
    ///
    /// # Errors
    /// One line that says why it is none.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    /// Tells whether its nodes are containers of the Docker engine.
    pub(crate) fn is_on_docker(&self) -> bool {
        self.driver == "docker"
    }

    /// The API's port in a node.
    pub(crate) fn api_port(&self) -> u16 {
        if self.api_server_port == 0 { API_PORT } else { self.api_server_port }
    }

    /// The addons that are on, minikube's own default ones left out.
    pub(crate) fn addons_on(&self) -> Vec<String> {
        let on = self.addons.iter().filter(|(_, on)| **on).map(|(name, _)| name.clone());
        on.filter(|name| !is_default_addon(name)).collect()
    }

    /// The names of the nodes, as the machines and Kubernetes have them.
    pub(crate) fn node_names(&self, cluster: &str) -> Vec<String> {
        self.nodes.iter().map(|node| machine_name(cluster, &node.name)).collect()
    }
}

/// Tells whether minikube enables an addon by itself.
pub(crate) fn is_default_addon(name: &str) -> bool {
    DEFAULT_ADDONS.contains(&name)
}

/// A machine's name: the cluster's for the first node, `NAME-m02` and so on for the others.
pub(crate) fn machine_name(cluster: &str, node: &str) -> String {
    match node {
        "" => cluster.to_owned(),
        // Old versions call the first node by the cluster's name.
        node if node == cluster => cluster.to_owned(),
        node => format!("{cluster}-{node}"),
    }
}

/// Tells whether a machine of this name is a node of the cluster.
pub(crate) fn is_machine_of(cluster: &str, machine: &str) -> bool {
    let Some(rest) = machine.strip_prefix(cluster) else { return false };
    let number = rest.strip_prefix("-m");
    rest.is_empty() || number.is_some_and(|n| n.len() >= 2 && n.parse::<u32>().is_ok())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const LIST: &str = include_str!("../tests/recorded/v1.38/profile-list.json");

    /// The profile of the recorded list.
    pub(crate) fn recorded() -> Profile {
        let list: serde_json::Value = serde_json::from_str(LIST).unwrap();
        Profile::read(&list["valid"][0]["Config"].to_string()).unwrap()
    }

    #[test]
    fn a_recorded_profile_is_read() {
        let profile = recorded();
        assert_eq!((profile.cpus, profile.memory, profile.disk_size), (2, 3000, 20000));
        assert_eq!(profile.driver, "docker");
        assert_eq!(profile.api_port(), 8443);
        assert_eq!(profile.kubernetes_config.kubernetes_version, "v1.35.1");
        assert_eq!(profile.kubernetes_config.container_runtime, "containerd");
        assert_eq!(profile.node_names("mk-demo"), ["mk-demo"]);
        assert!(profile.nodes[0].control_plane);
        assert_eq!(profile.addons_on(), Vec::<String>::new());
        assert!(Profile::read("{").is_err());
    }

    #[test]
    fn machines_are_known_by_their_names() {
        for name in ["demo", "demo-m02", "demo-m113"] {
            assert!(is_machine_of("demo", name), "{name}");
        }
        for name in ["demo2", "demo-m", "demo-m2", "demo-mx2", "demo-m02-preload", "de"] {
            assert!(!is_machine_of("demo", name), "{name}");
        }
        assert_eq!(machine_name("demo", ""), "demo");
        assert_eq!(machine_name("demo", "demo"), "demo");
        assert_eq!(machine_name("demo", "m02"), "demo-m02");
    }
}
