use serde_json::json;

use super::*;
use crate::cluster::Note;
use crate::cluster::tests::{nodes, running};

macro_rules! recorded {
    ($name:literal) => {
        include_str!(concat!("../../tests/recorded/v1.38/status-", $name, ".out"))
    };
}

fn status(cluster: &Cluster) -> Status {
    of(cluster, &Around::default())
}

fn told(recorded: &str) -> Status {
    status(&Cluster { nodes: nodes(recorded), ..running() })
}

#[test]
fn a_running_cluster_is_ready() {
    let status = status(&running());
    assert_eq!((status.state.clone(), status.exists), (State::Ready, true));
    assert_eq!(status.kubernetes_version.as_deref(), Some("v1.35.1"));
    assert_eq!(status.kube_context.as_deref(), Some("mk-demo"));
    assert_eq!(status.ip_address.as_deref(), Some("127.0.0.1"));
    assert_eq!(status.nodes, [Node::new("mk-demo", NodeRole::Server, NodeState::Running)]);
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
    let status = told(recorded!("stopped"));
    assert_eq!((status.state, status.exists), (State::Stopped, true));
    assert_eq!(status.conditions, []);
    assert_eq!(status.nodes[0].state, NodeState::Stopped);
}

#[test]
fn what_is_not_well_makes_the_cluster_not_ready_and_is_named() {
    for (recorded, what) in [
        (recorded!("paused"), "is paused"),
        (recorded!("kubelet-down"), "its kubelet is stopped"),
        (recorded!("api-down"), "its API server is stopped"),
    ] {
        let status = told(recorded);
        assert_eq!(status.state, State::NotReady, "{what}");
        let said: Vec<_> = status.conditions.iter().map(|c| c.message.as_str()).collect();
        assert_eq!(said, [what]);
        assert!(status.conditions[0].hint.is_some());
    }
}

#[test]
fn a_cluster_paused_by_minikube_and_a_full_disk_are_told() {
    let with = |host: &str, api: &str| {
        let mut cluster = running();
        cluster.nodes[0].host = host.into();
        cluster.nodes[0].api_server = api.into();
        let status = status(&cluster);
        (status.state, status.conditions[0].message.clone())
    };
    assert_eq!(with("Running", "Paused"), (State::NotReady, "its Kubernetes is paused".into()));
    let full = with("InsufficientStorage", "Running");
    assert_eq!(full, (State::NotReady, "its disk is almost full".into()));
}

#[test]
fn a_container_that_is_gone_is_a_missing_node() {
    let cluster = Cluster { nodes: vec![], containers: Some(vec![]), ..running() };
    let status = status(&cluster);
    assert_eq!((status.state.clone(), status.exists), (State::Stopped, true));
    assert_eq!(status.nodes[0].state, NodeState::Missing);
    assert_eq!(status.conditions[0].message, "is missing");
}

#[test]
fn half_a_cluster_is_told_without_a_config() {
    let note = Note { config: json!({}), finished: false };
    let half = Cluster { note: Some(note.clone()), ..running() };
    let status = status(&half);
    assert_eq!((status.state, status.config), (State::NotReady, None));
    assert_eq!(status.conditions[0].name, "creation");
    let only_note = Cluster { name: "demo".into(), note: Some(note), ..Cluster::default() };
    let status = of(&only_note, &Around::default());
    assert_eq!((status.state.clone(), status.exists), (State::Stopped, true));
    assert_eq!(status.conditions[0].name, "creation");
}

#[test]
fn a_start_under_way_is_starting_until_every_node_is_well() {
    let around = Around { starter: Some("start (process 1)"), ..Around::default() };
    let nothing = Cluster { name: "demo".into(), ..Cluster::default() };
    let status = of(&nothing, &around);
    assert_eq!((status.state.clone(), status.exists), (State::Starting, false));
    let half = Cluster { nodes: nodes(recorded!("api-down")), ..running() };
    assert_eq!(of(&half, &around).state, State::Starting);
    assert_eq!(of(&running(), &around).state, State::Ready);
}

#[test]
fn a_virtual_machine_is_reached_at_its_own_address() {
    let mut cluster = running();
    cluster.profile.as_mut().unwrap().driver = "kvm2".into();
    assert_eq!(status(&cluster).ip_address.as_deref(), Some("192.168.49.2"));
}
