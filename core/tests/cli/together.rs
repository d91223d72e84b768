//! Two programs that want to change one cluster.

use rustix::process::Signal;
use serde_json::json;

use crate::interrupts::creating;
use crate::sandbox::{MOCK, Sandbox};

#[test]
fn of_two_starts_at_once_one_creates_and_both_succeed() {
    let sandbox = Sandbox::with_config(MOCK);
    let start = || sandbox.caproni("-o json start").simulate(&json!({"delay_ms": 200})).spawn();
    let both = [start(), start()].map(|start| start.end());
    let mut changes = both.map(|output| {
        assert_eq!(output.code(), 0, "{output:#?}");
        output.json()["change"].as_str().unwrap().to_owned()
    });
    changes.sort();
    assert_eq!(changes, ["created", "none"]);
}

#[test]
fn a_start_that_waited_goes_on_when_the_other_is_cancelled() {
    let sandbox = Sandbox::with_config(MOCK);
    let first = creating(&sandbox);
    let mut second = sandbox.caproni("-v -o json start").spawn();
    second.until("wait: waiting for start (process ");
    first.signal(Signal::INT);
    assert_eq!(first.end().code(), 130);
    let second = second.end();
    assert_eq!((&second.json()["change"], second.code()), (&json!("created"), 0));
}

#[test]
fn a_start_that_waits_can_be_cancelled() {
    let sandbox = Sandbox::with_config(MOCK);
    let first = creating(&sandbox);
    let mut second = sandbox.caproni("-v -o json start").spawn();
    second.until("wait: waiting for start (process ");
    second.signal(Signal::INT);
    assert_eq!(second.end().json_error()["kind"], "Cancelled");
    assert!(sandbox.mock_cluster().is_some(), "the first one goes on");
    first.signal(Signal::INT);
    assert_eq!(first.end().code(), 130);
}

#[test]
fn who_waits_in_vain_is_told_for_whom() {
    let sandbox = Sandbox::with_config(MOCK);
    let first = creating(&sandbox);
    let destroy = sandbox.run("--timeout 5s -o json destroy");
    let error = destroy.json_error();
    assert_eq!((&error["kind"], destroy.code()), (&json!("Busy"), 9));
    assert!(error["holder"].as_str().unwrap().starts_with("start (process "), "{error}");
    first.signal(Signal::INT);
    assert_eq!(first.end().code(), 130);
}

#[test]
fn status_answers_at_once_while_another_one_creates() {
    let sandbox = Sandbox::with_config(MOCK);
    let first = creating(&sandbox);
    let status = sandbox.run("-o json status");
    assert_eq!((&status.json()["state"], status.code()), (&json!("starting"), 4));
    first.signal(Signal::INT);
    assert_eq!(first.end().code(), 130);
}
