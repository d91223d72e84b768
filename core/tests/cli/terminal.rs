//! What a person at a terminal is asked and told.

use rustix::process::Signal;
use serde_json::json;
use snapbox::{assert_data_eq, str};

use crate::output::Output;
use crate::sandbox::{MOCK, Sandbox};

const QUESTION: &str = "Destroy cluster `caproni` and all its data? [y/N] ";

fn answer_to_destroy(sandbox: &Sandbox, answer: &str) -> Output {
    let mut destroy = sandbox.caproni("destroy").spawn_at_terminal();
    destroy.until(QUESTION);
    destroy.type_line(answer);
    destroy.end()
}

#[test]
fn destroy_asks_and_only_yes_is_yes() {
    let sandbox = Sandbox::with_config(MOCK);
    sandbox.run("start");
    for no in ["n", "", "what?"] {
        let output = answer_to_destroy(&sandbox, no);
        assert_eq!(output.code(), 130, "{output:#?}");
        assert!(output.stderr.contains(" cancelled: nothing was destroyed"), "{output:#?}");
        assert!(sandbox.mock_cluster().is_some());
    }
    let output = answer_to_destroy(&sandbox, "y");
    assert_eq!(output.code(), 0, "{output:#?}");
    assert_eq!(sandbox.mock_cluster(), None);
}

#[test]
fn destroy_does_not_ask_with_yes() {
    let sandbox = Sandbox::with_config(MOCK);
    sandbox.run("start");
    let output = sandbox.caproni("destroy --yes").spawn_at_terminal().end();
    assert_eq!(output.code(), 0, "{output:#?}");
    assert!(!output.stderr.contains(QUESTION), "{output:#?}");
    assert_eq!(sandbox.mock_cluster(), None);
}

#[test]
fn destroy_goes_ahead_where_there_is_no_terminal() {
    let sandbox = Sandbox::with_config(MOCK);
    sandbox.run("start");
    assert_eq!(sandbox.run("destroy").code(), 0);
    assert_eq!(sandbox.mock_cluster(), None);
}

#[test]
fn ctrl_c_at_the_question_destroys_nothing() {
    let sandbox = Sandbox::with_config(MOCK);
    sandbox.run("start");
    let mut destroy = sandbox.caproni("destroy").spawn_at_terminal();
    destroy.until(QUESTION);
    destroy.signal(Signal::INT);
    assert_eq!(destroy.end().code(), 130);
    assert!(sandbox.mock_cluster().is_some());
}

#[test]
fn progress_is_live_at_a_terminal() {
    let sandbox = Sandbox::with_config(MOCK);
    let mut start =
        sandbox.caproni("start").simulate(&json!({"delay_ms": 3_600_000})).spawn_at_terminal();
    let said = start.until("creating the nodes");
    assert!(!said.starts_with('['), "{said}");
    start.signal(Signal::INT);
    assert_eq!(start.end().code(), 130);
}

#[test]
fn a_driver_that_a_person_starts_says_what_it_is() {
    let sandbox = Sandbox::new();
    assert_data_eq!(
        sandbox.mock_driver("").spawn_at_terminal().end(),
        str![[r#"
------- stderr -------
caproni-driver-mock [..]: a driver for caproni, which speaks JSON-RPC on stdin and stdout; run `caproni --driver mock start`
[exit status: 2]

"#]]
    );
    assert_data_eq!(
        sandbox.mock_driver("--version").run(),
        str![[r#"
caproni-driver-mock [..]: a driver for caproni, which speaks JSON-RPC on stdin and stdout; run `caproni --driver mock start`
[exit status: 0]

"#]]
    );
}
