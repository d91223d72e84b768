//! One container of a cluster: pure data, read from `docker inspect`.

use std::collections::HashMap;

use bollard::models::{ContainerInspectResponse, ContainerStateStatusEnum, PortMap};
use caproni_driver::{NodeRole, NodeState};

use crate::mapping::{API_PORT, Binding};

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

    /// A label's value; an empty one is none.
    pub(crate) fn label(&self, name: &str) -> Option<&str> {
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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Reads a recorded `docker inspect` of one container.
    pub(crate) fn recorded(text: &str) -> Container {
        let mut all: Vec<ContainerInspectResponse> = serde_json::from_str(text).unwrap();
        Container::read(all.remove(0))
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
}
