//! Each state of `status`, really produced, and what each verb does in it.

use serde_json::{Value, json};

use super::place;
use crate::support::{Backend, Place, condition, docker, is_stand_in_of, kind, until};

fn state(place: &Place) -> Value {
    place.status()["state"].clone()
}

fn change(place: &Place, verb: &str) -> Value {
    place.caproni(&[verb, "-o", "json"]).expect_code(0).json()["change"].clone()
}

#[test]
fn a_node_paused_stopped_or_removed_by_hand_is_told() {
    let place = place("kind-nodes");
    place.write_config("nodes: {workers: 1}");
    place.caproni(&["start"]).expect_code(0);
    let (control_plane, worker) = (place.node("control-plane"), place.node("worker"));
    let told = |node: &str, word: &str| {
        let status = place.caproni(&["status", "-o", "json"]).expect_code(4).json();
        assert_eq!(status["state"], "not-ready", "{status:#}");
        let message = condition(&status, node);
        assert!(message.contains(word), "{node} should be {word}: {status:#}");
    };
    for node in [&control_plane, &worker] {
        docker(&["pause", node]);
        told(node, "paused");
        assert_eq!(change(&place, "start"), "started");
        docker(&["stop", "-t", "1", node]);
        told(node, "stopped");
        assert_eq!(change(&place, "start"), "started");
    }
    docker(&["pause", &control_plane]);
    assert_eq!(change(&place, "stop"), "stopped");
    assert_eq!(change(&place, "start"), "started");

    docker(&["rm", "-f", "-v", &worker]);
    told(&worker, "missing");
    let refused = place.caproni(&["start", "-o", "json"]).expect_code(4).error();
    assert_eq!(refused["kind"], "ClusterNotReady", "{refused:#}");
    assert!(refused["hint"].as_str().is_some_and(|hint| hint.contains("destroy")), "{refused:#}");
}

#[test]
fn a_control_plane_removed_by_hand_is_missed_though_it_was_the_only_one() {
    let place = place("kind-headless");
    place.write_config("nodes: {workers: 1}");
    place.caproni(&["start"]).expect_code(0);
    let control_plane = place.node("control-plane");
    docker(&["rm", "-f", "-v", &control_plane]);
    let status = place.caproni(&["status", "-o", "json"]).expect_code(4).json();
    assert!(condition(&status, &control_plane).contains("missing"), "{status:#}");
    let refused = place.caproni(&["start", "-o", "json"]).expect_code(4).error();
    assert_eq!(refused["kind"], "ClusterNotReady", "{refused:#}");
}

#[test]
fn an_api_that_does_not_answer_is_not_ready() {
    let place = place("kind-api");
    place.caproni(&["start"]).expect_code(0);
    let node = place.node("control-plane");
    if !is_stand_in_of(Backend::Kind) {
        // A real one: its process is frozen, its container is not.
        docker(&["exec", &node, "pkill", "-STOP", "kube-apiserver"]);
        until(|| (state(&place) == "not-ready").then_some(()));
        docker(&["exec", &node, "pkill", "-CONT", "kube-apiserver"]);
        return;
    }
    for (switch, name) in
        [("api-down", "api"), ("unready", "api"), ("node-not-ready", node.as_str())]
    {
        let switch = format!("/stand-in/{switch}");
        docker(&["exec", &node, "touch", &switch]);
        let status = until(|| {
            let status = place.status();
            (status["state"] == "not-ready").then_some(status)
        });
        assert!(!condition(&status, name).is_empty(), "{switch}: {status:#}");
        docker(&["exec", &node, "rm", &switch]);
        until(|| (state(&place) == "ready").then_some(()));
    }
}

#[test]
fn a_cluster_that_is_being_created_is_starting() {
    let place = place("kind-creating");
    let mut start = place.start_slowly(&["start"]);
    assert!(start.wait_for("preparing nodes"));
    let status = place.caproni(&["status", "-o", "json"]).expect_code(4).json();
    assert_eq!(status["state"], "starting", "{status:#}");
    start.finish().expect_code(0);
    assert_eq!(state(&place), "ready");
}

#[test]
fn a_cluster_of_plain_kind_is_taken_as_it_is() {
    let place = place("kind-plain");
    let (home, image) = (place.path("home"), Backend::Kind.image());
    let kubeconfig = place.path("kubeconfig").display().to_string();
    kind(
        &home,
        &[
            "create",
            "cluster",
            "--name",
            &place.profile,
            "--image",
            &image,
            "--kubeconfig",
            &kubeconfig,
        ],
    );
    until(|| (state(&place) == "ready").then_some(()));
    assert_eq!(place.status()["config"]["nodes"], json!({"control_planes": 1, "workers": 0}));
    assert_eq!(change(&place, "start"), "none");
    place.write_config("port_mappings: [\"80\"]");
    let refused = place.caproni(&["start", "-o", "json"]).expect_code(5).error();
    assert_eq!(refused["diff"][0]["path"], "port_mappings", "{refused:#}");
    place.write_config("");
    assert_eq!(change(&place, "restart"), "restarted");
}

#[test]
fn list_names_every_cluster_with_its_state() {
    let place = place("kind-list");
    place.caproni(&["start"]).expect_code(0);
    place.caproni(&["stop"]).expect_code(0);
    let answer = place.caproni(&["drivers", "call", "kind", "list", "-o", "json"]).expect_code(0);
    let answer = answer.json();
    let clusters = answer["clusters"].as_array().or(answer["result"]["clusters"].as_array());
    let ours = clusters.into_iter().flatten().find(|row| row["profile"] == place.profile);
    assert_eq!(ours.expect("it is listed")["state"], "stopped", "{answer:#}");
}
