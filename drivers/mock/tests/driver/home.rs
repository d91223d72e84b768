//! A home that several runs of the driver share, and one run of it.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use caproni_driver::testing::Host;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

/// Long enough for any machine: only a test that fails waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// So long that a test would notice: what takes it is ended before.
pub(crate) const FOR_EVER: u64 = 1_000_000;

pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Where the driver keeps its clusters.
    pub(crate) fn clusters(&self) -> PathBuf {
        self.path().join("clusters")
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.clusters().join("demo.json")
    }

    pub(crate) fn files(&self) -> usize {
        std::fs::read_dir(self.clusters()).map_or(0, Iterator::count)
    }

    pub(crate) fn spawn(&self, simulate: Option<Value>) -> Driver {
        let mut command = Command::new(env!("CARGO_BIN_EXE_caproni-driver-mock"));
        command.env_clear().current_dir(self.path());
        command.env("HOME", self.path().join("home")).env("PATH", "");
        command.env("CAPRONI_STATE_DIR", self.path().join("state"));
        command.env("CAPRONI_MOCK_STATE_DIR", self.clusters());
        if let Some(simulate) = simulate {
            command.env("CAPRONI_MOCK_SIMULATE", simulate.to_string());
        }
        Driver::spawn(command)
    }

    /// A driver in the middle of a `start` that never ends by itself.
    pub(crate) async fn starting(&self, profile: &str) -> (Driver, u64) {
        let driver = self.spawn(Some(json!({"delay_ms": FOR_EVER})));
        let id = driver.begin("start", json!({"profile": profile, "config": {}})).await;
        driver.until_step("create").await;
        (driver, id)
    }

    /// Asks a driver of its own for one thing, and lets it end as a host does.
    pub(crate) async fn ask(&self, method: &str, params: Value) -> Value {
        let driver = self.spawn(None);
        let reply = driver.ask(method, params).await;
        assert!(driver.end().await.success());
        reply
    }

    pub(crate) async fn start(&self, config: Value) -> Value {
        self.ask("start", json!({"profile": "demo", "config": config})).await
    }

    pub(crate) async fn status(&self) -> Value {
        self.ask("status", demo()).await["result"].clone()
    }
}

/// One run of the driver, which ends with the test.
pub(crate) struct Driver {
    host: Host,
    pub(crate) child: Child,
}

impl Driver {
    fn spawn(mut command: Command) -> Self {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.kill_on_drop(true).spawn().expect("the driver starts");
        let pipes = (child.stdout.take().expect("a pipe"), child.stdin.take().expect("a pipe"));
        Self { host: Host::over(pipes.0, pipes.1), child }
    }

    /// Closes its input, and waits for its exit.
    pub(crate) async fn end(mut self) -> ExitStatus {
        self.host.close_input().await;
        self.exit().await
    }

    /// Waits for its exit.
    pub(crate) async fn exit(&mut self) -> ExitStatus {
        let exit = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        exit.expect("it ends in time").expect("it ended")
    }

    /// Closes its input, and gives what it wrote to stderr.
    pub(crate) async fn log(mut self) -> String {
        self.host.close_input().await;
        let mut log = String::new();
        let mut stderr = self.child.stderr.take().expect("a pipe");
        let read = tokio::time::timeout(PATIENCE, stderr.read_to_string(&mut log)).await;
        read.expect("it ends in time").expect("UTF-8");
        log
    }
}

impl Deref for Driver {
    type Target = Host;

    fn deref(&self) -> &Host {
        &self.host
    }
}

pub(crate) fn demo() -> Value {
    json!({"profile": "demo"})
}
