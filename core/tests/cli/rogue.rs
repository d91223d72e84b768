//! Every mode of the rogue driver, which each break the protocol in one way: how the host ends,
//! and what it tells.
//!
//! What is expected stands in the rogue's own table, beside the fault: `rogue --modes`. That
//! nothing of a driver is left is in every run: [`crate::sandbox`] waits for the end of all
//! that was started.

mod afterwards;
mod checked;
mod details;
#[cfg(target_os = "linux")]
mod memory;

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};

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

#[test]
fn every_case_has_a_mode() {
    let cases: Vec<u64> = MODES.iter().map(Mode::case).collect();
    let missing: Vec<u64> = (1..=115).filter(|case| !cases.contains(case)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_file_that_cannot_run_says_why() {
    hold_all(1..=7);
}

#[test]
fn a_driver_that_never_gets_to_its_first_word_is_told_from_one_that_is_slow() {
    hold_all(8..=13);
}

#[test]
fn a_handshake_that_is_wrong_ends_what_depends_on_it_and_no_more() {
    hold_all(14..=24);
}

#[test]
fn noise_is_survived_and_a_broken_message_is_told_at_once() {
    hold_all(25..=46);
}

#[test]
fn a_reply_that_is_none_is_never_waited_for() {
    hold_all(47..=68);
}

#[test]
fn progress_does_no_harm_and_a_cancel_always_comes_to_an_end() {
    hold_all(69..=78);
}

#[test]
fn a_driver_ends_with_its_host_whatever_it_does() {
    hold_all(79..=86);
    hold_all(95..=99);
}

#[test]
fn children_and_logs_of_a_driver_do_no_harm() {
    hold_all(87..=94);
    hold_all(100..=100);
}

#[test]
fn a_driver_that_means_something_else_is_shown_as_it_is() {
    hold_all(101..=115);
    hold_all(0..=0);
}

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
        for run in before {
            let output = self.spawn(sandbox, run).end();
            assert_eq!(output.code(), 0, "{}: {run}: {output:#?}", self.name());
        }
        let mut running = self.spawn(sandbox, last);
        let interrupts = self.host("interrupts").as_u64().unwrap();
        for (said, _) in ["create:", "cancelling;"].iter().zip(0..interrupts) {
            running.until(said);
            running.signal(Signal::INT);
        }
        running.end()
    }

    /// Runs it, and holds what came of it against the table.
    fn hold(&self) {
        let sandbox = self.sandbox();
        let begun = Instant::now();
        let output = self.run(&sandbox);
        let took = begun.elapsed();
        let (name, says) = (self.name(), self.host("says").as_str().unwrap());
        assert_eq!(self.host("exitCode"), output.code(), "{name}: {output:#?}");
        let told = match self.host("kind").as_str() {
            None => output.stdout.clone() + &output.stderr,
            Some(kind) => {
                let error = output.json_error();
                assert_eq!(error["kind"], kind, "{name}: {error:#}");
                let message = error["message"].as_str().unwrap();
                assert!(!kind.starts_with("Driver") || message.contains(name), "{name}: {message}");
                format!("{message}\n{error:#}")
            }
        };
        assert!(told.contains(says), "{name}: {says:?} is not in {output:#?}");
        assert_harmless(name, &output);
        let limit = Duration::from_secs(self.host("seconds").as_u64().unwrap());
        assert!(took < limit, "{name} took {took:?}");
    }
}

/// Nothing that reaches a terminal may command it.
fn assert_harmless(name: &str, output: &Output) {
    let commands = |c: char| {
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        turns || (c.is_control() && c != '\n' && c != '\t')
    };
    for text in [&output.stdout, &output.stderr] {
        assert!(!text.contains(commands), "{name}: {text:?}");
    }
}

/// Holds all modes of some cases against the table, and names those that fail.
fn hold_all(cases: std::ops::RangeInclusive<u64>) {
    let of_these = |mode: &&Mode| cases.contains(&mode.case());
    assert!(MODES.iter().any(|mode| of_these(&mode)));
    let failed = FAILED.iter().filter(|(mode, _)| of_these(mode));
    let told: Vec<String> = failed.map(|(mode, why)| format!("{}: {why}", mode.name())).collect();
    assert!(told.is_empty(), "not as the table says:\n{}", told.join("\n"));
}

/// The modes of which something else came than the table says, and what.
///
/// All are run when the first test asks, since each spends its time with waiting.
static FAILED: LazyLock<Vec<(&Mode, String)>> = LazyLock::new(|| each(Mode::hold));

/// Does something with all modes, the slowest first, and gives those with which it failed.
fn each(
    hold: impl Fn(&'static Mode) + Sync + std::panic::RefUnwindSafe,
) -> Vec<(&'static Mode, String)> {
    let mut modes: Vec<&Mode> = MODES.iter().collect();
    modes.sort_by_key(|mode| mode.host("seconds").as_u64());
    let (queue, failed) = (Mutex::new(modes), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(mode) = { queue.lock().unwrap().pop() } {
                    if let Err(why) = std::panic::catch_unwind(|| hold(mode)) {
                        let why = why.downcast_ref::<String>().cloned().unwrap_or_default();
                        failed.lock().unwrap().push((mode, why));
                    }
                }
            });
        }
    });
    failed.into_inner().unwrap()
}
