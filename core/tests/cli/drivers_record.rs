//! `drivers record` and `drivers replay`: a dialogue written down, sent again, and played.

use rustix::process::Signal;
use serde_json::{Value, json};
use snapbox::{assert_data_eq, str};

use crate::drivers_list::script;
use crate::sandbox::{MOCK, Sandbox};

/// The lines of a recording as `session from line`.
fn lines(sandbox: &Sandbox, file: &str) -> Vec<String> {
    let text = std::fs::read_to_string(sandbox.path(file)).unwrap();
    let lines = text.lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(line["t"].is_u64(), "{line}");
        let part = |key: &str| line[key].as_str().unwrap().to_owned();
        format!("{} {} {}\n", line["session"], part("from"), sandbox.redact(&part("line")))
    });
    lines.collect()
}

/// A driver with one method that changes nothing.
fn odd(status: &str) -> String {
    script("odd", &format!("status() {{ {status}; }}"))
}

const READY: &str = r#"result '{"state":"ready","exists":true,"kubernetesVersion":"v1"}'"#;

/// A sandbox with a recording `project/it` of a status.
fn recorded(status: &str) -> Sandbox {
    let sandbox = Sandbox::with_driver("odd", &odd(status)).with_program_on_path();
    sandbox.run("--driver odd drivers record it -- status");
    sandbox
}

#[test]
fn every_line_is_written_down_exactly_also_noise_and_the_log() {
    let status = format!(r#"printf ' noise \r\n\377\n'; echo looking >&2; {READY}"#);
    let sandbox = recorded(&status);
    let mut told = lines(&sandbox, "project/it");
    // The log has a pipe of its own, so its place among the others is not certain.
    let log = told.iter().position(|line| line == "1 stderr looking\n").unwrap();
    told.remove(log);
    assert_data_eq!(
        told.concat(),
        str![[r#"
1 event caproni [..]: runs [ROOT]/bin/caproni-driver-odd
1 host {"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersions":[1],"host":{"name":"caproni","version":"[..]"}}}
1 driver {"jsonrpc":"2.0","id":0,"result":{"protocolVersion":1,"name":"odd","version":"1","capabilities":{"methods":[],"features":[]},"configSchema":{}}}
1 host {"jsonrpc":"2.0","id":1,"method":"status","params":{"profile":"caproni","config":{},"timeoutMs":30000}}
1 driver  noise [..]
1 driver �
1 driver {"jsonrpc":"2.0","id":1,"result":{"state":"ready","exists":true,"kubernetesVersion":"v1"}}
1 event exited with 0

"#]]
    );
    let text = std::fs::read_to_string(sandbox.path("project/it")).unwrap();
    assert!(text.contains(r#""line":" noise \r""#) && text.contains(r#""hex":"ff""#), "{text}");
}

#[test]
fn the_command_is_as_without_a_recording() {
    let sandbox = Sandbox::with_driver("odd", &odd("error BackendUnavailable down"));
    let run = |words: &str| sandbox.caproni(words).env("CAPRONI_DRIVER", "odd").run();
    let plain = run("-o json status");
    let with = run("-o json drivers record it -- status");
    assert_eq!((with.code(), &with.stderr), (plain.code(), &plain.stderr));
    let by_variable = sandbox
        .caproni("-o json status")
        .env("CAPRONI_DRIVER", "odd")
        .env("CAPRONI_TRACE", "that")
        .run();
    assert_eq!((by_variable.code(), &by_variable.stderr), (plain.code(), &plain.stderr));
    assert_eq!(lines(&sandbox, "project/it"), lines(&sandbox, "project/that"));
}

#[test]
fn the_command_s_own_options_win_and_ctrl_c_reaches_it() {
    let sandbox = Sandbox::with_driver("odd", &odd("echo here >&2; forever"));
    let words = "--driver nobody -o json drivers record it -- --driver odd -o text -v status";
    let mut status = sandbox.caproni(words).spawn();
    status.until("driver: here");
    status.signal(Signal::INT);
    assert_eq!(status.end().code(), 130);
    assert!(
        lines(&sandbox, "project/it").last().unwrap().starts_with("1 event was ended by signal")
    );
}

#[test]
fn secrets_are_not_in_it() {
    let sandbox = Sandbox::with_config(
        &format!("{MOCK}    token: hunter2-secret\n").replace("mock: {}", "mock:"),
    );
    assert_eq!(sandbox.run("drivers record it -- start").code(), 0);
    assert_eq!(sandbox.run("drivers record that -- status").code(), 0);
    let start = lines(&sandbox, "project/it").concat();
    assert!(start.contains(r#""token":"(hidden 1)""#), "{start}");
    for text in [start, lines(&sandbox, "project/that").concat()] {
        assert!(!text.contains("hunter2") && !text.contains("sha256:"), "{text}");
    }
    use std::os::unix::fs::PermissionsExt;
    let mode = sandbox.path("project/it").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_recording_that_cannot_be_written_is_told() {
    let sandbox = Sandbox::with_driver("odd", &odd(READY));
    let none = sandbox.run("--driver odd drivers record no/such/folder -- status");
    assert_eq!(none.code(), 2, "{none:#?}");
    assert!(none.stderr.starts_with("error: the recording `no/such/folder` cannot be written: "));
    let unset = sandbox.caproni("--driver odd status").env("CAPRONI_TRACE", "no/such/folder").run();
    assert_eq!(unset.code(), 2, "{unset:#?}");
    assert!(unset.stderr.starts_with("error: the trace `no/such/folder` cannot be written: "));
    let full = sandbox.run("--driver odd drivers record /dev/full -- status");
    assert_eq!(full.code(), 0, "{full:#?}");
    assert!(full.stderr.starts_with("warning: no more is recorded: No space left"), "{full:#?}");
}

#[test]
fn the_same_driver_gives_the_same_answers() {
    let sandbox = recorded(READY);
    assert_data_eq!(
        sandbox.run("drivers replay it"),
        str![[r#"
session 1: initialize: the same
session 1: status: the same
session 1: the end: the same
3 of 3 are the same
[exit status: 0]

"#]]
    );
}

#[test]
fn another_answer_is_told_and_one_that_may_differ_is_not_held_against_it() {
    let sandbox = recorded(READY);
    let other =
        odd(r#"result '{"state":"stopped","exists":true,"kubernetesVersion":"v2"}'; exit 3"#);
    sandbox.executable("bin/caproni-driver-odd", &other);
    assert_data_eq!(
        sandbox.run("drivers replay it"),
        str![[r#"
session 1: initialize: the same
session 1: status: differs
    result.state: recorded `ready`, came `stopped`
    result.kubernetesVersion: recorded `v1`, came `v2` (may differ)
session 1: the end: differs
    process: recorded `exited with 0`, came `exited with 3`
1 of 3 are the same
[exit status: 1]

"#]]
    );
    let json = sandbox.run("drivers replay it -o json").json();
    assert_eq!(
        (&json["same"], &json["driver"]),
        (&json!(false), &json!("[ROOT]/bin/caproni-driver-odd"))
    );
    assert_eq!(
        json["answers"][1],
        json!({"session": 1, "what": "status", "id": 1, "same": false, "differences": [
            {"path": "result.state", "recorded": "ready", "came": "stopped", "volatile": false},
            {"path": "result.kubernetesVersion", "recorded": "v1", "came": "v2", "volatile": true},
        ]})
    );
}

#[test]
fn no_answer_is_a_difference_and_what_comes_after_it_is_not_sent() {
    let sandbox = recorded(READY);
    sandbox.executable("bin/caproni-driver-odd", &script("odd", "initialize() { exit 1; }"));
    let gone = sandbox.run("drivers replay it");
    assert!(gone.stdout.contains("came `no answer: the driver ended`"), "{gone:#?}");
    assert!(gone.stdout.contains("came `it was not sent any more`"), "{gone:#?}");
    sandbox.executable("bin/caproni-driver-odd", &script("odd", "initialize() { forever; }"));
    let late = sandbox.run("drivers replay it --timeout 300ms");
    assert!(late.stdout.contains("came `no answer within 300ms`"), "{late:#?}");
    assert_eq!((gone.code(), late.code()), (1, 1));
}

#[test]
fn what_changes_clusters_is_not_sent_unasked() {
    let sandbox = Sandbox::with_config(MOCK);
    sandbox.run("drivers record it -- start");
    assert_data_eq!(
        sandbox.run("drivers replay it"),
        str![[r#"
------- stderr -------
error: the recording is not replayed: it may change clusters: it asks for `start` of cluster `caproni`
hint: pass `--yes` to send that to `[ROOT]/drivers/caproni-driver-mock`
[exit status: 2]

"#]]
    );
    // It exists now, so nothing is created.
    let again = sandbox.run("drivers replay it --yes");
    assert!(again.stdout.contains("result.change: recorded `created`, came `none`"), "{again:#?}");
    sandbox.run("destroy --yes");
    assert_eq!(sandbox.run("drivers replay it --yes").code(), 0);
}

#[test]
fn a_cancel_is_sent_when_the_driver_is_as_far() {
    let cancels = r#"features='"cancel"'
        start() { progress create creating; read -r line; error Cancelled cancelled; }"#;
    let sandbox = Sandbox::with_driver("odd", &script("odd", cancels));
    let mut start = sandbox.caproni("--driver odd drivers record it -- start").spawn();
    start.until("create: creating");
    start.signal(Signal::INT);
    assert_eq!(start.end().code(), 130);
    let recorded = lines(&sandbox, "project/it").concat();
    assert!(recorded.contains(r#""method":"cancel""#), "{recorded}");
    let again = sandbox.run("drivers replay it --yes");
    assert_eq!(again.code(), 0, "{again:#?}");
}

#[test]
fn a_recording_plays_the_driver() {
    let sandbox = recorded(&format!("progress look looking; echo log >&2; {READY}"));
    let plain = sandbox.run("--driver odd status -v");
    sandbox.executable(
        "bin/caproni-driver-odd",
        "#!/bin/sh\nexec caproni drivers replay \"${HOME%/home}/project/it\" --as-driver\n",
    );
    let played = sandbox.run("--driver odd status -v");
    assert_eq!((played.code(), &played.stdout), (plain.code(), &plain.stdout), "{played:#?}");
    assert!(
        played.stderr.contains("look: looking") && played.stderr.contains("driver: log\n"),
        "{played:#?}"
    );

    let on_record = sandbox.run("--driver odd drivers record that -- drivers call odd status");
    assert_eq!(on_record.json()["state"], "ready");
    assert!(lines(&sandbox, "project/that").concat().contains("1 host "), "both wrote it");
    let unknown = sandbox.run("drivers call odd mine/compact");
    assert_eq!(unknown.code(), 2, "{unknown:#?}");
    assert!(unknown.stderr.contains("the recording has no `mine/compact`"), "{unknown:#?}");
}

#[test]
fn a_fault_is_played_as_well() {
    for fault in [
        "echo last words >&2; exit 3",
        r#"say '{"jsonrpc":"2.0","id":7,"result":{}}'"#,
        r#"printf 'oops{"jsonrpc":"2.0","id":1}\n'"#,
    ] {
        let sandbox = recorded(fault);
        let plain = sandbox.run("--driver odd status -o json").json_error();
        sandbox.executable(
            "bin/caproni-driver-odd",
            "#!/bin/sh\nexec caproni drivers replay \"${HOME%/home}/project/it\" --as-driver\n",
        );
        let played = sandbox.run("--driver odd status -o json").json_error();
        assert_eq!(without_time(played), without_time(plain), "{fault}");
    }
}

/// How long a request ran before it failed is never the same.
fn without_time(mut error: Value) -> Value {
    error["request"]["ranMs"] = Value::Null;
    error
}

#[test]
fn what_is_no_recording_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("project/it", "{}\n");
    assert_data_eq!(
        sandbox.run("drivers replay it"),
        str![[r#"
------- stderr -------
error: `it` is no recording: line 1: missing field `t` at line 1 column 2
hint: make one with `caproni drivers record FILE -- COMMAND`
[exit status: 2]

"#]]
    );
    assert_eq!(sandbox.run("drivers replay nowhere").code(), 2);
    sandbox.write("project/empty", "");
    assert_data_eq!(
        sandbox.run("drivers replay empty"),
        str![[r#"
------- stderr -------
error: no driver says its name in the recording
hint: pass `--driver NAME`
[exit status: 2]

"#]]
    );
}
