//! From the containers of a cluster to its status: no I/O, so that every state is tested.

use std::collections::{HashMap, HashSet};

use caproni_driver::{Cluster as Listed, Condition, Node, NodeState, State, Status};
use caproni_engine::Container;

use crate::address;
use crate::cluster::Cluster;
use crate::kubeconfig::api_host;
use crate::role::Role;

/// What the containers do not tell.
#[derive(Debug, Default)]
pub(crate) struct Around<'a> {
    /// Who starts the cluster at this moment, such as `start (process 4711)`.
    pub(crate) starter: Option<&'a str>,
    /// The host at which published ports are reached; 127.0.0.1 without it.
    pub(crate) host: Option<&'a str>,
}

/// Tells a cluster's status.
pub(crate) fn of(cluster: &Cluster, around: &Around<'_>) -> Status {
    let nodes = nodes(cluster);
    let moved = address::conditions(cluster);
    let mut status = Status::new(state(cluster, &nodes, &moved, || around.starter.is_some()));
    status.driver = Some("kind".into());
    status.kube_context = Some(context(&cluster.name));
    status.exists = !cluster.containers.is_empty();
    status.conditions = conditions(cluster, &nodes, &status.state, around);
    status.conditions.extend(moved);
    if !status.exists {
        return status;
    }
    // What was not finished is made anew, whatever it was to be: nothing there to differ from.
    // Nor is what nobody can read.
    let is_known = !cluster.is_unfinished() && cluster.unreadable.is_none();
    status.config = is_known.then(|| cluster.config());
    status.kubernetes_version = cluster.version.clone();
    status.ip_address = Some(api_host(cluster, around.host));
    status.nodes = nodes;
    status
}

/// Tells no more of a cluster than a list of many does. Whether somebody starts it at this moment is
/// asked only where that makes a difference.
pub(crate) fn glance(cluster: &Cluster, is_started: impl FnOnce() -> bool) -> Listed {
    let state = state(cluster, &nodes(cluster), &address::conditions(cluster), is_started);
    Listed::new(&cluster.name, state)
        .with_kubernetes_version(cluster.version.clone())
        .with_kube_context(context(&cluster.name))
}

/// The name of a cluster's context, as kind gives it.
pub(crate) fn context(name: &str) -> String {
    format!("kind-{name}")
}

/// Each node there should be, and each there is beyond that.
fn nodes(cluster: &Cluster) -> Vec<Node> {
    if cluster.containers.is_empty() {
        return Vec::new();
    }
    let there = cluster.nodes();
    let by_name: HashMap<&str, &Container> =
        there.iter().map(|node| (node.name.as_str(), *node)).collect();
    let mut nodes: Vec<Node> = cluster
        .expected()
        .into_iter()
        .map(|(name, role)| {
            let found = by_name.get(name.as_str());
            let state = found.map_or(NodeState::Missing, |container| container.state.clone());
            Node::new(name, role.node(), state)
        })
        .collect();
    let known: HashSet<String> = nodes.iter().map(|node| node.name.clone()).collect();
    let others = there.iter().filter(|one| !known.contains(&one.name));
    nodes
        .extend(others.filter_map(|one| {
            Some(Node::new(&one.name, Role::of(one)?.node(), one.state.clone()))
        }));
    nodes
}

fn state(
    cluster: &Cluster,
    nodes: &[Node],
    moved: &[Condition],
    is_started: impl FnOnce() -> bool,
) -> State {
    let all_run = !nodes.is_empty() && nodes.iter().all(|node| node.state == NodeState::Running);
    if all_run && !cluster.is_unfinished() && moved.is_empty() {
        State::Ready
    } else if is_started() {
        State::Starting
    } else if cluster.containers.iter().any(caproni_engine::Container::is_alive) {
        State::NotReady
    } else {
        State::Stopped
    }
}

fn conditions(
    cluster: &Cluster,
    nodes: &[Node],
    state: &State,
    around: &Around<'_>,
) -> Vec<Condition> {
    if *state == State::Starting {
        let who = around.starter.unwrap_or_default();
        return vec![Condition::failed("start", format!("{who} is under way"))];
    }
    let mut found = Vec::new();
    if let Some(error) = &cluster.unreadable {
        let hint = error.data.hint.clone().unwrap_or_default();
        found.push(Condition::failed("kept", &error.message).with_hint(hint));
    }
    if cluster.is_unfinished() {
        let hint = "run `caproni start` to make it anew or `caproni destroy` to remove it";
        found.push(Condition::failed("creation", "was not finished").with_hint(hint));
    }
    let to_tell = |node: &&Node| match node.state {
        NodeState::Running => false,
        // A cluster that is stopped has stopped nodes: nothing is wrong with them.
        NodeState::Stopped | NodeState::Created => *state != State::Stopped,
        _ => true,
    };
    found.extend(nodes.iter().filter(to_tell).map(condition));
    found
}

/// Each node there should be and is not.
pub(crate) fn missing(cluster: &Cluster) -> Vec<Condition> {
    let nodes = nodes(cluster);
    nodes.iter().filter(|node| node.state == NodeState::Missing).map(condition).collect()
}

/// What is wrong with one node, and what mends it.
fn condition(node: &Node) -> Condition {
    let condition = Condition::failed(&node.name, format!("is {}", node.state));
    match node.state {
        NodeState::Missing => condition
            .with_hint("run `caproni destroy`, then `caproni start`: kind cannot replace a node"),
        NodeState::Restarting => {
            condition.with_hint(format!("run `docker logs {}` to see why", node.name))
        }
        _ => condition.with_hint("run `caproni start`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::tests::{made_of, running};
    use caproni_driver::NodeRole;
    use serde_json::json;

    fn status(cluster: &Cluster) -> Status {
        of(cluster, &Around::default())
    }

    fn names(status: &Status) -> Vec<&str> {
        status.conditions.iter().map(|condition| condition.name.as_str()).collect()
    }

    fn set(cluster: &mut Cluster, name: &str, state: NodeState) {
        let node = cluster.containers.iter_mut().find(|c| c.name.ends_with(name)).unwrap();
        node.state = state;
    }

    #[test]
    fn a_glance_tells_what_a_status_tells() {
        let mut stopped = running();
        set(&mut stopped, "worker", NodeState::Stopped);
        let mut unfinished = made_of(json!({"nodes": {"workers": 1}}));
        unfinished.kept = None;
        for cluster in [running(), stopped, made_of(json!({"nodes": {"workers": 2}})), unfinished] {
            let (told, glance) = (status(&cluster), glance(&cluster, || false));
            assert_eq!((&glance.profile, glance.state), (&cluster.name, told.state));
            assert_eq!(glance.kubernetes_version, told.kubernetes_version);
            assert_eq!(glance.kube_context, told.kube_context);
        }
    }

    #[test]
    fn a_glance_asks_who_starts_a_cluster_only_where_it_is_not_ready() {
        let asked = std::cell::Cell::new(0);
        let started = || asked.replace(asked.get() + 1) == 0;
        let state = |cluster: &Cluster| glance(cluster, started).state;
        assert_eq!((state(&running()), asked.get()), (State::Ready, 0));
        let mut stopped = running();
        set(&mut stopped, "worker", NodeState::Stopped);
        assert_eq!((state(&stopped), asked.get()), (State::Starting, 1));
    }

    #[test]
    fn a_running_cluster_is_ready() {
        let status = status(&running());
        assert_eq!((status.state.clone(), status.exists), (State::Ready, true));
        assert_eq!(status.kube_context.as_deref(), Some("kind-demo"));
        assert_eq!(status.ip_address.as_deref(), Some("127.0.0.1"));
        assert_eq!(status.kubernetes_version.as_deref(), Some("v1.36.1"));
        let nodes: Vec<_> =
            status.nodes.iter().map(|n| (n.name.as_str(), n.role.clone())).collect();
        let expected = [("demo-control-plane", NodeRole::Server), ("demo-worker", NodeRole::Agent)];
        assert_eq!(nodes, expected);
        assert_eq!(status.conditions, []);
    }

    #[test]
    fn nothing_is_absent() {
        let status = status(&Cluster { name: "demo".into(), ..Cluster::default() });
        assert_eq!((status.state.clone(), status.exists), (State::Stopped, false));
        assert_eq!((status.config, status.conditions), (None, vec![]));
    }

    #[test]
    fn a_stopped_cluster_has_nothing_wrong_with_it() {
        let mut cluster = made_of(json!({"nodes": {"workers": 1}}));
        set(&mut cluster, "worker", NodeState::Stopped);
        set(&mut cluster, "plane", NodeState::Stopped);
        let status = status(&cluster);
        assert_eq!((status.state, status.exists), (State::Stopped, true));
        assert_eq!(status.conditions, []);
    }

    #[test]
    fn a_node_that_does_not_run_makes_the_cluster_not_ready() {
        for state in [NodeState::Paused, NodeState::Stopped, NodeState::Restarting] {
            for name in ["worker", "control-plane"] {
                let mut cluster = made_of(json!({"nodes": {"workers": 1}}));
                set(&mut cluster, name, state.clone());
                let status = status(&cluster);
                assert_eq!(status.state, State::NotReady, "{name} {state}");
                assert_eq!(names(&status), [format!("demo-{name}")]);
                assert!(status.conditions[0].hint.is_some());
            }
        }
    }

    #[test]
    fn a_node_removed_by_hand_is_missing() {
        for index in [0, 1] {
            let mut cluster = made_of(json!({"nodes": {"workers": 1}}));
            let gone = cluster.containers.remove(index);
            let status = status(&cluster);
            assert_eq!(status.state, State::NotReady);
            assert_eq!(names(&status), [gone.name.as_str()]);
            assert_eq!(status.nodes.len(), 2);
        }
    }

    #[test]
    fn a_creation_that_was_killed_is_told_as_such() {
        let mut cluster = made_of(json!({}));
        cluster.kept = None;
        let status = status(&cluster);
        assert_eq!(status.state, State::NotReady);
        assert_eq!(names(&status), ["creation"]);
        assert_eq!(status.config, None, "any config may follow it");
    }

    #[test]
    fn a_start_under_way_is_starting_until_it_is_done() {
        let around = Around { starter: Some("start (process 1)"), ..Around::default() };
        let nothing = Cluster { name: "demo".into(), ..Cluster::default() };
        assert_eq!(of(&nothing, &around).state, State::Starting);
        let mut cluster = made_of(json!({"nodes": {"workers": 1}}));
        assert_eq!(of(&cluster, &around).state, State::Ready);
        cluster.kept = None;
        assert_eq!(of(&cluster, &around).state, State::Starting);
    }
}
