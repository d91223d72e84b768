//! Each state of `status`, really produced, and what each verb does in it.

use serde_json::{Value, json};

use super::{change, place};
use crate::support::{Backend, Place, condition, docker, is_stand_in_of, until};

fn told(place: &Place, code: i32) -> Value {
    place.caproni(&["status", "-o", "json"]).expect_code(code).json()
}

#[test]
fn a_node_paused_stopped_killed_or_removed_by_hand_is_told() {
    let place = place("mk-nodes");
    place.caproni(&["start"]).expect_code(0);
    let node = place.profile.clone();

    docker(&["pause", &node]);
    let status = told(&place, 4);
    assert_eq!(status["state"], "not-ready", "{status:#}");
    assert!(condition(&status, &node).contains("paused"), "{status:#}");
    assert_eq!(change(&place, "start"), "started");

    docker(&["pause", &node]);
    assert_eq!(change(&place, "stop"), "stopped");
    assert_eq!(change(&place, "start"), "started");

    for how in [&["stop", "-t", "1"][..], &["kill"]] {
        docker(&[how, &[&node]].concat());
        let status = told(&place, 3);
        assert_eq!((&status["state"], &status["exists"]), (&json!("stopped"), &json!(true)));
        assert_eq!(change(&place, "stop"), "none");
        assert_eq!(change(&place, "start"), "started");
    }

    docker(&["rm", "-f", "-v", &node]);
    let status = told(&place, 3);
    assert!(condition(&status, &node).contains("missing"), "{status:#}");
    let refused = place.caproni(&["start", "-o", "json"]).expect_code(4).error();
    assert_eq!(refused["kind"], "ClusterNotReady", "{refused:#}");
    assert!(refused["hint"].as_str().is_some_and(|hint| hint.contains("destroy")), "{refused:#}");
    assert_eq!(change(&place, "destroy"), "destroyed");
}

#[test]
fn what_is_wrong_inside_a_node_that_runs_is_told() {
    if !is_stand_in_of(Backend::Minikube) {
        return on_a_real_image();
    }
    let place = place("mk-inside");
    place.caproni(&["start"]).expect_code(0);
    let node = place.profile.clone();
    for (switch, name) in [
        ("kubelet-down", node.as_str()),
        ("api-down", node.as_str()),
        ("unready", node.as_str()),
        ("node-not-ready", node.as_str()),
    ] {
        let switch = format!("/stand-in/{switch}");
        docker(&["exec", &node, "touch", &switch]);
        let status = until(|| Some(place.status()).filter(|s| s["state"] == "not-ready"));
        let found = condition(&status, name);
        assert!(!found.is_empty(), "{switch}: {status:#}");
        docker(&["exec", &node, "rm", &switch]);
        until(|| (place.status()["state"] == "ready").then_some(()));
    }
}

/// A real one: its kubelet is stopped.
fn on_a_real_image() {
    let place = place("mk-inside");
    place.caproni(&["start"]).expect_code(0);
    docker(&["exec", &place.profile, "systemctl", "stop", "kubelet"]);
    let status = told(&place, 4);
    assert!(condition(&status, &place.profile).contains("kubelet"), "{status:#}");
    assert_eq!(change(&place, "start"), "started");
}

#[test]
fn a_cluster_that_is_being_created_is_starting() {
    let place = place("mk-creating");
    let mut start = place.start_slowly(&["start"]);
    assert!(start.wait_for("Creating docker container"));
    let status = told(&place, 4);
    assert_eq!(status["state"], "starting", "{status:#}");
    start.finish().expect_code(0);
    assert_eq!(place.status()["state"], "ready");
}

#[test]
fn a_profile_that_was_removed_by_hand_leaves_half_a_cluster() {
    let place = place("mk-half");
    place.caproni(&["start"]).expect_code(0);
    let folder = place.path("home/.minikube/profiles").join(&place.profile);
    std::fs::remove_dir_all(&folder).expect("removable");
    let status = told(&place, 4);
    assert_eq!((&status["state"], &status["exists"]), (&json!("not-ready"), &json!(true)));
    assert!(!condition(&status, "creation").is_empty(), "{status:#}");
    assert_eq!(change(&place, "destroy"), "destroyed");
    assert_eq!(place.left(), Vec::<String>::new());
}

#[test]
fn a_profile_that_is_damaged_is_told_and_can_be_destroyed() {
    let place = place("mk-damaged");
    place.caproni(&["start"]).expect_code(0);
    let file = place.path("home/.minikube/profiles").join(&place.profile).join("config.json");
    std::fs::write(&file, "{").expect("writable");
    let status = told(&place, 4);
    assert!(condition(&status, "creation").contains("damaged"), "{status:#}");
    assert_eq!(change(&place, "destroy"), "destroyed");
    assert_eq!(place.left(), Vec::<String>::new());
}
