//! What a line of the host says, and what is answered to it.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::wire::MAX_LINE;

/// A line of the host, understood.
pub(crate) enum Message {
    Request(Request),
    Notification,
    /// To be answered with one of JSON-RPC's own errors.
    Unfit {
        id: Value,
        failure: Failure,
    },
}

/// One request.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) id: Value,
    pub(crate) method: String,
    pub(crate) params: Map<String, Value>,
    /// When the host's patience ends.
    pub(crate) deadline: Option<Instant>,
}

/// What a request comes to.
pub(crate) type Answer = Result<Value, Failure>;

/// An error as it goes over the wire.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) code: i64,
    pub(crate) message: String,
    pub(crate) data: Value,
}

impl Failure {
    /// One of JSON-RPC's own.
    pub(crate) fn of_rpc(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: Value::Null }
    }

    /// One of the protocol's, with the kind that goes with its code.
    pub(crate) fn new(code: i64, kind: &str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: json!({ "kind": kind }) }
    }

    /// Adds a field that its kind carries.
    pub(crate) fn with(mut self, field: &str, value: Value) -> Self {
        self.data[field] = value;
        self
    }
}

/// The reply to a request, as the protocol would have it.
pub(crate) fn reply(id: &Value, answer: &Answer) -> Value {
    match answer {
        Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        Err(Failure { code, message, data }) => {
            let mut error = json!({"code": code, "message": message});
            if !data.is_null() {
                error["data"] = data.clone();
            }
            json!({"jsonrpc": "2.0", "id": id, "error": error})
        }
    }
}

impl Message {
    /// Understands a line; `None` is a blank one.
    pub(crate) fn read(line: &[u8]) -> Option<Self> {
        if line.len() > MAX_LINE {
            let said = format!("a line is longer than {MAX_LINE} bytes");
            return Some(unfit(Value::Null, -32600, said));
        }
        let text = line.trim_ascii();
        if text.is_empty() {
            return None;
        }
        Some(match serde_json::from_slice(text) {
            Ok(Value::Object(message)) => Self::of(message),
            Ok(_) => unfit(Value::Null, -32600, "a message is one object"),
            Err(error) => unfit(Value::Null, -32700, format!("the line is not JSON: {error}")),
        })
    }

    fn of(mut message: Map<String, Value>) -> Self {
        let id = message.remove("id").unwrap_or_default();
        let fits = id.is_u64() || id.is_string();
        if !fits && !id.is_null() {
            return unfit(Value::Null, -32600, "an id is a whole number from 0 on or a string");
        }
        if message.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
            return unfit(id, -32600, "a message has `\"jsonrpc\": \"2.0\"`");
        }
        let Some(method) = message.get("method").and_then(Value::as_str).map(str::to_owned) else {
            return unfit(id, -32600, "a request has a `method`");
        };
        if id.is_null() {
            return Self::Notification;
        }
        let params = match message.remove("params") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(params)) => params,
            Some(_) => return unfit(id, -32602, "`params` is an object"),
        };
        let limit = params.get("timeoutMs").and_then(Value::as_u64).map(Duration::from_millis);
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        Self::Request(Request { id, method, params, deadline })
    }

    /// Tells whether a line is a request, which will be answered.
    pub(crate) fn is_request(line: &[u8]) -> bool {
        matches!(Self::read(line), Some(Self::Request(_)))
    }

    /// Tells whether a line cancels the request that is being answered.
    pub(crate) fn is_cancel(line: &[u8]) -> bool {
        let message: Option<Value> = serde_json::from_slice(line.trim_ascii()).ok();
        message.is_some_and(|message| message["method"] == "cancel" && message["id"].is_null())
    }
}

fn unfit(id: Value, code: i64, said: impl Into<String>) -> Message {
    Message::Unfit { id, failure: Failure::of_rpc(code, said) }
}

impl Request {
    /// A parameter that is there and says something.
    pub(crate) fn param(&self, name: &str) -> Option<&Value> {
        self.params.get(name).filter(|value| !value.is_null())
    }

    /// The strings of a parameter that is a list of them; none where it is absent.
    pub(crate) fn strings(&self, name: &str) -> Result<Vec<String>, Failure> {
        let not_strings = || Failure::of_rpc(-32602, format!("`{name}` is a list of strings"));
        let Some(value) = self.param(name) else { return Ok(Vec::new()) };
        let items = value.as_array().ok_or_else(not_strings)?.iter();
        items.map(|item| item.as_str().map(str::to_owned).ok_or_else(not_strings)).collect()
    }

    /// The cluster's name, which is safe in a path.
    pub(crate) fn profile(&self) -> Result<&str, Failure> {
        let given = self.param("profile").and_then(Value::as_str);
        let profile = given.ok_or_else(|| Failure::of_rpc(-32602, "`profile` is missing"))?;
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let valid = (1..=63).contains(&profile.len())
            && profile.chars().all(allowed)
            && !profile.starts_with('-')
            && !profile.ends_with('-');
        if valid {
            return Ok(profile);
        }
        let message = format!("profile `{}` is not a valid name", profile.escape_debug());
        Err(Failure::new(1007, "InvalidDriverConfig", message))
    }
}
