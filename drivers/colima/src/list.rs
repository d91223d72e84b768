//! Every cluster that colima has.

use caproni_driver::{Cluster, Clusters, Error, Request};
use futures_util::future::join_all;

use crate::lima::Lima;
use crate::look::{self, Look};
use crate::machine::{Home, Machine};
use crate::status;

/// Asks lima once, and then each machine that runs, all at the same time.
///
/// # Errors
/// `BackendUnavailable`, `Cancelled`, `TimedOut`.
pub(crate) async fn list(
    request: &Request,
    home: &Home,
    lima: &Lima<'_>,
) -> Result<Clusters, Error> {
    let instances = lima.instances(request).await?;
    let found = instances.into_iter().filter_map(|instance| {
        let machine = home.machine_named(&instance.name)?;
        Some((machine, Some(instance)))
    });
    let mut found: Vec<_> = found.collect();
    for machine in home.disks() {
        if !found.iter().any(|(known, _)| known.id == machine.id) {
            found.push((machine, None));
        }
    }
    let looks = found.into_iter().map(|(machine, instance)| async move {
        let seen = look::of(request, lima, &machine, instance).await;
        (machine, seen)
    });
    let rows = join_all(looks).await.into_iter().filter_map(|(machine, seen)| match seen {
        Ok(seen) => row(&machine, &seen).map(Ok),
        Err(error) => Some(Err(error)),
    });
    rows.collect::<Result<Vec<_>, _>>().map(Clusters::new)
}

fn row(machine: &Machine, seen: &Look) -> Option<Cluster> {
    let status = status::of(machine, seen);
    let row = Cluster::new(&machine.profile, status.state);
    let row = row.with_kubernetes_version(status.kubernetes_version);
    status.exists.then(|| row.with_kube_context(&machine.id))
}
