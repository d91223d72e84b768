//! Every message of the protocol as a type, with no I/O.
//!
//! `protocol.md` is the text these types follow. Wire keys are camelCase without
//! exception. Enums are open: a value this version does not know survives as
//! `Other` and is shown to the user as it came.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The protocol version this crate speaks.
///
/// A whole number, raised only when something breaks, and never tied to a
/// product's version. Nushell's plugins show the alternative: "compiled for
/// 0.98.0, not compatible with 0.100.0" at each release
/// (<https://github.com/nushell/nushell/pull/18079>).
pub const PROTOCOL_VERSION: u32 = 1;

/// The longest line either end sends or accepts, in bytes: 4 MiB.
pub const MAX_LINE: usize = 4 * 1024 * 1024;

/// How many levels deep a message may be nested.
pub const MAX_DEPTH: usize = 100;

/// Takes a field that is `null` for one that is absent, as the protocol's FRAME-5 has it.
pub(crate) fn null_is_absent<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Who calls: sent with `initialize`, for a driver's log only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Peer {
    /// The program's name, `caproni` for the usual host.
    pub name: String,
    /// Its version, as it prints it.
    pub version: String,
}

impl Peer {
    /// Names a program and its version.
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Self {
        Self { name: name.into(), version: version.into() }
    }
}

/// What a driver says of itself in answer to `initialize`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Description {
    /// The one version, of those the host offered, that both ends use from here on.
    pub protocol_version: u32,
    /// The `<name>` of `caproni-driver-<name>`.
    pub name: String,
    /// The driver's own version.
    pub version: String,
    /// What the driver can do beyond start, stop, destroy and status.
    #[serde(default, deserialize_with = "null_is_absent")]
    #[schemars(with = "Option<Capabilities>")]
    pub capabilities: Capabilities,
    /// JSON Schema (2020-12) of the driver's section in `caproni.yaml`.
    #[schemars(with = "crate::schema::ConfigSchema")]
    pub config_schema: Value,
}

/// The optional parts of the protocol that a driver has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Capabilities {
    /// Optional methods it answers, such as `restart` or `kubeconfig`.
    #[serde(deserialize_with = "null_is_absent")]
    #[schemars(with = "Option<Vec<String>>")]
    pub methods: Vec<String>,
    /// Features that are no methods, such as `cancel`.
    #[serde(deserialize_with = "null_is_absent")]
    #[schemars(with = "Option<Vec<String>>")]
    pub features: Vec<String>,
}

impl Capabilities {
    /// Tells whether the driver answers the optional method `name`.
    pub fn has_method(&self, name: &str) -> bool {
        self.methods.iter().any(|method| method == name)
    }

    /// Tells whether the driver lists the feature `name`.
    pub fn has_feature(&self, name: &str) -> bool {
        self.features.iter().any(|feature| feature == name)
    }
}

/// The state of a cluster, as a driver or the host sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
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
#[serde(rename_all = "kebab-case")]
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
#[serde(rename_all = "kebab-case")]
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

/// What a request that may change the cluster did to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Outcome {
    /// What changed.
    pub change: Change,
    /// More for the user in one line, such as what was left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Outcome {
    /// A request that had this effect.
    pub fn new(change: Change) -> Self {
        Self { change, message: None }
    }

    /// Adds a line for the user.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Change {
    /// Nothing: the cluster was already as asked for.
    None,
    /// A new cluster was made.
    Created,
    /// A cluster that was stopped, wholly or in part, runs again.
    Started,
    /// A running cluster took over a changed config.
    Updated,
    /// The cluster was stopped and started.
    Restarted,
    /// The cluster was stopped.
    Stopped,
    /// The cluster and its data were removed.
    Destroyed,
    /// Images were put onto the nodes.
    Loaded,
    /// A change this version does not know.
    #[serde(untagged)]
    Other(String),
}

/// How to reach a cluster's API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Kubeconfig {
    /// A kubeconfig file's text (YAML) with one context, usable from where the host runs.
    pub kubeconfig: String,
    /// The name of that context.
    pub context: String,
}

impl Kubeconfig {
    /// A kubeconfig's text and the name of its context.
    pub fn new(kubeconfig: impl Into<String>, context: impl Into<String>) -> Self {
        Self { kubeconfig: kubeconfig.into(), context: context.into() }
    }
}

/// The versions of the programs a driver drives.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Versions {
    /// Each program, with what it says of itself.
    pub programs: Vec<Program>,
}

impl Versions {
    /// The programs, in the order a user should read them.
    pub fn new(programs: Vec<Program>) -> Self {
        Self { programs }
    }
}

/// One program that a driver drives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Program {
    /// Its name, such as `k3d`.
    pub name: String,
    /// Its version as it says it; absent when it is not installed or does not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Where it is: a file's path or a socket's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

impl Program {
    /// A program of which only the name is known.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), version: None, location: None }
    }

    /// Adds what the program says of its version.
    #[must_use]
    pub fn with_version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Adds where the program is.
    #[must_use]
    pub fn with_location(mut self, location: impl Into<String>) -> Self {
        self.location = Some(location.into());
        self
    }
}

/// The clusters of a driver.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Clusters {
    /// One entry for each cluster, in the order of their profiles.
    pub clusters: Vec<Cluster>,
}

impl Clusters {
    /// Clusters, sorted by their profiles.
    pub fn new(mut clusters: Vec<Cluster>) -> Self {
        clusters.sort_by(|a, b| a.profile.cmp(&b.profile));
        Self { clusters }
    }
}

/// One cluster of a list, with what one look at all of them tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Cluster {
    /// Its name.
    pub profile: String,
    /// Its state, as `status` would tell it.
    pub state: State,
    /// The API server's version, such as `v1.34.9+k3s1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes_version: Option<String>,
    /// The context's name in a kubeconfig, such as `k3d-caproni`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kube_context: Option<String>,
}

impl Cluster {
    /// A cluster of which only the state is known.
    pub fn new(profile: impl Into<String>, state: State) -> Self {
        Self { profile: profile.into(), state, kubernetes_version: None, kube_context: None }
    }

    /// Adds the version of its API server.
    #[must_use]
    pub fn with_kubernetes_version(mut self, version: Option<String>) -> Self {
        self.kubernetes_version = version;
        self
    }

    /// Adds the name of its context in a kubeconfig.
    #[must_use]
    pub fn with_kube_context(mut self, context: impl Into<String>) -> Self {
        self.kube_context = Some(context.into());
        self
    }
}

/// A command for the host to run on the user's terminal, in place of bytes over the wire.
///
/// So terminal, window size, signals and exit code are right by construction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Plan {
    /// The program, by its absolute path or to be found on `PATH`, and its arguments.
    #[schemars(length(min = 1))]
    pub argv: Vec<String>,
    /// Variables that are set besides those of the host.
    #[serde(
        default,
        deserialize_with = "null_is_absent",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    pub env: BTreeMap<String, String>,
}

impl Plan {
    /// A program and its arguments.
    pub fn new<A: Into<String>>(argv: impl IntoIterator<Item = A>) -> Self {
        Self { argv: argv.into_iter().map(Into::into).collect(), env: BTreeMap::new() }
    }

    /// Sets a variable for the program.
    #[must_use]
    pub fn with_env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }
}

/// What a cluster's nodes use of the machine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Usage {
    /// One entry for each node that runs.
    pub nodes: Vec<NodeUsage>,
}

impl Usage {
    /// The usage of these nodes.
    pub fn new(nodes: Vec<NodeUsage>) -> Self {
        Self { nodes }
    }
}

/// What one node uses, and how much it could; what is not known is absent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NodeUsage {
    /// The node's name.
    pub name: String,
    /// How many processor cores it keeps busy, such as 0.25.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_cores: Option<f64>,
    /// How many it could.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_cores_limit: Option<f64>,
    /// Memory in bytes, without the file system's cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// How much it could use, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes_limit: Option<u64>,
    /// Disk space in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_bytes: Option<u64>,
    /// How much it could use, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_bytes_limit: Option<u64>,
}

impl NodeUsage {
    /// A node of which no usage is known yet.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

/// What was found when all was looked at that clusters need.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Diagnosis {
    /// One entry for each thing looked at, the well ones too.
    pub checks: Vec<HealthCheck>,
}

impl Diagnosis {
    /// These checks, in the order in which they should be mended.
    pub fn new(checks: Vec<HealthCheck>) -> Self {
        Self { checks }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct HealthCheck {
    /// A short stable name, such as `engine` or `disk`.
    pub name: String,
    /// What came out.
    pub verdict: Verdict,
    /// What was seen, one lowercase line.
    pub message: String,
    /// What mends it, where that is known: one imperative line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Commands that mend it, to be run in this order.
    #[serde(default, deserialize_with = "null_is_absent", skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Option<Vec<Action>>")]
    pub actions: Vec<Action>,
}

impl HealthCheck {
    /// A thing, what came out, and what was seen.
    pub fn new(name: impl Into<String>, verdict: Verdict, message: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            verdict,
            message: message.into(),
            hint: None,
            actions: Vec::new(),
        }
    }

    /// Adds what mends it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds commands that mend it.
    #[must_use]
    pub fn with_actions(mut self, actions: impl IntoIterator<Item = Action>) -> Self {
        self.actions.extend(actions);
        self
    }
}

/// What came out of a [`HealthCheck`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Clusters work, and may soon not, or not well.
    Warning,
    /// Clusters do not work.
    Failed,
    /// A verdict this version does not know.
    #[serde(untagged)]
    Other(String),
}

/// A driver's word on how far a request is, sent while it runs.
///
/// A new step ends the one before; the reply ends all.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Progress {
    /// A short stable word for the step, such as `create`.
    pub step: String,
    /// What happens, in the present tense, one line.
    pub message: String,
    /// How much of `total` is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<u64>,
    /// How much there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// What is counted, such as `bytes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

impl Progress {
    /// A step and what happens in it.
    pub fn new(step: impl Into<String>, message: impl Into<String>) -> Self {
        Self { step: step.into(), message: message.into(), ..Self::default() }
    }
}

/// A command that a person can run to get on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Action {
    /// What it does, an imperative line such as `Install k3d with Homebrew`.
    pub title: String,
    /// Why it is needed, one line.
    pub reason: String,
    /// The program and its arguments; never a shell's line, though a shell may be the program.
    #[schemars(length(min = 1))]
    pub argv: Vec<String>,
    /// Whether it needs the rights of an administrator.
    #[serde(default, deserialize_with = "null_is_absent")]
    #[schemars(with = "Option<bool>")]
    pub privileged: bool,
}

impl Action {
    /// A command that any user may run.
    pub fn new<A: Into<String>>(
        title: impl Into<String>,
        reason: impl Into<String>,
        argv: impl IntoIterator<Item = A>,
    ) -> Self {
        Self {
            title: title.into(),
            reason: reason.into(),
            argv: argv.into_iter().map(Into::into).collect(),
            privileged: false,
        }
    }

    /// Says that the command needs the rights of an administrator.
    #[must_use]
    pub fn privileged(mut self) -> Self {
        self.privileged = true;
        self
    }

    /// The command as a person could paste it into a shell.
    pub fn command_line(&self) -> String {
        crate::text::command_line(&self.argv)
    }
}

/// One field in which a cluster differs from what was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Difference {
    /// The field, such as `agents` or `k3s.disable`.
    pub path: String,
    /// What the cluster runs with; `null` when it has no such setting.
    #[serde(default)]
    pub running: Value,
    /// What was asked for; `null` when nothing was.
    #[serde(default)]
    pub requested: Value,
    /// What it takes to change it.
    pub change: ChangeCost,
}

impl Difference {
    /// A field, both its values (`null` for none), and what it takes to change it.
    pub fn new(
        path: impl Into<String>,
        running: Value,
        requested: Value,
        change: ChangeCost,
    ) -> Self {
        Self { path: path.into(), running, requested, change }
    }
}

/// What it takes to change a field of a cluster that exists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ChangeCost {
    /// `start` changes it while the cluster runs.
    Live,
    /// The cluster must be stopped and started.
    Restart,
    /// The cluster must be destroyed and made anew.
    Recreate,
    /// A cost this version does not know.
    #[serde(untagged)]
    Other(String),
}

impl std::fmt::Display for ChangeCost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Live => "live",
            Self::Restart => "restart",
            Self::Recreate => "recreate",
            Self::Other(name) => name,
        })
    }
}

/// One place where a config breaks its schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Violation {
    /// The field, such as `k3s.disable`; empty for the section as a whole.
    pub path: String,
    /// What is wrong with it, one lowercase line.
    pub message: String,
    /// The place in the user's file, `file:line:column`, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

impl Violation {
    /// A field and what is wrong with it.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), location: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn unknown_enum_values_survive_a_round_trip() {
        let status: Status =
            serde_json::from_value(json!({"state": "hibernating", "exists": true}))
                .expect("an unknown state is no error");
        assert_eq!(status.state, State::Other("hibernating".into()));
        assert_eq!(serde_json::to_value(&status).expect("serializes")["state"], "hibernating");
    }

    #[test]
    fn a_field_that_is_null_says_the_same_as_one_that_is_absent() {
        fn both<T: serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(
            with_nulls: Value,
            without: Value,
        ) {
            let read = |value| serde_json::from_value::<T>(value).expect("it is read");
            assert_eq!(read(with_nulls), read(without));
        }
        both::<Status>(
            json!({"state": "ready", "exists": true, "nodes": null, "conditions": null,
                "driver": null, "config": null}),
            json!({"state": "ready", "exists": true}),
        );
        both::<Capabilities>(json!({"methods": null, "features": null}), json!({}));
        both::<Plan>(json!({"argv": ["a"], "env": null}), json!({"argv": ["a"]}));
        both::<Action>(
            json!({"title": "a", "reason": "b", "argv": ["c"], "privileged": null}),
            json!({"title": "a", "reason": "b", "argv": ["c"]}),
        );
        both::<Difference>(
            json!({"path": "a", "running": null, "requested": 1, "change": "live"}),
            json!({"path": "a", "requested": 1, "change": "live"}),
        );
        both::<crate::ErrorData>(
            json!({"kind": "Busy", "causes": null, "diff": null, "violations": null,
                "conditions": null, "actions": null, "supported": null, "holder": null}),
            json!({"kind": "Busy"}),
        );
    }

    #[test]
    fn states_are_spelled_as_in_the_protocol() {
        for (state, name) in [
            (State::Stopped, "stopped"),
            (State::Starting, "starting"),
            (State::NotReady, "not-ready"),
            (State::Ready, "ready"),
        ] {
            assert_eq!(serde_json::to_value(&state).expect("serializes"), name);
            assert_eq!(state.to_string(), name);
        }
    }

    #[test]
    fn every_wire_key_is_camel_case() {
        fn walk(name: &str, schema: &Value) {
            if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
                for (key, property) in properties {
                    let camel = key.chars().all(|c| c.is_ascii_alphanumeric())
                        && key.starts_with(|c: char| c.is_ascii_lowercase());
                    assert!(camel, "{name}: `{key}` is not camelCase");
                    walk(name, property);
                }
            }
            if let Some(definitions) = schema.get("$defs").and_then(Value::as_object) {
                // A config schema's keywords are JSON Schema's.
                let own = definitions.iter().filter(|(name, _)| *name != "ConfigField");
                own.for_each(|(_, definition)| walk(name, definition));
            }
        }
        macro_rules! walk_types { ($($t:ty),* $(,)?) => { $(
            walk(stringify!($t), &serde_json::to_value(schemars::schema_for!($t)).expect("a schema"));
        )* } }
        walk_types!(
            Peer,
            Description,
            Capabilities,
            Status,
            Node,
            Condition,
            Outcome,
            Kubeconfig,
            Versions,
            Program,
            Clusters,
            Plan,
            Usage,
            Diagnosis,
            Progress,
            Action,
            Difference,
            Violation,
            crate::ErrorData,
        );
    }
}
