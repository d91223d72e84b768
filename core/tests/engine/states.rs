//! Each state of `status`, really produced.

use crate::support::{Place, condition, docker, is_stand_in, k3d, until};

#[test]
fn a_node_paused_stopped_killed_or_removed_by_hand_is_told() {
    let place = Place::new("nodes");
    place.write_config("agents: 1");
    place.caproni(&["start"]).expect_code(0);
    let (server, agent, lb) =
        (place.node("server-0"), place.node("agent-0"), place.node("serverlb"));
    let told = |node: &str, word: &str| {
        let status = place.caproni(&["status", "-o", "json"]).expect_code(4).json();
        assert_eq!(status["state"], "not-ready", "{status:#}");
        let message = condition(&status, node);
        assert!(message.contains(word), "{node} should be {word}: {status:#}");
    };

    for node in [&server, &agent, &lb] {
        docker(&["pause", node]);
        told(node, "paused");
        docker(&["unpause", node]);
    }
    for (how, node) in [("stop", &agent), ("kill", &lb)] {
        docker(&[how, node]);
        told(node, "stopped");
        assert_eq!(
            place.caproni(&["start", "-o", "json"]).expect_code(0).json()["change"],
            "started"
        );
    }
    docker(&["pause", &server]);
    assert_eq!(place.caproni(&["start", "-o", "json"]).expect_code(0).json()["change"], "started");
    assert_eq!(place.status()["state"], "ready");

    docker(&["rm", "-f", "-v", &agent]);
    told(&agent, "missing");
    let refused = place.caproni(&["start", "-o", "json"]).expect_code(4).error();
    assert_eq!(refused["kind"], "ClusterNotReady", "{refused:#}");
    docker(&["rm", "-f", "-v", &server]);
    told(&server, "missing");
}

#[test]
fn an_api_that_does_not_answer_is_not_ready() {
    let place = Place::new("api");
    place.caproni(&["start"]).expect_code(0);
    let server = place.node("server-0");
    if !is_stand_in() {
        // A real k3s: its process is frozen, its container is not.
        docker(&["exec", &server, "sh", "-c", "kill -STOP $(pidof k3s k3s-server)"]);
        let status = place.caproni(&["status", "-o", "json"]).expect_code(4).json();
        assert!(!condition(&status, "api").is_empty(), "{status:#}");
        docker(&["exec", &server, "sh", "-c", "kill -CONT $(pidof k3s k3s-server)"]);
        return;
    }
    for (switch, name) in
        [("api-down", "api"), ("unready", "api"), ("node-not-ready", server.as_str())]
    {
        let switch = format!("/stand-in/{switch}");
        docker(&["exec", &server, "touch", &switch]);
        // The stand-in looks at its switches a few times a second.
        let status = until(|| {
            let status = place.status();
            (status["state"] == "not-ready").then_some(status)
        });
        assert!(!condition(&status, name).is_empty(), "{switch}: {status:#}");
        docker(&["exec", &server, "rm", &switch]);
        until(|| (place.status()["state"] == "ready").then_some(()));
    }
}

#[test]
fn a_cluster_that_is_being_created_is_starting() {
    let place = Place::new("creating");
    let mut start = place.start_slowly(&["start"]);
    assert!(start.wait_for("Creating node"));
    let status = place.caproni(&["status", "-o", "json"]).expect_code(4).json();
    assert_eq!(status["state"], "starting", "{status:#}");
    start.finish().expect_code(0);
    assert_eq!(place.status()["state"], "ready");
}

#[test]
fn a_cluster_that_plain_k3d_has_stopped_is_stopped() {
    let place = Place::new("stopped");
    place.caproni(&["start"]).expect_code(0);
    k3d(&place.path("home"), &["cluster", "stop", &place.profile]);
    let status = place.caproni(&["status", "-o", "json"]).expect_code(3).json();
    assert_eq!((&status["state"], &status["exists"]), (&"stopped".into(), &true.into()));
}
