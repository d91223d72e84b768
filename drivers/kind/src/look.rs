//! Looking at all there is of a cluster; changes nothing.

use caproni_driver::Error;
use caproni_engine::{Container, ContainerSummary, Engine};
use futures_util::future::{try_join_all, try_join3};

use crate::cluster::{CLUSTER_LABEL, Cluster};
use crate::kept;
use crate::role::Role;

/// The file in each node that says which Kubernetes its image holds.
const VERSION: &str = "/kind/version";

/// Looks at a cluster.
///
/// # Errors
/// As [`Engine::connect`].
pub(crate) async fn look(engine: &Engine, name: &str) -> Result<Cluster, Error> {
    let listed = engine.list(&[&label(name)]).await?;
    look_at(engine, name, &listed).await
}

/// Looks at a cluster whose containers are listed already.
///
/// # Errors
/// As [`Engine::connect`].
pub(crate) async fn look_at(
    engine: &Engine,
    name: &str,
    listed: &[ContainerSummary],
) -> Result<Cluster, Error> {
    let nodes: Vec<Container> = listed.iter().map(Container::listed).collect();
    let containers = try_join_all(listed.iter().map(|summary| engine.container(summary)));
    let (containers, kept, version) =
        try_join3(containers, kept::read(engine, &nodes), version(engine, &nodes)).await?;
    let containers: Vec<Container> = containers.into_iter().flatten().collect();
    let (kept, unreadable) = match kept.transpose() {
        Ok(kept) => (kept, None),
        Err(error) => (None, Some(error)),
    };
    Ok(Cluster { name: name.into(), containers, kept, unreadable, version })
}

/// The label on every container of a cluster.
pub(crate) fn label(cluster: &str) -> String {
    format!("{CLUSTER_LABEL}={cluster}")
}

async fn version(engine: &Engine, nodes: &[Container]) -> Result<Option<String>, Error> {
    let is_control_plane = |node: &&Container| Role::of(node) == Some(Role::ControlPlane);
    let Some(node) = nodes.iter().find(is_control_plane) else { return Ok(None) };
    let text = engine.read_lasting_file(&node.id, VERSION).await?;
    Ok(text.map(|text| text.trim().to_owned()).filter(|text| text.starts_with('v')))
}
