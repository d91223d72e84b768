//! The driver as a process, on a machine that has neither kind nor a Docker engine.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it says")]

use std::path::Path;
use std::process::Stdio;

use caproni_driver::testing::Host;
use serde_json::{Value, json};
use tokio::process::{Child, Command};

const VERBS: [&str; 6] = ["status", "start", "stop", "destroy", "restart", "kubeconfig"];

/// The driver's process, in an environment that holds nothing of this machine.
struct Driver {
    host: Host,
    process: Child,
}

impl Driver {
    fn start(home: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_caproni-driver-kind"))
            .env_clear()
            .env("HOME", home)
            .env("PATH", home.join("bin"))
            .env("CAPRONI_STATE_DIR", home.join("state"))
            .env("DOCKER_HOST", format!("unix://{}", home.join("docker.sock").display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (stdout, stdin) = (process.stdout.take().unwrap(), process.stdin.take().unwrap());
        Self { host: Host::over(stdout, stdin), process }
    }

    async fn fail(&self, method: &str, params: Value) -> Value {
        self.host.ask(method, params).await["error"]["data"].take()
    }

    /// Closes stdin, which is the word to end, and waits for it.
    async fn end(mut self) -> Option<i32> {
        self.host.end().await;
        self.process.wait().await.unwrap().code()
    }
}

/// An executable that stands where a program would, for tests in which it must not be needed.
fn install(home: &Path, name: &str) {
    use std::os::unix::fs::PermissionsExt;
    let folder = home.join("bin");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(name), "#!/bin/sh\nexit 1\n").unwrap();
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder.join(name), mode).unwrap();
}

fn is_where_installers_put_it(name: &str) -> bool {
    ["/usr/local/bin", "/opt/homebrew/bin"]
        .iter()
        .any(|folder| Path::new(folder).join(name).exists())
}

#[tokio::test]
async fn it_describes_itself_without_kind_and_engine_and_ends_with_its_input() {
    let home = tempfile::tempdir().unwrap();
    let driver = Driver::start(home.path());
    let params = json!({"protocolVersions": [1], "host": {"name": "test", "version": "0"}});
    let description = driver.host.ask("initialize", params).await["result"].take();
    assert_eq!(description["name"], "kind");
    let methods = json!([
        "restart",
        "kubeconfig",
        "version",
        "list",
        "exec",
        "logs",
        "usage",
        "diagnose",
        "loadImage"
    ]);
    assert_eq!(description["capabilities"]["methods"], methods);
    assert_eq!(description["configSchema"]["additionalProperties"], false);
    assert_eq!(driver.end().await, Some(0));
}

#[tokio::test]
async fn without_kind_and_engine_kind_is_missing() {
    if is_where_installers_put_it("kind") {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let driver = Driver::start(home.path());
    for method in VERBS {
        let failure = driver.fail(method, json!({"profile": "demo", "config": {}})).await;
        assert_eq!(failure["kind"], "BackendMissing", "{method}: {failure}");
        assert_eq!((&failure["program"], &failure["required"]), (&json!("kind"), &json!("0.20")));
        assert!(failure["hint"].is_string());
    }
    let told = driver.host.ask("diagnose", json!({"profile": "demo"})).await;
    let checks = told["result"]["checks"].clone();
    for (index, name) in ["program", "engine"].into_iter().enumerate() {
        let check = &checks[index];
        assert_eq!((&check["name"], &check["verdict"]), (&json!(name), &json!("failed")));
        assert!(check["hint"].is_string(), "{check}");
    }
    assert_eq!(driver.end().await, Some(0));
}

#[tokio::test]
async fn an_engine_that_does_not_answer_is_never_no_cluster() {
    let home = tempfile::tempdir().unwrap();
    install(home.path(), "kind");
    let driver = Driver::start(home.path());
    for method in VERBS {
        let failure = driver.fail(method, json!({"profile": "demo", "config": {}})).await;
        assert_eq!(failure["kind"], "BackendUnavailable", "{method}: {failure}");
        assert!(failure["hint"].as_str().unwrap().contains("DOCKER_HOST"), "{failure}");
    }
    let failure = driver.fail("list", json!({})).await;
    assert_eq!(failure["kind"], "BackendUnavailable", "{failure}");
    assert_eq!(driver.end().await, Some(0));
}

#[tokio::test]
async fn versions_are_told_of_what_is_there() {
    let home = tempfile::tempdir().unwrap();
    install(home.path(), "kind");
    let driver = Driver::start(home.path());
    let programs = driver.host.ask("version", json!({})).await["result"]["programs"].take();
    let names: Vec<_> = programs.as_array().unwrap().iter().map(|p| p["name"].clone()).collect();
    assert_eq!(names, ["kind", "docker"]);
    assert!(programs[0].get("version").is_none() && programs[1].get("version").is_none());
    assert_eq!(programs[0]["location"], json!(home.path().join("bin/kind")));
    assert_eq!(driver.end().await, Some(0));
}

#[tokio::test]
async fn a_config_that_cannot_work_is_refused_before_anything_is_looked_for() {
    let home = tempfile::tempdir().unwrap();
    let driver = Driver::start(home.path());
    let config = json!({"mounts": ["./here:/there"]});
    for method in ["start", "restart"] {
        let failure = driver.fail(method, json!({"profile": "demo", "config": config})).await;
        assert_eq!(failure["kind"], "InvalidDriverConfig");
        assert_eq!(failure["violations"][0]["path"], "mounts");
        let failure = driver.fail(method, json!({"profile": "a".repeat(41), "config": {}})).await;
        assert_eq!(failure["kind"], "InvalidDriverConfig");
    }
    assert_eq!(driver.end().await, Some(0));
}
