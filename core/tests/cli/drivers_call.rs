//! `drivers call`: one request as it is, and the answer as it comes.

use rustix::process::Signal;
use serde_json::{Value, json};
use snapbox::{assert_data_eq, str};

use crate::drivers_list::script;
use crate::sandbox::Sandbox;

/// A driver whose result is the request.
const ECHO: &str = r#"
while read -r line; do
  id=${line#*\"id\":}; id=${id%%[,\}]*}
  case $line in
    *'"initialize"'*) describe 1 ;;
    *'"odd/error"'*) error QuotaExceeded 'no more' ;;
    *'"mismatch"'*) say "{\"jsonrpc\":\"2.0\",\"id\":$id,\"error\":{\"code\":1003,\"message\":\"x\",\"data\":{\"kind\":\"ConfigMismatch\",\"diff\":[],\"more\":1}}}" ;;
    *'"unknown"'*) say "{\"jsonrpc\":\"2.0\",\"id\":$id,\"error\":{\"code\":-32601,\"message\":\"no method unknown\"}}" ;;
    *'"params"'*'"bad"'*) say "{\"jsonrpc\":\"2.0\",\"id\":$id,\"error\":{\"code\":-32602,\"message\":\"bad is no profile\"}}" ;;
    *'"internal"'*) say "{\"jsonrpc\":\"2.0\",\"id\":$id,\"error\":{\"code\":-32603,\"message\":\"oops\"}}" ;;
    *'"step"'*) progress work 'doing it'; result null ;;
    *'"hang"'*) echo here >&2; forever ;;
    *) result "$line" ;;
  esac
done"#;

fn echo() -> Sandbox {
    Sandbox::with_driver("odd", &script("odd", ECHO))
}

fn result(words: &str) -> Value {
    let output = echo().run(&format!("drivers call odd {words}"));
    assert_eq!((output.code(), output.stderr.as_str()), (0, ""), "{output:#?}");
    output.json()
}

#[test]
fn the_request_goes_out_as_it_was_given_and_the_result_comes_as_it_is() {
    assert_eq!(
        result("mine/compact"),
        json!({"jsonrpc": "2.0", "id": 1, "method": "mine/compact"})
    );
    assert_eq!(
        result(r#"status {"profile":3,"x":[1.0]}"#)["params"],
        json!({"profile": 3, "x": [1.0]})
    );
    assert_eq!(result("status [1,2]")["params"], json!([1, 2]));
    assert_eq!(result("status null -o json")["params"], Value::Null);
    assert_eq!(result("step -o json"), Value::Null);
}

#[cfg(target_os = "linux")] // Elsewhere the kernel does not tell it in `/proc`.
#[test]
fn a_call_needs_no_second_thread() {
    let counting = r#"
while read -r line; do
  id=${line#*\"id\":}; id=${id%%[,\}]*}
  case $line in
    *'"initialize"'*) describe 1 ;;
    *) set -- $(grep ^Threads: "/proc/$PPID/status"); result "$2" ;;
  esac
done"#;
    let sandbox = Sandbox::with_driver("odd", &script("odd", counting));
    assert_eq!(sandbox.run("drivers call odd status").json(), 1);
}

#[test]
fn an_error_is_printed_as_it_came_and_its_kind_gives_the_exit_code() {
    let sandbox = echo();
    assert_data_eq!(
        sandbox.run("drivers call odd mismatch"),
        str![[r#"
------- stderr -------
{
  "code": 1003,
  "message": "x",
  "data": {
    "kind": "ConfigMismatch",
    "diff": [],
    "more": 1
  }
}
[exit status: 5]

"#]]
    );
    let answered = |words: &str| {
        let output = sandbox.run(&format!("drivers call odd {words}"));
        let answer: Value = serde_json::from_str(&output.stderr).unwrap();
        (answer["code"].clone(), output.code())
    };
    assert_eq!(answered("odd/error"), (json!(1000), 1));
    assert_eq!(answered("unknown"), (json!(-32601), 2));
    assert_eq!(answered("status \"bad\""), (json!(-32602), 2));
    assert_eq!(answered("internal"), (json!(-32603), 20));
}

#[test]
fn an_error_in_json_is_like_all_errors_with_the_answer_in_it() {
    let error = echo().run("drivers call odd unknown -o json").json_error();
    assert_eq!(error["kind"], "Unsupported");
    assert_eq!(error["answer"], json!({"code": -32601, "message": "no method unknown"}));
    let error = echo().run("drivers call odd mismatch -o json").json_error();
    assert_eq!(
        (&error["kind"], &error["answer"]["data"]["more"]),
        (&json!("ConfigMismatch"), &json!(1))
    );
}

#[test]
fn progress_goes_to_stderr_and_with_v_every_line_both_ways() {
    let sandbox = echo();
    assert_data_eq!(
        sandbox.run("drivers call odd step"),
        str![[r#"
null
------- stderr -------
[TIME] work: doing it
[exit status: 0]

"#]]
    );
    assert_data_eq!(
        sandbox.run("drivers call odd step -v"),
        str![[r#"
null
------- stderr -------
-> {"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersions":[..],"host":{"name":"caproni","version":"[..]"}}}
<- {"jsonrpc":"2.0","id":0,"result":{"protocolVersion":1,"name":"odd","version":"1","capabilities":{"methods":[],"features":[]},"configSchema":{}}}
-> {"jsonrpc":"2.0","id":1,"method":"step"}
<- {"jsonrpc":"2.0","method":"progress","params":{"step":"work","message":"doing it"}}
[TIME] work: doing it
<- {"jsonrpc":"2.0","id":1,"result":null}
[exit status: 0]

"#]]
    );
}

#[test]
fn params_come_from_stdin_too_and_must_be_json() {
    let sandbox = echo();
    assert_data_eq!(
        sandbox.run("drivers call odd status {profile:demo}"),
        str![[r#"
------- stderr -------
error: the params are not JSON: key must be a string at line 1 column 2
hint: quote them for the shell, such as '{"profile":"demo"}'
[exit status: 2]

"#]]
    );
    assert_eq!(sandbox.run("drivers call odd status -").code(), 2, "an empty stdin");
    let mut call = sandbox.caproni("drivers call odd mine/compact -").spawn_at_terminal();
    call.type_line("{\"a\":\n 1 }");
    call.type_line("\u{4}");
    let output = call.end();
    assert_eq!(output.code(), 0, "{output:#?}");
    assert!(
        output.stderr.replace("\r\n", "\n").contains("\"params\": {\n    \"a\": 1\n  }"),
        "{output:#?}"
    );
}

#[test]
fn a_driver_that_hangs_ends_with_the_time_or_with_ctrl_c() {
    let sandbox = echo();
    let late = sandbox.run("drivers call odd hang -o json --timeout 300ms");
    assert_eq!(late.json_error()["kind"], "DriverUnresponsive");
    let mut call = sandbox.caproni("drivers call odd hang -v").spawn();
    call.until("driver: here");
    call.signal(Signal::INT);
    assert_eq!(call.end().code(), 130);
}

#[test]
fn a_real_driver_lives_a_cluster_s_whole_life_by_calls() {
    let sandbox = Sandbox::new();
    let call = |method: &str| {
        let params =
            r#"{"profile":"demo","config":{"servers":1,"agents":0,"kubernetes_version":"v1"}}"#;
        sandbox.run(&format!("drivers call mock {method} {params}")).json()
    };
    assert_eq!(call("start")["change"], "created");
    assert_eq!(call("status")["state"], "ready");
    assert_eq!(call("destroy")["change"], "destroyed");
}
