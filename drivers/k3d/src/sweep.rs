//! Removing all there is of a cluster, straight through the engine.
//!
//! `k3d cluster delete` is not used: it exits with 0 when the engine is down, it edits the
//! user's kubeconfig, it leaves the second of two networks of one name, it cannot see
//! what a killed creation left, and it is no faster.

use std::time::Duration;

use caproni_driver::{Error, ErrorKind};
use caproni_engine::{Engine, Listed, Network};
use futures_util::future::{try_join, try_join_all};

use crate::look::{K3D_LABEL, label, own_network, volumes};

/// How long to wait before looking again for what a killed k3d had asked the engine for.
const SETTLE: Duration = Duration::from_millis(250);

/// How often the engine is looked through at most; each pass removes all that it finds.
const PASSES: usize = 20;

/// What a sweep did.
#[derive(Debug, Default)]
pub(crate) struct Swept {
    /// Whether there was anything to remove.
    pub(crate) found: bool,
    /// Networks that stay because containers of others are in them.
    pub(crate) kept: Vec<String>,
}

/// Removes all there is of a cluster that nobody works on.
///
/// # Errors
/// As the engine's, and `BackendFailed` when something comes back again and again.
pub(crate) async fn sweep(engine: &Engine, cluster: &str) -> Result<Swept, Error> {
    passes(engine, cluster, None, 1).await
}

/// Removes all there is of a cluster whose creation was just ended: the engine may still
/// be at work for the k3d that is gone, so nothing must be found three times in a row. `network` is
/// the one that k3d was told to use.
///
/// # Errors
/// As [`sweep`].
pub(crate) async fn sweep_up_after(
    engine: &Engine,
    cluster: &str,
    network: Option<&str>,
) -> Result<Swept, Error> {
    passes(engine, cluster, network, 3).await
}

async fn passes(
    engine: &Engine,
    cluster: &str,
    network: Option<&str>,
    clean_passes: usize,
) -> Result<Swept, Error> {
    let mut swept = Swept::default();
    let mut joined: Vec<String> = network.into_iter().map(Into::into).collect();
    let mut clean = 0;
    for number in 1..=PASSES {
        let found = pass(engine, cluster, &mut joined, &mut swept.kept).await?;
        swept.found |= found;
        clean = if found { 0 } else { clean + 1 };
        if clean == clean_passes {
            return Ok(swept);
        }
        // What comes back is no faster gone for being asked for at once.
        if clean > 0 || number > 2 {
            tokio::time::sleep(SETTLE).await;
        }
    }
    let message = format!("parts of cluster `{cluster}` are still there after {PASSES} attempts");
    Err(Error::new(ErrorKind::BackendFailed, message)
        .with_hint("run `docker ps -a`, `docker volume ls` and `docker network ls` to see them"))
}

/// Removes what there is now; tells whether there was anything.
async fn pass(
    engine: &Engine,
    cluster: &str,
    joined: &mut Vec<String>,
    kept: &mut Vec<String>,
) -> Result<bool, Error> {
    let own = own_network(cluster);
    let containers = engine.list(&[&label(cluster)]).await?;
    let networks = containers.iter().filter_map(|c| c.label("k3d.cluster.network"));
    joined.extend(networks.filter(|network| *network != own).map(Into::into));
    let removed =
        try_join_all(containers.iter().map(|container| remove(engine, container, &own))).await?;

    let (volumes, networks) =
        try_join(volumes(engine, cluster), engine.networks(K3D_LABEL, &[own])).await?;
    let (_, networks) = try_join(
        try_join_all(volumes.iter().map(|volume| engine.remove_volume(volume))),
        remove_networks(engine, networks, kept),
    )
    .await?;
    let more = remove_joined(engine, joined).await?;
    Ok(removed.contains(&true) || !volumes.is_empty() || networks || more)
}

/// Removes a container, unless it is a registry that other networks use as well: that one
/// is only taken out of this cluster's, as k3d does.
async fn remove(engine: &Engine, container: &Listed, own: &str) -> Result<bool, Error> {
    let id = &container.id;
    if is_registry(container) {
        let networks: Vec<&str> = container.networks().collect();
        let others = networks.iter().any(|network| ![own, "bridge", "host"].contains(network));
        let is_in = networks.contains(&own);
        if others && is_in {
            engine.disconnect(own, id).await?;
        }
        if others {
            return Ok(is_in);
        }
    }
    engine.remove(id).await?;
    Ok(true)
}

fn is_registry(container: &Listed) -> bool {
    container.label("k3d.role") == Some("registry")
}

/// Removes networks by their ids, since two may have one name.
async fn remove_networks(
    engine: &Engine,
    networks: Vec<Network>,
    kept: &mut Vec<String>,
) -> Result<bool, Error> {
    let mut found = false;
    for network in networks {
        let Network { id, name } = network;
        if engine.remove_network(&id).await? {
            found = true;
            continue;
        }
        take_registries_out(engine, &name, &id).await?;
        if engine.remove_network(&id).await? {
            found = true;
        } else if !kept.contains(&name) {
            kept.push(name);
        }
    }
    Ok(found)
}

/// Registries that a cluster was connected to stay in its network when it goes.
async fn take_registries_out(engine: &Engine, network: &str, id: &str) -> Result<(), Error> {
    let registries = engine.list(&[K3D_LABEL, "k3d.role=registry"]).await?;
    let inside = registries.iter().filter(|registry| registry.networks().any(|it| it == network));
    try_join_all(inside.map(|registry| engine.disconnect(id, &registry.id))).await?;
    Ok(())
}

/// A network that was named in the config is removed only when k3d made it, which its
/// label tells, and when no container, not even a stopped one, is in it any more.
async fn remove_joined(engine: &Engine, joined: &[String]) -> Result<bool, Error> {
    if joined.is_empty() {
        return Ok(false);
    }
    let mut found = false;
    for network in engine.networks(K3D_LABEL, joined).await? {
        if !engine.is_used(&network.id).await? {
            found |= engine.remove_network(&network.id).await?;
        }
    }
    Ok(found)
}
