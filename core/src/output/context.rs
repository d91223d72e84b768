//! What the commands tell that are about kubeconfigs and their contexts.

use std::collections::BTreeMap;

#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;

/// A cluster, and how it is reached.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClusterContext {
    /// The cluster's name.
    pub(crate) profile: String,
    /// The driver that answers.
    pub(crate) driver: String,
    /// The name of its context.
    pub(crate) context: String,
    /// The address of its API.
    pub(crate) server: Option<String>,
}

/// A context that was put into a file.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeptContext {
    /// Whose it is.
    #[serde(flatten)]
    pub(crate) context: ClusterContext,
    /// The file that it is in.
    pub(crate) file: String,
    /// Whether the file was written; it is not where it was in there already.
    pub(crate) changed: bool,
}

/// A context that is the current one now.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct SwitchedContext {
    /// Whose it is.
    #[serde(flatten)]
    pub(crate) context: ClusterContext,
    /// The kubeconfig in which it is.
    pub(crate) file: String,
    /// The current context until now; null if there was none.
    pub(crate) from: Option<String>,
    /// The current context.
    pub(crate) to: String,
}

/// The variables that make programs use a cluster.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Environment {
    /// Whose they are.
    #[serde(flatten)]
    pub(crate) context: ClusterContext,
    /// The variables by their names: `KUBECONFIG`.
    pub(crate) env: BTreeMap<&'static str, String>,
}

/// A kubeconfig, as Kubernetes defines it.
#[cfg(test)]
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
#[expect(
    dead_code,
    reason = "it is written as the driver gives it, and has only its schema from here"
)]
pub(super) struct KubeconfigFile {
    /// `v1`.
    #[schemars(rename = "apiVersion")]
    api_version: String,
    /// `Config`.
    kind: String,
    /// Nothing.
    preferences: serde_json::Map<String, serde_json::Value>,
    /// One cluster: its address and its certificate.
    clusters: Vec<serde_json::Value>,
    /// One user, with its credentials.
    users: Vec<serde_json::Value>,
    /// One context.
    contexts: Vec<serde_json::Value>,
    /// The name of that context.
    current_context: String,
}
