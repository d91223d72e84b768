//! Every cluster that k3d has on the engine.

use std::collections::BTreeSet;

use caproni_driver::{Cluster as Listed, Clusters, Error, Request, check_profile};
use caproni_engine::{ContainerSummary, Engine, Vantage, label_of};
use futures_util::future::{try_join_all, try_join3};

use crate::cluster::CLUSTER_LABEL;
use crate::connect::{connect, status_of};
use crate::look::{K3D_LABEL, look};

/// Lists the clusters, stopped and half-made ones too.
///
/// # Errors
/// As [`caproni_engine::Engine::connect`].
pub(crate) async fn list(request: &Request) -> Result<Clusters, Error> {
    let engine = connect(request).await?;
    let names = names(&engine).await?;
    let clusters = try_join_all(names.iter().map(|name| look(&engine, name))).await?;
    let rows = clusters.iter().filter_map(|cluster| {
        let status = status_of(cluster, &Vantage::SameMachine);
        let mut row = Listed::new(&cluster.name, status.state)
            .with_kubernetes_version(status.kubernetes_version);
        row.kube_context = status.kube_context;
        status.exists.then_some(row)
    });
    Ok(Clusters::new(rows.collect()))
}

/// The names of all clusters of which there is something.
async fn names(engine: &Engine) -> Result<BTreeSet<String>, Error> {
    let containers = engine.list(&[CLUSTER_LABEL]);
    let networks = engine.networks_with(K3D_LABEL);
    let (containers, volumes, networks) =
        try_join3(containers, engine.volumes(K3D_LABEL), networks).await?;
    let mut names: BTreeSet<String> = containers
        .iter()
        .filter_map(|container| label_of(container, CLUSTER_LABEL))
        .map(str::to_owned)
        .collect();
    // What a creation that was ended has left, though no node came of it.
    names.extend(volumes.iter().filter_map(|volume| cluster_of(volume, "-images")));
    // A network that is in use may be shared, and named as if it was a cluster's own.
    let used: BTreeSet<String> = containers.into_iter().flat_map(networks_of).collect();
    let unused = networks.into_iter().filter_map(|network| network.name);
    let unused = unused.filter(|name| !used.contains(name));
    names.extend(unused.filter_map(|network| cluster_of(&network, "")));
    names.retain(|name| check_profile(name).is_ok());
    Ok(names)
}

fn networks_of(container: ContainerSummary) -> Vec<String> {
    let settings = container.network_settings.unwrap_or_default();
    settings.networks.unwrap_or_default().into_keys().collect()
}

/// The cluster that something is named after, as k3d does it.
fn cluster_of(name: &str, end: &str) -> Option<String> {
    Some(name.strip_prefix("k3d-")?.strip_suffix(end)?.to_owned())
}
