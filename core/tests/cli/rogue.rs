//! Every mode of the rogue driver, which each break the protocol in one way: how the host ends,
//! and what it tells.
//!
//! What is expected stands in the rogue's own table, beside the fault: `rogue --modes`. Each
//! mode is run once, and what came of it is judged by a test of its own in [`cases`]; all of it
//! is written to a [`table`]. That nothing of a driver is left is in every run:
//! [`crate::sandbox`] waits for the end of all that was started.

mod afterwards;
mod cases;
mod checked;
mod details;
#[cfg(target_os = "linux")]
mod memory;
mod observed;
mod table;

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{LazyLock, Mutex};

use rustix::process::Signal;
use serde_json::Value;

use crate::output::Output;
use crate::running::Running;
use crate::sandbox::{Sandbox, build};

/// How many modes are run at once: most of them wait for something.
const AT_ONCE: usize = 12;

static ROGUE: LazyLock<PathBuf> = LazyLock::new(|| build("caproni-rogue", "rogue"));

static MODES: LazyLock<Vec<Mode>> = LazyLock::new(|| {
    let output = Command::new(&*ROGUE).arg("--modes").output().unwrap();
    let table: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    table.into_iter().map(Mode).collect()
});

/// One row of the rogue's table.
pub(crate) struct Mode(Value);

impl Mode {
    pub(crate) fn named(name: &str) -> &'static Self {
        MODES.iter().find(|mode| mode.name() == name).unwrap()
    }

    fn name(&self) -> &str {
        self.0["mode"].as_str().unwrap()
    }

    fn case(&self) -> u64 {
        self.0["case"].as_u64().unwrap_or(0)
    }

    /// How many seconds the host waits by its own rules, and the driver works.
    fn waits(&self) -> u64 {
        self.host("waits").as_u64().unwrap()
    }

    fn host(&self, field: &str) -> &Value {
        &self.0["host"][field]
    }

    /// A sandbox with this driver, and what is there before.
    pub(crate) fn sandbox(&self) -> Sandbox {
        let sandbox = Sandbox::new();
        self.put_file(&sandbox);
        if self.host("given") == "half" {
            let file = format!("state/rogue/{}/caproni.json", self.name());
            sandbox.write(&file, r#"{"phase":"creating","config":{}}"#);
        }
        sandbox
    }

    fn put_file(&self, sandbox: &Sandbox) {
        let name = format!("bin/caproni-driver-{}", self.name());
        let file = sandbox.path(&name);
        match self.name() {
            "not-executable" => drop(sandbox.write(&name, "#!/bin/sh\n")),
            "bad-shebang" => sandbox.executable(&name, "#!/no/such/interpreter\n"),
            // The head of a program for RISC-V.
            "wrong-arch" => {
                sandbox.executable(&name, "\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\u{73}\0")
            }
            "directory-named-like-driver" => std::fs::create_dir(file).unwrap(),
            "dangling-symlink" => symlink("/nowhere", file).unwrap(),
            "two-on-path" => sandbox.executable(&name, "#!/bin/sh\nexit 1\n"),
            "etxtbsy" => drop(std::fs::copy(&*ROGUE, file).unwrap()),
            _ => symlink(&*ROGUE, file).unwrap(),
        }
        match self.name() {
            // The folder `drivers` comes before `bin`.
            "two-on-path" => {
                symlink(&*ROGUE, sandbox.path("drivers/caproni-driver-two-on-path")).unwrap()
            }
            // An engine that is down.
            "initialize-touches-docker" => {
                sandbox.executable("bin/docker", "#!/bin/sh\nexec tail -f /dev/null\n");
            }
            _ => {}
        }
    }

    /// Starts a command line of the table.
    pub(crate) fn spawn<'a>(&self, sandbox: &'a Sandbox, run: &Value) -> Running<'a> {
        let name = self.name();
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let config = run["config"].to_string();
        let config = config.replace("(1 MB)", &"x".repeat(1_000_000));
        let config = config.replace("(taken)", &taken.local_addr().unwrap().port().to_string());
        sandbox.write("project/caproni.yaml", &format!("cluster: {{\"{name}\": {config}}}\n"));
        let words = format!("--driver {name} -v -o json {}", run["words"].as_str().unwrap());
        let line = sandbox.caproni(&words);
        let line = if self.host("given") == "no HOME" { line.without_env("HOME") } else { line };
        let running = line.spawn();
        if config.contains("ports") {
            // The port is to be taken for as long as it runs.
            std::mem::forget(taken);
        }
        running
    }

    /// Runs the command lines of the table, of which all but the last succeed.
    pub(crate) fn run(&self, sandbox: &Sandbox) -> Output {
        let runs = self.host("runs").as_array().unwrap();
        let (last, before) = runs.split_last().unwrap();
        let mut peak = 0;
        for run in before {
            let output = self.spawn(sandbox, run).end();
            assert_eq!(output.code(), 0, "{}: {run}: {output:#?}", self.name());
            peak = peak.max(output.peak);
        }
        let mut running = self.spawn(sandbox, last);
        let interrupts = self.host("interrupts").as_u64().unwrap();
        for (said, _) in ["create:", "cancelling;"].iter().zip(0..interrupts) {
            running.until(said);
            running.signal(Signal::INT);
        }
        let output = running.end();
        Output { peak: peak.max(output.peak), ..output }
    }
}

/// Does something with all modes, the slowest first, and gives what came of each, or with what
/// it failed.
fn each<T: Send>(
    act: impl Fn(&'static Mode) -> T + Sync + std::panic::RefUnwindSafe,
) -> Vec<(&'static Mode, Result<T, String>)> {
    let mut modes: Vec<&Mode> = MODES.iter().collect();
    modes.sort_by_key(|mode| mode.waits());
    let (queue, done) = (Mutex::new(modes), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(mode) = { queue.lock().unwrap().pop() } {
                    let came = std::panic::catch_unwind(|| act(mode))
                        .map_err(|why| why.downcast_ref::<String>().cloned().unwrap_or_default());
                    done.lock().unwrap().push((mode, came));
                }
            });
        }
    });
    done.into_inner().unwrap()
}
