//! Every verb in every situation, as one table.

use super::place;
use crate::support::{Backend, Place, docker, is_stand_in_of, signal, until};

/// A situation of a cluster of one node, how to get there, its state by `status` with the exit
/// code, and what each verb does: its change, or its exit code.
struct Row {
    situation: &'static str,
    produce: fn(&Place),
    state: (i32, &'static str),
    start: &'static str,
    stop: &'static str,
    restart: &'static str,
    destroy: &'static str,
}

#[rustfmt::skip]
const TABLE: [Row; 8] = [
    Row { situation: "absent", produce: |_| {}, state: (3, "stopped"),
        start: "created", stop: "none", restart: "created", destroy: "none" },
    Row { situation: "half-created", produce: half_created, state: (4, "not-ready"),
        start: "created", stop: "stopped", restart: "created", destroy: "destroyed" },
    Row { situation: "stopped", produce: stopped, state: (3, "stopped"),
        start: "started", stop: "none", restart: "started", destroy: "destroyed" },
    Row { situation: "ready", produce: ready, state: (0, "ready"),
        start: "none", stop: "stopped", restart: "restarted", destroy: "destroyed" },
    Row { situation: "API fails", produce: api_fails, state: (4, "not-ready"),
        start: "exit 4", stop: "stopped", restart: "exit 4", destroy: "destroyed" },
    Row { situation: "node paused", produce: |place| by_hand(place, &["pause"]), state: (4, "not-ready"),
        start: "started", stop: "stopped", restart: "restarted", destroy: "destroyed" },
    Row { situation: "node killed", produce: |place| by_hand(place, &["kill"]), state: (3, "stopped"),
        start: "started", stop: "none", restart: "started", destroy: "destroyed" },
    Row { situation: "node removed", produce: |place| by_hand(place, &["rm", "-f", "-v"]), state: (3, "stopped"),
        start: "exit 4", stop: "none", restart: "exit 4", destroy: "destroyed" },
];

fn ready(place: &Place) {
    place.caproni(&["start"]).expect_code(0);
}

fn stopped(place: &Place) {
    ready(place);
    place.caproni(&["stop"]).expect_code(0);
}

fn half_created(place: &Place) {
    let mut start = place.start_slowly(&["start"]);
    assert!(start.wait_for("preparing-kubernetes"));
    signal(start.driver(), "KILL");
    start.finish().expect_code(20);
    place.expect_no_process();
}

fn api_fails(place: &Place) {
    ready(place);
    docker(&["exec", &place.profile, "touch", "/stand-in/unready"]);
    until(|| (place.status()["state"] == "not-ready").then_some(()));
}

fn by_hand(place: &Place, how: &[&str]) {
    ready(place);
    docker(&[how, &[place.profile.as_str()]].concat());
}

/// What a verb did: its change, or its exit code.
fn outcome(place: &Place, verb: &str) -> String {
    // What does not become ready is given up on soon.
    let limit = ["--timeout", if verb == "destroy" { "60s" } else { "40s" }];
    let run = place.caproni(&[&[verb, "-o", "json"], limit.as_slice()].concat());
    match run.code {
        Some(0) => run.json()["change"].as_str().unwrap_or_default().to_owned(),
        Some(code) => format!("exit {code}"),
        None => panic!("{run:#?}"),
    }
}

#[test]
fn every_verb_does_in_every_situation_what_the_table_says() {
    let place = place("mk-table");
    // One more of the arguments that the config ends with: a subnet of its own, for this test takes long
    // enough to be run beside others.
    place.write_config("- --subnet=192.168.200.0");
    for row in &TABLE {
        // Only the stand-in can be told to fail.
        if row.situation == "API fails" && !is_stand_in_of(Backend::Minikube) {
            continue;
        }
        let verbs = [
            ("start", row.start),
            ("stop", row.stop),
            ("restart", row.restart),
            ("destroy", row.destroy),
        ];
        for (verb, expected) in verbs {
            (row.produce)(&place);
            let status = place.caproni(&["status", "-o", "json"]).expect_code(row.state.0).json();
            assert_eq!(status["state"], row.state.1, "{}: {status:#}", row.situation);
            assert_eq!(outcome(&place, verb), expected, "{verb} when {}", row.situation);
            place.caproni(&["destroy"]).expect_code(0);
        }
    }
}
