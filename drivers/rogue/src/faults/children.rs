//! Cases 87 to 91, 99 and 100: the programs that a driver starts.

use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use super::endings::without_limit;
use super::{Fault, NONE};
use crate::children::{deaf_idler, machine, note, shell};
use crate::good::Driver;
use crate::modes::{Host, Mode, SILENT, STARTED, TOLERATED, Verdict, config, ignored, run};
use crate::request::{Answer, Request};
use crate::wire::{Reads, log};

/// How long an orphan lives, in seconds: long enough to be found, and no longer.
const ORPHAN: u32 = 8;

/// A creation that takes longer than the user waits, so that the driver is ended with all its
/// children.
const ENDED: Host = Host {
    runs: &[config("--timeout 1s start", r#"{"work_ms": 600000}"#)],
    says: "did not answer `start` within ",
    // With the driver that is asked what is left, and whose child holds its stdout.
    waits: 16,
    ..SILENT
};

pub(super) const MODES: &[Mode] = &[
    Mode {
        name: "grandchild-holds-stdout",
        case: 87,
        what: "starts a child with its own stdout in `status`, which outlives it",
        verdict: Verdict::BreaksWith("LIFE-10", &["LIFE-6"]),
        host: Host { waits: 8, ..TOLERATED },
        fault: Fault { answer: |d, r| with_children(d, r, 1, holder), ..NONE },
    },
    Mode {
        name: "grandchild-survives-sigterm",
        case: 88,
        what: "starts a child in `status` that ignores SIGTERM, and leaves it behind",
        verdict: Verdict::Breaks("LIFE-6"),
        host: ENDED,
        fault: Fault {
            reads: Reads::OnDemand,
            answer: |d, r| with_children(d, r, 1, || deaf_idler(ORPHAN)),
            ..NONE
        },
    },
    Mode {
        name: "daemonised-child",
        case: 89,
        what: "starts a daemon with a cluster, which runs as long as the cluster does",
        verdict: Verdict::Fine("LIFE-6: the programs that are the cluster are to outlive it"),
        host: STARTED,
        fault: Fault { answer: with_machine, ..NONE },
    },
    Mode {
        name: "child-eats-stdin",
        case: 90,
        what: "runs a child after each `status` that reads a line of stdin; it has no `cancel`",
        verdict: Verdict::BreaksWith("LIFE-10", &["CALL-1"]),
        host: Host {
            runs: &[run("--timeout 1s start")],
            says: "did not answer `start` within ",
            waits: 6,
            ..SILENT
        },
        fault: Fault { reads: Reads::OnDemand, write: share_stdin, ..NONE },
    },
    Mode {
        name: "child-writes-stdout",
        case: 91,
        what: "starts a child in `status` that prints to its stdout and lives until stdin ends",
        verdict: Verdict::BreaksWith("LIFE-10", &["FRAME-4"]),
        host: ignored("where only the protocol belongs: pulling: 10 %"),
        fault: Fault {
            answer: |d, r| with_children(d, r, 1, talker),
            end: |_| end_children(),
            ..NONE
        },
    },
    Mode {
        name: "zombie",
        case: 99,
        what: "starts a child in each `status` that ends at once, and never hears of its end",
        verdict: Verdict::Fine("LIFE-6: it has ended before the driver"),
        host: TOLERATED,
        fault: Fault { answer: |d, r| with_children(d, r, 1, || shell("exit 0")), ..NONE },
    },
    Mode {
        name: "fork-bomb-lite",
        case: 100,
        what: "starts 20 children in `status` that ignore SIGTERM, and leaves them behind",
        verdict: Verdict::Breaks("LIFE-6"),
        host: ENDED,
        fault: Fault {
            reads: Reads::OnDemand,
            answer: |d, r| with_children(d, r, 20, || deaf_idler(ORPHAN)),
            ..NONE
        },
    },
];

static CHILDREN: Mutex<Vec<Child>> = Mutex::new(Vec::new());

/// The correct answer, and with the first `status` that many children.
fn with_children(
    driver: &Driver,
    request: &Request,
    count: usize,
    make: fn() -> Command,
) -> Option<Answer> {
    let mut children = CHILDREN.lock().unwrap_or_else(PoisonError::into_inner);
    if request.method == "status" && children.is_empty() {
        let started = (0..count).filter_map(|_| make().spawn().inspect_err(complain).ok());
        children.extend(started.map(|mut child| {
            wait_until_it_has_spoken(&mut child);
            note(&driver.clusters.0, &child);
            child
        }));
    }
    without_limit(driver, request)
}

/// One that is to be heard before the answer closes its stderr when it has said it all.
fn wait_until_it_has_spoken(child: &mut Child) {
    if let Some(mut said) = child.stderr.take() {
        let _ = std::io::copy(&mut said, &mut std::io::sink());
    }
}

fn complain(error: &std::io::Error) {
    log(format!("no child: {error}\n").as_bytes());
}

fn holder() -> Command {
    let mut child = shell(&format!("exec sleep {ORPHAN}"));
    child.stdout(Stdio::inherit()).stderr(Stdio::null());
    child
}

fn talker() -> Command {
    let mut child = shell("echo 'pulling: 10 %'; exec sleep 100 2>/dev/null");
    child.stdout(Stdio::inherit()).stderr(Stdio::piped());
    child
}

fn end_children() {
    for child in CHILDREN.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn share_stdin(_: &Driver, request: &Request, line: &[u8]) {
    crate::wire::write_bytes(line);
    if request.method == "status" {
        let _ = shell("read -r line").stdin(Stdio::inherit()).status();
    }
}

fn with_machine(driver: &Driver, request: &Request) -> Option<Answer> {
    let answer = driver.answer(request);
    let (Ok(profile), Ok(_)) = (request.profile(), &answer) else { return Some(answer) };
    let file = driver.clusters.0.join(format!("{profile}.machine"));
    match request.method.as_str() {
        "start" | "restart" if !file.exists() => {
            let _ = std::fs::write(&file, "");
            let started = machine(&file.display().to_string()).spawn().inspect_err(complain);
            let _ = started.map(|machine| std::fs::write(&file, machine.id().to_string()));
        }
        "stop" | "destroy" => drop(std::fs::remove_file(&file)),
        _ => {}
    }
    Some(answer)
}
