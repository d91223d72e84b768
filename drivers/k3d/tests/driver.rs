//! The driver as a process, on a machine that has neither k3d nor a Docker engine.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it says")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// The driver's process, in an environment that holds nothing of this machine.
struct Driver {
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Driver {
    fn start(home: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_caproni-driver-k3d"))
            .env_clear()
            .env("HOME", home)
            .env("PATH", home.join("bin"))
            .env("CAPRONI_STATE_DIR", home.join("state"))
            .env("DOCKER_HOST", format!("unix://{}", home.join("docker.sock").display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let requests = process.stdin.take().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        Self { process, requests, answers }
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        writeln!(self.requests, "{request}").unwrap();
        loop {
            let mut line = String::new();
            assert!(self.answers.read_line(&mut line).unwrap() > 0, "the driver is gone");
            let message: Value = serde_json::from_str(&line).unwrap();
            if message.get("id").is_some() {
                return message;
            }
        }
    }

    fn fail(&mut self, method: &str, params: Value) -> Value {
        self.ask(method, params)["error"]["data"].take()
    }

    /// Closes stdin, which is the word to end, and waits for it.
    fn end(mut self) -> i32 {
        drop(self.requests);
        self.process.wait().unwrap().code().unwrap()
    }
}

/// An executable that stands where k3d would, for tests in which it must not be needed.
fn install_k3d(home: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let folder = home.join("bin");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("k3d"), "#!/bin/sh\nexit 1\n").unwrap();
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder.join("k3d"), mode).unwrap();
}

fn has_k3d_where_installers_put_it() -> bool {
    ["/usr/local/bin/k3d", "/opt/homebrew/bin/k3d"].iter().any(|path| Path::new(path).exists())
}

#[test]
fn it_describes_itself_without_k3d_and_engine_and_ends_with_its_input() {
    let home = tempfile::tempdir().unwrap();
    let mut driver = Driver::start(home.path());
    let params = json!({"protocolVersions": [1], "host": {"name": "test", "version": "0"}});
    let description = driver.ask("initialize", params)["result"].take();
    assert_eq!(description["name"], "k3d");
    assert_eq!(
        description["capabilities"]["methods"],
        json!([
            "restart",
            "kubeconfig",
            "version",
            "list",
            "exec",
            "logs",
            "usage",
            "diagnose",
            "loadImage"
        ])
    );
    assert_eq!(description["configSchema"]["additionalProperties"], false);
    assert_eq!(driver.end(), 0);
}

#[test]
fn without_k3d_and_engine_k3d_is_missing() {
    if has_k3d_where_installers_put_it() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let mut driver = Driver::start(home.path());
    for method in ["status", "start", "stop", "destroy", "restart", "kubeconfig"] {
        let failure = driver.fail(method, json!({"profile": "demo", "config": {}}));
        assert_eq!(failure["kind"], "BackendMissing", "{method}: {failure}");
        assert_eq!(failure["program"], "k3d");
        assert!(failure["hint"].is_string());
    }
    let checks = driver.ask("diagnose", json!({"profile": "demo"}))["result"]["checks"].take();
    for (index, name) in ["program", "engine"].into_iter().enumerate() {
        let check = &checks[index];
        assert_eq!((&check["name"], &check["verdict"]), (&json!(name), &json!("failed")));
        assert!(check["hint"].is_string(), "{check}");
    }
    assert_eq!(driver.end(), 0);
}

#[test]
fn an_engine_that_does_not_answer_is_never_no_cluster() {
    let home = tempfile::tempdir().unwrap();
    install_k3d(home.path());
    let mut driver = Driver::start(home.path());
    for method in ["status", "start", "stop", "destroy", "restart", "kubeconfig"] {
        let failure = driver.fail(method, json!({"profile": "demo", "config": {}}));
        assert_eq!(failure["kind"], "BackendUnavailable", "{method}: {failure}");
        assert!(failure["hint"].as_str().unwrap().contains("DOCKER_HOST"), "{failure}");
    }
    assert_eq!(driver.end(), 0);
}

#[test]
fn versions_are_told_of_what_is_there() {
    let home = tempfile::tempdir().unwrap();
    install_k3d(home.path());
    let mut driver = Driver::start(home.path());
    let programs = driver.ask("version", json!({}))["result"]["programs"].take();
    let names: Vec<_> = programs.as_array().unwrap().iter().map(|p| p["name"].clone()).collect();
    assert_eq!(names, ["k3d", "docker"]);
    assert!(programs[0].get("version").is_none() && programs[1].get("version").is_none());
    assert_eq!(programs[0]["location"], json!(home.path().join("bin/k3d")));
    assert_eq!(driver.end(), 0);
}

#[test]
fn a_config_that_cannot_work_is_refused_before_anything_is_looked_for() {
    let home = tempfile::tempdir().unwrap();
    let mut driver = Driver::start(home.path());
    let config = json!({"k3s": {"disable": ["coredns"]}});
    let failure = driver.fail("start", json!({"profile": "demo", "config": config}));
    assert_eq!(failure["kind"], "InvalidDriverConfig");
    assert_eq!(failure["violations"][0]["path"], "k3s.disable");
    let failure = driver.fail("start", json!({"profile": "a".repeat(33), "config": {}}));
    assert_eq!(failure["kind"], "InvalidDriverConfig");
    assert_eq!(driver.end(), 0);
}
