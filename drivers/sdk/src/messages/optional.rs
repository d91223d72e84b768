//! What the optional methods answer.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Action, State, null_is_absent};

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
#[serde(rename_all = "kebab-case", expecting = "a check's verdict must be a text")]
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
