//! What a driver's `serve` answers, over an in-memory pipe.

use caproni_driver::testing::{Host, failure};
use caproni_driver::{
    Change, Description, DriverClient, DriverServer, Error, ErrorKind, Extensions, MAX_LINE,
    Outcome, Peer, Request, State, Status, async_trait, describe, lock, serve_on,
};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

#[derive(schemars::JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Config {
    size: u32,
}

/// A driver whose `start` reports a step and then waits to be cancelled.
struct Scripted;

#[async_trait]
impl DriverServer for Scripted {
    async fn initialize(&self, offered: Vec<u32>, _host: Peer) -> Result<Description, Error> {
        describe::<Config>("scripted", "1.0", &[], &offered)
    }

    async fn start(
        &self,
        ext: &Extensions,
        profile: String,
        _config: Value,
        _timeout_ms: Option<u64>,
    ) -> Result<Outcome, Error> {
        let request = Request::of(ext);
        request.progress("create", format!("creating {profile}"));
        Err(request.ended().await.with_state(State::Stopped))
    }

    async fn stop(
        &self,
        ext: &Extensions,
        _profile: String,
        _config: Option<Value>,
        _timeout_ms: Option<u64>,
    ) -> Result<Outcome, Error> {
        let request = Request::of(ext);
        for step in ["one", "two", "three"] {
            request.progress(step, "\u{1b}[31mat\u{1b}[0m\nwork\r\n");
        }
        Ok(Outcome::new(Change::Stopped))
    }

    async fn destroy(
        &self,
        _ext: &Extensions,
        _profile: String,
        _config: Option<Value>,
        _timeout_ms: Option<u64>,
    ) -> Result<Outcome, Error> {
        panic!("a bug in the driver")
    }

    async fn status(
        &self,
        _ext: &Extensions,
        _profile: String,
        _config: Option<Value>,
        _timeout_ms: Option<u64>,
    ) -> Result<Status, Error> {
        Ok(Status::absent())
    }
}

fn connect() -> Host {
    Host::serve("scripted", Scripted)
}

fn profile() -> Value {
    json!({"profile": "demo", "config": {}})
}

#[tokio::test]
async fn initialize_picks_a_version_and_gives_the_schema() {
    let host = connect();
    let offer = json!({"protocolVersions": [7, 1], "host": {"name": "test", "version": "0"}});
    let reply = host.ask("initialize", offer).await;
    assert_eq!(reply["result"]["protocolVersion"], 1);
    assert_eq!(reply["result"]["capabilities"]["features"], json!(["cancel"]));
    assert_eq!(reply["result"]["configSchema"]["properties"]["size"]["type"], "integer");
}

#[tokio::test]
async fn an_offer_without_a_known_version_is_answered_with_the_known_ones() {
    let host = connect();
    let offer = json!({"protocolVersions": [7], "host": {"name": "test", "version": "0"}});
    let reply = host.ask("initialize", offer).await;
    assert_eq!(reply["error"]["code"], 1018);
    assert_eq!(reply["error"]["data"]["supported"], json!([1]));
}

#[tokio::test]
async fn the_reply_comes_after_the_last_step() {
    let host = connect();
    host.begin("stop", profile()).await;
    for step in ["one", "two", "three"] {
        assert_eq!(host.receive().await["params"]["step"], step);
    }
    assert_eq!(host.receive().await["result"]["change"], "stopped");
}

#[tokio::test]
async fn a_cancelled_request_is_still_answered() {
    let host = connect();
    let id = host.begin("start", profile()).await;
    host.until_step("create").await;
    host.cancel().await;
    let reply = host.reply(id).await;
    assert_eq!(reply["error"]["data"], json!({"kind": "Cancelled", "state": "stopped"}));
}

#[tokio::test]
async fn a_cancel_between_requests_does_nothing() {
    let host = connect();
    host.cancel().await;
    let reply = host.ask("status", profile()).await;
    assert_eq!(reply["result"]["exists"], false);
}

#[tokio::test]
async fn the_end_of_input_cancels_the_request_and_ends_the_driver() {
    let host = connect();
    host.begin("start", profile()).await;
    host.until_step("create").await;
    let rest = host.end().await;
    assert_eq!(rest[1]["error"]["data"]["kind"], "Cancelled");
    assert_eq!(rest.len(), 2);
}

#[tokio::test]
async fn time_that_is_up_ends_the_request() {
    let host = connect();
    let answered = host.start("demo".into(), json!({}), Some(0)).await;
    assert_eq!(failure(answered).kind(), &ErrorKind::TimedOut);
}

#[tokio::test]
async fn a_panic_is_answered_and_the_driver_lives_on() {
    let host = connect();
    let reply = host.ask("destroy", profile()).await;
    assert_eq!(reply["error"]["code"], -32603);
    let message = reply["error"]["message"].as_str().expect("a message");
    assert!(message.contains("a bug in the driver"), "{message}");
    assert!(host.ask("status", profile()).await["result"].is_object());
}

#[tokio::test]
async fn faulty_lines_are_answered_by_their_code_and_under_their_id_where_there_is_one() {
    let host = connect();
    for (line, code, id) in [
        ("not json", -32700, json!(null)),
        (
            r#"{"jsonrpc":"2.0","id":4,"method":"status","params":{"profile":NaN}}"#,
            -32700,
            json!(null),
        ),
        (r#"{"jsonrpc":"2.0","id":4,"method":"status""#, -32700, json!(null)),
        ("[]", -32600, json!(null)),
        (r#"["2.0",4,"status",{}]"#, -32600, json!(null)),
        ("3", -32600, json!(null)),
        (r#"{"jsonrpc":"2.0","id":4}"#, -32600, json!(4)),
        (r#"{"jsonrpc":"2.0","id":"a","method":5}"#, -32600, json!("a")),
        (
            r#"{"jsonrpc":"1.0","id":4,"method":"status","params":{"profile":"a"}}"#,
            -32600,
            json!(4),
        ),
        (r#"{"id":4,"method":"status","params":{"profile":"a"}}"#, -32600, json!(4)),
        (r#"{"jsonrpc":"2.0","id":4.5,"method":"status","params":{}}"#, -32600, json!(null)),
        (r#"{"jsonrpc":"2.0","id":-1,"method":"status","params":{}}"#, -32600, json!(null)),
        (r#"{"jsonrpc":"2.0","id":[1],"method":"status","params":{}}"#, -32600, json!(null)),
        (r#"{"jsonrpc":"2.0","id":5,"method":"nothing"}"#, -32601, json!(5)),
        (r#"{"jsonrpc":"2.0","id":6,"method":"status","params":{}}"#, -32602, json!(6)),
        (r#"{"jsonrpc":"2.0","id":6,"method":"status"}"#, -32602, json!(6)),
        (r#"{"jsonrpc":"2.0","id":6,"method":"status","params":null}"#, -32602, json!(6)),
        (r#"{"jsonrpc":"2.0","id":6,"method":"status","params":["a"]}"#, -32602, json!(6)),
        (r#"{"jsonrpc":"2.0","id":6,"method":"status","params":{"profile":3}}"#, -32602, json!(6)),
        (r#"{"jsonrpc":"2.0","id":6,"method":"start","params":{"profile":"a"}}"#, -32602, json!(6)),
        (
            r#"{"jsonrpc":"2.0","id":6,"method":"stop","params":{"profile":"a","timeoutMs":"1"}}"#,
            -32602,
            json!(6),
        ),
    ] {
        host.send_line(line).await;
        let reply = host.receive().await;
        assert_eq!((&reply["error"]["code"], &reply["id"]), (&json!(code), &id), "{line}: {reply}");
    }
    assert!(host.ask("status", profile()).await["result"].is_object());
}

#[tokio::test]
async fn an_id_comes_back_as_it_came() {
    let host = connect();
    for id in ["0", "18446744073709551616", r#""""#, r#""7""#, r#""\u00e4 \n""#] {
        let line = format!(
            r#"{{"id":{id},"params":{{"profile":"a"}},"method":"status","jsonrpc":"2.0"}}"#
        );
        host.send_line(&line).await;
        let reply = host.receive().await;
        let expected: Value = serde_json::from_str(id).expect("JSON");
        assert_eq!(reply["id"], expected, "{reply}");
        assert_eq!(reply["result"]["exists"], false, "{reply}");
    }
}

#[tokio::test]
async fn a_line_that_is_not_utf8_is_no_message() {
    let (mut input, their_input) = tokio::io::duplex(1024);
    let (their_output, output) = tokio::io::duplex(1024);
    let state = tempfile::tempdir().expect("a temporary folder");
    let their_input = tokio::io::BufReader::new(their_input);
    tokio::spawn(serve_on("scripted", state.path().into(), Scripted, their_input, their_output));
    let line = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}\n";
    input.write_all(line).await.expect("the driver reads");
    let host = Host::over(output, input);
    assert_eq!(host.receive().await["error"]["code"], -32700);
}

#[tokio::test]
async fn what_is_nested_too_deep_is_refused_and_hurts_nobody() {
    let host = connect();
    let nested = |levels: usize| {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        format!(
            r#"{{"jsonrpc":"2.0","id":9,"method":"status","params":{{"profile":"a","config":{{"a":{open}{close}}}}}}}"#
        )
    };
    // The message, its params and the config are three levels.
    host.send_line(&nested(97)).await;
    assert_eq!(host.receive().await["result"]["exists"], false);
    for levels in [98, 200, 1_000_000] {
        host.send_line(&nested(levels)).await;
        let reply = host.receive().await;
        assert_eq!(
            (&reply["error"]["code"], &reply["id"]),
            (&json!(-32600), &json!(9)),
            "{levels}"
        );
    }
    // Brackets in strings are no levels.
    let text = json!({"profile": "a", "config": {"a": "[\"{\\".repeat(200)}});
    assert!(host.ask("status", text).await["result"].is_object());
}

#[tokio::test]
async fn a_line_that_is_too_long_is_refused_also_when_it_is_all_white_space_at_its_end() {
    let host = connect();
    let request = r#"{"jsonrpc":"2.0","id":9,"method":"status","params":{"profile":"a"}}"#;
    for (line, is_taken) in [
        (format!("{request}{}", " ".repeat(MAX_LINE - request.len())), true),
        (format!("{request}{}\r", " ".repeat(MAX_LINE - request.len())), true),
        (format!("{request}{}", " ".repeat(MAX_LINE - request.len() + 1)), false),
        (format!("{request}{}", " ".repeat(2 * MAX_LINE)), false),
    ] {
        host.send_line(&line).await;
        let reply = host.receive().await;
        assert_eq!(reply["id"], 9);
        assert_eq!(reply.get("result").is_some(), is_taken, "{}: {reply}", line.len());
    }
}

#[tokio::test]
async fn blank_lines_and_unknown_notifications_are_ignored() {
    let host = connect();
    host.send_line("\r").await;
    host.send(&json!({"jsonrpc": "2.0", "method": "weather", "params": {"rain": true}})).await;
    assert!(host.ask("status", profile()).await["result"].is_object());
}

#[tokio::test]
async fn an_optional_method_it_lacks_is_no_method() {
    let host = connect();
    for method in ["restart", "kubeconfig", "version", "list", "exec", "logs", "usage", "diagnose"]
    {
        let reply = host.ask(method, profile()).await;
        let error = json!({"code": -32601, "message": format!("no method `{method}`")});
        assert_eq!(reply["error"], error);
    }
}

#[tokio::test]
async fn params_may_be_absent_or_null_where_there_is_nothing_to_say() {
    let host = connect();
    for params in ["", r#","params":null"#, r#","params":{}"#, r#","params":{"timeoutMs":null}"#] {
        host.send_line(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"version"{params}}}"#)).await;
        // It has no such method: the params were no obstacle.
        assert_eq!(host.receive().await["error"]["code"], -32601, "{params}");
    }
}

#[tokio::test]
async fn progress_has_neither_escape_codes_nor_line_ends() {
    let host = connect();
    host.ask("stop", profile()).await;
    let progress = &host.progress()[0];
    assert_eq!((progress.step.as_str(), progress.message.as_str()), ("one", "at work"));
}

#[tokio::test]
async fn a_profile_that_is_no_name_is_refused_before_anything_is_done() {
    let host = connect();
    for profile in ["", "../x", "Upper", "-a", "a b"] {
        let answered = host.start(profile.into(), json!({}), None).await;
        assert_eq!(failure(answered).kind(), &ErrorKind::InvalidDriverConfig, "{profile}");
    }
}

#[tokio::test]
async fn a_change_waits_for_the_one_before_and_gives_up_as_busy() {
    let state = tempfile::tempdir().expect("a temporary folder");
    let first = Host::serve_in(state.path(), "scripted", Scripted);
    let second = Host::serve_in(state.path(), "scripted", Scripted);
    first.begin("start", profile()).await;
    first.until_step("create").await;

    let busy = failure(second.stop("demo".into(), None, Some(0)).await);
    assert_eq!(busy.kind(), &ErrorKind::Busy);
    assert_eq!(second.progress()[0].step, "wait");
    let holder = busy.data.holder.expect("a holder");
    assert!(holder.starts_with("start (process "), "{holder}");
    assert_eq!(lock::holder(state.path(), "scripted", "demo"), Some(holder));
}
