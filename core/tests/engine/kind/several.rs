//! Several control planes: the one shape of a cluster that may not survive a restart.

use super::place;
use crate::support::{Backend, condition, docker};

/// A container that takes an address in kind's network, for as long as this lives.
struct Thief(String);

impl Thief {
    fn new(name: &str) -> Self {
        let image = Backend::Kind.image();
        let thief = Self(format!("caproni-thief-{name}"));
        docker(&[
            "run",
            "-d",
            "--name",
            &thief.0,
            "--net",
            "kind",
            "--entrypoint",
            "sleep",
            &image,
            "600",
        ]);
        thief
    }
}

impl Drop for Thief {
    fn drop(&mut self) {
        docker(&["rm", "-f", "-v", &self.0]);
    }
}

#[test]
fn several_control_planes_survive_a_restart_when_their_addresses_are_free() {
    let place = place("kind-several");
    place.write_config("nodes: {control_planes: 2, workers: 1}");
    place.caproni(&["start"]).expect_code(0);
    assert_eq!(place.status()["nodes"].as_array().map(Vec::len), Some(4));
    for verb in ["restart", "stop", "start"] {
        place.caproni(&[verb]).expect_code(0);
    }
    // kind's load balancer forgets all it knows when its container starts.
    docker(&["restart", "-t", "0", &place.node("external-load-balancer")]);
    place.caproni(&["start"]).expect_code(0);
    assert_eq!(place.status()["state"], "ready");
}

#[test]
fn control_planes_whose_addresses_were_taken_are_told_with_what_mends_it() {
    let place = place("kind-moved");
    place.write_config("nodes: {control_planes: 2}");
    place.caproni(&["start"]).expect_code(0);
    place.caproni(&["stop"]).expect_code(0);
    let thieves = [Thief::new("one"), Thief::new("two")];
    for _ in 0..2 {
        let error = place.caproni(&["start", "-o", "json"]).expect_code(4).error();
        assert_eq!(error["kind"], "ClusterNotReady", "{error:#}");
        assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("restart")), "{error:#}");
        let status = place.caproni(&["status", "-o", "json"]).expect_code(4).json();
        let told = condition(&status, &place.node("control-plane"));
        assert!(told.contains("has the address"), "{status:#}");
    }
    drop(thieves);
    place.caproni(&["restart"]).expect_code(0);
    assert_eq!(place.status()["state"], "ready");
}
