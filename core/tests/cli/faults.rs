//! Drivers that break one rule each: what the user is told, and that nothing of them is left.
//!
//! That nothing is left is in every test: [`crate::sandbox`] waits for the end of all that
//! was started.

use serde_json::json;
use snapbox::{assert_data_eq, str};

use crate::output::Output;
use crate::sandbox::Sandbox;

/// A driver that keeps every rule but for what `fault` says, in shell.
pub(crate) fn driver(fault: &str) -> Sandbox {
    let script = include_str!("rules.sh");
    assert!(script.contains("# (here)\n"));
    Sandbox::with_driver("odd", &script.replace("# (here)\n", &format!("{fault}\n")))
}

fn run(fault: &str, words: &str) -> Output {
    driver(fault).run(&format!("--driver odd {words}"))
}

#[test]
fn a_driver_that_keeps_every_rule_is_the_measure() {
    assert_data_eq!(
        run("", "status"),
        str![[r#"
cluster     caproni (odd)
state       ready (its driver's word; it has no API that could be asked)
[exit status: 0]

"#]]
    );
    assert_data_eq!(
        run("", "start"),
        str![[r#"
cluster `caproni` is up (created in [N] s)
driver      odd (its word alone: there is no API to ask)
next        caproni --driver odd status
[exit status: 0]

"#]]
    );
}

#[test]
fn noise_between_the_messages_is_survived_and_shown_with_v() {
    let noise = r#"
        # The last of it is the mark that some languages begin a text with.
        banner() { printf '\033[1;32m=== my driver ===\033[0m\n\n{"level":"info"}\n\357\273\277'; }
        banner
        status() { banner; result '{"state":"ready","exists":true}'; banner; }"#;
    assert_data_eq!(
        run(noise, "status"),
        str![[r#"
cluster     caproni (odd)
state       ready (its driver's word; it has no API that could be asked)
[exit status: 0]

"#]]
    );
    let shown = run(noise, "-v status");
    assert!(
        shown
            .stderr
            .contains("driver, on stdout where only the protocol belongs: === my driver ===\n"),
        "{shown:#?}"
    );
    assert!(!shown.stderr.contains('\u{1b}'), "{shown:#?}");
}

#[test]
fn the_log_of_a_driver_is_shown_with_v_only() {
    let logs = r#"status() { echo 'looking' >&2; result '{"state":"ready","exists":true}'; }"#;
    assert_eq!(run(logs, "status").stderr, "");
    assert_eq!(run(logs, "-v status").stderr, "driver: looking\n");
    let sandbox = driver(logs);
    let verbose = sandbox.caproni("--driver odd status").env("CAPRONI_VERBOSE", "1").run();
    assert_eq!(verbose.stderr, "driver: looking\n");
}

#[test]
fn a_crash_is_told_with_its_exit_status_and_the_end_of_the_log() {
    let crash = "status() { echo 'config missing' >&2; echo 'giving up' >&2; exit 3; }";
    assert_data_eq!(
        run(crash, "status"),
        str![[r#"
------- stderr -------
error: driver `[ROOT]/bin/caproni-driver-odd` exited with 3 during `status`
  driver: version 1
  request: `status` of cluster `caproni`, failed in [N] s
  config missing
  giving up
hint: run it again with `-vv` to see what the driver did, and tell the driver's author
[exit status: 20]

"#]]
    );
    let error = run(crash, "-o json status").json_error();
    assert_eq!(error["kind"], "DriverCrashed");
    assert_eq!(error["path"], "[ROOT]/bin/caproni-driver-odd");
    assert_eq!(error["stderr"], "config missing\ngiving up");
}

#[test]
fn a_crash_in_the_middle_of_a_change_says_what_is_left() {
    let crash = "start() { progress create 'creating'; exit 3; }";
    assert_data_eq!(
        run(crash, "start"),
        str![[r#"
------- stderr -------
[TIME] create: creating
error: driver `[ROOT]/bin/caproni-driver-odd` exited with 3 during `start`
  driver: version 1
  request: `start` of cluster `caproni`, failed in [N] s
  the cluster is left ready
hint: run `caproni --driver odd start` to go on with what is left of `caproni`, or `caproni --driver odd destroy` to remove it
[exit status: 20]

"#]]
    );
    let absent = r#"
        status() { result '{"state":"stopped","exists":false}'; }
        start() { exit 3; }"#;
    let error = run(absent, "-o json start").json_error();
    assert_eq!((&error["kind"], &error["state"]), (&json!("DriverCrashed"), &json!("stopped")));
    assert_eq!(error["hint"], "run it again: nothing of `caproni` is left");
}

#[test]
fn the_signal_that_ended_a_driver_is_named() {
    assert_data_eq!(
        run("status() { kill -9 $$; }", "status"),
        str![[r#"
------- stderr -------
error: driver `[ROOT]/bin/caproni-driver-odd` was ended by signal: 9 (SIGKILL) during `status`
  driver: version 1
  request: `status` of cluster `caproni`, failed in [N] s
hint: run it again with `-vv` to see what the driver did, and tell the driver's author
[exit status: 20]

"#]]
    );
}

#[test]
fn a_driver_that_ends_at_once_has_crashed_even_with_0() {
    assert_data_eq!(
        run("exit 0", "status"),
        str![[r#"
------- stderr -------
error: driver `[ROOT]/bin/caproni-driver-odd` exited with 0 during `initialize`
  driver: no version told yet
  request: `initialize`, failed in [N] s
hint: run it again with `-vv` to see what the driver did, and tell the driver's author
[exit status: 20]

"#]]
    );
}

#[test]
fn a_driver_that_never_answers_is_ended_when_the_time_is_over() {
    assert_data_eq!(
        run("initialize() { forever; }", "--timeout 1s status"),
        str![[r#"
------- stderr -------
error: driver `odd` did not answer `initialize` within 1 s
  driver: `[ROOT]/bin/caproni-driver-odd`, no version told yet
  request: `initialize`, failed in [N] s
hint: give it more time with `--timeout`, or run it with `-vv` to see what the driver does
[exit status: 20]

"#]]
    );
}

#[test]
fn a_driver_that_ignores_sigterm_is_killed() {
    let deaf = "trap '' TERM; initialize() { forever; }";
    let error = run(deaf, "--timeout 1s -o json status").json_error();
    assert_eq!(error["kind"], "DriverUnresponsive");
}

#[test]
fn what_can_never_become_the_reply_ends_the_call() {
    for (fault, told) in [
        (
            r#"say '{"jsonrpc":"2.0","id":77,"result":{}}'"#,
            "it answered with id 77 where 1 was asked",
        ),
        (
            r#"say '{"jsonrpc":"2.0","id":"1","result":{}}'"#,
            "it answered with id \"1\" where 1 was asked",
        ),
        (
            r#"say '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"what?"}}'"#,
            "it did not understand the request: what?",
        ),
        (r#"say '{"id":1,"result":{}}'"#, "it sent a reply without `\"jsonrpc\": \"2.0\"`"),
        (r#"say '{"jsonrpc":"2.0","result":{}}'"#, "it sent a reply without an `id`"),
        (r#"say '{"jsonrpc":"2.0","id":1}'"#, "it sent a reply without `result` or `error`"),
        (
            r#"say '{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":"x"}}'"#,
            "it sent a reply with `result` and `error`",
        ),
        (
            r#"say '{"jsonrpc":"2.0","id":1,"error":{"code":1}}'"#,
            "it sent an error without a `message`",
        ),
        (
            r#"say '{"jsonrpc":"2.0","id":1,"error":{"code":"E1","message":"x"}}'"#,
            "it sent an error without a whole number as `code`",
        ),
        (r#"say '[{"jsonrpc":"2.0","id":1,"result":{}}]'"#, "it sent a batch: "),
        (
            r#"printf 'done.'; result '{"state":"ready","exists":true}'"#,
            "it sent a message that is not JSON ",
        ),
        (r#"say '{"jsonrpc":"2.0","id":1,"resu'"#, "it sent a message that is not JSON "),
        (r#"result '{"state":"ready"}'"#, "missing field `exists`"),
        (r#"result '{"state":7,"exists":true}'"#, "`status`: "),
        (r#"result null"#, "`status`: "),
        (
            r#"error DriverCrashed 'I crashed'"#,
            "it sent the kind DriverCrashed, which only the host may use",
        ),
        (
            r#"say '{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"oops"}}'"#,
            "oops (-32603)",
        ),
    ] {
        let output = run(&format!("status() {{ {fault}; }}"), "-o json status");
        let error = output.json_error();
        assert_eq!((&error["kind"], output.code()), (&json!("DriverProtocolError"), 20), "{fault}");
        let message = error["message"].as_str().unwrap();
        assert!(
            message.starts_with("driver `[ROOT]/bin/caproni-driver-odd` broke the protocol in its answer to `status`: ")
                && message.contains(told),
            "{fault}: {message}"
        );
    }
}

#[test]
fn a_broken_reply_looks_like_this() {
    assert_data_eq!(
        run(r#"status() { echo 'debug: 7' >&2; result 7; }"#, "status"),
        str![[r#"
------- stderr -------
error: driver `[ROOT]/bin/caproni-driver-odd` broke the protocol in its answer to `status`: invalid type: integer `7`, expected struct Status at line 1 column 1
  driver: version 1
  request: `status` of cluster `caproni`, failed in [N] s
  debug: 7
hint: run `caproni drivers check NAME` for this driver, and tell the driver's author
[exit status: 20]

"#]]
    );
}

#[test]
fn a_broken_reply_to_a_change_says_what_is_left() {
    let error =
        run("start() { say '{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":7}'; }", "-o json start");
    let error = error.json_error();
    assert_eq!((&error["kind"], &error["state"]), (&json!("DriverProtocolError"), &json!("ready")));
}

#[test]
fn a_version_that_was_not_offered_is_refused() {
    assert_data_eq!(
        run("initialize() { describe 2; }", "status"),
        str![[r#"
------- stderr -------
error: driver `[ROOT]/bin/caproni-driver-odd` chose protocol version 2, which was not offered
  driver: no version told yet
  request: `initialize`, failed in [N] s
hint: run `caproni drivers check NAME` for this driver, and tell the driver's author
[exit status: 20]

"#]]
    );
}

#[test]
fn a_driver_that_speaks_no_offered_version_says_so() {
    let old = r#"initialize() {
        say "{\"jsonrpc\":\"2.0\",\"id\":$id,\"error\":{\"code\":1018,\"message\":\"I speak version 0 only\",\"data\":{\"kind\":\"UnsupportedProtocolVersion\",\"supported\":[0]}}}"
    }"#;
    assert_data_eq!(
        run(old, "status"),
        str![[r#"
------- stderr -------
error: I speak version 0 only
hint: update `[ROOT]/bin/caproni-driver-odd` or caproni, which speaks protocol version 1
[exit status: 10]

"#]]
    );
    assert_eq!(run(old, "-o json status").json_error()["supported"], json!([0]));
}

#[test]
fn an_unknown_state_is_shown_as_it_came() {
    let state = r#"status() { result '{"state":"hibernating","exists":true}'; }"#;
    assert_data_eq!(
        run(state, "status"),
        str![[r#"
cluster     caproni (odd)
state       hibernating
[exit status: 4]

"#]]
    );
}

#[test]
fn an_unknown_change_is_shown_as_it_came() {
    assert_data_eq!(
        run(r#"stop() { result '{"change":"hibernated"}'; }"#, "stop"),
        str![[r#"
cluster `caproni`: hibernated
[exit status: 0]

"#]]
    );
}

#[test]
fn an_unknown_kind_of_failure_is_shown_as_it_came() {
    let kind = "start() { error QuotaExceeded 'your quota is used up'; }";
    assert_data_eq!(
        run(kind, "start"),
        str![[r#"
------- stderr -------
error: your quota is used up
  kind: QuotaExceeded
hint: run it again with `-v` to see the driver's log
[exit status: 1]

"#]]
    );
    assert_data_eq!(
        run(kind, "-o json start"),
        str![[r#"
------- stderr -------
{
  "error": {
    "kind": "QuotaExceeded",
    "message": "your quota is used up",
    "hint": "run it again with `-v` to see the driver's log",
    "driver": "odd",
    "method": "start",
    "exitCode": 1
  }
}
[exit status: 1]

"#]]
    );
}

#[test]
fn an_error_without_a_kind_is_shown_with_its_code() {
    let slip = r#"stop() { say "{\"jsonrpc\":\"2.0\",\"id\":$id,\"error\":{\"code\":7,\"message\":\"no\"}}"; }"#;
    assert_data_eq!(
        run(slip, "stop"),
        str![[r#"
------- stderr -------
error: no
  kind: Unknown
  caused by: the driver named no kind, only the code 7
hint: run it again with `-v` to see the driver's log
[exit status: 1]

"#]]
    );
    assert_eq!(run(slip, "-o json stop").json_error()["code"], 7);
}

#[test]
fn a_driver_that_closes_its_stdout_and_runs_on_is_ended() {
    let output = run("status() { exec >/dev/null; forever; }", "-o json status");
    let error = output.json_error();
    assert_eq!((&error["kind"], output.code()), (&json!("DriverProtocolError"), 20));
    assert!(error["message"].as_str().unwrap().contains("closed its stdout during `status`"));
}

#[test]
fn ten_megabytes_of_log_neither_block_nor_drown_the_error() {
    let flood = r#"status() {
        head -c 10000000 /dev/zero | tr '\0' 'x' >&2; echo >&2; echo 'the last word' >&2
        exit 1
    }"#;
    let output = run(flood, "status");
    assert_eq!(output.code(), 20);
    assert!(output.stderr.contains("  the last word\n"), "{}", output.stderr.len());
    assert!(output.stderr.len() < 100_000, "{}", output.stderr.len());
}

#[test]
fn a_line_of_five_mebibytes_is_refused() {
    let long = r#"status() {
        printf '{"jsonrpc":"2.0","id":1,"result":"'
        head -c 5242880 /dev/zero | tr '\0' 'x'
        say '"}'
    }"#;
    assert_data_eq!(
        run(long, "status"),
        str![[r#"
------- stderr -------
error: driver `[ROOT]/bin/caproni-driver-odd` broke the protocol in its answer to `status`: it sent a line of more than 4194304 bytes
  driver: version 1
  request: `status` of cluster `caproni`, failed in [N] s
hint: run `caproni drivers check NAME` for this driver, and tell the driver's author
[exit status: 20]

"#]]
    );
}

#[test]
fn no_text_of_a_driver_reaches_the_terminal_as_a_command() {
    // In JSON the escape character is an escape as well.
    let escapes = r#"
        start() {
            progress 'cre\u001b[2Jate' 'drawing \u001b]0;title\u0007\u001b[31mred\r\u202eturned'
            error BackendFailed 'it \u001b[31mfailed\u001b[0m'
        }"#;
    assert_data_eq!(
        run(escapes, "start"),
        str![[r#"
------- stderr -------
[TIME] create: drawing 0;titleredturned
error: it failed
hint: run it again with `-v` to see all that the backend said
[exit status: 1]

"#]]
    );
}

#[test]
fn a_flood_of_progress_is_cut_short_on_a_pipe() {
    let flood = r#"start() {
        n=0
        while [ $n -lt 2000 ]; do progress pull "layer $n"; n=$((n + 1)); done
        result '{"change":"created"}'
    }"#;
    let output = run(flood, "start");
    assert_eq!(output.code(), 0);
    assert!(output.stderr.lines().count() < 100, "{}", output.stderr);
    assert!(output.stderr.ends_with("pull: (more of it is left out)\n"), "{}", output.stderr);
}

#[test]
fn what_a_later_version_may_send_is_ignored() {
    let later = r#"status() {
        say '{"jsonrpc":"2.0","method":"weather","params":{"sun":true}}'
        say '{"jsonrpc":"2.0","id":99,"method":"ask","params":{}}'
        result '{"state":"ready","exists":true,"mood":"good"}'
    }"#;
    assert_eq!(run(later, "status").code(), 0);
}

#[test]
fn a_schema_that_is_none_stops_a_start_and_not_a_status() {
    let sandbox = driver(r#"schema='{"type":"nonsense"}'"#);
    assert_data_eq!(
        sandbox.run("--driver odd start"),
        str![[r#"
------- stderr -------
error: driver `odd` has a config schema that cannot be used: it is not one of an object
hint: tell the driver's author that it breaks rule CONF-8 of the protocol
[exit status: 20]

"#]]
    );
    assert_data_eq!(
        sandbox.run("--driver odd status"),
        str![[r#"
cluster     caproni (odd)
state       ready (its driver's word; it has no API that could be asked)
------- stderr -------
warning: the config is not used: driver `odd` has a config schema that cannot be used: it is not one of an object
[exit status: 0]

"#]]
    );
}

#[test]
fn a_schema_that_would_cost_too_much_is_refused_by_the_rule_it_breaks() {
    let long = "schema=$(printf '{\"description\":\"%01000000d\"}' 0)";
    let deep =
        "schema=$(printf '{\"items\":%.0s' $(seq 70); printf '{}'; printf '}%.0s' $(seq 70))";
    for (schema, rule, said) in [
        (long, "CONF-8", "is 1000018 bytes long, and 262144 are allowed"),
        (deep, "CONF-8", "is nested more than 64 levels deep"),
        (r#"schema='{"properties":{"a":{"pattern":"^(?=a)"}}}'"#, "CONF-8", "is not valid: "),
        (
            r#"schema='{"properties":{"a":{"$ref":"https://example.org/a"}}}'"#,
            "CONF-2",
            "refers to `https://example.org/a`, which is not in it",
        ),
        (
            r##"schema='{"properties":{"a":{"$ref":"#/properties/a"}}}'"##,
            "CONF-8",
            "refers to itself without end",
        ),
    ] {
        let output = driver(schema).run("--driver odd start");
        assert_eq!(output.code(), 20, "{output:?}");
        let said =
            format!("error: driver `odd` has a config schema that cannot be used: it {said}");
        assert!(output.stderr.starts_with(&said), "{output:?}");
        let hint =
            format!("hint: tell the driver's author that it breaks rule {rule} of the protocol");
        assert!(output.stderr.contains(&hint), "{output:?}");
    }
}

#[test]
fn a_schema_that_is_deeper_than_a_message_may_be_ends_the_session() {
    let deep =
        "schema=$(printf '{\"items\":%.0s' $(seq 10000); printf '{}'; printf '}%.0s' $(seq 10000))";
    let output = driver(deep).run("--driver odd -o json start");
    assert_eq!(output.code(), 20, "{output:?}");
    assert_eq!(output.json_error()["kind"], "DriverProtocolError");
}

#[test]
fn a_description_without_a_schema_is_refused() {
    let bare = r#"initialize() { result '{"protocolVersion":1,"name":"odd","version":"1"}'; }"#;
    assert_data_eq!(
        run(bare, "status"),
        str![[r#"
------- stderr -------
error: driver `[ROOT]/bin/caproni-driver-odd` broke the protocol in its answer to `initialize`: missing field `configSchema` at line 1 column 48
  driver: no version told yet
  request: `initialize`, failed in [N] s
hint: run `caproni drivers check NAME` for this driver, and tell the driver's author
[exit status: 20]

"#]]
    );
}

#[test]
fn a_driver_that_does_not_end_with_its_stdin_is_ended() {
    // After the last request it waits for nobody's word.
    let output =
        run("status() { result '{\"state\":\"ready\",\"exists\":true}'; forever; }", "status");
    assert_eq!(output.code(), 0);
}
