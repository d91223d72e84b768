//! What is kept with a cluster: a file on each of its nodes.
//!
//! kind can put no label on a container and has no place of its own, and a file on the
//! host would neither be seen from elsewhere nor go with the cluster. In the container's
//! own layer it lives as long as the node. It is written when the creation is done, so
//! that it also says that it was.

use std::collections::BTreeMap;

use caproni_driver::Error;
use caproni_engine::{Container, Engine};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cluster::Cluster;
use crate::config::KindConfig;
use crate::role::Role;

/// The file on each node that runs Kubernetes.
const FILE: &str = "/etc/caproni/cluster.json";

/// What is kept with a cluster.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// The config it was made of, sealed.
    pub(crate) config: Value,
    /// The address that each node had when it was made, by its container's name.
    #[serde(default)]
    pub(crate) addresses: BTreeMap<String, String>,
    /// The files that the load balancer was told by, by their paths.
    #[serde(default)]
    pub(crate) load_balancer: BTreeMap<String, String>,
}

/// Reads what is kept; one node that has it is enough, since another may have been replaced.
/// What is not readable as ours is none.
///
/// # Errors
/// As [`Engine::connect`].
pub(crate) async fn read(engine: &Engine, nodes: &[Container]) -> Result<Option<Kept>, Error> {
    let nodes = nodes.iter().filter(|node| runs_kubernetes(node));
    let texts = try_join_all(nodes.map(|node| engine.read(&node.id, FILE))).await?;
    Ok(texts.into_iter().flatten().find_map(|text| serde_json::from_str(&text).ok()))
}

/// Keeps what was asked for, and what the cluster was when it was just made.
///
/// # Errors
/// As [`Engine::connect`].
pub(crate) async fn write(
    engine: &Engine,
    cluster: &Cluster,
    config: &KindConfig,
    load_balancer: BTreeMap<String, String>,
) -> Result<(), Error> {
    let addresses = cluster.addresses();
    let kept = Kept { config: config.sealed(), addresses, load_balancer };
    let text = serde_json::to_vec(&kept).unwrap_or_default();
    let nodes = cluster.containers.iter().filter(|node| runs_kubernetes(node));
    try_join_all(nodes.map(|node| engine.write(&node.id, FILE, &text))).await?;
    Ok(())
}

fn runs_kubernetes(node: &Container) -> bool {
    matches!(Role::of(node), Some(Role::ControlPlane | Role::Worker))
}
