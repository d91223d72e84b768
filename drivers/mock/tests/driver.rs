//! The built executable over its pipes, with folders and an environment of its own.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// Long enough for any machine: only a test that fails waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

/// So long that a test would notice: what takes it is ended before.
const FOR_EVER: u64 = 1_000_000;

/// A home that several runs of the driver share.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn spawn(&self, simulate: Option<Value>) -> Driver {
        let mut command = Command::new(env!("CARGO_BIN_EXE_caproni-driver-mock"));
        command.env_clear().current_dir(self.0.path());
        command.env("HOME", self.0.path().join("home")).env("PATH", "");
        command.env("CAPRONI_STATE_DIR", self.0.path().join("state"));
        command.env("CAPRONI_MOCK_STATE_DIR", self.0.path().join("clusters"));
        if let Some(simulate) = simulate {
            command.env("CAPRONI_MOCK_SIMULATE", simulate.to_string());
        }
        Driver::spawn(command)
    }

    /// A driver in the middle of a `start` that never ends by itself.
    fn starting(&self) -> Driver {
        self.starting_of("demo")
    }

    fn starting_of(&self, profile: &str) -> Driver {
        let mut driver = self.spawn(Some(json!({"delay_ms": FOR_EVER})));
        driver.begin("start", json!({"profile": profile, "config": {}}));
        assert_eq!(driver.receive()["params"]["step"], "create");
        driver
    }

    /// Asks a driver of its own for one thing, and lets it end as a host does.
    fn ask(&self, method: &str, params: Value) -> Value {
        let mut driver = self.spawn(None);
        let reply = driver.request(method, params);
        assert!(driver.end().success());
        reply
    }

    fn start(&self, config: Value) -> Value {
        self.ask("start", json!({"profile": "demo", "config": config}))
    }

    fn status(&self) -> Value {
        self.ask("status", json!({"profile": "demo"}))["result"].clone()
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("clusters/demo.json")
    }

    fn files(&self) -> usize {
        fs::read_dir(self.0.path().join("clusters")).map_or(0, Iterator::count)
    }
}

/// One run of the driver, which ends with the test.
struct Driver {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    progress: Vec<Value>,
}

impl Driver {
    fn spawn(mut command: Command) -> Self {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().expect("the driver starts");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { input: child.stdin.take(), child, lines, progress: Vec::new() }
    }

    fn send(&mut self, message: Value) {
        let input = self.input.as_mut().expect("input is open");
        input.write_all(format!("{message}\n").as_bytes()).expect("the driver reads");
    }

    fn receive(&mut self) -> Value {
        let line = self.lines.recv_timeout(PATIENCE).expect("a line in time");
        serde_json::from_str(&line).expect("nothing but JSON on the wire")
    }

    fn begin(&mut self, method: &str, params: Value) {
        self.send(json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}));
    }

    fn request(&mut self, method: &str, params: Value) -> Value {
        self.begin(method, params);
        self.reply()
    }

    fn reply(&mut self) -> Value {
        loop {
            let message = self.receive();
            if message.get("id").is_some() {
                return message;
            }
            self.progress.push(message);
        }
    }

    fn close_input(&mut self) {
        self.input = None;
    }

    fn end(&mut self) -> ExitStatus {
        self.close_input();
        self.wait()
    }

    fn wait(&mut self) -> ExitStatus {
        // Its output ends with it, and is awaited with a deadline.
        while self.lines.recv_timeout(PATIENCE).is_ok() {}
        self.child.wait().expect("it ended")
    }

    fn log(&mut self) -> String {
        let mut log = String::new();
        let mut stderr = self.child.stderr.take().expect("a pipe");
        stderr.read_to_string(&mut log).expect("UTF-8");
        log
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn demo() -> Value {
    json!({"profile": "demo"})
}

#[test]
fn a_cluster_lives_its_whole_life_across_processes() {
    let home = Home::new();
    assert_eq!(home.status()["exists"], false);
    assert_eq!(home.start(json!({"agents": 1}))["result"]["change"], "created");
    assert_eq!(home.start(json!({"agents": 1}))["result"]["change"], "none");

    let status = home.status();
    assert_eq!(status["state"], "ready");
    assert_eq!(status["driver"], "mock");
    assert_eq!(status["kubernetesVersion"], "v1.34.0");
    assert_eq!(status["nodes"][1]["name"], "mock-demo-agent-0");

    assert_eq!(home.ask("stop", demo())["result"]["change"], "stopped");
    assert_eq!(home.ask("stop", demo())["result"]["change"], "none");
    assert_eq!(home.status()["state"], "stopped");
    assert_eq!(home.start(json!({"agents": 1}))["result"]["change"], "started");

    let params = json!({"profile": "demo", "config": {"agents": 1}});
    assert_eq!(home.ask("restart", params)["result"]["change"], "restarted");
    assert_eq!(home.status()["state"], "ready");
    assert_eq!(home.ask("destroy", demo())["result"]["change"], "destroyed");
    assert_eq!(home.ask("destroy", demo())["result"]["change"], "none");
    assert_eq!(home.files(), 0);
}

#[test]
fn clusters_of_different_names_are_apart() {
    let home = Home::new();
    home.start(json!({}));
    assert_eq!(home.ask("status", json!({"profile": "other"}))["result"]["exists"], false);
}

#[test]
fn another_config_is_a_mismatch_and_touches_nothing() {
    let home = Home::new();
    home.start(json!({"token": "hunter2"}));
    let before = fs::read(home.file()).unwrap();
    let error = home.start(json!({"servers": 3, "labels": {"a": "b"}}))["error"].clone();
    assert_eq!(error["code"], 1003);
    let fields: Vec<_> = error["data"]["diff"].as_array().unwrap().iter().collect();
    let rows: Vec<_> = fields.iter().map(|d| (&d["path"], &d["change"])).collect();
    assert_eq!(
        json!(rows),
        json!([["servers", "recreate"], ["labels", "live"], ["token", "recreate"]])
    );
    assert_eq!(fs::read(home.file()).unwrap(), before);
    assert!(!error.to_string().contains("hunter2") && !error.to_string().contains("sha256"));
    assert!(!String::from_utf8(before).unwrap().contains("hunter2"));
}

#[test]
fn a_live_change_is_taken_over() {
    let home = Home::new();
    home.start(json!({}));
    let config = json!({"labels": {"team": "a"}});
    assert_eq!(home.start(config.clone())["result"]["change"], "updated");
    assert_eq!(home.status()["config"]["labels"], json!({"team": "a"}));
    assert_eq!(home.start(config)["result"]["change"], "none");
}

#[test]
fn a_cancelled_start_leaves_nothing() {
    let home = Home::new();
    let mut driver = home.starting();
    assert!(home.file().exists());
    driver.send(json!({"jsonrpc": "2.0", "method": "cancel"}));
    let reply = driver.reply();
    assert_eq!(reply["error"]["data"], json!({"kind": "Cancelled", "state": "stopped"}));
    assert_eq!(home.files(), 0);
    assert_eq!(driver.request("status", demo())["result"]["exists"], false);
}

#[test]
fn the_end_of_input_in_a_start_ends_the_driver_and_leaves_nothing() {
    let home = Home::new();
    let mut driver = home.starting();
    driver.close_input();
    assert_eq!(driver.reply()["error"]["data"]["kind"], "Cancelled");
    assert!(driver.end().success());
    assert_eq!(home.files(), 0);
}

#[test]
fn time_that_is_up_in_a_start_leaves_nothing() {
    let home = Home::new();
    let config = json!({"simulate": {"delay_ms": FOR_EVER}});
    let params = json!({"profile": "demo", "config": config, "timeoutMs": 1});
    assert_eq!(home.ask("start", params)["error"]["data"]["kind"], "TimedOut");
    assert_eq!(home.files(), 0);
}

#[test]
fn a_start_under_way_shows_as_starting_to_others() {
    let home = Home::new();
    let _driver = home.starting();
    assert_eq!(home.status()["state"], "starting");
}

#[test]
fn a_killed_start_is_told_by_status_and_mended_by_start_or_destroy() {
    for (method, change) in [("start", "created"), ("destroy", "destroyed")] {
        let home = Home::new();
        let mut driver = home.starting();
        driver.child.kill().unwrap();
        driver.child.wait().unwrap();

        let status = home.status();
        assert_eq!((&status["state"], &status["exists"]), (&json!("not-ready"), &json!(true)));
        assert_eq!(status["conditions"][0]["name"], "creation");
        assert_eq!(home.ask("stop", demo())["result"]["change"], "none");
        let params = json!({"profile": "demo", "config": {}});
        assert_eq!(home.ask(method, params)["result"]["change"], change);
    }
}

#[test]
fn half_a_cluster_is_left_on_demand() {
    let home = Home::new();
    let fail = json!({"operation": "start", "kind": "BackendFailed"});
    let error = home.start(json!({"simulate": {"fail": fail, "leave_half": true}}));
    assert_eq!(error["error"]["data"]["state"], "not-ready");
    assert_eq!(home.status()["conditions"][0]["name"], "creation");
}

#[test]
fn what_a_cluster_was_started_with_is_remembered_until_it_is_started_without() {
    let home = Home::new();
    home.start(json!({"simulate": {"nodes_not_ready": 1}}));
    assert_eq!(home.status()["state"], "not-ready");
    assert_eq!(home.start(json!({}))["result"]["change"], "updated");
    assert_eq!(home.status()["state"], "ready");
}

#[test]
fn the_environment_counts_before_the_config() {
    let home = Home::new();
    home.start(json!({"simulate": {"state": "starting"}}));
    let mut driver = home.spawn(Some(json!({"state": "hibernating"})));
    assert_eq!(driver.request("status", demo())["result"]["state"], "hibernating");
    assert_eq!(home.status()["state"], "starting");
}

#[test]
fn chatter_does_not_break_the_wire() {
    let home = Home::new();
    let mut driver = home.spawn(Some(json!({"chatter": true})));
    let offer = json!({"protocolVersions": [1], "host": {"name": "test", "version": "0"}});
    assert_eq!(driver.request("initialize", offer)["result"]["name"], "mock");
    let start = json!({"profile": "demo", "config": {}});
    assert_eq!(driver.request("start", start)["result"]["change"], "created");
    assert_eq!(driver.progress.len(), 2);
    assert!(driver.end().success());
    assert!(driver.log().contains("Checking for updates"));
}

#[test]
fn a_crash_ends_the_process_in_the_middle_of_the_request() {
    let home = Home::new();
    let mut driver = home.spawn(Some(json!({"crash": "start"})));
    driver.begin("start", json!({"profile": "demo", "config": {}}));
    let status = driver.wait();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(6), "{status}");
    assert_eq!(home.status()["state"], "not-ready");
}

#[test]
fn a_hang_answers_neither_cancel_nor_the_end_of_input() {
    let home = Home::new();
    let mut driver = home.spawn(Some(json!({"hang": "start"})));
    driver.begin("start", json!({"profile": "demo", "config": {}}));
    assert_eq!(driver.receive()["params"]["step"], "create");
    assert_eq!(driver.receive()["params"]["step"], "boot");
    driver.send(json!({"jsonrpc": "2.0", "method": "cancel"}));
    driver.close_input();
    assert_eq!(home.status()["state"], "starting");
    assert!(driver.child.try_wait().unwrap().is_none());
}

#[test]
fn a_damaged_file_is_an_error_with_its_name_and_destroy_removes_it() {
    let home = Home::new();
    home.start(json!({}));
    fs::write(home.file(), "{\"phase\": \"runn").unwrap();
    for method in ["start", "status", "stop"] {
        let error = home.ask(method, json!({"profile": "demo", "config": {}}))["error"].clone();
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(home.file().to_str().unwrap()), "{method}: {message}");
        assert!(error["data"]["hint"].as_str().unwrap().contains("destroy"), "{error}");
    }
    assert_eq!(home.ask("destroy", demo())["result"]["change"], "destroyed");
    assert_eq!(home.files(), 0);
}

#[test]
fn all_clusters_are_listed_with_what_their_status_says() {
    let home = Home::new();
    assert_eq!(home.ask("list", json!({}))["result"], json!({"clusters": []}));
    home.ask("start", json!({"profile": "old", "config": {"kubernetes_version": "v1.33.0"}}));
    home.ask("stop", json!({"profile": "old"}));
    home.start(json!({"simulate": {"nodes_not_ready": 1}}));
    home.ask("start", json!({"profile": "broken", "config": {}}));
    fs::write(home.file().with_file_name("broken.json"), "{").unwrap();
    let _driver = home.starting_of("new");
    assert_eq!(
        home.ask("list", json!({}))["result"]["clusters"],
        json!([
            {"profile": "broken", "state": "not-ready"},
            {"profile": "demo", "state": "not-ready", "kubernetesVersion": "v1.34.0"},
            {"profile": "new", "state": "starting"},
            {"profile": "old", "state": "stopped", "kubernetesVersion": "v1.33.0"},
        ])
    );
}

#[test]
fn the_optional_methods_are_those_it_names() {
    let home = Home::new();
    let offer = json!({"protocolVersions": [1], "host": {"name": "test", "version": "0"}});
    let description = home.ask("initialize", offer)["result"].clone();
    assert_eq!(description["capabilities"]["methods"], json!(["restart", "version", "list"]));
    let folder = home.ask("version", json!({}))["result"]["programs"][0]["location"].clone();
    assert_eq!(folder, json!(home.0.path().join("clusters")));
    assert_eq!(home.ask("kubeconfig", demo())["error"]["data"]["kind"], "Unsupported");
}
