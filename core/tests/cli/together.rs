//! Two programs that want to change one cluster.

use rustix::process::Signal;
use serde_json::json;
use snapbox::{assert_data_eq, str};

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
fn of_ten_starts_at_once_one_creates_and_nine_find_it_done() {
    let sandbox = Sandbox::with_config(MOCK);
    let start = || sandbox.caproni("-o json start").simulate(&json!({"delay_ms": 200})).spawn();
    let ten: Vec<_> = std::iter::repeat_with(start).take(10).collect();
    let mut changes: Vec<_> = ten
        .into_iter()
        .map(|start| {
            let output = start.end();
            assert_eq!(output.code(), 0, "{output:#?}");
            output.json()["change"].as_str().unwrap().to_owned()
        })
        .collect();
    changes.sort();
    assert_eq!(changes, [&["created"][..], &["none"; 9]].concat());
}

#[test]
fn who_waits_says_for_whom_without_being_asked_for_more() {
    let sandbox = Sandbox::with_config(MOCK);
    let first = creating(&sandbox);
    let stop = sandbox.run("--timeout 5s stop");
    assert_data_eq!(
        stop,
        str![[r#"
------- stderr -------
[TIME] wait: waiting for start (process [N])
error: cluster `caproni` is being changed by start (process [N])
hint: wait for it to end, then try again
[exit status: 9]

"#]]
    );
    first.signal(Signal::INT);
    assert_eq!(first.end().code(), 130);
}

#[test]
fn list_answers_at_once_while_another_one_creates() {
    let sandbox = Sandbox::with_config(MOCK);
    let first = creating(&sandbox);
    let list = sandbox.run("-o json list");
    assert_eq!((&list.json()["clusters"][0]["state"], list.code()), (&json!("starting"), 0));
    first.signal(Signal::INT);
    assert_eq!(first.end().code(), 130);
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
