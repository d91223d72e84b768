//! Every cluster that k3d has on the engine.

use std::collections::{BTreeMap, BTreeSet};

use caproni_driver::{Clusters, Error, Request, check_profile};
use caproni_engine::{Engine, Everything, Listed};
use futures_util::future::try_join_all;

use crate::cluster::CLUSTER_LABEL;
use crate::connect::glance_of;
use crate::k3d::K3D;
use crate::look::{K3D_LABEL, glance_at};

/// Lists the clusters, stopped and half-made ones too.
///
/// # Errors
/// As [`caproni_engine::Engine::connect`].
pub(crate) async fn list(request: &Request) -> Result<Clusters, Error> {
    let (engine, all) =
        Engine::connect_and_list_all(request, &K3D, CLUSTER_LABEL, K3D_LABEL).await?;
    let names = names(&all);
    let mut of_name: BTreeMap<String, Vec<Listed>> = BTreeMap::new();
    for container in all.containers {
        let name = container.label(CLUSTER_LABEL).unwrap_or_default().to_owned();
        of_name.entry(name).or_default().push(container);
    }
    let mut of = |name: &String| of_name.remove(name).unwrap_or_default();
    let glances = names.iter().map(|name| glance_at(&engine, name, of(name)));
    let clusters = try_join_all(glances).await?;
    Ok(Clusters::new(clusters.iter().filter_map(glance_of).collect()))
}

/// The names of all clusters of which there is something.
fn names(all: &Everything) -> BTreeSet<String> {
    let containers = all.containers.iter();
    let mut names: BTreeSet<String> =
        containers.clone().filter_map(|it| it.label(CLUSTER_LABEL)).map(str::to_owned).collect();
    // What a creation that was ended has left, though no node came of it.
    names.extend(all.volumes.iter().filter_map(|volume| cluster_of(volume, "-images")));
    // A network that is in use may be shared, and named as if it was a cluster's own.
    let used: BTreeSet<&str> = containers.flat_map(Listed::networks).collect();
    let networks = all.networks.iter().map(|network| network.name.as_str());
    let unused = networks.filter(|network| !used.contains(network));
    names.extend(unused.filter_map(|network| cluster_of(network, "")));
    names.retain(|name| check_profile(name).is_ok());
    names
}

/// The cluster that something is named after, as k3d does it.
fn cluster_of(name: &str, end: &str) -> Option<String> {
    Some(name.strip_prefix("k3d-")?.strip_suffix(end)?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use caproni_engine::Network;
    use serde_json::json;

    #[test]
    fn what_a_creation_has_left_is_a_cluster_and_a_network_that_others_use_is_none() {
        let container = json!({"Labels": {"k3d.cluster": "a"},
            "NetworkSettings": {"Networks": {"k3d-shared": {}}}});
        let network = |name: &str| Network { id: String::new(), name: name.into() };
        let all = Everything {
            containers: vec![serde_json::from_value(container).unwrap()],
            volumes: vec!["k3d-b-images".into(), "data".into()],
            networks: ["k3d-c", "k3d-shared", "other", "k3d-No name"].map(network).into(),
        };
        assert_eq!(Vec::from_iter(names(&all)), ["a", "b", "c"]);
    }
}
