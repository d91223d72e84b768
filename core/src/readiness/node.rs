//! A node as the API lists it, as far as readiness goes.
//!
//! The whole type of `k8s-openapi` also reads a node's images, volumes and managed fields,
//! which is most of the list, and of which nothing is asked here.

use kube::Client;
use serde::Deserialize;

/// A `Node` of the core API, version 1.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct KubeNode {
    #[serde(default)]
    pub(super) metadata: Metadata,
    pub(super) status: Option<Status>,
}

/// Its `ObjectMeta`.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Metadata {
    pub(super) name: Option<String>,
}

/// Its `NodeStatus`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Status {
    pub(super) conditions: Option<Vec<Condition>>,
}

/// A `NodeCondition`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Condition {
    #[serde(rename = "type", default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) status: String,
    pub(super) message: Option<String>,
    pub(super) reason: Option<String>,
}

#[derive(Deserialize)]
struct List {
    items: Option<Vec<KubeNode>>,
}

/// Asks for all nodes.
///
/// # Errors
/// What the client says.
pub(super) async fn nodes(client: &Client) -> Result<Vec<KubeNode>, kube::Error> {
    let request = http::Request::get("/api/v1/nodes").body(Vec::new());
    let list: List = client.request(request.map_err(kube::Error::HttpError)?).await?;
    Ok(list.items.unwrap_or_default())
}
