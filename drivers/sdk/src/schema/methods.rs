//! The methods: the one place where their params are types.
//!
//! In the [contract](crate::DriverServer) they are arguments. The tests of this module hold
//! the two against each other.

#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::definitions::Definitions;
use crate::messages::{
    Clusters, Description, Diagnosis, Kubeconfig, Outcome, Peer, Plan, Status, Usage, Versions,
};

/// A method of the contract.
pub(super) struct Method {
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    /// The schema of its params.
    pub(super) params: fn(&mut Definitions) -> Value,
    /// A reference to that of its result.
    pub(super) result: fn(&mut Definitions) -> Value,
}

/// All methods, in the order of `protocol.md`.
pub(super) const METHODS: [Method; 14] = [
    of::<InitializeParams, Description>("initialize", "Says who the driver is and what it can do."),
    of::<StartParams, Outcome>("start", "Makes the cluster run as `config` says."),
    of::<ClusterParams, Outcome>("stop", "Stops the cluster and keeps its data."),
    of::<ClusterParams, Outcome>("destroy", "Removes the cluster and its data."),
    of::<ClusterParams, Status>("status", "Tells the cluster's state, and changes nothing."),
    of::<StartParams, Outcome>("restart", "Optional: stops and starts the cluster in one go."),
    of::<ClusterParams, Kubeconfig>(
        "kubeconfig",
        "Optional: tells how the cluster's API is reached.",
    ),
    of::<NoParams, Versions>("version", "Optional: tells the versions of the backend's programs."),
    of::<NoParams, Clusters>("list", "Optional: names all clusters."),
    of::<ExecParams, Plan>("exec", "Optional: tells how to run a command on a node."),
    of::<LogsParams, Plan>("logs", "Optional: tells how to read a node's log."),
    of::<ClusterParams, Usage>("usage", "Optional: tells what the nodes use of the machine."),
    of::<DiagnoseParams, Diagnosis>("diagnose", "Optional: looks for what is not well."),
    of::<LoadImageParams, Outcome>("loadImage", "Optional: puts images onto every node."),
];

const fn of<P: JsonSchema, R: JsonSchema>(name: &'static str, summary: &'static str) -> Method {
    Method { name, summary, params: Definitions::inline::<P>, result: Definitions::of::<R> }
}

impl Method {
    /// Its name as types begin with it, such as `LoadImage`.
    pub(super) fn type_name(&self) -> String {
        let mut letters = self.name.chars();
        letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
    }
}

/// A cluster's name.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct Profile(#[schemars(regex(pattern = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"))] String);

/// The driver's section of the user's file, valid by the driver's schema and complete.
type Config = Map<String, Value>;

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct InitializeParams {
    /// The protocol versions that the host speaks.
    #[schemars(length(min = 1))]
    protocol_versions: Vec<u32>,
    /// Who calls, for the driver's log only.
    host: Peer,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct StartParams {
    profile: Profile,
    /// The driver's section of the user's file, valid by the driver's schema and complete.
    config: Config,
    /// How long the host waits, in milliseconds; without it there is no limit.
    timeout_ms: Option<u64>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ClusterParams {
    profile: Profile,
    /// The driver's section of the user's file; the driver does without where it is absent.
    config: Option<Config>,
    /// How long the host waits, in milliseconds; without it there is no limit.
    timeout_ms: Option<u64>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct NoParams {
    /// How long the host waits, in milliseconds; without it there is no limit.
    timeout_ms: Option<u64>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ExecParams {
    #[serde(flatten)]
    cluster: ClusterParams,
    /// The node's name; without it, it is the first server.
    node: Option<String>,
    /// The program and its arguments; without it, it is an interactive shell.
    argv: Option<Vec<String>>,
    /// Whether stdin and stdout of the host are a terminal.
    tty: Option<bool>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct LogsParams {
    #[serde(flatten)]
    cluster: ClusterParams,
    /// The node's name; without it, it is the first server.
    node: Option<String>,
    /// Whether to go on with what comes.
    follow: Option<bool>,
    /// How many of the last lines to print; without it all.
    tail: Option<u64>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct DiagnoseParams {
    /// The cluster to look at as well.
    profile: Option<Profile>,
    /// The driver's section of the user's file.
    config: Option<Config>,
    /// How long the host waits, in milliseconds; without it there is no limit.
    timeout_ms: Option<u64>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct LoadImageParams {
    #[serde(flatten)]
    cluster: ClusterParams,
    /// Names that the machine's engine knows, or absolute paths of archives.
    images: Vec<String>,
}
