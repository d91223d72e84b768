//! Cases 47 to 68: what stands in a reply.

use serde_json::{Value, json};

use super::{Fault, NONE, altered};
use crate::good::{Config, Driver};
use crate::modes::{Host, Mode, STARTED, TOLERATED, Verdict, config, fails, ignored, refused};
use crate::request::{Answer, Failure, Request};
use crate::wire::{self, log, write_bytes};

type ChangeReply = fn(&Request, Value) -> Value;
type GiveAnswer = fn(&Driver, &Request) -> Option<Answer>;

/// A driver whose replies are wrong around the answer.
const fn replies(
    case: u8,
    name: &'static str,
    what: &'static str,
    rule: &'static str,
    host: Host,
    reply: ChangeReply,
) -> Mode {
    let verdict = Verdict::Breaks(rule);
    Mode { name, case, what, verdict, host, fault: Fault { reply, ..NONE } }
}

/// A driver whose answers are wrong.
const fn answers(
    case: u8,
    name: &'static str,
    what: &'static str,
    verdict: Verdict,
    host: Host,
    answer: GiveAnswer,
) -> Mode {
    Mode { name, case, what, verdict, host, fault: Fault { answer, ..NONE } }
}

const TOO_MANY: &str = r#"{"servers": 99}"#;
const WITH_TOKEN: &str = r#"{"token": "hunter2-hunter2"}"#;

pub(super) const MODES: &[Mode] = &[
    replies(
        47,
        "wrong-id",
        "replies to another request than was made",
        "FRAME-6",
        refused("it answered with id 1001 where 1 was asked"),
        |request, reply| {
            let other = json!(request.id.as_u64().unwrap_or_default() + 1000);
            with(after_first(request, other), reply)
        },
    ),
    replies(
        48,
        "id-as-string",
        "replies to 1 as \"1\"",
        "FRAME-6",
        refused("it answered with id \"1\" where 1 was asked"),
        |request, reply| with(after_first(request, request.id.to_string().into()), reply),
    ),
    replies(
        49,
        "id-as-float",
        "replies to 1 as 1.0",
        "FRAME-6",
        refused("it answered with id 1.0 where 1 was asked"),
        |request, reply| {
            let float = request.id.as_f64().map_or(request.id.clone(), Value::from);
            with(after_first(request, float), reply)
        },
    ),
    replies(
        50,
        "id-zero-dropped",
        "takes the id 0 for none",
        "FRAME-6",
        refused("it sent a reply without an `id`"),
        |request, reply| if request.id == 0 { without("id", reply) } else { reply },
    ),
    Mode {
        name: "duplicate-reply",
        case: 51,
        what: "writes each reply twice",
        verdict: Verdict::Breaks("FRAME-8"),
        host: ignored("where only the protocol belongs: {"),
        fault: Fault { write: |_, _, line| write_bytes(&[line, line].concat()), ..NONE },
    },
    Mode {
        name: "reply-then-error-same-id",
        case: 52,
        what: "takes each reply back by an error",
        verdict: Verdict::Breaks("FRAME-8"),
        host: ignored("where only the protocol belongs: {"),
        fault: Fault { write: take_back, ..NONE },
    },
    replies(
        53,
        "result-and-error",
        "replies with `result` and `error`",
        "FRAME-8",
        refused("it sent a reply with `result` and `error`"),
        |request, mut reply| {
            if request.method != "initialize" {
                reply["result"] = json!({"state": "ready", "exists": true});
                reply["error"] = json!({"code": -32603, "message": "and it failed"});
            }
            reply
        },
    ),
    replies(
        54,
        "neither",
        "replies with neither `result` nor `error`",
        "FRAME-8",
        refused("it sent a reply without `result` or `error`"),
        |request, reply| match request.method.as_str() {
            "initialize" => reply,
            _ => without("error", without("result", reply)),
        },
    ),
    replies(
        55,
        "missing-jsonrpc",
        "replies without `jsonrpc`",
        "FRAME-8",
        refused("it sent a reply without `\"jsonrpc\": \"2.0\"`"),
        |request, reply| match request.method.as_str() {
            "initialize" => reply,
            _ => without("jsonrpc", reply),
        },
    ),
    Mode {
        name: "answers-notification",
        case: 56,
        what: "replies to notifications",
        verdict: Verdict::BreaksWith("FRAME-8", &["FRAME-6"]),
        host: TOLERATED,
        fault: Fault {
            notice: |_| wire::write(&json!({"jsonrpc": "2.0", "id": null, "result": {}})),
            ..NONE
        },
    },
    Mode {
        name: "sends-request",
        case: 57,
        what: "sends a request of its own before each reply",
        verdict: Verdict::Breaks("FRAME-9"),
        host: ignored("which password?"),
        fault: Fault { write: ask, ..NONE },
    },
    Mode {
        name: "error-without-message",
        case: 58,
        what: "answers `status` with an error, and sends errors without a `message`",
        verdict: Verdict::BreaksWith("ERR-6", &["STATUS-2"]),
        host: refused("it sent an error without a `message`"),
        fault: Fault { answer: down, reply: |_, reply| error_without("message", reply), ..NONE },
    },
    Mode {
        name: "error-code-string",
        case: 59,
        what: "answers `status` with an error, and sends errors with a string as `code`",
        verdict: Verdict::BreaksWith("ERR-6", &["STATUS-2"]),
        host: refused("it sent an error without a whole number as `code`"),
        fault: Fault { answer: down, reply: |_, reply| with_named_code(reply), ..NONE },
    },
    answers(
        60,
        "unknown-kind",
        "refuses more than 9 servers with an error of a kind of its own",
        Verdict::Fine("ERR-1: for a kind of its own a driver uses the code 1000"),
        Host {
            runs: &[config("start", TOO_MANY)],
            ..fails(1, "QuotaExceeded", "your quota is 9 servers")
        },
        quota,
    ),
    answers(
        61,
        "host-only-code-2001",
        "answers `status` with the kind `DriverCrashed` and the code 2001",
        Verdict::BreaksWith("ERR-5", &["STATUS-2", "CALL-2", "CALL-3"]),
        refused("it sent the kind DriverCrashed, which only the host may use"),
        |driver, request| failed_status(driver, request, (2001, "DriverCrashed", "I crashed")),
    ),
    answers(
        62,
        "wrong-result-type",
        "gives the number 5 as `state`",
        Verdict::Breaks("CALL-7"),
        refused("in its answer to `status`: a cluster's `state` must be a text"),
        |driver, request| altered(driver, request, "status", |it| it["state"] = json!(5)),
    ),
    answers(
        63,
        "unknown-state-string",
        "calls half a cluster `half-baked`",
        Verdict::Fine("COMPAT-2: enumerations are open"),
        Host {
            given: crate::modes::Given::Half,
            exit: 4,
            says: "\"state\": \"half-baked\"",
            ..TOLERATED
        },
        half_baked,
    ),
    answers(
        64,
        "extra-fields",
        "adds fields that nobody knows to each result",
        Verdict::Fine("COMPAT-1: fields that one does not know are ignored"),
        TOLERATED,
        |driver, request| {
            altered(driver, request, &request.method, |it| it["mood"] = json!({"sun": true}))
        },
    ),
    answers(
        65,
        "null-result",
        "answers `status` with the result null",
        Verdict::BreaksWith("CALL-7", &["FRAME-8"]),
        refused("in its answer to `status`: invalid type: null"),
        |driver, request| altered(driver, request, "status", |it| *it = Value::Null),
    ),
    answers(
        66,
        "empty-argv",
        "answers `exec` and `logs` with an empty plan",
        Verdict::Breaks("PLAN-1"),
        TOLERATED,
        |driver, request| planned(driver, request, json!([])),
    ),
    answers(
        67,
        "argv-as-string",
        "answers `exec` and `logs` with a line of shell as plan",
        Verdict::BreaksWith("PLAN-1", &["CALL-7"]),
        TOLERATED,
        |driver, request| planned(driver, request, json!("echo hello")),
    ),
    answers(
        68,
        "secret-in-message",
        "tells the token in progress, in a condition and in its log",
        Verdict::Breaks("SEC-2"),
        Host { runs: &[config("start", WITH_TOKEN)], ..STARTED },
        chatter,
    ),
];

/// The id of a reply: the right one for `initialize`, else this.
fn after_first(request: &Request, id: Value) -> Value {
    if request.method == "initialize" { request.id.clone() } else { id }
}

fn with(id: Value, mut reply: Value) -> Value {
    reply["id"] = id;
    reply
}

fn without(field: &str, mut reply: Value) -> Value {
    reply.as_object_mut().map(|reply| reply.shift_remove(field));
    reply
}

fn take_back(_: &Driver, request: &Request, line: &[u8]) {
    write_bytes(line);
    let error = json!({"code": -32603, "message": "it did not work after all"});
    wire::write(&json!({"jsonrpc": "2.0", "id": request.id, "error": error}));
}

/// With the very id that the host waits for, to make it hard.
fn ask(_: &Driver, request: &Request, line: &[u8]) {
    let params = json!({"question": "which password?"});
    wire::write(
        &json!({"jsonrpc": "2.0", "id": request.id, "method": "rogue/ask", "params": params}),
    );
    write_bytes(line);
}

fn down(driver: &Driver, request: &Request) -> Option<Answer> {
    failed_status(driver, request, (1009, "BackendUnavailable", "the backend does not answer"))
}

fn failed_status(
    driver: &Driver,
    request: &Request,
    (code, kind, message): (i64, &str, &str),
) -> Option<Answer> {
    Some(match request.method.as_str() {
        "status" => Err(Failure::new(code, kind, message)),
        _ => driver.answer(request),
    })
}

fn error_without(field: &str, mut reply: Value) -> Value {
    if let Some(error) = reply.get_mut("error") {
        *error = without(field, error.take());
    }
    reply
}

fn with_named_code(mut reply: Value) -> Value {
    if let Some(error) = reply.get_mut("error") {
        error["code"] = json!("E_DOWN");
    }
    reply
}

fn quota(driver: &Driver, request: &Request) -> Option<Answer> {
    let asks_for_too_many = Config::of(request).is_ok_and(|config| config.servers > 9);
    if request.method == "start" && asks_for_too_many {
        return Some(Err(Failure::new(1000, "QuotaExceeded", "your quota is 9 servers")));
    }
    Some(driver.answer(request))
}

fn half_baked(driver: &Driver, request: &Request) -> Option<Answer> {
    altered(driver, request, "status", |it| {
        if it["state"] == "not-ready" {
            it["state"] = json!("half-baked");
        }
    })
}

fn planned(driver: &Driver, request: &Request, argv: Value) -> Option<Answer> {
    match request.method.as_str() {
        "exec" | "logs" => altered(driver, request, &request.method, |it| it["argv"] = argv),
        _ => Some(driver.answer(request)),
    }
}

fn chatter(driver: &Driver, request: &Request) -> Option<Answer> {
    let token = Config::of(request).ok().and_then(|config| config.token);
    let Some(token) = token else { return Some(driver.answer(request)) };
    let said = format!("joining with the token {token}");
    log(format!("{said}\n").as_bytes());
    driver.progress("join", &said);
    altered(driver, request, "status", |it| {
        it["conditions"] = json!([{"name": "token", "ok": true, "message": said}]);
    })
}
