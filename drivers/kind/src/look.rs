//! Looking at all there is of a cluster; changes nothing.

use caproni_driver::Error;
use caproni_engine::{Container, Engine, Listed};
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
    listed: &[Listed],
) -> Result<Cluster, Error> {
    let nodes: Vec<Container> = listed.iter().cloned().map(Listed::into_container).collect();
    let containers = try_join_all(listed.iter().map(|listed| engine.container(listed)));
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
    name: String,
    listed: Vec<Listed>,
) -> Result<Cluster, Error> {
    if !listed.iter().all(tells_mounts) {
        return Box::pin(look_at(engine, &name, &listed)).await;
    }
    let containers: Vec<Container> = listed.into_iter().map(with_mark).collect();
    let is_ours = containers.iter().any(|node| !node.binds.is_empty());
    // With what others made nothing is kept.
    let kept = if is_ours { kept::read_first(engine, &containers).await? } else { None };
    Ok(of_kept(name, containers, kept))
}

/// Whether this engine lists what is mounted: each node has something, its volumes if nothing else.
fn tells_mounts(listed: &Listed) -> bool {
    Role::listed(listed) == Some(Role::LoadBalancer) || listed.mounted().next().is_some()
}

/// A container as the engine lists it, with the mark if it has that.
fn with_mark(listed: Listed) -> Container {
    let is_node = Role::listed(&listed) != Some(Role::LoadBalancer);
    let has_mark = is_node && listed.mounted().any(document::is_mark);
    let mut container = listed.into_container();
    container.binds.extend(has_mark.then(document::mark));
    container
}

fn of_kept(
    name: impl Into<String>,
    containers: Vec<Container>,
    kept: Option<Result<Kept, Error>>,
) -> Cluster {
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
        let listed: Listed = serde_json::from_value(listed).unwrap();
        tells_mounts(&listed).then(|| with_mark(listed).binds)
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
