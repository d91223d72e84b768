//! What a driver's `serve` answers, over an in-memory pipe.

use std::sync::Arc;

use caproni_driver::{
    Change, Description, DriverServer, Error, ErrorKind, Extensions, Outcome, Peer, Request, State,
    Status, async_trait, describe, lock, serve_on,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{
    AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf,
};
use tokio::sync::Notify;

#[derive(schemars::JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Config {
    size: u32,
}

/// A driver whose `start` reports a step and then waits to be cancelled.
#[derive(Clone, Default)]
struct Scripted {
    started: Arc<Notify>,
}

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
        self.started.notify_one();
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

/// The host's end of a pipe to a [`Scripted`] driver.
struct Host {
    lines: Lines<BufReader<ReadHalf<DuplexStream>>>,
    input: Option<WriteHalf<DuplexStream>>,
    driver: tokio::task::JoinHandle<std::io::Result<()>>,
    started: Arc<Notify>,
    _state: Arc<TempDir>,
}

impl Host {
    fn connect() -> Self {
        let state = Arc::new(tempfile::tempdir().expect("a temporary folder"));
        Self::connect_with(state)
    }

    fn connect_with(state: Arc<TempDir>) -> Self {
        let driver = Scripted::default();
        let started = driver.started.clone();
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let (output, input) = tokio::io::split(ours);
        let (driver_input, driver_output) = tokio::io::split(theirs);
        let served = serve_on(
            "scripted",
            state.path().into(),
            driver,
            BufReader::new(driver_input),
            driver_output,
        );
        Self {
            lines: BufReader::new(output).lines(),
            input: Some(input),
            driver: tokio::spawn(served),
            started,
            _state: state,
        }
    }

    async fn send(&mut self, line: impl ToString) {
        let input = self.input.as_mut().expect("input is open");
        input.write_all((line.to_string() + "\n").as_bytes()).await.expect("the driver reads");
    }

    async fn receive(&mut self) -> Value {
        let line = self.lines.next_line().await.expect("readable").expect("a line");
        serde_json::from_str(&line).expect("each line is JSON")
    }

    async fn request(&mut self, id: u32, method: &str, params: Value) -> Value {
        self.send(json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})).await;
        self.receive().await
    }
}

fn profile() -> Value {
    json!({"profile": "demo", "config": {}})
}

#[tokio::test]
async fn initialize_picks_a_version_and_gives_the_schema() {
    let mut host = Host::connect();
    let offer = json!({"protocolVersions": [7, 1], "host": {"name": "test", "version": "0"}});
    let reply = host.request(0, "initialize", offer).await;
    assert_eq!(reply["result"]["protocolVersion"], 1);
    assert_eq!(reply["result"]["capabilities"]["features"], json!(["cancel"]));
    assert_eq!(reply["result"]["configSchema"]["properties"]["size"]["type"], "integer");
}

#[tokio::test]
async fn an_offer_without_a_known_version_is_answered_with_the_known_ones() {
    let mut host = Host::connect();
    let offer = json!({"protocolVersions": [7], "host": {"name": "test", "version": "0"}});
    let reply = host.request(0, "initialize", offer).await;
    assert_eq!(reply["error"]["code"], 1018);
    assert_eq!(reply["error"]["data"]["supported"], json!([1]));
}

#[tokio::test]
async fn the_reply_comes_after_the_last_step() {
    let mut host = Host::connect();
    let first = host.request(1, "stop", profile()).await;
    assert_eq!(first["params"]["step"], "one");
    assert_eq!(host.receive().await["params"]["step"], "two");
    assert_eq!(host.receive().await["params"]["step"], "three");
    assert_eq!(host.receive().await["result"]["change"], "stopped");
}

#[tokio::test]
async fn a_cancelled_request_is_still_answered() {
    let mut host = Host::connect();
    let progress = host.request(1, "start", profile()).await;
    assert_eq!(progress["method"], "progress");
    host.send(json!({"jsonrpc": "2.0", "method": "cancel"})).await;
    let reply = host.receive().await;
    assert_eq!(reply["error"]["data"], json!({"kind": "Cancelled", "state": "stopped"}));
}

#[tokio::test]
async fn a_cancel_between_requests_does_nothing() {
    let mut host = Host::connect();
    host.send(json!({"jsonrpc": "2.0", "method": "cancel"})).await;
    let reply = host.request(1, "status", profile()).await;
    assert_eq!(reply["result"]["exists"], false);
}

#[tokio::test]
async fn the_end_of_input_cancels_the_request_and_ends_the_driver() {
    let mut host = Host::connect();
    host.send(json!({"jsonrpc": "2.0", "id": 1, "method": "start", "params": profile()})).await;
    host.started.notified().await;
    host.input.take().expect("open").shutdown().await.expect("closes");
    host.receive().await;
    assert_eq!(host.receive().await["error"]["data"]["kind"], "Cancelled");
    host.driver.await.expect("no panic").expect("ends well");
}

#[tokio::test]
async fn time_that_is_up_ends_the_request() {
    let mut host = Host::connect();
    let params = json!({"profile": "demo", "config": {}, "timeoutMs": 0});
    host.request(1, "start", params).await;
    assert_eq!(host.receive().await["error"]["data"]["kind"], "TimedOut");
}

#[tokio::test]
async fn a_panic_is_answered_and_the_driver_lives_on() {
    let mut host = Host::connect();
    let reply = host.request(1, "destroy", profile()).await;
    assert_eq!(reply["error"]["code"], -32603);
    let message = reply["error"]["message"].as_str().expect("a message");
    assert!(message.contains("a bug in the driver"), "{message}");
    assert!(host.request(2, "status", profile()).await["result"].is_object());
}

#[tokio::test]
async fn faulty_lines_are_answered_one_by_one() {
    let mut host = Host::connect();
    for (line, code) in [
        ("not json", -32700),
        ("[]", -32600),
        ("{\"jsonrpc\":\"2.0\",\"id\":4}", -32600),
        ("{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"nothing\"}", -32601),
        ("{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"status\",\"params\":{}}", -32602),
    ] {
        host.send(line).await;
        assert_eq!(host.receive().await["error"]["code"], code, "{line}");
    }
    assert!(host.request(7, "status", profile()).await["result"].is_object());
}

#[tokio::test]
async fn blank_lines_and_unknown_notifications_are_ignored() {
    let mut host = Host::connect();
    host.send("\r").await;
    host.send(json!({"jsonrpc": "2.0", "method": "weather", "params": {"rain": true}})).await;
    assert_eq!(host.request(1, "status", profile()).await["id"], 1);
}

#[tokio::test]
async fn an_optional_method_it_lacks_is_unsupported() {
    let mut host = Host::connect();
    let reply = host.request(1, "kubeconfig", profile()).await;
    assert_eq!(reply["error"]["data"]["kind"], "Unsupported");
}

#[tokio::test]
async fn a_profile_that_is_no_name_is_refused_before_anything_is_done() {
    let mut host = Host::connect();
    for profile in ["", "../x", "Upper", "-a", "a b"] {
        let reply = host.request(1, "start", json!({"profile": profile, "config": {}})).await;
        assert_eq!(reply["error"]["data"]["kind"], "InvalidDriverConfig", "{profile}");
    }
}

#[tokio::test]
async fn a_change_waits_for_the_one_before_and_gives_up_as_busy() {
    let state = Arc::new(tempfile::tempdir().expect("a temporary folder"));
    let mut first = Host::connect_with(state.clone());
    let mut second = Host::connect_with(state.clone());
    first.send(json!({"jsonrpc": "2.0", "id": 1, "method": "start", "params": profile()})).await;
    first.started.notified().await;

    let hasty = json!({"profile": "demo", "timeoutMs": 0});
    assert_eq!(second.request(1, "stop", hasty).await["params"]["step"], "wait");
    let busy = second.receive().await;
    assert_eq!(busy["error"]["data"]["kind"], ErrorKind::Busy.to_string());
    let holder = busy["error"]["data"]["holder"].as_str().expect("a holder");
    assert!(holder.starts_with("start (process "), "{holder}");
    assert_eq!(lock::holder(state.path(), "scripted", "demo").as_deref(), Some(holder));
}
