//! Every cluster that kind has on the engine.

use std::collections::BTreeMap;

use caproni_driver::{Clusters, Error, Request};
use caproni_engine::{Engine, Listed};
use futures_util::future::{try_join, try_join_all};

use crate::cluster::CLUSTER_LABEL;
use crate::connect::glance_of;
use crate::kind::KIND;
use crate::look::glance_at;
use crate::version::Images;

/// Lists the clusters, stopped and half-made ones too.
///
/// # Errors
/// As [`caproni_engine::Engine::connect`].
pub(crate) async fn list(request: &Request) -> Result<Clusters, Error> {
    let (engine, listed) = Engine::connect_and_list(request, &KIND, CLUSTER_LABEL).await?;
    let mut images = Images::default();
    let mut of_name: BTreeMap<String, Vec<Listed>> = BTreeMap::new();
    for container in listed {
        let name = container.label(CLUSTER_LABEL).unwrap_or_default().to_owned();
        images.add(&name, &container);
        of_name.entry(name).or_default().push(container);
    }
    let glances = of_name.into_iter().map(|(name, listed)| glance_at(&engine, name, listed));
    let (mut clusters, mut versions) =
        try_join(try_join_all(glances), images.versions(&engine)).await?;
    for cluster in &mut clusters {
        cluster.version = versions.remove(&cluster.name);
    }
    Ok(Clusters::new(clusters.iter().map(glance_of).collect()))
}
