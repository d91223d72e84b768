//! Ctrl-C and its relatives, and what dies in the middle of a change.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use snapbox::{assert_data_eq, str};

use crate::faults::driver;
use crate::running::Running;
use crate::sandbox::{MOCK, Sandbox};

/// Longer than any test waits.
fn slow() -> Value {
    json!({"delay_ms": 3_600_000})
}

/// A `start` that is in the middle of a creation.
pub(crate) fn creating(sandbox: &Sandbox) -> Running<'_> {
    let mut start = sandbox.caproni("start").simulate(&slow()).spawn();
    start.until("create: creating the nodes");
    assert!(sandbox.mock_cluster().unwrap().contains("creating"));
    start
}

#[test]
fn each_signal_rolls_a_creation_back() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let sandbox = Sandbox::with_config(MOCK);
        let start = creating(&sandbox);
        start.signal(signal);
        let output = start.end();
        assert_data_eq!(
            output,
            str![[r#"
------- stderr -------
[TIME] create: creating the nodes (0/5)
cancelling; a second Ctrl-C ends at once, and may leave things half done
error: cancelled
  the cluster is left stopped
[exit status: 130]

"#]]
        );
        assert_eq!(sandbox.mock_cluster(), None);
        assert_eq!(sandbox.run("start").code(), 0);
    }
}

#[test]
fn a_cancelled_start_is_told_as_json_as_well() {
    let sandbox = Sandbox::with_config(MOCK);
    let mut start = sandbox.caproni("-v -o json start").simulate(&slow()).spawn();
    start.until("create: creating the nodes");
    start.signal(Signal::INT);
    let error = start.end().json_error();
    assert_eq!((&error["kind"], &error["state"]), (&json!("Cancelled"), &json!("stopped")));
}

#[test]
fn a_cancelled_stop_leaves_the_cluster_running() {
    let sandbox = Sandbox::with_config(MOCK);
    sandbox.run("start");
    let mut stop = sandbox.caproni("stop").simulate(&slow()).spawn();
    stop.until("stop: stopping the nodes");
    stop.signal(Signal::INT);
    assert_data_eq!(
        stop.end(),
        str![[r#"
------- stderr -------
[TIME] stop: stopping the nodes (0/5)
cancelling; a second Ctrl-C ends at once, and may leave things half done
error: cancelled
  the cluster is left ready
[exit status: 130]

"#]]
    );
    assert_eq!(sandbox.run("status").code(), 0);
}

#[test]
fn a_second_signal_ends_a_driver_that_does_not_listen() {
    let sandbox = Sandbox::with_config(MOCK);
    let mut start = sandbox.caproni("start").simulate(&json!({"hang": "start"})).spawn();
    start.until("boot: starting Kubernetes");
    // Two of one kind at once would count as one.
    start.signal(Signal::INT);
    start.signal(Signal::TERM);
    assert_data_eq!(
        start.end(),
        str![[r#"
------- stderr -------
[TIME] create: creating the nodes
[TIME] boot: starting Kubernetes
cancelling; a second Ctrl-C ends at once, and may leave things half done
error: cancelled; driver `mock` was ended in the middle of `start`
hint: run `caproni status` to see what is left
[exit status: 130]

"#]]
    );
    assert_eq!(sandbox.run("destroy").code(), 0);
    assert_eq!(sandbox.mock_cluster(), None);
}

#[test]
fn a_second_ctrl_c_ends_a_driver_that_goes_on_after_the_first() {
    let stubborn = r#"
        features='"cancel"'
        start() {
            trap '' TERM
            progress create creating
            read -r line
            progress create 'heard, but going on'
            forever
        }"#;
    let sandbox = driver(stubborn);
    let mut start = sandbox.caproni("--driver odd start").spawn();
    start.until("create: creating");
    start.signal(Signal::INT);
    start.until("heard, but going on");
    start.signal(Signal::INT);
    assert_data_eq!(
        start.end(),
        str![[r#"
------- stderr -------
[TIME] create: creating
cancelling; a second Ctrl-C ends at once, and may leave things half done
[TIME] create: heard, but going on
error: cancelled; driver `odd` was ended in the middle of `start`
hint: run `caproni --driver odd status` to see what is left
[exit status: 130]

"#]]
    );
}

#[test]
fn a_driver_without_the_feature_cancel_is_ended_and_asked_anew() {
    let plain = r#"
        status() { result '{"state":"not-ready","exists":true}'; }
        start() { progress create creating; forever; }"#;
    let sandbox = driver(plain);
    let mut start = sandbox.caproni("--driver odd start").spawn();
    start.until("create: creating");
    start.signal(Signal::INT);
    assert_data_eq!(
        start.end(),
        str![[r#"
------- stderr -------
[TIME] create: creating
cancelling; a second Ctrl-C ends at once, and may leave things half done
error: cancelled; driver `odd` was ended in the middle of `start`
  the cluster is left not-ready
hint: run `caproni --driver odd start` to go on with what is left of `caproni`, or `caproni --driver odd destroy` to remove it
[exit status: 130]

"#]]
    );
}

#[test]
fn a_signal_before_the_driver_has_answered_ends_it() {
    let sandbox = driver("initialize() { echo 'here I am' >&2; forever; }");
    let mut status = sandbox.caproni("--driver odd -v status").spawn();
    status.until("here I am");
    status.signal(Signal::INT);
    assert_data_eq!(
        status.end(),
        str![[r#"
------- stderr -------
driver: here I am
cancelling; a second Ctrl-C ends at once, and may leave things half done
error: cancelled; driver `odd` was ended in the middle of `initialize`
[exit status: 130]

"#]]
    );
}

#[test]
fn a_driver_whose_host_is_killed_rolls_back_and_ends() {
    let sandbox = Sandbox::with_config(MOCK);
    let start = creating(&sandbox);
    start.signal(Signal::KILL);
    assert_eq!(start.end().code(), 128 + 9);
    assert_eq!(sandbox.mock_cluster(), None);
    assert_eq!(sandbox.run("status").code(), 3);
}

#[test]
fn a_start_right_after_the_host_was_killed_succeeds() {
    let sandbox = Sandbox::with_config(MOCK);
    let killed = creating(&sandbox);
    killed.signal(Signal::KILL);
    // The driver still rolls back, perhaps: then this one waits for it.
    let next = sandbox.run("-o json start");
    assert_eq!((&next.json()["change"], next.code()), (&json!("created"), 0));
    killed.end();
    assert_eq!(sandbox.run("status").code(), 0);
}

#[test]
fn a_driver_that_is_killed_in_a_creation_leaves_half_a_cluster_and_says_so() {
    let sandbox = Sandbox::with_config("cluster:\n  mock: {}\n");
    sandbox.executable(
        "bin/caproni-driver-known",
        "#!/bin/sh\necho \"process $$.\" >&2\nexec \"$CAPRONI_DRIVER_PATH/caproni-driver-mock\"\n",
    );
    let mut start = sandbox.caproni("--driver known -v -o json start").simulate(&slow()).spawn();
    start.until("create: creating the nodes");
    kill_named_process(&start.until(".\n"));
    let error = start.end().json_error();
    assert_eq!((&error["kind"], &error["exitCode"]), (&json!("DriverCrashed"), &json!(20)));
    assert_eq!(error["state"], "not-ready");
    assert!(error["message"].as_str().unwrap().contains("SIGKILL"), "{error}");
    assert_data_eq!(
        sandbox.run("--driver known status"),
        str![[r#"
cluster     caproni (mock)
state       not-ready

NODE                   ROLE    STATE    KUBERNETES
mock-caproni-server-0  server  created  -

creation: it was broken off, half a cluster is left (run
  `caproni --driver known start` to make it anew or
  `caproni --driver known destroy` to remove it)
[exit status: 4]

"#]]
    );
    assert_eq!(sandbox.run("--driver known start").code(), 0);
}

#[test]
fn what_a_killed_driver_was_running_is_ended_too() {
    let sandbox = driver("start() { forever & progress create \"process $$.\"; forever; }");
    let mut start = sandbox.caproni("--driver odd -v -o json start").spawn();
    kill_named_process(&start.until(".\n"));
    assert_eq!(start.end().json_error()["kind"], "DriverCrashed");
}

/// Kills the driver that has said `process 4711.`
fn kill_named_process(said: &str) {
    let id = said.split("process ").nth(1).unwrap().split('.').next().unwrap();
    kill_process(Pid::from_raw(id.parse().unwrap()).unwrap(), Signal::KILL).unwrap();
}
