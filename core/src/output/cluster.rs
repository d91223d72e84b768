//! What the commands tell that look at clusters, and those that change them.

use caproni_driver::{Change, Difference, NodeUsage, State, Status};
#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// The state of a cluster: the driver's word, and what was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(JsonSchema), schemars(transform = with_a_driver))]
#[serde(rename_all = "camelCase")]
pub(crate) struct StatusReport {
    /// The cluster's name.
    pub(crate) profile: String,
    /// The driver that answers.
    pub(crate) driver: String,
    /// What is known of the cluster.
    #[serde(flatten)]
    pub(crate) status: Status,
    /// Whether the cluster's own API was asked, too. It is only where the driver calls the cluster ready.
    pub(crate) measured: bool,
}

/// A driver may leave its own name out of a status; a report does not.
#[cfg(test)]
fn with_a_driver(schema: &mut schemars::Schema) {
    if let Some(driver) = schema.pointer_mut("/properties/driver/type") {
        *driver = "string".into();
    }
}

/// What one look of `status --watch` came to, where it differs from the one before.
#[derive(Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(untagged)]
pub(crate) enum WatchEvent {
    /// The state that was seen.
    Status(Box<StatusReport>),
    /// It could not be seen. The next look may see it again.
    Unknown {
        /// The cluster's name.
        profile: String,
        /// Why it could not be seen.
        #[cfg_attr(test, schemars(with = "super::failure::Failure"))]
        error: Value,
    },
}

/// What was done to bring a cluster up, and its state then.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct BroughtUp {
    /// The cluster's name.
    pub(crate) profile: String,
    /// The driver that did it.
    pub(crate) driver: String,
    /// What changed; `recreated` where the cluster was destroyed and made anew.
    pub(crate) change: Change,
    /// More for the user in one line, such as what was left out.
    pub(crate) message: Option<String>,
    /// How long it took.
    pub(crate) seconds: f64,
    /// The state of the cluster now.
    pub(crate) status: StatusReport,
}

/// What was done to a cluster that was stopped or destroyed.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Changed {
    /// The cluster's name.
    pub(crate) profile: String,
    /// The driver that did it.
    pub(crate) driver: String,
    /// What changed.
    pub(crate) change: Change,
    /// More for the user in one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
}

/// How a cluster differs from what is asked for.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Diff {
    /// The cluster's name.
    pub(crate) profile: String,
    /// The driver that answers.
    pub(crate) driver: String,
    /// Whether anything of the cluster exists.
    pub(crate) exists: bool,
    /// The state of the cluster.
    pub(crate) state: State,
    /// What it takes to make it what is asked for: `none`, `create`, `start`, `update`, `restart` or
    /// `recreate`.
    pub(crate) needs: &'static str,
    /// The fields that differ; null where the driver does not tell what its clusters run with.
    pub(crate) differences: Option<Vec<Difference>>,
    /// `start --dry-run`: what it would do: as `needs`, or `refuse` where that is dearer than what
    /// the command line allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) does: Option<&'static str>,
}

/// The clusters of all drivers.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClusterList {
    /// The clusters, sorted by driver.
    pub(crate) clusters: Vec<ListedCluster>,
    /// The drivers that could not tell.
    pub(crate) problems: Vec<SilentDriver>,
}

/// One cluster of a list.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListedCluster {
    /// The driver whose cluster it is.
    pub(crate) driver: String,
    /// The cluster's name.
    pub(crate) profile: String,
    /// Its state, as the driver says.
    pub(crate) state: State,
    /// The API server's version, where the driver knows it.
    pub(crate) kubernetes_version: Option<String>,
    /// The context's name in a kubeconfig, where the driver knows it.
    pub(crate) kube_context: Option<String>,
    /// The config file of the last start; null where none was used, or it was not started here.
    pub(crate) config_file: Option<String>,
    /// Why the config file is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) config_file_error: Option<String>,
}

/// A driver that could not tell its clusters.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct SilentDriver {
    /// The driver's name.
    pub(crate) driver: String,
    /// Its executable.
    pub(crate) path: String,
    /// Why it could not tell.
    #[cfg_attr(test, schemars(with = "super::failure::Failure"))]
    pub(crate) error: Value,
}

/// What the nodes of a cluster use, and could use.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClusterUsage {
    /// The cluster's name.
    pub(crate) profile: String,
    /// The driver that answers.
    pub(crate) driver: String,
    /// Each node.
    pub(crate) nodes: Vec<NodeUsage>,
}

/// Images that are on the nodes of a cluster now.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct LoadedImages {
    /// The cluster's name.
    pub(crate) profile: String,
    /// The driver that did it.
    pub(crate) driver: String,
    /// What changed: `none` where they were there already.
    pub(crate) change: Change,
    /// More for the user in one line.
    pub(crate) message: Option<String>,
    /// The images as they were named, archives by their absolute paths.
    pub(crate) images: Vec<String>,
}
