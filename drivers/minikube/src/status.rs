//! From what there is of a cluster to its status: no I/O, so that every state is tested.

use caproni_driver::{Condition, Node, NodeRole, NodeState, State, Status};
use caproni_engine::Container;

use crate::NAME;
use crate::cluster::{Cluster, NodeStatus};
use crate::config::MinikubeConfig;
use crate::profile::Profile;
use crate::running;

/// What the cluster itself does not tell.
#[derive(Debug, Default)]
pub(crate) struct Around<'a> {
    /// Who starts the cluster at this moment, such as `start (process 4711)`.
    pub(crate) starter: Option<&'a str>,
    /// The engine's host, when it is not this machine.
    pub(crate) engine_host: Option<&'a str>,
    /// The config that is asked for.
    pub(crate) asked: Option<&'a MinikubeConfig>,
}

/// Tells a cluster's status.
pub(crate) fn of(cluster: &Cluster, around: &Around<'_>) -> Status {
    let nodes = nodes(cluster);
    let mut status = Status::new(state(cluster, &nodes, around));
    status.driver = Some(NAME.into());
    status.kube_context = Some(cluster.name.clone());
    status.exists = !cluster.is_absent();
    status.conditions = conditions(cluster, &nodes, &status.state, around);
    if let Some(profile) = &cluster.profile {
        let version = &profile.kubernetes_config.kubernetes_version;
        status.kubernetes_version = Some(version.clone()).filter(|version| !version.is_empty());
        status.ip_address = address(profile, around);
        // Half a cluster is to be compared with nothing, and nothing with what nobody can read.
        if !cluster.is_half() && cluster.unreadable.is_none() {
            status.config = Some(running::config(cluster, profile, around.asked));
        }
    }
    status.nodes = nodes;
    status
}

/// Where published ports are reached: on this machine for containers, at the machine itself else.
fn address(profile: &Profile, around: &Around<'_>) -> Option<String> {
    if ["docker", "podman"].contains(&profile.driver.as_str()) {
        return Some(around.engine_host.unwrap_or("127.0.0.1").into());
    }
    let first = profile.nodes.first()?;
    Some(first.ip.clone()).filter(|ip| !ip.is_empty())
}

/// Each node there should be.
fn nodes(cluster: &Cluster) -> Vec<Node> {
    let Some(profile) = &cluster.profile else { return Vec::new() };
    let names = profile.node_names(&cluster.name);
    let nodes = names.into_iter().zip(&profile.nodes).enumerate();
    let of = |(index, (name, node)): (usize, (String, _))| {
        let node: &crate::profile::ProfileNode = node;
        // Old versions of minikube do not write it down of the only node.
        let role =
            if node.control_plane || index == 0 { NodeRole::Server } else { NodeRole::Agent };
        let state = node_state(cluster, &name);
        Node::new(name, role, state)
    };
    nodes.map(of).collect()
}

fn node_state(cluster: &Cluster, name: &str) -> NodeState {
    if let Some(told) = cluster.nodes.iter().find(|told| told.name == name) {
        return host_state(&told.host);
    }
    let container = |container: &&Container| container.name == name;
    match &cluster.containers {
        Some(there) => match there.iter().find(container) {
            Some(found) => found.state.clone(),
            None => NodeState::Missing,
        },
        None => NodeState::Other("unknown".into()),
    }
}

/// What minikube's word on a machine means.
fn host_state(host: &str) -> NodeState {
    match host {
        // Its disk is full, and it runs.
        "Running" | "InsufficientStorage" => NodeState::Running,
        "Stopped" => NodeState::Stopped,
        "Paused" => NodeState::Paused,
        "Starting" => NodeState::Restarting,
        "Nonexistent" => NodeState::Missing,
        other => NodeState::Other(other.to_lowercase()),
    }
}

fn state(cluster: &Cluster, nodes: &[Node], around: &Around<'_>) -> State {
    let all_well = !cluster.nodes.is_empty()
        && cluster.nodes.len() == nodes.len()
        && cluster.nodes.iter().all(is_well);
    let is_down = |node: &Node| {
        matches!(node.state, NodeState::Stopped | NodeState::Created | NodeState::Missing)
    };
    if all_well && !cluster.is_half() {
        State::Ready
    } else if around.starter.is_some() {
        State::Starting
    } else if nodes.iter().all(is_down) && !cluster.runs() {
        State::Stopped
    } else {
        State::NotReady
    }
}

fn is_well(node: &NodeStatus) -> bool {
    node.host == "Running"
        && node.kubelet == "Running"
        && (node.api_server == "Running" || node.api_server == "Irrelevant")
}

fn conditions(
    cluster: &Cluster,
    nodes: &[Node],
    state: &State,
    around: &Around<'_>,
) -> Vec<Condition> {
    if let (State::Starting, Some(who)) = (state, around.starter) {
        return vec![Condition::failed("start", format!("{who} is under way"))];
    }
    let mut found = Vec::new();
    if let Some(error) = &cluster.unreadable {
        let hint = error.data.hint.clone().unwrap_or_default();
        found.push(Condition::failed("kept", &error.message).with_hint(hint));
    }
    if cluster.is_half() {
        let what = cluster.left.as_deref().unwrap_or("was not finished");
        let hint = "run `caproni start` to make it anew or `caproni destroy` to remove it";
        found.push(Condition::failed("creation", what).with_hint(hint));
    }
    let is_stopped = *state == State::Stopped;
    let down = nodes.iter().filter(|node| match node.state {
        NodeState::Running => false,
        // A cluster that is stopped has stopped nodes: nothing is wrong with them.
        NodeState::Stopped | NodeState::Created => !is_stopped,
        _ => true,
    });
    found.extend(down.map(down_condition));
    found.extend(cluster.nodes.iter().filter(|node| !is_well(node)).filter_map(inner_condition));
    found
}

/// What is wrong with a node that does not run, and what mends it.
fn down_condition(node: &Node) -> Condition {
    let condition = Condition::failed(&node.name, format!("is {}", node.state));
    match node.state {
        NodeState::Missing => condition.with_hint("run `caproni destroy`, then `caproni start`"),
        _ => condition.with_hint("run `caproni start`"),
    }
}

/// What is wrong inside a node whose machine runs.
fn inner_condition(node: &NodeStatus) -> Option<Condition> {
    let name = &node.name;
    match (node.host.as_str(), node.api_server.as_str(), node.kubelet.as_str()) {
        ("InsufficientStorage", ..) => {
            let condition = Condition::failed(name, "its disk is almost full");
            Some(
                condition
                    .with_hint("remove what is not in use, such as with `docker system prune`"),
            )
        }
        ("Running", "Paused", _) => {
            let condition = Condition::failed(name, "its Kubernetes is paused");
            Some(condition.with_hint("run `caproni start`"))
        }
        ("Running", "Running" | "Irrelevant", kubelet) => {
            let what = format!("its kubelet is {}", kubelet.to_lowercase());
            Some(Condition::failed(name, what).with_hint("run `caproni restart`"))
        }
        ("Running", "Error", _) => {
            let condition = Condition::failed(name, "its API server answers with an error");
            Some(condition.with_hint("run `caproni wait --for ready`, or `caproni restart`"))
        }
        ("Running", api_server, _) => {
            let what = format!("its API server is {}", api_server.to_lowercase());
            Some(Condition::failed(name, what).with_hint("run `caproni restart`"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
