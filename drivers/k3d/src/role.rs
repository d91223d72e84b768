//! What k3d uses a container for, as its label says.

use caproni_driver::NodeRole;
use caproni_engine::Container;

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
    /// Reads a container's role.
    pub(crate) fn of(container: &Container) -> Self {
        match container.label("k3d.role") {
            Some("server") => Self::Server,
            Some("agent") => Self::Agent,
            Some("loadbalancer") => Self::LoadBalancer,
            Some("registry") => Self::Registry,
            _ => Self::Tool,
        }
    }

    /// The role in the protocol's words; helpers and registries are no nodes.
    pub(crate) fn node(self) -> Option<NodeRole> {
        match self {
            Self::Server => Some(NodeRole::Server),
            Self::Agent => Some(NodeRole::Agent),
            Self::LoadBalancer => Some(NodeRole::LoadBalancer),
            Self::Registry | Self::Tool => None,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use caproni_driver::NodeState;
    use caproni_engine::Inspected;

    /// Reads a recorded `docker inspect` of one container.
    pub(crate) fn recorded(text: &str) -> Container {
        let mut all: Vec<Inspected> = serde_json::from_str(text).unwrap();
        Container::read(all.remove(0))
    }

    #[test]
    fn a_container_is_read_from_inspect() {
        let server = recorded(include_str!("../tests/recorded/v5.9/inspect-running-server-0.json"));
        assert_eq!(server.name, "k3d-demo-server-0");
        assert_eq!((Role::of(&server), server.state.clone()), (Role::Server, NodeState::Running));
        assert_eq!(server.networks.keys().collect::<Vec<_>>(), ["k3d-demo"]);
        let agent = recorded(include_str!("../tests/recorded/v5.9/inspect-running-agent-0.json"));
        assert_eq!(Role::of(&agent), Role::Agent);
        let stopped =
            recorded(include_str!("../tests/recorded/v5.9/inspect-stopped-server-0.json"));
        assert_eq!(stopped.state, NodeState::Stopped);
    }

    #[test]
    fn the_api_is_no_port_mapping() {
        let load_balancer =
            recorded(include_str!("../tests/recorded/v5.9/inspect-running-serverlb.json"));
        assert_eq!(load_balancer.bindings, []);
        assert!(load_balancer.api.is_some());
        let stopped =
            recorded(include_str!("../tests/recorded/v5.9/inspect-stopped-serverlb.json"));
        assert_eq!(Role::of(&stopped), Role::LoadBalancer);
    }
}
