//! Cases 79 to 86 and 95 to 98: how a driver ends, and does not.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Signal, getpid, kill_process};
use serde_json::json;

use super::{Fault, NONE, altered, leave, stay};
use crate::children::shell;
use crate::good::{Config, Driver, Phase, Record, change, half};
use crate::modes::{
    Host, Mode, SILENT, STARTED, TOLERATED, Verdict, config, crashed, refused, run,
};
use crate::request::{Answer, Request};
use crate::wire::{Reads, log, write_bytes};

const LIFE_5: Verdict = Verdict::Breaks("LIFE-5");
const LONG_REQUEST: &str = r#"{"token": "(1 MB)"}"#;
const LONG_WORK: &str = r#"{"work_ms": 600000}"#;

pub(super) const MODES: &[Mode] = &[
    Mode {
        name: "ignores-eof",
        case: 79,
        what: "sleeps on when stdin ends",
        verdict: LIFE_5,
        host: Host { waits: 5, ..TOLERATED },
        fault: Fault { end: |_| stay(), ..NONE },
    },
    Mode {
        name: "spins-on-eof",
        case: 80,
        what: "reads the end of stdin again and again",
        verdict: LIFE_5,
        host: Host { waits: 5, ..TOLERATED },
        fault: Fault { end: |_| spin(), ..NONE },
    },
    Mode {
        name: "ignores-sigterm",
        case: 81,
        what: "ignores SIGTERM; it has no `cancel` and takes no notice of `timeoutMs`",
        verdict: Verdict::Breaks("LIFE-7"),
        host: Host {
            runs: &[config("--timeout 1s start", LONG_WORK)],
            says: "did not answer `start` within ",
            waits: 11,
            ..SILENT
        },
        fault: Fault { reads: Reads::OnDemand, begin: be_deaf, answer: without_limit, ..NONE },
    },
    Mode {
        name: "exits-mid-call",
        case: 82,
        what: "ends with 3 in the middle of `status`",
        verdict: Verdict::BreaksWith("LIFE-9", &["CALL-1"]),
        host: crashed("exited with 3 during `status`"),
        fault: Fault { answer: give_up, ..NONE },
    },
    Mode {
        name: "reply-then-exit",
        case: 83,
        what: "ends after each reply but the first",
        verdict: Verdict::Breaks("LIFE-9"),
        host: TOLERATED,
        fault: Fault { write: last_words, ..NONE },
    },
    Mode {
        name: "closes-stdout-keeps-running",
        case: 84,
        what: "closes stdout in the place of the answer to `status`, and runs on for good",
        verdict: Verdict::BreaksWith("LIFE-9", &["CALL-1", "LIFE-5"]),
        host: Host { waits: 2, ..refused("closed its stdout during `status`, and ran on") },
        fault: Fault { answer: fall_silent, end: |_| stay(), ..NONE },
    },
    Mode {
        name: "closes-stdin",
        case: 85,
        what: "closes stdin before it answers `initialize`, and runs on",
        verdict: Verdict::BreaksWith("LIFE-9", &["CALL-1", "LIFE-5"]),
        host: Host { waits: 2, ..refused("closed its stdin during `status`, and ran on") },
        fault: Fault { reads: Reads::OnDemand, write: turn_away, end: |_| stay(), ..NONE },
    },
    Mode {
        name: "never-reads-stdin",
        case: 86,
        what: "reads nothing after `initialize`, though it lists `cancel`",
        verdict: Verdict::BreaksWith("CALL-1", &["INIT-5"]),
        host: Host {
            runs: &[config("--timeout 1s status", LONG_REQUEST)],
            says: "did not read `status` within ",
            waits: 6,
            ..SILENT
        },
        fault: Fault { reads: Reads::OnDemand, answer: attentive, write: look_away, ..NONE },
    },
    Mode {
        name: "stopped-by-sigttin",
        case: 95,
        what: "is sent SIGTTIN in the middle of `status`, as by a child that reads the terminal",
        verdict: Verdict::Fine("LIFE-1: in a session of its own the signal stops nobody"),
        host: TOLERATED,
        fault: Fault { answer: |d, r| in_status(d, r, || signal(Signal::TTIN)), ..NONE },
    },
    Mode {
        name: "stopped-by-sigstop",
        case: 95,
        what: "is stopped in the middle of `status`; it has no `cancel`",
        verdict: Verdict::Breaks("CALL-1"),
        host: Host {
            runs: &[run("--timeout 1s status")],
            says: "did not answer `status` within ",
            waits: 6,
            ..SILENT
        },
        fault: Fault {
            reads: Reads::OnDemand,
            answer: |d, r| in_status(d, r, || signal(Signal::STOP)),
            ..NONE
        },
    },
    Mode {
        name: "host-sigkilled-idle",
        case: 96,
        what: "waits for a farewell when stdin ends, which no host sends that was killed",
        verdict: LIFE_5,
        host: Host { waits: 5, ..TOLERATED },
        fault: Fault { end: |_| stay(), ..NONE },
    },
    Mode {
        name: "host-sigkilled-mid-call",
        case: 97,
        what: "completes a creation, 10 s later, when stdin ends in the middle of it",
        verdict: Verdict::BreaksWith("LIFE-5", &["START-5"]),
        host: STARTED,
        fault: Fault { answer: carry_on, ..NONE },
    },
    Mode {
        name: "laptop-suspend",
        case: 98,
        what: "stands still for a third of a second in the middle of `status`",
        verdict: Verdict::Fine("it answers in time; nobody asks for a heartbeat"),
        host: TOLERATED,
        fault: Fault { answer: |d, r| in_status(d, r, stand_still), ..NONE },
    },
];

/// The correct answer, after something that happens in the middle of `status`.
fn in_status(driver: &Driver, request: &Request, happens: fn()) -> Option<Answer> {
    if request.method == "status" {
        happens();
    }
    Some(driver.answer(request))
}

fn spin() {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(60) {
        let _ = std::io::stdin().read_line(&mut String::new());
    }
}

fn signal(signal: Signal) {
    let _ = kill_process(getpid(), signal);
}

fn stand_still() {
    let waker = shell(&format!("sleep 0.3; kill -CONT {}", std::process::id())).spawn();
    if let Ok(mut waker) = waker {
        signal(Signal::STOP);
        let _ = waker.wait();
    }
}

/// Ignores SIGTERM by way of a shell, since what is ignored stays so in a new program.
fn be_deaf(_: &Driver) {
    const DEAF: &str = "ROGUE_IS_DEAF";
    if std::env::var_os(DEAF).is_none() {
        let itself = std::env::args_os().next().unwrap_or_default();
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", "trap '' TERM; exec \"$0\""]).arg(itself).env(DEAF, "1");
        log(format!("it hears SIGTERM: {}\n", shell.exec()).as_bytes());
        leave(1);
    }
}

/// The correct answer, however long it takes.
pub(super) fn without_limit(driver: &Driver, request: &Request) -> Option<Answer> {
    Some(driver.answer(&Request { deadline: None, ..request.clone() }))
}

fn give_up(driver: &Driver, request: &Request) -> Option<Answer> {
    in_status(driver, request, || {
        log(b"giving up\n");
        leave(3);
    })
}

fn last_words(_: &Driver, request: &Request, line: &[u8]) {
    write_bytes(line);
    if request.method != "initialize" {
        leave(0);
    }
}

fn fall_silent(driver: &Driver, request: &Request) -> Option<Answer> {
    if request.method != "status" {
        return Some(driver.answer(request));
    }
    let _ = File::options().write(true).open("/dev/null").map(rustix::stdio::dup2_stdout);
    None
}

fn turn_away(_: &Driver, _: &Request, line: &[u8]) {
    let _ = File::open("/dev/null").map(rustix::stdio::dup2_stdin);
    write_bytes(line);
}

fn attentive(driver: &Driver, request: &Request) -> Option<Answer> {
    altered(driver, request, "initialize", |it| {
        it["capabilities"]["features"] = json!(["cancel"]);
    })
}

fn look_away(_: &Driver, _: &Request, line: &[u8]) {
    write_bytes(line);
    stay();
}

fn carry_on(driver: &Driver, request: &Request) -> Option<Answer> {
    let (Ok(profile), Ok(config), "start") =
        (request.profile(), Config::of(request), &*request.method)
    else {
        return Some(driver.answer(request));
    };
    let answer = driver.answer(request);
    if driver.pending.has_ended() {
        let _ = driver.clusters.write(profile, &half(&config));
        std::thread::sleep(Duration::from_secs(10));
        let record = Record { phase: Phase::Running, ..half(&config) };
        return Some(driver.clusters.write(profile, &record).and_then(|()| change("created")));
    }
    Some(answer)
}
