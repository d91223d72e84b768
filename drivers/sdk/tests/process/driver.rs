//! One run of an example of this crate.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use caproni_driver::testing::Host;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

/// Long enough for any machine: only a test that fails waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

/// The examples, built like the test itself.
static BUILT: LazyLock<HashMap<&str, PathBuf>> =
    LazyLock::new(|| ["smallest", "program"].into_iter().map(|name| (name, build(name))).collect());

fn build(example: &str) -> PathBuf {
    let build = escargot::CargoBuild::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .example(example);
    let build = if cfg!(debug_assertions) { build } else { build.release() };
    build.run().expect("it builds").path().to_owned()
}

/// The program of an example.
pub(crate) fn built(example: &str) -> &'static PathBuf {
    &BUILT[example]
}

/// A command that runs an example.
pub(crate) fn command(example: &str) -> Command {
    Command::new(built(example))
}

/// A driver that runs, and is killed when this is dropped.
pub(crate) struct Driver {
    pub(crate) host: Host,
    child: Child,
}

impl Driver {
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = piped.kill_on_drop(true).spawn().expect("the driver starts");
        let pipes = (child.stdout.take().expect("a pipe"), child.stdin.take().expect("a pipe"));
        Self { host: Host::over(pipes.0, pipes.1), child }
    }

    /// Its process id.
    pub(crate) fn id(&self) -> i32 {
        self.child.id().and_then(|id| i32::try_from(id).ok()).expect("it runs")
    }

    /// Sends SIGTERM to the driver alone.
    pub(crate) fn terminate(&self) {
        kill_process(Pid::from_raw(self.id()).expect("a process"), Signal::TERM)
            .expect("it is ours");
    }

    /// Waits for its exit, and tells how long that took.
    pub(crate) async fn exit(&mut self) -> (ExitStatus, Duration) {
        let begin = Instant::now();
        let exit = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        (exit.expect("it ends in time").expect("it ended"), begin.elapsed())
    }
}

/// Gone, or a zombie that its new parent has yet to reap.
pub(crate) fn is_gone(process: &str) -> bool {
    let ps = std::process::Command::new("ps").args(["-o", "stat=", "-p", process]).output();
    let state = String::from_utf8(ps.expect("ps runs").stdout).expect("UTF-8");
    state.trim().is_empty() || state.starts_with('Z')
}
