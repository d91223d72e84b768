//! Every cluster that kind has on the engine.

use std::collections::BTreeMap;

use caproni_driver::{Cluster as Listed, Clusters, Error, Request};
use caproni_engine::{ContainerSummary, Engine, Vantage, label_of};
use futures_util::future::try_join_all;

use crate::cluster::CLUSTER_LABEL;
use crate::connect::status_of;
use crate::kind::KIND;
use crate::look::look_at;
use crate::status;

/// Lists the clusters, stopped and half-made ones too.
///
/// # Errors
/// As [`caproni_engine::Engine::connect`].
pub(crate) async fn list(request: &Request) -> Result<Clusters, Error> {
    let (engine, listed) = Engine::connect_and_list(request, &KIND, CLUSTER_LABEL).await?;
    let mut of_name: BTreeMap<String, Vec<ContainerSummary>> = BTreeMap::new();
    for container in listed {
        let name = label_of(&container, CLUSTER_LABEL).unwrap_or_default().to_owned();
        of_name.entry(name).or_default().push(container);
    }
    let looks = of_name.iter().map(|(name, listed)| look_at(&engine, name, listed));
    let clusters = try_join_all(looks).await?;
    let rows = clusters.iter().map(|cluster| {
        let status = status_of(cluster, &Vantage::SameMachine, None);
        Listed::new(&cluster.name, status.state)
            .with_kubernetes_version(status.kubernetes_version)
            .with_kube_context(status::context(&cluster.name))
    });
    Ok(Clusters::new(rows.collect()))
}
