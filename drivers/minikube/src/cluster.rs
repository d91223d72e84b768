//! What there is of one cluster: pure data.

use caproni_driver::Error;
use caproni_engine::Container;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::MinikubeConfig;
use crate::events;
use crate::profile::Profile;

/// What of a cluster exists, as it was at one moment.
#[derive(Debug, Default)]
pub(crate) struct Cluster {
    /// Its name.
    pub(crate) name: String,
    /// What minikube keeps of it; `None` when it has no such profile.
    pub(crate) profile: Option<Profile>,
    /// What this driver keeps of it.
    pub(crate) note: Option<Note>,
    /// Why what this driver keeps of it cannot be read.
    pub(crate) unreadable: Option<Error>,
    /// What minikube says of its nodes; empty when it cannot tell.
    pub(crate) nodes: Vec<NodeStatus>,
    /// Its containers, where the nodes are some and the engine was asked.
    pub(crate) containers: Option<Vec<Container>>,
    /// Whether anything is left of it though minikube has no such profile, or why its profile
    /// cannot be read.
    pub(crate) left: Option<String>,
}

impl Cluster {
    /// Tells whether nothing of it exists.
    pub(crate) fn is_absent(&self) -> bool {
        let nothing_kept = self.note.is_none() && self.unreadable.is_none();
        self.profile.is_none() && nothing_kept && self.left.is_none()
    }

    /// Tells whether it is half a cluster, left by a creation that was not finished.
    pub(crate) fn is_half(&self) -> bool {
        !self.is_absent()
            && (self.profile.is_none() || self.note.as_ref().is_some_and(|note| !note.finished))
    }

    /// Tells whether any of its nodes runs.
    pub(crate) fn runs(&self) -> bool {
        let container_runs = |container: &Container| container.is_alive();
        self.nodes.iter().any(|node| node.host != "Stopped")
            || self.containers.iter().flatten().any(container_runs)
    }

    /// The config that it was last asked to have.
    pub(crate) fn asked(&self) -> Option<MinikubeConfig> {
        MinikubeConfig::trust(&self.note.as_ref()?.config).ok()
    }
}

/// What this driver keeps beside minikube's own files, and what goes with them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Note {
    /// The config that the cluster was made of.
    pub(crate) config: Value,
    /// Whether its creation came to its end.
    pub(crate) finished: bool,
}

/// What minikube says of one node (`Status` in its `cluster/status.go`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct NodeStatus {
    /// Its machine's name.
    pub(crate) name: String,
    /// The machine: `Running`, `Stopped`, `Paused`, `Starting`, `Error`, `InsufficientStorage`.
    pub(crate) host: String,
    /// What runs on it.
    pub(crate) kubelet: String,
    /// The API server; `Irrelevant` on a worker.
    #[serde(rename = "APIServer")]
    pub(crate) api_server: String,
    /// Whether it has no control plane.
    #[serde(default)]
    pub(crate) worker: bool,
}

/// What `minikube status` answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// There is no such profile.
    Missing,
    /// There is one, and this is what its nodes do.
    Nodes(Vec<NodeStatus>),
    /// There is one, and minikube cannot tell: what the nodes run on does not answer, or they are gone.
    Unknown,
}

impl Answer {
    /// Reads an exit code and the output that goes with it; `None` is a failure.
    ///
    /// The code is 85 for no such profile, and else a sum: 1 for a machine, 2 for Kubernetes on
    /// it, 4 for the user's kubeconfig, each when it is not well. So 7 is a cluster that is
    /// stopped, no failure at all, unless what is printed is `null`.
    pub(crate) fn read(code: Option<i32>, stdout: &str) -> Option<Self> {
        match code? {
            85 => return Some(Self::Missing),
            0..=7 => {}
            _ => return None,
        }
        match events::answer(stdout)? {
            Value::Null => Some(Self::Unknown),
            one @ Value::Object(_) => {
                serde_json::from_value(one).ok().map(|one| Self::Nodes(vec![one]))
            }
            many @ Value::Array(_) => serde_json::from_value(many).ok().map(Self::Nodes),
            _ => None,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::profile::tests::recorded;

    macro_rules! status {
        ($name:literal) => {
            include_str!(concat!("../tests/recorded/v1.38/status-", $name, ".out"))
        };
    }

    pub(crate) fn nodes(recorded: &str) -> Vec<NodeStatus> {
        match Answer::read(Some(0), recorded) {
            Some(Answer::Nodes(nodes)) => nodes,
            other => panic!("{other:?}"),
        }
    }

    /// A cluster of the user's own minikube, as recorded.
    pub(crate) fn running() -> Cluster {
        Cluster {
            name: "mk-demo".into(),
            profile: Some(recorded()),
            nodes: nodes(status!("running")),
            ..Cluster::default()
        }
    }

    #[test]
    fn missing_is_not_stopped_and_stopped_is_no_failure() {
        assert_eq!(Answer::read(Some(85), status!("missing")), Some(Answer::Missing));
        let Some(Answer::Nodes(stopped)) = Answer::read(Some(7), status!("stopped")) else {
            panic!("stopped is no failure")
        };
        assert_eq!(stopped[0].host, "Stopped");
        for code in [0, 4] {
            let read = Answer::read(Some(code), status!("running"));
            assert!(matches!(read, Some(Answer::Nodes(_))), "{code}");
        }
    }

    #[test]
    fn what_minikube_cannot_tell_is_neither() {
        assert_eq!(Answer::read(Some(7), status!("container-gone")), Some(Answer::Unknown));
        assert_eq!(Answer::read(Some(7), status!("no-engine")), Some(Answer::Unknown));
    }

    #[test]
    fn everything_else_is_a_failure() {
        assert_eq!(Answer::read(Some(2), "panic: runtime error: index out of range [0]"), None);
        assert_eq!(Answer::read(Some(80), status!("running")), None);
        assert_eq!(Answer::read(None, status!("running")), None);
        assert_eq!(Answer::read(Some(0), ""), None);
        assert_eq!(Answer::read(Some(0), "{\"Name\": 1}"), None);
    }

    #[test]
    fn several_nodes_are_a_list() {
        let Some(Answer::Nodes(nodes)) = Answer::read(Some(0), status!("two-nodes")) else {
            panic!("two nodes")
        };
        let told: Vec<_> = nodes.iter().map(|node| (node.name.as_str(), node.worker)).collect();
        assert_eq!(told, [("mk-demo", false), ("mk-demo-m02", true)]);
        assert_eq!(nodes[1].api_server, "Irrelevant");
    }
}
