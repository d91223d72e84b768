//! From the containers of a cluster to its status: no I/O, so that every state is tested.

use std::collections::HashSet;

use caproni_driver::{Cluster as Listed, Condition, Node, NodeRole, NodeState, State, Status};
use caproni_engine::Container;

use crate::cluster::Cluster;
use crate::role::Role;

/// How long a creation by plain k3d may take before what is there counts as broken, in
/// seconds. Only this driver's own creations hold a lock that tells.
const CREATION: i64 = 60;

/// What the containers do not tell.
#[derive(Debug, Default)]
pub(crate) struct Around<'a> {
    /// Who starts the cluster at this moment, such as `start (process 4711)`.
    pub(crate) starter: Option<&'a str>,
    /// The host at which published ports are reached; 127.0.0.1 without it.
    pub(crate) host: Option<&'a str>,
    /// Seconds of Unix time.
    pub(crate) now: i64,
}

/// Tells a cluster's status.
pub(crate) fn of(cluster: &Cluster, around: &Around<'_>) -> Status {
    let nodes = nodes(cluster);
    let mut status = Status::new(state(cluster, &nodes, around.now, || around.starter.is_some()));
    status.driver = Some("k3d".into());
    status.kube_context = Some(context(&cluster.name));
    status.exists = exists(cluster);
    status.conditions = conditions(cluster, &nodes, &status.state, around);
    if cluster.nodes().is_empty() {
        return status;
    }
    status.config = Some(cluster.config());
    status.kubernetes_version = kubernetes_version(cluster);
    status.ip_address = Some(api_host(cluster, around.host));
    status.nodes = nodes;
    status
}

/// Tells no more of a cluster than a list of many does; `None` where nothing is left of it. Whether
/// somebody starts it at this moment is asked only where that makes a difference.
pub(crate) fn glance(
    cluster: &Cluster,
    now: i64,
    is_started: impl FnOnce() -> bool,
) -> Option<Listed> {
    let listed = Listed::new(&cluster.name, state(cluster, &nodes(cluster), now, is_started))
        .with_kubernetes_version(kubernetes_version(cluster))
        .with_kube_context(context(&cluster.name));
    exists(cluster).then_some(listed)
}

fn exists(cluster: &Cluster) -> bool {
    !cluster.containers.is_empty() || cluster.leftovers
}

fn kubernetes_version(cluster: &Cluster) -> Option<String> {
    cluster.image().and_then(version_in_tag)
}

/// The name of a cluster's context, as k3d gives it.
pub(crate) fn context(name: &str) -> String {
    format!("k3d-{name}")
}

/// The host at which a cluster's API is reached: k3d notes the address it is bound to,
/// which is no address to go to when it means "every address".
pub(crate) fn api_host(cluster: &Cluster, host: Option<&str>) -> String {
    noted_host(cluster).or(host).unwrap_or("127.0.0.1").into()
}

/// The one host that k3d was told to publish the API at, if it was.
pub(crate) fn noted_host(cluster: &Cluster) -> Option<&str> {
    cluster.label("k3d.server.api.host").filter(|host| !["0.0.0.0", "::"].contains(host))
}

/// Each node there should be, and each there is beyond that.
fn nodes(cluster: &Cluster) -> Vec<Node> {
    let there = cluster.nodes();
    if there.is_empty() {
        return Vec::new();
    }
    let shape = cluster.shape();
    let mut nodes = expected(cluster, &there, Role::Server, "server", shape.servers);
    nodes.extend(expected(cluster, &there, Role::Agent, "agent", shape.agents));
    if shape.load_balancer {
        let state = cluster.load_balancer().map_or(NodeState::Missing, |lb| lb.state.clone());
        nodes.push(Node::new(cluster.load_balancer_name(), NodeRole::LoadBalancer, state));
    }
    let known: HashSet<String> = nodes.iter().map(|node| node.name.clone()).collect();
    for container in there {
        if let Some(role) = Role::of(container).node()
            && !known.contains(&container.name)
        {
            nodes.push(Node::new(&container.name, role, container.state.clone()));
        }
    }
    nodes
}

/// The nodes of a role that there are, and as many missing ones as it takes to make `count`.
fn expected(
    cluster: &Cluster,
    there: &[&Container],
    role: Role,
    word: &str,
    count: u32,
) -> Vec<Node> {
    let Some(node_role) = role.node() else { return Vec::new() };
    let of_role: Vec<_> = there.iter().filter(|node| Role::of(node) == role).collect();
    let known: HashSet<&str> = of_role.iter().map(|node| node.name.as_str()).collect();
    let mut nodes: Vec<Node> = of_role
        .iter()
        .map(|node| Node::new(&node.name, node_role.clone(), node.state.clone()))
        .collect();
    let mut lacking = (count as usize).saturating_sub(nodes.len());
    for index in 0..count {
        let name = format!("k3d-{}-{word}-{index}", cluster.name);
        if lacking > 0 && !known.contains(name.as_str()) {
            nodes.push(Node::new(name, node_role.clone(), NodeState::Missing));
            lacking -= 1;
        }
    }
    nodes.sort_by(|a, b| a.name.len().cmp(&b.name.len()).then_with(|| a.name.cmp(&b.name)));
    nodes
}

fn state(cluster: &Cluster, nodes: &[Node], now: i64, is_started: impl FnOnce() -> bool) -> State {
    let all_run = !nodes.is_empty() && nodes.iter().all(|node| node.state == NodeState::Running);
    if all_run && cluster.finished {
        State::Ready
    } else if is_started() || is_young(cluster, now) {
        State::Starting
    } else if nodes.iter().any(|node| is_alive(&node.state)) {
        State::NotReady
    } else {
        State::Stopped
    }
}

/// Whether it may be plain k3d's creation that is under way: that one holds no lock.
fn is_young(cluster: &Cluster, now: i64) -> bool {
    let servers = cluster.servers();
    let not_started = cluster.nodes().iter().any(|node| matches!(node.state, NodeState::Created));
    cluster.kept_config().is_none()
        && !servers.is_empty()
        && not_started
        && servers.iter().all(|s| s.created.is_some_and(|at| (0..CREATION).contains(&(now - at))))
}

fn is_alive(state: &NodeState) -> bool {
    !matches!(state, NodeState::Stopped | NodeState::Created | NodeState::Missing)
}

fn conditions(
    cluster: &Cluster,
    nodes: &[Node],
    state: &State,
    around: &Around<'_>,
) -> Vec<Condition> {
    if *state == State::Starting {
        let who = around.starter.unwrap_or("a creation by k3d");
        return vec![Condition::failed("start", format!("{who} is under way"))];
    }
    let mut found = Vec::new();
    if cluster.is_unfinished() {
        let what = match nodes {
            [] => "was not finished, or the nodes were removed by hand",
            _ => "was not finished",
        };
        let hint = "run `caproni start` to make it anew or `caproni destroy` to remove it";
        found.push(Condition::failed("creation", what).with_hint(hint));
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

/// What is wrong with one node, and what mends it.
pub(crate) fn condition(node: &Node) -> Condition {
    let condition = Condition::failed(&node.name, format!("is {}", node.state));
    match node.state {
        NodeState::Missing => condition
            .with_hint("run `caproni destroy`, then `caproni start`: k3d cannot replace a node"),
        NodeState::Restarting => {
            condition.with_hint(format!("run `docker logs {}` to see why", node.name))
        }
        _ => condition.with_hint("run `caproni start`"),
    }
}

/// The version in an image's tag: `rancher/k3s:v1.34.9-k3s1` is of `v1.34.9+k3s1`.
fn version_in_tag(image: &str) -> Option<String> {
    let image = image.split('@').next()?;
    let (_, tag) = image.rsplit_once(':')?;
    let tag = ["-amd64", "-arm64", "-arm"].iter().find_map(|a| tag.strip_suffix(a)).unwrap_or(tag);
    let (version, build) = tag.rsplit_once("-k3s")?;
    let is_version = version.strip_prefix('v')?.split('.').count() == 3
        && build.chars().all(|c| c.is_ascii_digit());
    is_version.then(|| format!("{version}+k3s{build}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::tests::{made_of, running};
    use crate::role::tests::recorded;
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
        set(&mut stopped, "server-0", NodeState::Stopped);
        let leftovers = Cluster { name: "demo".into(), leftovers: true, ..Cluster::default() };
        for cluster in [running(), stopped, made_of(json!({"agents": 1})), leftovers] {
            let (told, glance) = (status(&cluster), glance(&cluster, 0, || false).unwrap());
            assert_eq!((&glance.profile, glance.state), (&cluster.name, told.state));
            assert_eq!(glance.kubernetes_version, told.kubernetes_version);
            assert_eq!(glance.kube_context, told.kube_context);
        }
        assert_eq!(glance(&Cluster::default(), 0, || true), None);
    }

    #[test]
    fn a_glance_asks_who_starts_a_cluster_only_where_it_is_not_ready() {
        let asked = std::cell::Cell::new(0);
        let started = || asked.replace(asked.get() + 1) == 0;
        let state = |cluster: &Cluster| glance(cluster, 0, started).unwrap().state;
        assert_eq!((state(&running()), asked.get()), (State::Ready, 0));
        let mut stopped = running();
        set(&mut stopped, "server-0", NodeState::Stopped);
        assert_eq!((state(&stopped), asked.get()), (State::Starting, 1));
    }

    #[test]
    fn a_running_cluster_is_ready() {
        let status = status(&running());
        assert_eq!((status.state.clone(), status.exists), (State::Ready, true));
        assert_eq!(status.kube_context.as_deref(), Some("k3d-demo"));
        assert_eq!(status.ip_address.as_deref(), Some("127.0.0.1"));
        let nodes: Vec<_> =
            status.nodes.iter().map(|n| (n.name.as_str(), n.role.clone())).collect();
        assert_eq!(
            nodes,
            [
                ("k3d-demo-server-0", NodeRole::Server),
                ("k3d-demo-serverlb", NodeRole::LoadBalancer),
            ]
        );
        assert_eq!(status.conditions, []);
    }

    #[test]
    fn nothing_is_absent() {
        let status = status(&Cluster { name: "demo".into(), finished: true, ..Cluster::default() });
        assert_eq!((status.state, status.exists), (State::Stopped, false));
        assert_eq!(status.config, None);
        assert_eq!(status.conditions, []);
    }

    #[test]
    fn a_stopped_cluster_has_nothing_wrong_with_it() {
        let mut cluster = running();
        cluster.containers = vec![
            recorded(include_str!("../tests/recorded/v5.9/inspect-stopped-serverlb.json")),
            recorded(include_str!("../tests/recorded/v5.9/inspect-stopped-server-0.json")),
        ];
        let status = status(&cluster);
        assert_eq!((status.state.clone(), status.exists), (State::Stopped, true));
        assert_eq!(status.conditions, []);
    }

    #[test]
    fn a_node_that_does_not_run_makes_the_cluster_not_ready() {
        for state in [NodeState::Paused, NodeState::Stopped, NodeState::Restarting] {
            for name in ["server-0", "serverlb"] {
                let mut cluster = running();
                set(&mut cluster, name, state.clone());
                let status = status(&cluster);
                assert_eq!(status.state, State::NotReady, "{name} {state}");
                assert_eq!(names(&status), [format!("k3d-demo-{name}")]);
                assert!(status.conditions[0].hint.is_some());
            }
        }
    }

    #[test]
    fn a_node_removed_by_hand_is_missing() {
        let mut cluster = made_of(json!({"agents": 2}));
        let mut agent =
            recorded(include_str!("../tests/recorded/v5.9/inspect-running-agent-0.json"));
        agent.name = "k3d-demo-agent-1".into();
        cluster.containers.push(agent);
        let status = status(&cluster);
        assert_eq!(status.state, State::NotReady);
        assert_eq!(names(&status), ["k3d-demo-agent-0"]);
        assert_eq!(status.nodes.len(), 4);
        assert_eq!(status.config.unwrap()["agents"], 2);
    }

    #[test]
    fn a_server_removed_by_hand_is_missing_though_it_kept_the_config() {
        let mut cluster = made_of(json!({}));
        cluster.containers.remove(1);
        let status = status(&cluster);
        assert_eq!(status.state, State::NotReady);
        assert_eq!(names(&status), ["k3d-demo-server-0"]);
    }

    #[test]
    fn a_creation_that_was_killed_is_told_as_such() {
        let mut cluster = made_of(json!({}));
        cluster.finished = false;
        set(&mut cluster, "serverlb", NodeState::Created);
        let status = status(&cluster);
        assert_eq!(status.state, State::NotReady);
        assert_eq!(names(&status), ["creation", "k3d-demo-serverlb"]);
    }

    #[test]
    fn what_is_left_of_a_creation_exists() {
        let cluster = Cluster { name: "demo".into(), leftovers: true, ..Cluster::default() };
        let status = status(&cluster);
        assert_eq!((status.state.clone(), status.exists), (State::Stopped, true));
        assert_eq!(names(&status), ["creation"]);
    }

    #[test]
    fn a_start_under_way_is_starting_until_every_node_runs() {
        let around = Around { starter: Some("start (process 1)"), ..Around::default() };
        let nothing = Cluster { name: "demo".into(), finished: true, ..Cluster::default() };
        let status = of(&nothing, &around);
        assert_eq!((status.state.clone(), status.exists), (State::Starting, false));
        let mut cluster = made_of(json!({}));
        cluster.finished = false;
        assert_eq!(of(&cluster, &around).state, State::Starting);
        cluster.finished = true;
        assert_eq!(of(&cluster, &around).state, State::Ready);
    }

    #[test]
    fn a_young_cluster_of_plain_k3d_is_starting() {
        let mut cluster = running();
        set(&mut cluster, "serverlb", NodeState::Created);
        cluster.containers[1].created = Some(1000);
        let at = |now| of(&cluster, &Around { now, ..Around::default() }).state;
        assert_eq!(at(1010), State::Starting);
        assert_eq!(at(1100), State::NotReady);
    }

    #[test]
    fn the_api_of_a_remote_engine_is_at_its_host() {
        let around = Around { host: Some("docker"), ..Around::default() };
        assert_eq!(of(&running(), &around).ip_address.as_deref(), Some("docker"));
    }

    #[test]
    fn the_version_is_told_only_by_a_tag_that_tells_it() {
        let version = |image| version_in_tag(image);
        assert_eq!(version("rancher/k3s:v1.34.9-k3s1").as_deref(), Some("v1.34.9+k3s1"));
        assert_eq!(
            version("host:5000/k3s:v1.34.9-rc1-k3s2-arm64").as_deref(),
            Some("v1.34.9-rc1+k3s2")
        );
        for image in ["rancher/k3s", "rancher/k3s:latest", "host:5000/k3s", "k3s:v1.34.9-k3s1-mine"]
        {
            assert_eq!(version(image), None, "{image}");
        }
    }

    #[test]
    fn the_clusters_token_is_never_told() {
        let cluster = running();
        let token = cluster.label("k3d.cluster.token").unwrap().to_owned();
        let told = serde_json::to_string(&status(&cluster)).unwrap();
        assert!(!told.contains(&token));
    }
}
