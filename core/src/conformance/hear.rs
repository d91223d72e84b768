//! What one line of a driver's stdout is worth: the rules of framing and of messages.

use caproni_driver::{ErrorData, MAX_DEPTH, MAX_LINE, Progress};
use serde_json::{Map, Value};

use super::judge::Verdict;
use crate::error::HOST_ONLY;
use crate::transport::is_deeper;

/// A line as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Its bytes, without the LF.
    pub(super) bytes: Vec<u8>,
    /// Whether there was an LF.
    pub(super) complete: bool,
}

/// What is waited for when a line comes.
#[derive(Debug, Default)]
pub(super) struct Expected {
    /// The id of the request that waits for its reply.
    pub(super) pending: Option<Value>,
    /// The ids of the requests that were answered.
    pub(super) answered: Vec<Value>,
    /// The ids of the requests whose reply nobody waited for.
    pub(super) owed: Vec<Value>,
}

/// A rule that a line breaks, how badly, and how.
pub(super) type Fault = (&'static str, Verdict, String);

/// What a line turned out to be.
#[derive(Debug, PartialEq)]
pub(super) enum Heard {
    /// The reply to the pending request.
    Reply(Map<String, Value>),
    /// A report of progress.
    Progress(Progress),
    /// Nothing that anybody waits for.
    Other,
    /// Something that is, or may well be, the reply to the pending request, and cannot be used.
    Spoilt,
}

/// Reads a line, and lists what is wrong with it.
pub(super) fn hear(line: &Line, expected: &Expected) -> (Heard, Vec<Fault>) {
    let mut faults = Faults::default();
    let heard = match message(line, &mut faults) {
        Some(message) if message.contains_key("method") => {
            notification(&message, expected, &mut faults)
        }
        Some(message) => reply(message, expected, &mut faults),
        // The host bears noise too, but nothing that was meant as a message and is none.
        None if is_noise(line, &faults) => Heard::Other,
        None => Heard::Spoilt,
    };
    (heard, faults.0)
}

fn is_noise(line: &Line, faults: &Faults) -> bool {
    faults.0.iter().all(|(rule, ..)| *rule == "FRAME-4") && !is_meant(&line.bytes)
}

/// Whether it was meant as a message ([FRAME-4]).
fn is_meant(bytes: &[u8]) -> bool {
    contains(bytes, b"\"jsonrpc\"")
}

#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn failed(&mut self, rule: &'static str, what: impl Into<String>) {
        self.0.push((rule, Verdict::Failed, what.into()));
    }

    fn warned(&mut self, rule: &'static str, what: impl Into<String>) {
        self.0.push((rule, Verdict::Warning, what.into()));
    }
}

/// The message on a line, if there is one to be made out.
fn message(line: &Line, faults: &mut Faults) -> Option<Map<String, Value>> {
    if line.bytes.len() > MAX_LINE {
        faults.failed("FRAME-2", format!("a line is longer than {MAX_LINE} bytes"));
        return None;
    }
    if looks_like_utf16(&line.bytes) {
        faults.failed("FRAME-1", "the output is UTF-16, not UTF-8");
        return None;
    }
    if !line.complete {
        faults.failed("FRAME-1", "the last line does not end with LF");
    }
    // Of noise it is enough to say that it is.
    let mut ignored = Faults::default();
    let bytes = outer(&line.bytes, if is_meant(&line.bytes) { faults } else { &mut ignored });
    if bytes.is_empty() {
        faults.failed("FRAME-4", "a blank line, which is no message");
        return None;
    }
    parse(bytes, faults)
}

/// Takes off what some languages put around a line.
fn outer<'a>(bytes: &'a [u8], faults: &mut Faults) -> &'a [u8] {
    let bytes = match bytes.strip_suffix(b"\r") {
        Some(rest) => {
            faults.failed("FRAME-1", "a line ends with CR LF, not LF");
            rest
        }
        None => bytes,
    };
    match bytes.strip_prefix("\u{feff}".as_bytes()) {
        Some(rest) => {
            faults.failed("FRAME-1", "a line begins with a byte order mark");
            rest
        }
        None => bytes,
    }
}

fn parse(bytes: &[u8], faults: &mut Faults) -> Option<Map<String, Value>> {
    let meant = is_meant(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else {
        faults.failed(if meant { "FRAME-1" } else { "FRAME-4" }, "a line is not UTF-8");
        return None;
    };
    if is_deeper(bytes, MAX_DEPTH) {
        faults.failed("FRAME-2", format!("a message is nested more than {MAX_DEPTH} levels deep"));
        return None;
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(message)) => Some(message),
        Ok(Value::Array(_)) if meant => {
            faults.failed("FRAME-3", "a batch: an array of messages");
            None
        }
        Ok(_) => {
            faults.failed("FRAME-4", "a line is JSON, and no message");
            None
        }
        Err(error) => {
            let (rule, what) = not_json(text, meant, &error);
            faults.failed(rule, what);
            None
        }
    }
}

fn not_json(text: &str, meant: bool, error: &serde_json::Error) -> (&'static str, String) {
    match (text.trim_start().starts_with('{'), meant) {
        (true, false) if error.is_eof() => {
            ("FRAME-1", "a message is spread over several lines".into())
        }
        (true, true) if error.to_string().starts_with("trailing characters") => {
            ("FRAME-1", "a line holds more than one message".into())
        }
        (true, true) => ("FRAME-1", format!("a message is not JSON: {error}")),
        (false, true) => ("FRAME-4", "text stands before a message on its line".into()),
        (_, false) => ("FRAME-4", "a line is no message".into()),
    }
}

fn notification(message: &Map<String, Value>, expected: &Expected, faults: &mut Faults) -> Heard {
    version(message, faults);
    if message.contains_key("id") {
        faults.failed("FRAME-9", "it sent a request");
        return Heard::Other;
    }
    if message.get("method").and_then(Value::as_str) != Some("progress") {
        return Heard::Other; // of a later version
    }
    if expected.pending.is_none() {
        faults.failed("PROG-2", "`progress` came while no request was being answered");
    }
    let params = message.get("params").cloned().unwrap_or_default();
    match serde_json::from_value::<Progress>(params) {
        Ok(progress) => {
            if [&progress.step, &progress.message].iter().any(|text| text.chars().any(is_control)) {
                faults.failed("PROG-3", "`progress` holds control characters");
            }
            Heard::Progress(progress)
        }
        Err(error) => {
            faults.failed("PROG-1", format!("`progress` has other fields than it should: {error}"));
            Heard::Other
        }
    }
}

fn is_control(c: char) -> bool {
    c.is_control()
}

fn reply(message: Map<String, Value>, expected: &Expected, faults: &mut Faults) -> Heard {
    version(&message, faults);
    let (result, error) = (message.contains_key("result"), message.get("error"));
    let Some(id) = message.get("id") else {
        faults.failed("FRAME-6", "a reply has no `id`");
        return Heard::Spoilt;
    };
    let usable = match (result, error) {
        (true, Some(_)) => {
            faults.failed("FRAME-8", "a reply has both `result` and `error`");
            false
        }
        (false, None) => {
            faults.failed("FRAME-8", "a reply has neither `result` nor `error`");
            false
        }
        (false, Some(error)) => judge_error(error, faults),
        (true, None) => true,
    };
    if expected.pending.as_ref() == Some(id) {
        return if usable { Heard::Reply(message) } else { Heard::Spoilt };
    }
    match &expected.pending {
        _ if expected.owed.contains(id) => return Heard::Other,
        _ if expected.answered.contains(id) => {
            faults.failed("FRAME-8", format!("a second reply to the request {id}"));
            return Heard::Other;
        }
        Some(pending) => faults.failed("FRAME-6", format!("a reply to {pending} has the id {id}")),
        None => faults.failed("FRAME-8", "a reply came where nothing was asked"),
    }
    Heard::Spoilt
}

fn version(message: &Map<String, Value>, faults: &mut Faults) {
    if message.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        faults.failed("FRAME-8", "a message has no `\"jsonrpc\": \"2.0\"`");
    }
}

/// False when it cannot be told what error it is.
fn judge_error(error: &Value, faults: &mut Faults) -> bool {
    let code = error.get("code").and_then(Value::as_i64);
    let message = error.get("message").and_then(Value::as_str);
    let (Some(code), Some(message)) = (code, message) else {
        faults.failed("ERR-6", "an error lacks a whole number as `code` or a text as `message`");
        return false;
    };
    if message.contains(['\n', '\r']) || message.chars().any(is_control) {
        faults.failed("ERR-2", "an error's message is not one line of plain text");
    }
    if (-32768..=-32000).contains(&code) {
        // JSON-RPC's own, in the words of its libraries.
        if error.get("data").and_then(|data| data.get("kind")).is_some() {
            faults.failed("ERR-4", format!("an error with a kind has JSON-RPC's own code {code}"));
        }
        return true;
    }
    if message.ends_with('.') || message.starts_with(|c: char| c.is_uppercase()) {
        faults.warned("ERR-2", "an error's message begins with a capital or ends with a full stop");
    }
    match error.get("data").map(|data| serde_json::from_value::<ErrorData>(data.clone())) {
        Some(Ok(data)) => judge_kind(code, &data, faults),
        Some(Err(wrong)) => {
            faults.failed("ERR-1", format!("an error's `data` is not as it should be: {wrong}"));
        }
        None => faults.failed("ERR-1", "an error has no `data` with a `kind`"),
    }
    true
}

fn judge_kind(code: i64, data: &ErrorData, faults: &mut Faults) {
    let kind = data.kind.to_string();
    if HOST_ONLY.iter().any(|own| own.to_string() == kind) {
        faults.failed("ERR-5", format!("the kind {kind} is for the host to say"));
    } else if i64::from(data.kind.code()) != code {
        let right = data.kind.code();
        faults.failed("ERR-1", format!("the kind {kind} goes with the code {right}, not {code}"));
    }
    if data.actions.iter().any(|action| action.argv.is_empty()) {
        faults.failed("ACT-1", "an action has an empty `argv`");
    }
}

/// Every other byte of English in UTF-16 is 0.
fn looks_like_utf16(bytes: &[u8]) -> bool {
    let zeros = bytes.iter().filter(|&&byte| byte == 0).count();
    bytes.len() > 3 && contains(bytes, b"j\0s\0o\0n\0") && zeros * 3 > bytes.len()
}

fn contains(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rules(text: &[u8]) -> Vec<&'static str> {
        let expected =
            Expected { pending: Some(json!(3)), answered: vec![json!(2)], owed: vec![json!(1)] };
        let line = Line { bytes: text.to_vec(), complete: true };
        hear(&line, &expected).1.into_iter().map(|(rule, ..)| rule).collect()
    }

    #[test]
    fn a_good_line_breaks_no_rule() {
        for line in [
            r#"{"jsonrpc":"2.0","id":3,"result":{}}"#,
            r#"{"jsonrpc":"2.0","method":"progress","params":{"step":"a","message":"b"}}"#,
            r#"{"jsonrpc":"2.0","method":"weather"}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":"late"}"#,
            r#"{"jsonrpc":"2.0","id":3,"error":{"code":-32601,"message":"no such method"}}"#,
            r#"{"jsonrpc":"2.0","id":3,"error":{"code":1000,"message":"x","data":{"kind":"Mine"}}}"#,
        ] {
            assert_eq!(rules(line.as_bytes()), Vec::<&str>::new(), "{line}");
        }
    }

    #[test]
    fn each_fault_is_found_under_its_rule() {
        let deep = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{}{}}}",
            "[".repeat(200),
            "]".repeat(200)
        );
        for (line, rule) in [
            ("\u{feff}{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":1}", "FRAME-1"),
            ("{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":1}\r", "FRAME-1"),
            ("{", "FRAME-1"),
            (r#"{"jsonrpc":"2.0","id":3,"result":NaN}"#, "FRAME-1"),
            (r#"{"jsonrpc":"2.0","id":3,"result":"\ud800"}"#, "FRAME-1"),
            (r#"{"jsonrpc":"2.0","id":3,"result":1}{"jsonrpc":"2.0"}"#, "FRAME-1"),
            (deep.as_str(), "FRAME-2"),
            (r#"[{"jsonrpc":"2.0","id":3,"result":1}]"#, "FRAME-3"),
            ("", "FRAME-4"),
            ("hello", "FRAME-4"),
            ("3", "FRAME-4"),
            (r#"done{"jsonrpc":"2.0","id":3,"result":1}"#, "FRAME-4"),
            (r#"{"jsonrpc":"2.0","id":"3","result":1}"#, "FRAME-6"),
            (r#"{"jsonrpc":"2.0","id":3.0,"result":1}"#, "FRAME-6"),
            (r#"{"jsonrpc":"2.0","result":1}"#, "FRAME-6"),
            (r#"{"jsonrpc":"2.0","id":2,"result":1}"#, "FRAME-8"),
            (r#"{"jsonrpc":"2.0","id":3}"#, "FRAME-8"),
            (r#"{"id":3,"result":1}"#, "FRAME-8"),
            (r#"{"jsonrpc":"2.0","id":9,"method":"ask"}"#, "FRAME-9"),
            (
                r#"{"jsonrpc":"2.0","method":"progress","params":{"step":"a","message":"\u001b[1m"}}"#,
                "PROG-3",
            ),
            (r#"{"jsonrpc":"2.0","method":"progress","params":{"step":1}}"#, "PROG-1"),
            (r#"{"jsonrpc":"2.0","id":3,"error":{"code":"x","message":"x"}}"#, "ERR-6"),
            (r#"{"jsonrpc":"2.0","id":3,"error":{"code":7,"message":"x"}}"#, "ERR-1"),
            (
                r#"{"jsonrpc":"2.0","id":3,"error":{"code":7,"message":"x","data":{"kind":"Busy"}}}"#,
                "ERR-1",
            ),
            (
                r#"{"jsonrpc":"2.0","id":3,"error":{"code":1000,"message":"x","data":{"kind":"DriverCrashed"}}}"#,
                "ERR-5",
            ),
            (
                r#"{"jsonrpc":"2.0","id":3,"error":{"code":-32000,"message":"x","data":{"kind":"Busy"}}}"#,
                "ERR-4",
            ),
        ] {
            assert_eq!(rules(line.as_bytes()), [rule], "{line}");
        }
        assert_eq!(rules(b"{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":\"\xff\"}"), ["FRAME-1"]);
        let utf16: Vec<u8> =
            r#"{"jsonrpc":"2.0"}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(rules(&utf16), ["FRAME-1"]);
        assert_eq!(rules(&vec![b'x'; MAX_LINE + 1]), ["FRAME-2"]);
    }

    #[test]
    fn progress_between_requests_is_against_the_rules() {
        let line = br#"{"jsonrpc":"2.0","method":"progress","params":{"step":"a","message":"b"}}"#;
        let line = Line { bytes: line.to_vec(), complete: true };
        assert_eq!(hear(&line, &Expected::default()).1[0].0, "PROG-2");
    }
}
