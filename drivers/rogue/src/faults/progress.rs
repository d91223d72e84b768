//! Cases 69 to 78: progress and cancel.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Fault, NONE};
use crate::good::{Config, Driver, Phase, Record, change, half};
use crate::modes::{Host, Mode, Run, STARTED, TOLERATED, Verdict, config, fails, refused};
use crate::request::{Answer, Failure, Request};
use crate::wire::{self, line, progress, write_bytes};

/// A driver whose answers are wrong, or what it does for them.
const fn answers(
    case: u8,
    name: &'static str,
    what: &'static str,
    verdict: Verdict,
    host: Host,
    answer: fn(&Driver, &Request) -> Option<Answer>,
) -> Mode {
    Mode { name, case, what, verdict, host, fault: Fault { answer, ..NONE } }
}

/// The user interrupts a creation that would take long.
const fn cancelled(interrupts: u8, says: &'static str) -> Host {
    Host { runs: LONG, interrupts, ..fails(130, "Cancelled", says) }
}

const LONG: &[Run] = &[config("start", r#"{"work_ms": 600000}"#)];

pub(super) const MODES: &[Mode] = &[
    answers(
        69,
        "progress-flood",
        "sends 50,000 messages of progress with a creation, as fast as it can",
        Verdict::Breaks("PROG-2"),
        Host { waits: 15, ..STARTED },
        flood,
    ),
    Mode {
        name: "progress-after-reply",
        case: 70,
        what: "sends progress after each reply",
        verdict: Verdict::Breaks("PROG-2"),
        host: TOLERATED,
        fault: Fault { write: belated, ..NONE },
    },
    answers(
        71,
        "progress-unknown-id",
        "sends progress with the id of a request that was never made in its params",
        Verdict::Fine("PROG-2: progress needs no id; COMPAT-1: what one does not know is ignored"),
        TOLERATED,
        |driver, request| {
            let params = json!({"id": 4711, "step": "look", "message": "looking"});
            tell_while_asked(request, params);
            Some(driver.answer(request))
        },
    ),
    answers(
        72,
        "progress-escape-codes",
        "sends progress with escape codes and line ends",
        Verdict::Breaks("PROG-3"),
        TOLERATED,
        |driver, request| {
            let message =
                "looking\u{1b}[2J\u{1b}]0;rogue\u{7}\r\u{9b}31m\u{202e}\nhint: run `rm -rf ~`";
            tell_while_asked(request, json!({"step": "lo\u{1b}[31mok\n", "message": message}));
            Some(driver.answer(request))
        },
    ),
    answers(
        73,
        "progress-5-MB-message",
        "sends a message of progress of 5 MB",
        Verdict::Breaks("FRAME-2"),
        refused("it sent a line of more than 4194304 bytes"),
        |driver, request| {
            tell_while_asked(request, json!({"step": "look", "message": "x".repeat(5_000_000)}));
            Some(driver.answer(request))
        },
    ),
    answers(
        74,
        "ignores-cancel",
        "works on when a creation is cancelled",
        Verdict::Breaks("CANCEL-2"),
        cancelled(2, "was ended in the middle of `start`"),
        never_mind,
    ),
    answers(
        75,
        "cancel-then-success",
        "is just done with a creation when it is cancelled, and answers with its result",
        Verdict::Fine("CANCEL-2: with its result if it was done already"),
        cancelled(1, "\"state\": \"stopped\""),
        just_done,
    ),
    answers(
        76,
        "cancel-no-answer",
        "never answers a request that was cancelled; `status` takes 300 ms, so that it can be",
        Verdict::Breaks("CANCEL-2"),
        cancelled(2, "was ended in the middle of `start`"),
        drop_cancelled,
    ),
    answers(
        77,
        "cancel-unknown-id",
        "keeps a cancel that comes when nothing runs for the next request",
        Verdict::Breaks("CANCEL-1"),
        TOLERATED,
        hold_against_next,
    ),
    answers(
        78,
        "cancelled-but-cluster-left",
        "answers a cancelled creation with `Cancelled` and leaves half a cluster",
        Verdict::Breaks("START-5"),
        cancelled(1, "\"state\": \"not-ready\""),
        leave_half,
    ),
];

fn flood(driver: &Driver, request: &Request) -> Option<Answer> {
    if request.method == "start" {
        // A new step now and then, which a display may take for news.
        let hundred = |step| (0..100).map(move |n| line(progress(step, &format!("layer {n}"))));
        let lines = hundred("pull").chain(hundred("unpack")).collect::<Vec<_>>().concat();
        (0..messages() / 200).for_each(|_| write_bytes(&lines));
    }
    Some(driver.answer(request))
}

/// How many messages a flood has: a benchmark wants more than a test.
fn messages() -> u32 {
    let told = std::env::var("CAPRONI_ROGUE_MESSAGES").ok();
    told.and_then(|count| count.parse().ok()).unwrap_or(50_000)
}

fn belated(_: &Driver, _: &Request, line: &[u8]) {
    write_bytes(line);
    wire::write(&wire::progress("late", "still at it"));
}

/// Sends progress, unless the host is only getting to know the driver.
fn tell_while_asked(request: &Request, params: Value) {
    if request.method != "initialize" {
        wire::write(&json!({"jsonrpc": "2.0", "method": "progress", "params": params}));
    }
}

fn never_mind(driver: &Driver, request: &Request) -> Option<Answer> {
    let answer = driver.answer(request);
    let (Ok(profile), Ok(config), Err(Failure { code: 1015, .. })) =
        (request.profile(), Config::of(request), &answer)
    else {
        return Some(answer);
    };
    let begun = Instant::now();
    // Only the end of stdin counts.
    while !driver.pending.has_ended() && begun.elapsed() < Duration::from_secs(600) {
        let _ = driver.clusters.write(profile, &half(&config));
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = driver.clusters.remove(profile);
    Some(answer)
}

fn just_done(driver: &Driver, request: &Request) -> Option<Answer> {
    let answer = driver.answer(request);
    match (request.profile(), Config::of(request)) {
        (Ok(profile), Ok(config)) if request.method == "start" && is_cancelled(&answer) => {
            let record = Record { phase: Phase::Running, ..half(&config) };
            Some(driver.clusters.write(profile, &record).and_then(|()| change("created")))
        }
        _ => Some(answer),
    }
}

fn drop_cancelled(driver: &Driver, request: &Request) -> Option<Answer> {
    let slow = request.method == "status";
    if slow && driver.pending.is_cancelled_within(Duration::from_millis(300)) {
        return None;
    }
    Some(driver.answer(request)).filter(|answer| !is_cancelled(answer))
}

fn hold_against_next(driver: &Driver, request: &Request) -> Option<Answer> {
    if driver.pending.take_idle_cancel() {
        return Some(Err(Failure::new(1015, "Cancelled", "cancelled")));
    }
    Some(driver.answer(request))
}

fn leave_half(driver: &Driver, request: &Request) -> Option<Answer> {
    let answer = driver.answer(request);
    match (request.profile(), Config::of(request)) {
        (Ok(profile), Ok(config)) if request.method == "start" && is_cancelled(&answer) => {
            let left = driver.clusters.write(profile, &half(&config));
            let failure = Failure::new(1015, "Cancelled", "cancelled");
            Some(left.and(Err(failure.with("state", "not-ready".into()))))
        }
        _ => Some(answer),
    }
}

fn is_cancelled(answer: &Answer) -> bool {
    answer.as_ref().is_err_and(|failure| failure.data["kind"] == "Cancelled")
}
