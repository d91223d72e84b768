//! Cases 14 to 24: the answer to `initialize`.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::{Fault, NONE, altered};
use crate::children::shell;
use crate::good::Driver;
use crate::modes::{Host, Mode, SILENT, STARTED, TOLERATED, Verdict, fails, ignored, refused};
use crate::request::{Answer, Failure, Request};
use crate::wire;

/// A schema is not looked at by a `status` of which nothing depends on it.
const fn no_schema(says: &'static str) -> Host {
    Host { runs: STARTED.runs, ..refused(says) }
}

pub(super) const MODES: &[Mode] = &[
    Mode {
        name: "hello-before-request",
        case: 14,
        what: "greets on stdout before it has read a request",
        verdict: Verdict::BreaksWith("LIFE-2", &["FRAME-4"]),
        host: ignored("where only the protocol belongs: rogue is ready"),
        fault: Fault { begin: |_| wire::write_bytes(b"rogue is ready\n"), ..NONE },
    },
    Mode {
        name: "unsupported-version",
        case: 15,
        what: "knows no protocol version but 2, and says so",
        verdict: Verdict::Fine("INIT-2 asks just this of it; nothing else of it can be checked"),
        host: fails(
            10,
            "UnsupportedProtocolVersion",
            "driver `unsupported-version` speaks protocol version 2 only",
        ),
        fault: Fault { answer: too_new, ..NONE },
    },
    Mode {
        name: "picks-version-not-offered",
        case: 16,
        what: "chooses the protocol version 7",
        verdict: Verdict::Breaks("INIT-2"),
        host: refused("chose protocol version 7, which was not offered"),
        fault: Fault {
            answer: |d, r| described(d, r, |it| it["protocolVersion"] = json!(7)),
            ..NONE
        },
    },
    Mode {
        name: "missing-capabilities",
        case: 17,
        what: "has neither optional methods nor features, and no `capabilities`",
        verdict: Verdict::Fine("INIT-4: a list that is absent is empty"),
        host: TOLERATED,
        fault: Fault { answer: bare, ..NONE },
    },
    Mode {
        name: "wrong-name",
        case: 18,
        what: "gives another name than its file has",
        verdict: Verdict::Breaks("INIT-3"),
        host: TOLERATED,
        fault: Fault {
            answer: |d, r| described(d, r, |it| it["name"] = json!("somebody")),
            ..NONE
        },
    },
    Mode {
        name: "unknown-requires",
        case: 19,
        what: "says in a field `requires` that the host must have a feature that nobody has",
        verdict: Verdict::Fine("COMPAT-1: fields that one does not know are ignored"),
        host: TOLERATED,
        fault: Fault {
            answer: |d, r| described(d, r, |it| it["requires"] = json!(["magic"])),
            ..NONE
        },
    },
    Mode {
        name: "schema-invalid",
        case: 20,
        what: "has a `configSchema` that is no schema",
        verdict: Verdict::Breaks("CONF-8"),
        host: no_schema(
            "cannot be used: it is not valid: `properties.odd.type`: \"nonsense\" is none",
        ),
        fault: Fault { answer: |d, r| property(d, r, json!({"type": "nonsense"})), ..NONE },
    },
    Mode {
        name: "schema-remote-ref",
        case: 21,
        what: "has a reference to another document in its `configSchema`",
        verdict: Verdict::Breaks("CONF-2"),
        host: no_schema("cannot be used: it refers to `http://127.0.0.1:9/schema.json`"),
        fault: Fault {
            answer: |d, r| property(d, r, json!({"$ref": "http://127.0.0.1:9/schema.json"})),
            ..NONE
        },
    },
    Mode {
        name: "schema-huge",
        case: 22,
        what: "has a `configSchema` of 300 KiB",
        verdict: Verdict::Breaks("CONF-8"),
        host: no_schema("bytes long, and 262144 are allowed"),
        fault: Fault {
            answer: |d, r| {
                property(d, r, json!({"type": "string", "description": "x".repeat(300 << 10)}))
            },
            ..NONE
        },
    },
    Mode {
        name: "schema-deep",
        case: 22,
        what: "has a `configSchema` that is nested 80 levels deep",
        verdict: Verdict::Breaks("CONF-8"),
        host: no_schema("cannot be used: it is nested more than 64 levels deep"),
        fault: Fault { answer: |d, r| property(d, r, nested(78)), ..NONE },
    },
    Mode {
        name: "schema-regex-bomb",
        case: 22,
        what: "has a `pattern` with look-around that takes exponential time, and a default to try it on",
        verdict: Verdict::Breaks("CONF-8"),
        host: no_schema(
            "cannot be used: it is not valid: `properties.odd.pattern`: \"^(?=(a|a|aa)+$)a\" is not a valid regex: look-around",
        ),
        fault: Fault { answer: |d, r| property(d, r, bomb()), ..NONE },
    },
    Mode {
        name: "initialize-touches-docker",
        case: 23,
        what: "runs `docker version` before it answers `initialize`, and waits for its end",
        verdict: Verdict::Breaks("INIT-1"),
        host: SILENT,
        fault: Fault { answer: ask_docker, ..NONE },
    },
    Mode {
        name: "initialize-twice",
        case: 24,
        what: "refuses a second `initialize`",
        verdict: Verdict::Breaks("INIT-5"),
        host: TOLERATED,
        fault: Fault { answer: once, ..NONE },
    },
];

/// The description, changed.
fn described(driver: &Driver, request: &Request, change: fn(&mut Value)) -> Option<Answer> {
    altered(driver, request, "initialize", change)
}

/// The description with one more property in its schema.
fn property(driver: &Driver, request: &Request, schema: Value) -> Option<Answer> {
    altered(driver, request, "initialize", |it| it["configSchema"]["properties"]["odd"] = schema)
}

fn too_new(driver: &Driver, request: &Request) -> Option<Answer> {
    if request.method != "initialize" {
        return Some(driver.answer(request));
    }
    let message = format!("driver `{}` speaks protocol version 2 only", driver.name);
    Some(Err(
        Failure::new(1018, "UnsupportedProtocolVersion", message).with("supported", json!([2]))
    ))
}

fn bare(driver: &Driver, request: &Request) -> Option<Answer> {
    match request.method.as_str() {
        "initialize" => described(driver, request, |it| {
            it.as_object_mut().map(|it| it.remove("capabilities"));
        }),
        "start" | "stop" | "destroy" | "status" => Some(driver.answer(request)),
        method => Some(Err(Failure::of_rpc(-32601, format!("no method `{method}`")))),
    }
}

/// A schema that is so many levels deep, on top of the two that it lies in.
fn nested(levels: u32) -> Value {
    (1..levels).fold(json!({}), |inner, _| json!({ "not": inner }))
}

/// Each `a` more doubles the time of an engine that tries one way after the other.
fn bomb() -> Value {
    json!({"type": "string", "pattern": "^(?=(a|a|aa)+$)a", "default": format!("{}!", "a".repeat(60))})
}

fn ask_docker(driver: &Driver, request: &Request) -> Option<Answer> {
    if request.method == "initialize" {
        let _ = shell("exec docker version >/dev/null 2>&1").status();
    }
    Some(driver.answer(request))
}

fn once(driver: &Driver, request: &Request) -> Option<Answer> {
    static DONE: AtomicBool = AtomicBool::new(false);
    if request.method == "initialize" && DONE.swap(true, Ordering::Relaxed) {
        return Some(Err(Failure::of_rpc(-32600, "it is initialized already")));
    }
    Some(driver.answer(request))
}
