//! What there is of a cluster.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::null_is_absent;

/// The state of a cluster, as a driver or the host sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", expecting = "a cluster's `state` must be a text")]
#[non_exhaustive]
pub enum State {
    /// Nothing runs. Also the state of a cluster that does not exist.
    Stopped,
    /// A creation or a start is under way.
    Starting,
    /// Runs at least in part, but takes no workloads.
    NotReady,
    /// Takes workloads: its API answers and every expected node is Ready.
    Ready,
    /// A state this version does not know.
    #[serde(untagged)]
    Other(String),
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Stopped => "stopped",
            Self::Starting => "starting",
            Self::NotReady => "not-ready",
            Self::Ready => "ready",
            Self::Other(name) => name,
        })
    }
}

/// What is known of one cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Status {
    /// The cluster's state.
    pub state: State,
    /// Whether anything of the cluster exists, be it half created.
    pub exists: bool,
    /// The driver that answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    /// The API server's version, such as `v1.34.9+k3s1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes_version: Option<String>,
    /// The address at which the cluster's published ports are reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<String>,
    /// The context's name in a kubeconfig, such as `k3d-caproni`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kube_context: Option<String>,
    /// Which cluster this is, in a text that only its driver understands: see [`identity`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// The config the cluster really runs with, in the terms of the driver's schema.
    ///
    /// Only the fields the driver can vouch for: a field that is absent here is
    /// not compared. Sensitive fields are sealed: replaced by their SHA-256.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Value>,
    /// The nodes there should be, each with what is seen of it.
    #[serde(default, deserialize_with = "null_is_absent")]
    #[schemars(with = "Option<Vec<Node>>")]
    pub nodes: Vec<Node>,
    /// Why the cluster is not ready, and other things a user should know.
    #[serde(default, deserialize_with = "null_is_absent")]
    #[schemars(with = "Option<Vec<Condition>>")]
    pub conditions: Vec<Condition>,
}

impl Status {
    /// A cluster in the given state, with nothing else known yet.
    pub fn new(state: State) -> Self {
        Self {
            state,
            exists: true,
            driver: None,
            kubernetes_version: None,
            ip_address: None,
            kube_context: None,
            identity: None,
            config: None,
            nodes: Vec::new(),
            conditions: Vec::new(),
        }
    }

    /// A cluster of which nothing exists.
    pub fn absent() -> Self {
        Self { exists: false, ..Self::new(State::Stopped) }
    }
}

/// Makes the [`Status::identity`] of a cluster out of all that its kubeconfig depends on, such as
/// the ids of its nodes, when they were started, and the address of its API: their SHA-256.
///
/// The host takes a look at the API for true that it made with a kubeconfig of before, when the
/// identity is the same. What is left out here can make a status untrue.
pub fn identity<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        // With its length, so that what two parts hold cannot be what two others do.
        digest.update(part.len().to_le_bytes());
        digest.update(part);
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One node of a cluster: a container or a virtual machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Node {
    /// Its name, the Kubernetes node name where it is one.
    pub name: String,
    /// What it is for.
    pub role: NodeRole,
    /// What the backend says of it.
    pub state: NodeState,
}

impl Node {
    /// A node of a role, in a state.
    pub fn new(name: impl Into<String>, role: NodeRole, state: NodeState) -> Self {
        Self { name: name.into(), role, state }
    }
}

/// What a node is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", expecting = "a node's `role` must be a text")]
#[non_exhaustive]
pub enum NodeRole {
    /// A Kubernetes node that runs the control plane.
    Server,
    /// A Kubernetes node that runs workloads only.
    Agent,
    /// In front of the servers; no Kubernetes node.
    LoadBalancer,
    /// A role this version does not know; not taken for a Kubernetes node.
    #[serde(untagged)]
    Other(String),
}

impl NodeRole {
    /// Tells whether such a node shows in `kubectl get nodes`.
    pub fn in_kubernetes(&self) -> bool {
        matches!(self, Self::Server | Self::Agent)
    }
}

/// What the backend says of one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", expecting = "a node's `state` must be a text")]
#[non_exhaustive]
pub enum NodeState {
    /// It runs.
    Running,
    /// Created, and never started.
    Created,
    /// It starts again and again, or just now.
    Restarting,
    /// Frozen by hand; it keeps its memory and answers nothing.
    Paused,
    /// It exists and does not run.
    Stopped,
    /// It should exist and does not.
    Missing,
    /// A state this version does not know.
    #[serde(untagged)]
    Other(String),
}

impl std::fmt::Display for NodeState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Running => "running",
            Self::Created => "created",
            Self::Restarting => "restarting",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Missing => "missing",
            Self::Other(name) => name,
        })
    }
}

/// One thing that was looked at, and whether it is as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Condition {
    /// What was looked at, such as `api` or a node's name.
    pub name: String,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was seen, one lowercase line.
    pub message: String,
    /// What mends it, where that is known: one imperative line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Condition {
    /// A thing that is as it should be, and that a user should know of.
    pub fn passed(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self { name: name.into(), ok: true, message: message.into(), hint: None }
    }

    /// A thing that is not as it should be.
    pub fn failed(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self { name: name.into(), ok: false, message: message.into(), hint: None }
    }

    /// Adds what mends it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
