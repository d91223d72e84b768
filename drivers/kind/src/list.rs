//! Every cluster that kind has on the engine.

use std::collections::BTreeSet;

use caproni_driver::{Cluster as Listed, Clusters, Error, Request};
use caproni_engine::{Vantage, label_of};
use futures_util::future::try_join_all;

use crate::cluster::CLUSTER_LABEL;
use crate::connect::{connect, status_of};
use crate::look::look;
use crate::status;

/// Lists the clusters, stopped and half-made ones too.
///
/// # Errors
/// As [`caproni_engine::Engine::connect`].
pub(crate) async fn list(request: &Request) -> Result<Clusters, Error> {
    let engine = connect(request).await?;
    let listed = engine.list(&[CLUSTER_LABEL]).await?;
    let names: BTreeSet<&str> =
        listed.iter().filter_map(|container| label_of(container, CLUSTER_LABEL)).collect();
    let clusters = try_join_all(names.into_iter().map(|name| look(&engine, name))).await?;
    let rows = clusters.iter().map(|cluster| {
        let status = status_of(cluster, &Vantage::SameMachine, None);
        Listed::new(&cluster.name, status.state)
            .with_kubernetes_version(status.kubernetes_version)
            .with_kube_context(status::context(&cluster.name))
    });
    Ok(Clusters::new(rows.collect()))
}
