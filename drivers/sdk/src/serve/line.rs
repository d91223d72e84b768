//! One line of the host, as far as the loop itself must understand it.
//!
//! A line that cannot be taken is answered with JSON-RPC's own codes, under the request's id
//! wherever that can be read: the host waits for it.

#[cfg(any(test, fuzzing))]
pub(super) mod fuzz;

use std::time::Duration;

use jsonrpsee::types::Id;
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use crate::error::Error;
use crate::messages::{MAX_DEPTH, MAX_LINE};

/// The id under which a method is asked, whatever the request's own id is.
pub(super) const ANSWERED_ID: Id<'static> = Id::Number(0);

/// How jsonrpsee begins an answer to that.
const ANSWER: &str = r#"{"jsonrpc":"2.0","id":0"#;

/// What a line is.
pub(super) enum Line {
    Request(Asked),
    /// Its method.
    Notification(String),
    /// The reply that says what is wrong with it.
    Refused(String),
}

/// A request, with what the loop itself needs of its params.
pub(super) struct Asked {
    id: Box<RawValue>,
    pub(super) method: String,
    /// A JSON object.
    pub(super) params: String,
    pub(super) profile: Option<String>,
    pub(super) timeout: Option<Duration>,
}

/// A line's members, whatever they hold.
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow)]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<&'a RawValue>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

/// What has the wrong type here is left to the contract's types, which say so in the reply.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Params {
    profile: Value,
    timeout_ms: Value,
}

impl Line {
    pub(super) fn read(line: &[u8]) -> Self {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Ok(text) = std::str::from_utf8(line) else {
            // One that is too long may be cut in the middle of a character.
            let is_long = line.len() > MAX_LINE;
            return if is_long { too_long(&String::from_utf8_lossy(line)) } else { not_utf8() };
        };
        if text.len() > MAX_LINE {
            return too_long(text);
        }
        match serde_json::from_str::<Members<'_>>(text) {
            Ok(members) if text.trim_start().starts_with('{') => members.read(depth(text)),
            Ok(_) => refused(None, -32600, "not a request: it is no object"),
            Err(error) => match serde_json::from_str::<&RawValue>(text) {
                Ok(_) => refused(None, -32600, &format!("not a request: {error}")),
                Err(error) => refused(None, -32700, &format!("not JSON: {error}")),
            },
        }
    }
}

impl Members<'_> {
    fn read(&self, depth: usize) -> Line {
        let id = self.id.filter(|id| is_id(id));
        let refuse = |what: &str| refused(id, -32600, &format!("not a request: {what}"));
        if depth > MAX_DEPTH {
            return refuse(&format!("it is nested more than {MAX_DEPTH} levels deep"));
        }
        let method = self.method.map(|method| serde_json::from_str::<String>(method.get()));
        let Some(Ok(method)) = method else {
            return refuse("it has no `method` that is a string");
        };
        let Some(given) = self.id else { return Line::Notification(method) };
        let Some(id) = id else {
            return refuse(&format!("its `id` is neither a whole number nor a string: {given}"));
        };
        if self.jsonrpc.is_none_or(|version| version.get() != "\"2.0\"") {
            return refuse("its `jsonrpc` is not \"2.0\"");
        }
        let params = self.params.map_or("{}", RawValue::get);
        if !params.starts_with('{') {
            return refused(Some(id), -32602, "`params` is no object");
        }
        Line::Request(Asked::new(id, method, params))
    }
}

impl Asked {
    fn new(id: &RawValue, method: String, params: &str) -> Self {
        let known: Params = serde_json::from_str(params).unwrap_or_default();
        Self {
            id: id.to_owned(),
            method,
            params: params.to_owned(),
            profile: known.profile.as_str().map(str::to_owned),
            timeout: known.timeout_ms.as_u64().map(Duration::from_millis),
        }
    }

    /// An answer to [`ANSWERED_ID`], under the request's own id as it came.
    pub(super) fn reply(&self, answer: &str) -> String {
        match answer.strip_prefix(ANSWER).filter(|rest| rest.starts_with(',')) {
            Some(rest) => format!(r#"{{"jsonrpc":"2.0","id":{}{rest}"#, self.id),
            None => self.refuse(-32603, "it has no answer"),
        }
    }

    pub(super) fn reply_error(&self, error: Error) -> String {
        let error = jsonrpsee::types::ErrorObjectOwned::from(error);
        json!({"jsonrpc": "2.0", "id": self.id, "error": error}).to_string()
    }

    pub(super) fn refuse(&self, code: i32, message: &str) -> String {
        refusal(Some(&self.id), code, message)
    }
}

fn is_id(id: &RawValue) -> bool {
    let text = id.get();
    text.starts_with('"') || text.bytes().all(|byte| byte.is_ascii_digit())
}

fn not_utf8() -> Line {
    refused(None, -32700, "not JSON: it is not UTF-8")
}

fn too_long(text: &str) -> Line {
    let message = format!("not a request: it is longer than {MAX_LINE} bytes");
    refused(id_in_front(text).as_deref(), -32600, &message)
}

/// The id of a line that is cut, by the place where the host promises to write it.
fn id_in_front(text: &str) -> Option<Box<RawValue>> {
    let rest = text.strip_prefix(r#"{"jsonrpc":"2.0","id":"#)?;
    let id = rest.split(',').next()?;
    id.parse::<u64>().ok().and_then(|id| to_raw_value(&id).ok())
}

/// How many levels deep a text is nested that is JSON.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                while let Some(byte) = bytes.next().filter(|byte| *byte != b'"') {
                    if byte == b'\\' {
                        bytes.next();
                    }
                }
            }
            _ => {}
        }
    }
    deepest
}

fn refused(id: Option<&RawValue>, code: i32, message: &str) -> Line {
    Line::Refused(refusal(id, code, message))
}

fn refusal(id: Option<&RawValue>, code: i32, message: &str) -> String {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}}).to_string()
}
