//! Addresses that control planes had when they were made, and have no longer.
//!
//! The engine gives a container an address at each start. kind's nodes put their own new
//! one into their own files, and find each other by name, with one exception: the etcd of
//! several control planes keeps the addresses at which its members joined, see
//! <https://github.com/kubernetes-sigs/kind/issues/2045>.

use caproni_driver::{Condition, Error, ErrorKind};

use crate::cluster::Cluster;
use crate::role::Role;

const HINT: &str = "stop the container that has its old address now, then run `caproni restart`";

/// A condition for each control plane that others look for in vain.
pub(crate) fn conditions(cluster: &Cluster) -> Vec<Condition> {
    let control_planes = cluster.of_role(Role::ControlPlane);
    let Some(kept) = cluster.kept.as_ref().filter(|_| cluster.shape().control_planes > 1) else {
        return Vec::new();
    };
    let now = cluster.addresses();
    let moved = control_planes.into_iter().filter_map(|node| {
        let (was, is) = (kept.addresses.get(&node.name)?, now.get(&node.name)?);
        let what = format!("has the address {is} since it was started again, and had {was}");
        (was != is).then(|| Condition::failed(&node.name, what).with_hint(HINT))
    });
    moved.collect()
}

/// Refuses to call a cluster started whose control planes cannot find each other.
///
/// # Errors
/// `ClusterNotReady` with each control plane that moved.
pub(crate) fn check(cluster: &Cluster) -> Result<(), Error> {
    let conditions = conditions(cluster);
    if conditions.is_empty() {
        return Ok(());
    }
    let message = format!(
        "cluster `{}` did not survive the restart: its control planes have other addresses than \
         before",
        cluster.name
    );
    let mut error = Error::new(ErrorKind::ClusterNotReady, message).with_hint(
        "stop the containers that have the addresses now and run `caproni restart`, or run \
         `caproni destroy`, then `caproni start`",
    );
    error.data.conditions = conditions;
    Err(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::tests::made_of;
    use serde_json::json;

    fn moved(config: serde_json::Value) -> Cluster {
        let mut cluster = made_of(config);
        let kept = cluster.kept.as_mut().unwrap();
        kept.addresses.insert("demo-control-plane".into(), "10.0.0.9".into());
        cluster
    }

    #[test]
    fn one_control_plane_may_move_and_several_may_not() {
        assert!(check(&moved(json!({"nodes": {"workers": 1}}))).is_ok());
        let error = check(&moved(json!({"nodes": {"control_planes": 2}}))).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::ClusterNotReady);
        assert_eq!(error.data.conditions[0].name, "demo-control-plane");
        assert!(error.data.hint.is_some());
    }

    #[test]
    fn a_control_plane_that_does_not_run_has_not_moved() {
        let mut cluster = moved(json!({"nodes": {"control_planes": 2}}));
        for node in &mut cluster.containers {
            node.networks.values_mut().for_each(String::clear);
        }
        assert_eq!(conditions(&cluster), []);
    }
}
