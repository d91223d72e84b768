//! What the engine has of one cluster: pure data, read from `docker inspect`.

use std::collections::HashMap;

use bollard::models::{ContainerInspectResponse, ContainerStateStatusEnum, PortMap};
use caproni_driver::{NodeRole, NodeState};
use serde_json::{Value, json};

use crate::document::{self, CONFIG_LABEL};
use crate::extra_args::ExtraArgs;
use crate::ports::{API_PORT, Binding, Mapping, Target, effective};

/// The label with the cluster's name on everything k3d makes for it.
pub(crate) const CLUSTER_LABEL: &str = "k3d.cluster";

/// What of a cluster exists, as it was at one moment.
#[derive(Debug, Default)]
pub(crate) struct Cluster {
    /// Its name, without k3d's prefix.
    pub(crate) name: String,
    /// All its containers, helpers too.
    pub(crate) containers: Vec<Container>,
    /// Whether its creation was finished; true as well when nobody can tell.
    pub(crate) finished: bool,
    /// Volumes and networks that are left though no node is.
    pub(crate) leftovers: bool,
}

/// One container of a cluster.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Container {
    /// The engine's id.
    pub(crate) id: String,
    /// Its name, such as `k3d-demo-server-0`.
    pub(crate) name: String,
    /// What k3d uses it for.
    pub(crate) role: Role,
    /// What the engine says of it.
    pub(crate) state: NodeState,
    /// The name of the image it was made of.
    pub(crate) image: Option<String>,
    /// Its labels.
    pub(crate) labels: HashMap<String, String>,
    /// What it publishes, the Kubernetes API left out.
    pub(crate) bindings: Vec<Binding>,
    /// The networks it is in.
    pub(crate) networks: Vec<String>,
    /// When it was made, in seconds of Unix time, where the engine's list told.
    pub(crate) created: Option<i64>,
}

/// What k3d uses a container for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Runs the control plane.
    Server,
    /// Runs workloads only.
    Agent,
    /// In front of the servers.
    LoadBalancer,
    /// An image registry.
    Registry,
    /// A helper that k3d itself uses for a moment.
    Tool,
}

impl Role {
    fn of(label: Option<&String>) -> Self {
        match label.map(String::as_str) {
            Some("server") => Self::Server,
            Some("agent") => Self::Agent,
            Some("loadbalancer") => Self::LoadBalancer,
            Some("registry") => Self::Registry,
            _ => Self::Tool,
        }
    }

    /// The role in the protocol's words; helpers have none.
    pub(crate) fn node(self) -> Option<NodeRole> {
        match self {
            Self::Server => Some(NodeRole::Server),
            Self::Agent => Some(NodeRole::Agent),
            Self::LoadBalancer => Some(NodeRole::LoadBalancer),
            Self::Registry | Self::Tool => None,
        }
    }
}

impl Container {
    /// Reads what the engine answers to `inspect`.
    pub(crate) fn read(inspected: ContainerInspectResponse) -> Self {
        let config = inspected.config.unwrap_or_default();
        let labels = config.labels.unwrap_or_default();
        let host = inspected.host_config.unwrap_or_default();
        let networks = inspected.network_settings.and_then(|settings| settings.networks);
        Self {
            id: inspected.id.unwrap_or_default(),
            name: inspected.name.unwrap_or_default().trim_start_matches('/').to_owned(),
            role: Role::of(labels.get("k3d.role")),
            state: node_state(inspected.state.and_then(|state| state.status)),
            image: config.image,
            bindings: bindings(host.port_bindings.as_ref()),
            networks: networks.unwrap_or_default().into_keys().collect(),
            created: None,
            labels,
        }
    }

    /// Tells whether it is a node: neither a registry nor a helper.
    pub(crate) fn is_node(&self) -> bool {
        self.role.node().is_some()
    }

    /// Tells whether k3d would leave it alone when it starts the cluster.
    pub(crate) fn is_up(&self) -> bool {
        matches!(self.state, NodeState::Running | NodeState::Restarting)
    }

    fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

fn node_state(status: Option<ContainerStateStatusEnum>) -> NodeState {
    match status {
        Some(ContainerStateStatusEnum::RUNNING) => NodeState::Running,
        Some(ContainerStateStatusEnum::CREATED) => NodeState::Created,
        Some(ContainerStateStatusEnum::RESTARTING) => NodeState::Restarting,
        Some(ContainerStateStatusEnum::PAUSED) => NodeState::Paused,
        Some(ContainerStateStatusEnum::EXITED | ContainerStateStatusEnum::DEAD) | None => {
            NodeState::Stopped
        }
        Some(other) => NodeState::Other(other.to_string()),
    }
}

/// Reads what a container was told to publish. Unlike what it publishes now, that is
/// known of a stopped one too, and it is what k3d goes by. k3d writes the API's port
/// without a protocol.
fn bindings(ports: Option<&PortMap>) -> Vec<Binding> {
    let mut found = Vec::new();
    for (port, hosts) in ports.into_iter().flatten() {
        let (number, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
        let Ok(container_port) = number.parse() else { continue };
        if (container_port, protocol) == (API_PORT, "tcp") {
            continue;
        }
        for host in hosts.iter().flatten() {
            let host_port = host.host_port.as_deref().and_then(|port| port.parse().ok());
            found.push(Binding {
                host_ip: host.host_ip.clone().unwrap_or_default(),
                host_port: host_port.filter(|port| *port != 0),
                container_port,
                protocol: protocol.to_owned(),
            });
        }
    }
    found.sort();
    found
}

/// The nodes a cluster should have.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// How many servers.
    pub(crate) servers: u32,
    /// How many agents.
    pub(crate) agents: u32,
    /// Whether there is a load balancer.
    pub(crate) load_balancer: bool,
}

impl Cluster {
    /// The nodes, in the order of their roles and names.
    pub(crate) fn nodes(&self) -> Vec<&Container> {
        let mut nodes: Vec<_> = self.containers.iter().filter(|c| c.is_node()).collect();
        nodes.sort_by_key(|node| (node.role, natural(&node.name)));
        nodes
    }

    /// The servers, the first one first.
    pub(crate) fn servers(&self) -> Vec<&Container> {
        self.nodes().into_iter().filter(|node| node.role == Role::Server).collect()
    }

    /// The load balancer, by its proper name.
    pub(crate) fn load_balancer(&self) -> Option<&Container> {
        let name = self.load_balancer_name();
        self.containers.iter().find(|container| container.name == name)
    }

    /// The load balancer's proper name: while k3d changes its ports there are two.
    pub(crate) fn load_balancer_name(&self) -> String {
        format!("k3d-{}-serverlb", self.name)
    }

    /// The config that was kept with the cluster; `None` for one that this driver did
    /// not make.
    pub(crate) fn kept_config(&self) -> Option<Value> {
        self.servers().iter().find_map(|server| document::read_label(server.label(CONFIG_LABEL)?))
    }

    /// Tells whether this driver began the cluster and was ended before it was done.
    ///
    /// Nobody was ever told that such a cluster exists.
    pub(crate) fn is_unfinished(&self) -> bool {
        match self.nodes().is_empty() {
            true => !self.containers.is_empty() || self.leftovers,
            false => !self.finished,
        }
    }

    /// A label's value on any of the nodes that has it.
    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        self.nodes().into_iter().find_map(|node| node.label(name))
    }

    /// The nodes there should be: by the config kept with the cluster, or by what k3d's
    /// labels and what exists tell.
    pub(crate) fn shape(&self) -> Shape {
        let count = |role| self.containers.iter().filter(|c| c.role == role).count() as u32;
        let kept = self.kept_config();
        let extra = ExtraArgs::read(&strings(kept.as_ref(), "extra_args"));
        let number = |field: &str| {
            let value = kept.as_ref().and_then(|config| config[field].as_u64());
            value.and_then(|value| u32::try_from(value).ok()).unwrap_or(0)
        };
        let load_balancer = match &kept {
            Some(config) => config["loadbalancer"] != false && !extra.no_load_balancer,
            // k3d puts the load balancer's name on each server.
            None => self.label("k3d.server.loadbalancer").is_some(),
        };
        Shape {
            servers: extra.servers.unwrap_or(number("servers")).max(count(Role::Server)).max(1),
            agents: extra.agents.unwrap_or(number("agents")).max(count(Role::Agent)),
            load_balancer: load_balancer || self.load_balancer().is_some(),
        }
    }

    /// Mappings that came with `extra_args` rather than with `port_mappings`.
    pub(crate) fn extra_ports(&self) -> Vec<Mapping> {
        ExtraArgs::read(&strings(self.kept_config().as_ref(), "extra_args")).ports
    }

    /// The config the cluster really runs with, as far as it is known.
    pub(crate) fn config(&self) -> Value {
        let Some(mut config) = self.kept_config() else { return self.config_by_sight() };
        let shape = self.shape();
        let extra = ExtraArgs::read(&strings(Some(&config), "extra_args"));
        // Nodes that were added by hand count; those that `extra_args` ask for are no change.
        if extra.servers.is_none() {
            config["servers"] = json!(shape.servers);
        }
        if extra.agents.is_none() {
            config["agents"] = json!(shape.agents);
        }
        let asked = strings(Some(&config), "port_mappings");
        match self.load_balancer() {
            Some(node) => {
                config["port_mappings"] = json!(effective(&asked, &extra.ports, &node.bindings));
            }
            // What it published at last went with it.
            None if shape.load_balancer => forget(&mut config, "port_mappings"),
            None => {}
        }
        // k3d's own choice of an image is no setting.
        if config["image"].is_null() {
            forget(&mut config, "image");
        }
        config
    }

    /// What can be seen of a cluster that plain k3d made.
    fn config_by_sight(&self) -> Value {
        let shape = self.shape();
        let mut mappings: Vec<String> = Vec::new();
        for node in self.nodes() {
            let kind = match node.role {
                Role::Server => "server",
                Role::Agent => "agent",
                _ => "",
            };
            let index = node.name.rsplit('-').next().unwrap_or_default();
            mappings.extend(node.bindings.iter().cloned().map(|binding| {
                let target = match kind {
                    "" => Target::AllNodes,
                    kind => Target::Direct(format!("{kind}:{index}")),
                };
                Mapping { binding, target }.to_string()
            }));
        }
        let mut config = json!({
            "servers": shape.servers,
            "agents": shape.agents,
            "port_mappings": mappings,
            "loadbalancer": shape.load_balancer,
        });
        if let Some(image) = self.image() {
            config["image"] = json!(image);
        }
        config
    }

    /// The name of the servers' image.
    pub(crate) fn image(&self) -> Option<&str> {
        self.servers().first().and_then(|server| server.image.as_deref())
    }
}

/// Leaves a field out, so that it is not compared.
fn forget(config: &mut Value, field: &str) {
    if let Some(fields) = config.as_object_mut() {
        fields.remove(field);
    }
}

/// A list of strings in a config; empty when it is not there.
pub(crate) fn strings(config: Option<&Value>, field: &str) -> Vec<String> {
    let items = config.and_then(|config| config[field].as_array());
    items.into_iter().flatten().filter_map(|item| item.as_str().map(Into::into)).collect()
}

/// Sorts `server-10` behind `server-9`.
fn natural(name: &str) -> (String, u32) {
    match name.rsplit_once('-') {
        Some((stem, number)) => (stem.into(), number.parse().unwrap_or(u32::MAX)),
        None => (name.into(), 0),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::config::K3dConfig;

    /// Reads a recorded `docker inspect` of one container.
    pub(crate) fn recorded(text: &str) -> Container {
        let mut all: Vec<ContainerInspectResponse> = serde_json::from_str(text).unwrap();
        Container::read(all.remove(0))
    }

    /// The cluster of the recordings, of one server behind a load balancer.
    pub(crate) fn running() -> Cluster {
        Cluster {
            name: "demo".into(),
            containers: vec![
                recorded(include_str!("../tests/recorded/v5.9/inspect-running-serverlb.json")),
                recorded(include_str!("../tests/recorded/v5.9/inspect-running-server-0.json")),
            ],
            finished: true,
            leftovers: false,
        }
    }

    /// The same cluster as if this driver had made it of a config.
    pub(crate) fn made_of(config: Value) -> Cluster {
        let mut cluster = running();
        let config = K3dConfig::read(&config).unwrap();
        let text = document::write("demo", &config).unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        let label = document["options"]["runtime"]["labels"][0]["label"].as_str().unwrap();
        let label = label.strip_prefix("dev.caproni.config=").unwrap().to_owned();
        cluster.containers[1].labels.insert(CONFIG_LABEL.into(), label);
        let mappings = crate::ports::parse_all(config.port_mappings.iter().map(String::as_str));
        cluster.containers[0].bindings =
            mappings.into_iter().filter(Mapping::is_at_load_balancer).map(|m| m.binding).collect();
        cluster
    }

    #[test]
    fn a_container_is_read_from_inspect() {
        let server = recorded(include_str!("../tests/recorded/v5.9/inspect-running-server-0.json"));
        assert_eq!(server.name, "k3d-demo-server-0");
        assert_eq!((server.role, server.state.clone()), (Role::Server, NodeState::Running));
        assert_eq!(server.networks, ["k3d-demo"]);
        let agent = recorded(include_str!("../tests/recorded/v5.9/inspect-running-agent-0.json"));
        assert_eq!(agent.role, Role::Agent);
        let stopped =
            recorded(include_str!("../tests/recorded/v5.9/inspect-stopped-server-0.json"));
        assert_eq!(stopped.state, NodeState::Stopped);
    }

    #[test]
    fn the_api_is_no_port_mapping() {
        let load_balancer =
            recorded(include_str!("../tests/recorded/v5.9/inspect-running-serverlb.json"));
        assert_eq!(load_balancer.bindings, []);
        let stopped =
            recorded(include_str!("../tests/recorded/v5.9/inspect-stopped-serverlb.json"));
        assert_eq!(stopped.role, Role::LoadBalancer);
    }

    #[test]
    fn a_cluster_of_plain_k3d_is_known_by_what_is_seen() {
        let config = running().config();
        assert_eq!(config["servers"], 1);
        assert_eq!(config["agents"], 0);
        assert_eq!(config["loadbalancer"], true);
        assert_eq!(config["port_mappings"], json!([]));
        assert!(config["image"].is_string());
        assert_eq!(config.as_object().unwrap().len(), 5);
    }

    #[test]
    fn the_kept_config_is_what_the_cluster_was_made_of() {
        let cluster = made_of(json!({"port_mappings": ["80:80@loadbalancer"], "env": ["A=1"]}));
        let config = cluster.config();
        assert_eq!(config["port_mappings"], json!(["80:80@loadbalancer"]));
        assert!(config["env"].as_str().unwrap().starts_with("sha256:"));
        assert_eq!(config["api_port"], Value::Null);
        assert!(config.get("image").is_none(), "k3d chose it");
    }

    #[test]
    fn extra_arguments_change_the_nodes_there_should_be() {
        let shape = made_of(json!({"extra_args": ["--agents", "2", "--no-lb=false"]})).shape();
        assert_eq!(shape, Shape { servers: 1, agents: 2, load_balancer: true });
    }

    #[test]
    fn a_removed_load_balancer_is_known_to_be_missing() {
        let mut cluster = running();
        cluster.containers.remove(0);
        assert!(cluster.shape().load_balancer);
        assert!(cluster.load_balancer().is_none());
        let mut cluster = made_of(json!({"port_mappings": ["80:80"]}));
        cluster.containers.remove(0);
        assert!(cluster.config().get("port_mappings").is_none(), "it may have changed since");
    }

    #[test]
    fn the_tenth_node_stands_behind_the_ninth() {
        assert!(natural("k3d-demo-agent-9") < natural("k3d-demo-agent-10"));
    }
}
