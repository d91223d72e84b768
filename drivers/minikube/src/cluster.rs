//! What there is of one cluster: pure data.

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
        self.profile.is_none() && self.note.is_none() && self.left.is_none()
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
