//! Images that are put onto the nodes, by `k3d image import`.

use caproni_driver::{Change, Error, NodeState, Outcome, Request};
use caproni_engine::plan::not_running;

use crate::cluster::Cluster;
use crate::connect::connect;
use crate::k3d::K3d;
use crate::look::look;
use crate::role::Role;

/// Puts images onto every node of a running cluster: none when one of them is not there.
///
/// # Errors
/// `ClusterNotRunning`, `NotFound`, what k3d says, `Cancelled` and `TimedOut`.
pub(crate) async fn load(
    request: &Request,
    profile: &str,
    images: &[String],
) -> Result<Outcome, Error> {
    let engine = connect(request).await?;
    let cluster = look(&engine, profile).await?;
    if !all_run(&cluster) {
        return Err(not_running(format!("not all nodes of cluster `{profile}` run")));
    }
    engine.check_images(images).await?;
    let k3d = K3d::find()?;
    k3d.check_version(request).await?;
    if images.is_empty() {
        return Ok(Outcome::new(Change::None));
    }
    k3d.import(request, profile, images).await?;
    Ok(Outcome::new(Change::Loaded))
}

/// Whether all nodes run that run workloads.
fn all_run(cluster: &Cluster) -> bool {
    let nodes = cluster.nodes();
    let nodes = nodes.iter().filter(|node| Role::of(node) != Role::LoadBalancer);
    let mut nodes = nodes.peekable();
    nodes.peek().is_some() && nodes.all(|node| node.state == NodeState::Running)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::tests::running;

    #[test]
    fn images_are_for_clusters_all_of_whose_nodes_run() {
        assert!(all_run(&running()));
        let mut stopped = running();
        stopped.containers[1].state = NodeState::Stopped;
        assert!(!all_run(&stopped));
        assert!(!all_run(&Cluster::default()));
    }
}
