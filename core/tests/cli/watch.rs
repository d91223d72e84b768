//! `caproni wait` and `caproni status --watch`: what becomes of a cluster.

use rustix::process::Signal;
use serde_json::{Value, json};
use snapbox::{assert_data_eq, str};

use crate::faults::driver;
use crate::sandbox::{MOCK, Sandbox};

#[test]
fn wait_is_over_at_once_for_what_is_so_already() {
    let sandbox = Sandbox::with_config(MOCK);
    assert_data_eq!(
        sandbox.run("wait --for stopped"),
        str![[r#"
cluster     caproni (mock)
state       stopped (it does not exist)
[exit status: 0]

"#]]
    );
    sandbox.run("start");
    let waited = sandbox.run("-o json wait --for ready");
    assert_eq!((&waited.json()["state"], waited.code()), (&json!("ready"), 0));
}

#[test]
fn wait_sees_what_somebody_else_brings_about() {
    let sandbox = Sandbox::with_config(MOCK);
    let mut wait = sandbox.caproni("wait --for ready").spawn();
    wait.until("wait: for ready: stopped (it does not exist)");
    sandbox.run("start");
    let waited = wait.end();
    assert_eq!(waited.code(), 0, "{waited:#?}");
}

#[test]
fn a_wait_that_runs_out_is_an_error_with_what_is_left() {
    let sandbox = Sandbox::with_config(MOCK);
    let output = sandbox.run("--timeout 1s -o json wait --for ready");
    let error = output.json_error();
    assert_eq!((&error["kind"], output.code()), (&json!("ClusterNotReady"), 4));
    assert_eq!(error["state"], "stopped");
    sandbox.run("start");
    let output = sandbox.run("--timeout 1s -o json wait --for stopped");
    let error = output.json_error();
    assert_eq!((&error["kind"], output.code()), (&json!("TimedOut"), 4));
    assert_eq!(error["state"], "ready");
}

#[test]
fn ctrl_c_ends_a_wait() {
    let sandbox = Sandbox::with_config(MOCK);
    let mut wait = sandbox.caproni("wait --for ready").spawn();
    wait.until("wait: for ready");
    wait.signal(Signal::INT);
    assert_eq!(wait.end().code(), 130);
}

/// A sandbox whose watch has seen the first state.
fn lines(output: &str) -> Vec<Value> {
    output.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn each_change_is_one_value_on_one_line_and_ctrl_c_ends_with_the_last_state() {
    let sandbox = Sandbox::with_config(MOCK);
    let mut watch = sandbox.caproni("-v -o json status --watch").spawn();
    watch.until("watch: stopped (it does not exist)");
    sandbox.run("start");
    watch.until("watch: ready");
    sandbox.run("stop");
    watch.until("watch: stopped; Ctrl-C ends");
    watch.signal(Signal::INT);
    let output = watch.end();
    assert_eq!(output.code(), 3, "{output:#?}");
    assert!(!output.stderr.contains("cancelling"), "{output:#?}");
    let lines = lines(&output.stdout);
    let states: Vec<_> = lines.iter().map(|line| line["state"].as_str().unwrap()).collect();
    let exist: Vec<_> = lines.iter().map(|line| line["exists"].as_bool().unwrap()).collect();
    assert_eq!((states[0], states.last(), exist[0]), ("stopped", Some(&"stopped"), false));
    assert!(states.contains(&"ready") && exist.last() == Some(&true), "{states:?}");
}

#[test]
fn a_watch_ends_when_its_time_is_over() {
    let sandbox = Sandbox::with_config(MOCK);
    sandbox.run("start");
    let output = sandbox.run("--timeout 1s status --watch");
    assert_eq!((output.code(), output.stdout.lines().count()), (0, 1), "{output:#?}");
    assert!(output.stdout.ends_with("] ready\n"), "{output:#?}");
}

#[test]
fn at_a_terminal_the_line_changes() {
    let sandbox = Sandbox::with_config(MOCK);
    let mut watch = sandbox.caproni("status --watch").spawn_at_terminal();
    watch.until("watch: stopped (it does not exist); Ctrl-C ends");
    watch.signal(Signal::INT);
    assert_eq!(watch.end().code(), 3);
}

#[test]
fn a_watch_looks_past_a_driver_that_fails_later_and_not_past_one_that_never_worked() {
    let sandbox = driver(
        r#"
        status() {
            if [ -e broken ]; then error BackendUnavailable 'no answer'
            else result '{"state":"ready","exists":true}'; fi
        }"#,
    );
    let mut watch = sandbox.caproni("--driver odd -v -o json status --watch").spawn();
    watch.until("watch: ready");
    sandbox.write("project/broken", "");
    watch.until("watch: unknown: ");
    std::fs::remove_file(sandbox.path("project/broken")).unwrap();
    watch.until("watch: ready");
    watch.signal(Signal::TERM);
    let output = watch.end();
    let lines = lines(&output.stdout);
    assert_eq!(lines[1]["error"]["kind"], "BackendUnavailable", "{lines:#?}");
    sandbox.write("project/broken", "");
    assert_eq!(sandbox.run("--driver odd status --watch").code(), 7);
}

#[test]
fn a_watch_that_nobody_reads_ends() {
    let sandbox = Sandbox::with_config(MOCK);
    let watch = sandbox.caproni("status --watch");
    assert_eq!(watch.run_unread().code(), 3);
}
