//! Images that are put onto the nodes, by `kind load`.

use caproni_driver::{Change, Error, NodeState, Outcome, Request};
use caproni_engine::is_archive;
use caproni_engine::plan::not_running;

use crate::cluster::Cluster;
use crate::connect::connect;
use crate::kind::Kind;
use crate::look::look;
use crate::role::Role;

/// Puts images onto every node of a running cluster: none when one of them is not there.
///
/// # Errors
/// `ClusterNotRunning`, `NotFound`, what kind says, `Cancelled` and `TimedOut`.
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
    let kind = Kind::find()?;
    kind.check_version(request).await?;
    let (archives, names): (Vec<_>, _) = images.iter().partition(|image| is_archive(image));
    if !names.is_empty() {
        kind.load(request, profile, "docker-image", &names).await?;
    }
    // kind takes several names, and in older versions one archive.
    for archive in archives {
        kind.load(request, profile, "image-archive", &[archive]).await?;
    }
    Ok(Outcome::new(if images.is_empty() { Change::None } else { Change::Loaded }))
}

fn all_run(cluster: &Cluster) -> bool {
    let nodes = cluster.nodes();
    let mut nodes = nodes.iter().filter(|node| Role::of(node) != Some(Role::LoadBalancer));
    !cluster.containers.is_empty() && nodes.all(|node| node.state == NodeState::Running)
}
