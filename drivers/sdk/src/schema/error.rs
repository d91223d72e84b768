//! The two sorts of errors: the protocol's, with a kind, and JSON-RPC's own.

use serde_json::{Value, json};

use super::definitions::Definitions;
use crate::error::{ErrorData, ErrorKind};

/// The kinds that the host alone uses, of drivers.
const HOST_ONLY: [&str; 4] =
    ["DriverCrashed", "DriverUnresponsive", "DriverProtocolError", "DriverNotExecutable"];

/// JSON-RPC's own codes that a driver may use, and what each says.
pub(super) const FRAMING: [(i32, &str); 5] = [
    (-32700, "the line is not JSON"),
    (-32600, "it is JSON, and not a request, or it is longer than 4 MiB"),
    (-32601, "it has no such method"),
    (-32602, "the params are not as they should be"),
    (-32603, "the driver has a fault in itself"),
];

/// Adds `Error` and what it is made of, and gives the reference to it.
pub(super) fn add(definitions: &mut Definitions) -> Value {
    let of_driver = of_driver(definitions);
    let of_driver = definitions.add("DriverError", of_driver);
    let of_framing = definitions.add("FramingError", of_framing());
    definitions.add("Error", json!({"anyOf": [of_driver, of_framing]}))
}

/// Every kind that this version knows, with what it means.
pub(super) fn kinds(definitions: &mut Definitions) -> Vec<(ErrorKind, String)> {
    let words = definitions.inline::<ErrorKind>();
    let words = words["anyOf"].as_array().cloned().unwrap_or_default();
    let known = words.into_iter().filter_map(|word| {
        let kind = serde_json::from_value(word.get("const")?.clone()).ok()?;
        Some((kind, word["description"].as_str().unwrap_or_default().to_owned()))
    });
    known.collect()
}

fn of_driver(definitions: &mut Definitions) -> Value {
    let data = definitions.of::<ErrorData>();
    let pairs: Vec<_> = kinds(definitions).into_iter().map(|(kind, _)| pair(&kind)).collect();
    json!({
        "description": "A failure of a request, by its kind. For a kind of its own a driver uses \
                        the code 1000.",
        "type": "object",
        "properties": {
            "code": {
                "description": "The number that goes with the kind.",
                "type": "integer",
                "minimum": 1000,
                "maximum": 1099,
            },
            "message": message(),
            "data": data,
        },
        "required": ["code", "message", "data"],
        "not": of_kind(&json!({"enum": HOST_ONLY})),
        "allOf": pairs,
    })
}

/// A kind that is known has one code.
fn pair(kind: &ErrorKind) -> Value {
    json!({
        "if": of_kind(&json!({"const": kind})),
        "then": {"properties": {"code": {"const": kind.code()}}},
    })
}

fn of_kind(kind: &Value) -> Value {
    let data = json!({"type": "object", "properties": {"kind": kind}, "required": ["kind"]});
    json!({"type": "object", "properties": {"data": data}})
}

fn of_framing() -> Value {
    let codes: Vec<_> = FRAMING
        .iter()
        .map(|(code, meaning)| json!({"const": code, "description": meaning}))
        .collect();
    json!({
        "description": "One of JSON-RPC's own errors: the line was not understood.",
        "type": "object",
        "properties": {
            "code": {
                "description": "JSON-RPC's number for it.",
                "type": "integer",
                "minimum": -32768,
                "maximum": -32000,
                "anyOf": codes.into_iter().chain([json!({"type": "integer"})]).collect::<Vec<_>>(),
            },
            "message": message(),
            "data": {"description": "Whatever the driver adds."},
        },
        "required": ["code", "message"],
    })
}

fn message() -> Value {
    json!({
        "description": "One line that fits after `error: `, begins with a small letter and has no full stop.",
        "type": "string",
    })
}
