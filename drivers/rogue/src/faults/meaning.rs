//! Cases 101 to 115: what requests mean.

use serde_json::{Value, json};

use super::{Fault, NONE, altered, leave};
use crate::good::{Clusters, Config, Driver, Phase, Record, change, half};
use crate::modes::{
    Given, Host, Mode, STARTED, TOLERATED, Verdict, config, crashed, fails, refused, run,
};
use crate::request::{Answer, Failure, Request};
use crate::wire::log;

const fn row(
    case: u8,
    name: &'static str,
    what: &'static str,
    verdict: Verdict,
    host: Host,
    answer: fn(&Driver, &Request) -> Option<Answer>,
) -> Mode {
    Mode { name, case, what, verdict, host, fault: Fault { answer, ..NONE } }
}

pub(super) const MODES: &[Mode] = &[
    row(
        101,
        "status-of-unknown",
        "answers `status` of no cluster with an error",
        Verdict::BreaksWith("STATUS-2", &["CALL-2", "CALL-3"]),
        fails(2, "NotFound", "there is no cluster"),
        |driver, request| {
            let answer = driver.answer(request);
            let absent = answer.as_ref().is_ok_and(|status| status["exists"] == false);
            Some(if request.method == "status" && absent { Err(no_cluster()) } else { answer })
        },
    ),
    row(
        102,
        "destroy-twice",
        "answers `destroy` of no cluster with an error",
        Verdict::BreaksWith("CALL-6", &["DESTROY-1", "DESTROY-2"]),
        Host {
            runs: &[run("start"), run("destroy"), run("destroy")],
            ..fails(2, "NotFound", "there is no cluster")
        },
        |driver, request| instead_of_none(driver, request, "destroy", || Err(no_cluster())),
    ),
    row(
        103,
        "destroy-of-half-created",
        "does not see half a cluster when it is to be destroyed",
        Verdict::Breaks("DESTROY-1"),
        Host {
            given: Given::Half,
            runs: &[run("destroy")],
            exit: 0,
            says: "\"change\": \"none\"",
            ..TOLERATED
        },
        |driver, request| match &*request.method {
            "destroy" if is(driver, request, Phase::Creating) => Some(change("none")),
            _ => Some(driver.answer(request)),
        },
    ),
    row(
        104,
        "start-running",
        "says `started` when the cluster runs already",
        Verdict::BreaksWith("CALL-6", &["START-1", "START-7"]),
        Host { runs: &[run("start"), run("start")], says: "\"change\": \"started\"", ..STARTED },
        |driver, request| instead_of_none(driver, request, "start", || change("started")),
    ),
    row(
        105,
        "stop-stopped",
        "answers `stop` with an error when nothing runs",
        Verdict::BreaksWith("CALL-6", &["STOP-1"]),
        Host {
            runs: &[run("start"), run("stop"), run("stop")],
            ..fails(3, "ClusterNotRunning", "it does not run")
        },
        |driver, request| {
            let failure = || Err(Failure::new(1001, "ClusterNotRunning", "it does not run"));
            instead_of_none(driver, request, "stop", failure)
        },
    ),
    row(
        106,
        "start-with-changed-config",
        "destroys a cluster and makes it anew when its config changes",
        Verdict::BreaksWith("START-2", &["START-1"]),
        Host {
            runs: &[run("start"), config("start", r#"{"servers": 3}"#)],
            ..fails(5, "ConfigMismatch", "1 field differs")
        },
        recreate,
    ),
    row(
        107,
        "status-has-side-effects",
        "makes a cluster when it is asked for the status of none",
        Verdict::BreaksWith("STATUS-1", &["STATUS-5", "STATUS-2", "START-1", "DESTROY-1"]),
        TOLERATED,
        make_what_is_asked_for,
    ),
    row(
        108,
        "long-name",
        "takes names of more than 32 characters for no names",
        Verdict::BreaksWith("CALL-2", &["ERR-4"]),
        Host {
            runs: &[run("--profile a-name-of-40-characters-with-many-hyphens status")],
            ..refused("the name is too long")
        },
        |driver, request| match request.profile() {
            Ok(profile) if profile.len() > 32 => {
                Some(Err(Failure::of_rpc(-32602, "the name is too long")))
            }
            _ => Some(driver.answer(request)),
        },
    ),
    row(
        109,
        "exec-splits-words",
        "joins the arguments of `exec` to a line of shell",
        Verdict::BreaksWith("EXEC-1", &["PLAN-1"]),
        TOLERATED,
        |driver, request| {
            let line = request.strings("argv").unwrap_or_default().join(" ");
            altered(driver, request, "exec", |it| it["argv"] = json!(["sh", "-c", line]))
        },
    ),
    row(
        110,
        "out-of-order",
        "ends when the first request is not `initialize`",
        Verdict::BreaksWith("LIFE-9", &["CALL-1"]),
        TOLERATED,
        |driver, request| {
            use std::sync::atomic::{AtomicBool, Ordering};
            static INITIALIZED: AtomicBool = AtomicBool::new(false);
            let initializes = request.method == "initialize";
            if !INITIALIZED.fetch_or(initializes, Ordering::Relaxed) && !initializes {
                log(b"assertion failed: initialized\n");
                leave(101);
            }
            Some(driver.answer(request))
        },
    ),
    row(
        0,
        "no-lock",
        "creates a cluster that another process is creating",
        Verdict::Breaks("CALL-5"),
        STARTED,
        |driver, request| {
            if let Ok(profile) = request.profile() {
                driver.clusters.forget_lock(profile);
            }
            Some(driver.answer(request))
        },
    ),
    row(
        0,
        "same-identity",
        "says of every cluster that it is the same one",
        Verdict::Breaks("STATUS-6"),
        Host {
            runs: &[run("start"), run("status")],
            exit: 0,
            says: "\"state\": \"ready\"",
            ..TOLERATED
        },
        |driver, request| {
            altered(driver, request, "status", |it| it["identity"] = json!("the cluster"))
        },
    ),
    row(
        111,
        "forgets-on-restart",
        "keeps its clusters with its process, and says in `status` which one it is",
        Verdict::BreaksWith("LIFE-4", &["CALL-6"]),
        Host { runs: &[run("start"), run("status")], ..TOLERATED },
        forgetful,
    ),
    row(
        112,
        "backend-stack-trace",
        "answers `status` with a stack trace",
        Verdict::BreaksWith("ERR-2", &["STATUS-2"]),
        fails(7, "BackendUnavailable", "Traceback (most recent call last):"),
        |driver, request| match &*request.method {
            "status" => Some(Err(Failure::new(1009, "BackendUnavailable", TRACE))),
            _ => Some(driver.answer(request)),
        },
    ),
    row(
        113,
        "port-in-use",
        "answers a creation whose port is taken with one of JSON-RPC's own errors",
        Verdict::Fine("ERR-4 is broken, but only a start with a port that is taken would show it"),
        Host {
            runs: &[config("start", r#"{"ports": ["(taken):80"]}"#)],
            ..refused(" is taken (-32603)")
        },
        |driver, request| {
            let answer = driver.answer(request);
            Some(answer.map_err(|failure| match failure.code {
                1011 => Failure::of_rpc(-32603, failure.message),
                _ => failure,
            }))
        },
    ),
    row(
        114,
        "ignores-timeout",
        "takes no notice of `timeoutMs`",
        Verdict::Fine("CALL-4: to give up in time is a SHOULD"),
        Host {
            runs: &[config("--timeout 1s start", r#"{"work_ms": 600000}"#)],
            waits: 6,
            ..fails(4, "TimedOut", "driver `ignores-timeout` did not end `start` within ")
        },
        super::endings::without_limit,
    ),
    row(
        115,
        "needs-home",
        "ends when `HOME` is empty or not set",
        Verdict::BreaksWith("LIFE-11", &["LIFE-9", "CALL-1"]),
        Host { given: Given::NoHome, ..crashed("HOME is not set") },
        |driver, request| {
            if std::env::var_os("HOME").is_none_or(|home| home.is_empty()) {
                log(b"HOME is not set\n");
                leave(1);
            }
            Some(driver.answer(request))
        },
    ),
];

const TRACE: &str = "Traceback (most recent call last):\n  File \"rogue.py\", line 7, in status\n\
    ConnectionRefusedError: [Errno 111] Connection refused";

fn no_cluster() -> Failure {
    Failure::new(1020, "NotFound", "there is no cluster").with("resource", "cluster".into())
}

/// The correct answer to all but what changes nothing.
fn instead_of_none(
    driver: &Driver,
    request: &Request,
    method: &str,
    other: impl FnOnce() -> Answer,
) -> Option<Answer> {
    let answer = driver.answer(request);
    let none = answer.as_ref().is_ok_and(|outcome| outcome["change"] == "none");
    Some(if request.method == method && none { other() } else { answer })
}

fn is(driver: &Driver, request: &Request, phase: Phase) -> bool {
    let kept = request.profile().and_then(|profile| driver.clusters.read(profile));
    kept.is_ok_and(|kept| kept.is_some_and(|record| record.phase == phase))
}

fn recreate(driver: &Driver, request: &Request) -> Option<Answer> {
    let answer = driver.answer(request);
    let mismatch = answer.as_ref().is_err_and(|failure| failure.data["kind"] == "ConfigMismatch");
    if request.method == "start" && mismatch {
        let _ = request.profile().and_then(|profile| driver.clusters.remove(profile));
        return Some(driver.answer(request));
    }
    Some(answer)
}

fn make_what_is_asked_for(driver: &Driver, request: &Request) -> Option<Answer> {
    let answer = driver.answer(request);
    let absent = answer.as_ref().is_ok_and(|status| status["exists"] == false);
    if let (Ok(profile), "status", true) = (request.profile(), &*request.method, absent) {
        let config = Config { servers: 1, ports: Vec::new(), token: None, work_ms: 0 };
        let record = Record { phase: Phase::Stopped, ..half(&config) };
        let _ = driver.clusters.write(profile, &record);
    }
    Some(answer)
}

fn forgetful(driver: &Driver, request: &Request) -> Option<Answer> {
    let process = std::process::id();
    let own = Driver {
        clusters: Clusters(driver.clusters.0.join(process.to_string())),
        pending: driver.pending.clone(),
        ..*driver
    };
    let condition: Value =
        json!({"name": "memory", "ok": true, "message": format!("clusters of process {process}")});
    altered(&own, request, "status", |it| it["conditions"] = json!([condition]))
}
