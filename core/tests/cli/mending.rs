//! Commands that set up what is missing: shown, asked for, run once, and followed by another try.

use serde_json::{Value, json};
use snapbox::{assert_data_eq, str};

use crate::faults::driver;
use crate::sandbox::{CommandLine, MOCK, Sandbox};

/// A backend that is missing until the file `installed` exists, and what makes it.
fn missing(sandbox: &Sandbox, argv: &[&str]) -> Value {
    let action = json!({
        "title": "Install the backend", "reason": "nothing runs without it", "argv": argv,
    });
    json!({"fail": {
        "operation": "start", "kind": "BackendMissing", "message": "`backend` is not installed",
        "data": {"program": "backend", "actions": [action]},
        "until_exists": sandbox.path("project/installed"),
    }})
}

fn start<'a>(sandbox: &'a Sandbox, words: &str, argv: &[&str]) -> CommandLine<'a> {
    sandbox.caproni(words).simulate(&missing(sandbox, argv))
}

const INSTALL: [&str; 3] = ["sh", "-c", "echo installing; touch installed"];

#[test]
fn without_a_terminal_the_command_is_in_the_error_and_is_not_run() {
    let sandbox = Sandbox::with_config(MOCK);
    assert_data_eq!(
        start(&sandbox, "start", &INSTALL).run(),
        str![[r#"
------- stderr -------
[TIME] create: creating the nodes
[TIME] boot: starting Kubernetes
error: `backend` is not installed
  the cluster is left stopped
  Install the backend: sh -c 'echo installing; touch installed'
hint: run the command above, or pass `--yes` to have it run
[exit status: 7]

"#]]
    );
    let error = start(&sandbox, "-o json start", &INSTALL).run().json_error();
    assert_eq!(error["actions"][0]["argv"], json!(INSTALL));
    assert!(!sandbox.path("project/installed").exists());
}

#[test]
fn with_yes_the_command_is_run_and_the_start_goes_on() {
    let sandbox = Sandbox::with_config(MOCK);
    assert_data_eq!(
        start(&sandbox, "start --yes", &INSTALL).run(),
        str![[r#"
cluster `caproni` is up (created in [N] s)
driver      mock (its word alone: there is no API to ask)
kubernetes  v1.34.0, 1 node
note        a mock cluster is a file, and nothing runs
next        caproni status
------- stderr -------
[TIME] create: creating the nodes
[TIME] boot: starting Kubernetes
`backend` is not installed; this would mend it:
Install the backend: nothing runs without it
    sh -c 'echo installing; touch installed'
installing
[TIME] create: creating the nodes
[TIME] boot: starting Kubernetes
[exit status: 0]

"#]]
    );
}

#[test]
fn yes_can_come_from_the_environment() {
    let sandbox = Sandbox::with_config(MOCK);
    let output = start(&sandbox, "start", &INSTALL).env("CAPRONI_YES", "1").run();
    assert_eq!(output.code(), 0, "{output:#?}");
    assert!(sandbox.path("project/installed").exists());
}

#[test]
fn what_the_command_prints_is_not_in_the_result() {
    let sandbox = Sandbox::with_config(MOCK);
    let output = start(&sandbox, "-o json start --yes", &INSTALL).run();
    assert_eq!(output.json()["change"], "created");
    assert!(output.stderr.contains("installing\n"), "{output:#?}");
}

#[test]
fn a_command_that_fails_is_told() {
    let sandbox = Sandbox::with_config(MOCK);
    let output = start(&sandbox, "start --yes", &["sh", "-c", "echo no network >&2; exit 3"]).run();
    assert_data_eq!(
        output,
        str![[r#"
------- stderr -------
[TIME] create: creating the nodes
[TIME] boot: starting Kubernetes
`backend` is not installed; this would mend it:
Install the backend: nothing runs without it
    sh -c 'echo no network >&2; exit 3'
no network
error: `backend` is not installed
  caused by: `sh -c 'echo no network >&2; exit 3'` ended with exit status: 3
  the cluster is left stopped
  Install the backend: sh -c 'echo no network >&2; exit 3'
hint: run `caproni doctor` to see what else is wrong
[exit status: 7]

"#]]
    );
}

#[test]
fn a_command_that_cannot_be_run_is_told() {
    let sandbox = Sandbox::with_config(MOCK);
    let output = start(&sandbox, "start --yes", &["no-such-installer", "two words"]).run();
    assert_data_eq!(
        output,
        str![[r#"
------- stderr -------
[TIME] create: creating the nodes
[TIME] boot: starting Kubernetes
`backend` is not installed; this would mend it:
Install the backend: nothing runs without it
    no-such-installer 'two words'
error: `backend` is not installed
  caused by: `no-such-installer 'two words'` cannot be run: No such file or directory (os error 2)
  the cluster is left stopped
  Install the backend: no-such-installer 'two words'
hint: run `caproni doctor` to see what else is wrong
[exit status: 7]

"#]]
    );
}

#[test]
fn a_command_that_does_not_help_is_not_run_again() {
    let sandbox = Sandbox::with_config(MOCK);
    let output = start(&sandbox, "start --yes", &["sh", "-c", "echo x >>runs"]).run();
    assert_data_eq!(
        output,
        str![[r#"
------- stderr -------
[TIME] create: creating the nodes
[TIME] boot: starting Kubernetes
`backend` is not installed; this would mend it:
Install the backend: nothing runs without it
    sh -c 'echo x >>runs'
[TIME] create: creating the nodes
[TIME] boot: starting Kubernetes
error: `backend` is not installed
  caused by: `sh -c 'echo x >>runs'` was run, and did not mend it
  the cluster is left stopped
  Install the backend: sh -c 'echo x >>runs'
hint: run `caproni doctor` to see what else is wrong
[exit status: 7]

"#]]
    );
    assert_eq!(std::fs::read_to_string(sandbox.path("project/runs")).unwrap(), "x\n");
}

#[test]
fn a_backend_that_no_command_mends_leads_to_the_doctor() {
    let sandbox = Sandbox::with_config(MOCK);
    let fail = json!({"fail": {"operation": "start", "kind": "BackendUnavailable", "message": "it is silent"}});
    let output = sandbox.caproni("start").simulate(&fail).run();
    let hint = "hint: run `caproni doctor` to see what else is wrong\n";
    assert!(output.stderr.ends_with(hint), "{output:#?}");
}

#[test]
fn a_person_is_asked_first() {
    let sandbox = Sandbox::with_config(MOCK);
    for (answer, code, installed) in [("n", 7, false), ("y", 0, true)] {
        let mut start = start(&sandbox, "start", &INSTALL).spawn_at_terminal();
        let said = start.until("Run it now? [y/N] ");
        assert!(said.contains("sh -c 'echo installing; touch installed'"), "{said}");
        start.type_line(answer);
        let output = start.end();
        assert_eq!(output.code(), code, "{output:#?}");
        assert_eq!(sandbox.path("project/installed").exists(), installed);
    }
}

#[test]
fn ctrl_c_at_the_question_runs_nothing() {
    let sandbox = Sandbox::with_config(MOCK);
    let mut start = start(&sandbox, "start", &INSTALL).spawn_at_terminal();
    start.until("Run it now? [y/N] ");
    start.signal(rustix::process::Signal::INT);
    assert_eq!(start.end().code(), 130);
    assert!(!sandbox.path("project/installed").exists());
}

#[test]
fn one_command_after_the_other_mends_one_thing_after_the_other() {
    let steps = r#"
        lacks() { say "{\"jsonrpc\":\"2.0\",\"id\":$id,\"error\":{\"code\":1008,\"message\":\"no $1\",\"data\":{\"kind\":\"BackendMissing\",\"actions\":[{\"title\":\"Get $1\",\"reason\":\"it is needed\",\"argv\":[\"touch\",\"$1\"]}]}}}"; }
        start() {
            if ! [ -e engine ]; then lacks engine
            elif ! [ -e tool ]; then lacks tool
            else result '{"change":"created"}'; fi
        }"#;
    assert_data_eq!(
        driver(steps).run("--driver odd start --yes"),
        str![[r#"
cluster `caproni` is up (created in [N] s)
driver      odd (its word alone: there is no API to ask)
next        caproni --driver odd status
------- stderr -------
no engine; this would mend it:
Get engine: it is needed
    touch engine
no tool; this would mend it:
Get tool: it is needed
    touch tool
[exit status: 0]

"#]]
    );
}
