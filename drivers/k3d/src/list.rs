//! Every cluster that k3d has on the engine.

use std::collections::{BTreeMap, BTreeSet};

use caproni_driver::{Clusters, Error, Request, check_profile};
use caproni_engine::{Engine, Listed};
use futures_util::future::{try_join, try_join_all};

use crate::cluster::CLUSTER_LABEL;
use crate::connect::glance_of;
use crate::k3d::K3D;
use crate::look::{K3D_LABEL, glance_at};

/// Lists the clusters, stopped and half-made ones too.
///
/// # Errors
/// As [`caproni_engine::Engine::connect`].
pub(crate) async fn list(request: &Request) -> Result<Clusters, Error> {
    let (engine, containers) = Engine::connect_and_list(request, &K3D, CLUSTER_LABEL).await?;
    let names = names(&engine, &containers).await?;
    let mut of_name: BTreeMap<String, Vec<Listed>> = BTreeMap::new();
    for container in containers {
        let name = container.label(CLUSTER_LABEL).unwrap_or_default().to_owned();
        of_name.entry(name).or_default().push(container);
    }
    let mut of = |name: &String| of_name.remove(name).unwrap_or_default();
    let glances = names.iter().map(|name| glance_at(&engine, name, of(name)));
    let clusters = try_join_all(glances).await?;
    Ok(Clusters::new(clusters.iter().filter_map(glance_of).collect()))
}

/// The names of all clusters of which there is something.
async fn names(engine: &Engine, containers: &[Listed]) -> Result<BTreeSet<String>, Error> {
    let networks = engine.networks_with(K3D_LABEL);
    let (volumes, networks) = try_join(engine.volumes(K3D_LABEL), networks).await?;
    let mut names: BTreeSet<String> = containers
        .iter()
        .filter_map(|container| container.label(CLUSTER_LABEL))
        .map(str::to_owned)
        .collect();
    // What a creation that was ended has left, though no node came of it.
    names.extend(volumes.iter().filter_map(|volume| cluster_of(volume, "-images")));
    // A network that is in use may be shared, and named as if it was a cluster's own.
    let used: BTreeSet<&str> = containers.iter().flat_map(Listed::networks).collect();
    let unused = networks.into_iter().map(|network| network.name);
    let unused = unused.filter(|name| !used.contains(name.as_str()));
    names.extend(unused.filter_map(|network| cluster_of(&network, "")));
    names.retain(|name| check_profile(name).is_ok());
    Ok(names)
}

/// The cluster that something is named after, as k3d does it.
fn cluster_of(name: &str, end: &str) -> Option<String> {
    Some(name.strip_prefix("k3d-")?.strip_suffix(end)?.to_owned())
}
