//! Looking at all there is of a cluster; changes nothing.

use caproni_driver::Error;
use caproni_engine::{Container, ContainerSummary, Engine};
use futures_util::future::{try_join_all, try_join3};

use crate::cluster::{CLUSTER_LABEL, Cluster};
use crate::document;
use crate::kept::{self, Kept};
use crate::role::Role;
use crate::version;

/// Looks at a cluster.
///
/// # Errors
/// As [`Engine::connect`].
pub(crate) async fn look(engine: &Engine, name: &str) -> Result<Cluster, Error> {
    let listed = engine.list(&[&label(name)]).await?;
    look_at(engine, name, &listed).await
}

/// Looks at a cluster whose containers are listed already.
///
/// # Errors
/// As [`Engine::connect`].
pub(crate) async fn look_at(
    engine: &Engine,
    name: &str,
    listed: &[ContainerSummary],
) -> Result<Cluster, Error> {
    let nodes: Vec<Container> = listed.iter().map(Container::listed).collect();
    let containers = try_join_all(listed.iter().map(|summary| engine.container(summary)));
    let (containers, kept, version) =
        try_join3(containers, kept::read(engine, &nodes), version::read(engine, &nodes)).await?;
    let containers: Vec<Container> = containers.into_iter().flatten().collect();
    Ok(Cluster { version, ..of_kept(name, containers, kept) })
}

/// Looks at a cluster whose containers are listed already as far as is needed to list it: at nothing
/// that the list tells, and not at its version.
///
/// # Errors
/// As [`Engine::connect`].
pub(crate) async fn glance_at(
    engine: &Engine,
    name: &str,
    listed: &[ContainerSummary],
) -> Result<Cluster, Error> {
    let containers: Option<Vec<Container>> = listed.iter().map(with_mark).collect();
    let Some(containers) = containers else {
        return Box::pin(look_at(engine, name, listed)).await;
    };
    let is_ours = containers.iter().any(|node| !node.binds.is_empty());
    // With what others made nothing is kept.
    let kept = if is_ours { kept::read_first(engine, &containers).await? } else { None };
    Ok(of_kept(name, containers, kept))
}

/// A container as the engine lists it, with the mark if it has that; `None` where this engine does
/// not list what is mounted.
fn with_mark(listed: &ContainerSummary) -> Option<Container> {
    let mut container = Container::listed(listed);
    if Role::of(&container) != Some(Role::LoadBalancer) {
        // Each node has something mounted: its volumes, if nothing else.
        let mounts = listed.mounts.as_ref().filter(|mounts| !mounts.is_empty())?;
        let mut targets = mounts.iter().filter_map(|mount| mount.destination.as_deref());
        container.binds.extend(targets.any(document::is_mark).then(document::mark));
    }
    Some(container)
}

fn of_kept(name: &str, containers: Vec<Container>, kept: Option<Result<Kept, Error>>) -> Cluster {
    let (kept, unreadable) = match kept.transpose() {
        Ok(kept) => (kept, None),
        Err(error) => (None, Some(error)),
    };
    Cluster { name: name.into(), containers, kept, unreadable, version: None }
}

/// The label on every container of a cluster.
pub(crate) fn label(cluster: &str) -> String {
    format!("{CLUSTER_LABEL}={cluster}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn binds(role: &str, mounts: Value) -> Option<Vec<String>> {
        let listed = json!({"Labels": {"io.x-k8s.kind.role": role}, "Mounts": mounts});
        with_mark(&serde_json::from_value(listed).unwrap()).map(|container| container.binds)
    }

    #[test]
    fn the_mark_is_seen_among_what_is_mounted() {
        let own = json!({"Type": "volume", "Destination": "/var"});
        let mark =
            json!({"Type": "bind", "Source": "/dev/null", "Destination": "/etc/caproni/driver"});
        assert_eq!(binds("worker", json!([own, mark])), Some(vec![document::mark()]));
        assert_eq!(binds("worker", json!([own])), Some(vec![]));
        assert_eq!(binds("external-load-balancer", json!([])), Some(vec![]));
    }

    #[test]
    fn an_engine_that_lists_no_mounts_does_not_tell_that_there_is_no_mark() {
        assert_eq!(binds("control-plane", json!(null)), None);
        assert_eq!(binds("worker", json!([])), None);
    }
}
