//! Looking at all there is of a cluster; changes nothing.

use caproni_driver::Error;
use caproni_engine::{Container, Engine, Listed};
use futures_util::future::{join, try_join, try_join_all};

use crate::cluster::{CLUSTER_LABEL, Cluster};
use crate::document::CONFIG_LABEL;

/// The file in each server that says that the cluster's creation was finished.
///
/// It is in the container's own layer, so that it lives as long as the cluster, and
/// whoever looks from wherever sees it.
const MARK: &str = "/var/lib/caproni/created";

/// The label that k3d puts on all that it makes.
pub(crate) const K3D_LABEL: &str = "app=k3d";

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
    listed: &[Listed],
) -> Result<Cluster, Error> {
    let containers = listed.iter().map(|listed| engine.container(listed));
    let finished = is_finished(engine, listed);
    let (containers, finished) = join(try_join_all(containers), finished).await;
    let containers: Vec<Container> = containers?.into_iter().flatten().collect();
    with_leftovers(engine, of_listed(name, containers, finished?)).await
}

/// Looks at a cluster whose containers are listed already as far as is needed to list it: at
/// nothing that the list tells.
///
/// # Errors
/// As [`Engine::connect`].
pub(crate) async fn glance_at(
    engine: &Engine,
    name: &str,
    listed: Vec<Listed>,
) -> Result<Cluster, Error> {
    // The list has no name of an image whose name is another one's by now.
    if listed.iter().any(|it| it.image().is_none_or(|image| image.starts_with("sha256:"))) {
        return Box::pin(look_at(engine, name, &listed)).await;
    }
    let finished = is_finished(engine, &listed).await?;
    let containers = listed.into_iter().map(Listed::into_container).collect();
    with_leftovers(engine, of_listed(name, containers, finished)).await
}

fn of_listed(name: &str, containers: Vec<Container>, finished: bool) -> Cluster {
    Cluster { name: name.into(), containers, finished, leftovers: false }
}

async fn with_leftovers(engine: &Engine, mut cluster: Cluster) -> Result<Cluster, Error> {
    if cluster.nodes().is_empty() {
        // In a box: what is asked here of few would make the look at each of many larger.
        cluster.leftovers = Box::pin(has_leftovers(engine, &cluster.name)).await?;
    }
    Ok(cluster)
}

async fn has_leftovers(engine: &Engine, name: &str) -> Result<bool, Error> {
    let own = [own_network(name)];
    let (volumes, networks) =
        try_join(volumes(engine, name), engine.networks(K3D_LABEL, &own)).await?;
    Ok(!volumes.is_empty() || !networks.is_empty())
}

/// The label on everything that k3d makes for a cluster.
pub(crate) fn label(cluster: &str) -> String {
    format!("{CLUSTER_LABEL}={cluster}")
}

/// The network that k3d makes for a cluster.
pub(crate) fn own_network(cluster: &str) -> String {
    format!("k3d-{cluster}")
}

/// Names the volumes that k3d made for a cluster.
///
/// The image volume counts without its label too: the engine makes it anew, for a
/// container that it was still about to create when the volume was removed.
///
/// # Errors
/// As [`Engine::connect`].
pub(crate) async fn volumes(engine: &Engine, cluster: &str) -> Result<Vec<String>, Error> {
    let images = format!("k3d-{cluster}-images");
    let label = label(cluster);
    let (mut names, found) = try_join(engine.volumes(&label), engine.has_volume(&images)).await?;
    if found && !names.contains(&images) {
        names.push(images);
    }
    Ok(names)
}

/// Says on each server that the cluster's creation was finished.
///
/// # Errors
/// As [`Engine::connect`].
pub(crate) async fn mark_finished(engine: &Engine, cluster: &Cluster) -> Result<(), Error> {
    for server in cluster.servers() {
        engine.write(&server.id, MARK, b"").await?;
    }
    Ok(())
}

/// Looks for the mark on the servers that this driver made; others count as finished.
///
/// One server that has it is enough: another may have been added or replaced since.
async fn is_finished(engine: &Engine, listed: &[Listed]) -> Result<bool, Error> {
    let ours = listed.iter().filter(|listed| listed.label(CONFIG_LABEL).is_some());
    let marks = ours.map(|server| engine.has_lasting_file(&server.id, MARK));
    let marks = try_join_all(marks).await?;
    Ok(marks.is_empty() || marks.contains(&true))
}
