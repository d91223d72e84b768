//! What kind uses a container for, and how it calls its nodes.

use caproni_driver::NodeRole;
use caproni_engine::{Container, Listed};

/// The label that tells it.
const LABEL: &str = "io.x-k8s.kind.role";

/// What kind uses a container for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Runs the control plane.
    ControlPlane,
    /// Runs workloads only.
    Worker,
    /// In front of several control planes.
    LoadBalancer,
}

impl Role {
    /// Reads a container's role; `None` for one that is not known.
    pub(crate) fn of(container: &Container) -> Option<Self> {
        Self::read(container.label(LABEL)?)
    }

    /// As [`Role::of`], of a container that the engine lists.
    pub(crate) fn listed(listed: &Listed) -> Option<Self> {
        Self::read(listed.label(LABEL)?)
    }

    fn read(word: &str) -> Option<Self> {
        match word {
            "control-plane" => Some(Self::ControlPlane),
            "worker" => Some(Self::Worker),
            "external-load-balancer" => Some(Self::LoadBalancer),
            _ => None,
        }
    }

    /// The role in the protocol's words.
    pub(crate) fn node(self) -> NodeRole {
        match self {
            Self::ControlPlane => NodeRole::Server,
            Self::Worker => NodeRole::Agent,
            Self::LoadBalancer => NodeRole::LoadBalancer,
        }
    }

    /// kind's word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::ControlPlane => "control-plane",
            Self::Worker => "worker",
            Self::LoadBalancer => "external-load-balancer",
        }
    }

    /// The names of so many nodes of the role, without the cluster's: `worker`, `worker2`.
    pub(crate) fn names(self, count: u32) -> Vec<String> {
        let number = |n: u32| if n == 1 { String::new() } else { n.to_string() };
        (1..=count).map(|n| format!("{}{}", self.word(), number(n))).collect()
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
    fn a_node_is_read_from_inspect() {
        let text = include_str!("../tests/recorded/v0.32/inspect-running-control-plane.json");
        let node = recorded(text);
        assert_eq!(node.name, "demo-control-plane");
        assert_eq!(Role::of(&node), Some(Role::ControlPlane));
        assert_eq!(node.state, NodeState::Running);
        assert_eq!((node.bindings.len(), node.api.is_some()), (0, true));
        assert!(node.networks["kind"].starts_with("192.168."), "{:?}", node.networks);
        let text = include_str!("../tests/recorded/v0.32/inspect-running-worker.json");
        assert_eq!(Role::of(&recorded(text)), Some(Role::Worker));
        let text = include_str!("../tests/recorded/v0.32/inspect-stopped-control-plane.json");
        let node = recorded(text);
        assert_eq!((node.state, node.networks["kind"].as_str()), (NodeState::Stopped, ""));
    }

    #[test]
    fn the_first_node_of_a_role_has_no_number() {
        assert_eq!(Role::Worker.names(3), ["worker", "worker2", "worker3"]);
        assert_eq!(Role::ControlPlane.names(0), Vec::<String>::new());
    }
}
