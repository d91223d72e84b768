//! What a driver's `serve` answers, over an in-memory pipe.

use caproni_driver::testing::{Host, failure};
use caproni_driver::{
    Change, Description, DriverClient, DriverServer, Error, ErrorKind, Extensions, Outcome, Peer,
    Request, State, Status, async_trait, describe, lock,
};
use serde_json::{Value, json};

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
            request.progress(step, "at work");
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
async fn faulty_lines_are_answered_one_by_one() {
    let host = connect();
    for (line, code) in [
        ("not json", -32700),
        ("[]", -32600),
        ("{\"jsonrpc\":\"2.0\",\"id\":4}", -32600),
        ("{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"nothing\"}", -32601),
        ("{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"status\",\"params\":{}}", -32602),
    ] {
        host.send_line(line).await;
        assert_eq!(host.receive().await["error"]["code"], code, "{line}");
    }
    assert!(host.ask("status", profile()).await["result"].is_object());
}

#[tokio::test]
async fn blank_lines_and_unknown_notifications_are_ignored() {
    let host = connect();
    host.send_line("\r").await;
    host.send(&json!({"jsonrpc": "2.0", "method": "weather", "params": {"rain": true}})).await;
    assert!(host.ask("status", profile()).await["result"].is_object());
}

#[tokio::test]
async fn an_optional_method_it_lacks_is_unsupported() {
    let host = connect();
    let answered = host.kubeconfig("demo".into(), None, None).await;
    assert_eq!(failure(answered).kind(), &ErrorKind::Unsupported);
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
