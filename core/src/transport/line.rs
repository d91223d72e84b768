//! One line of a driver: the reply that is waited for, progress, noise, or a fault.

use caproni_driver::{MAX_DEPTH, MAX_LINE, Progress};
use jsonrpsee::types::{ErrorObjectOwned, TwoPointZero};
use memchr::{memchr2_iter, memmem};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::Answer;

/// What a line turned out to be.
#[derive(Debug, PartialEq)]
pub(super) enum Read {
    /// The answer to the request that waits for one.
    Reply(Answer),
    Progress(Progress),
    /// No message of the protocol: ignored, and shown with `-v`.
    Noise,
    /// To be ignored without a word: a blank line, a notification of a later version.
    Nothing,
    /// The awaited reply can no longer come.
    Fault(String),
}

/// Reads a line while the request with the id `pending` waits for its reply; ids below were
/// given to earlier ones.
pub(super) fn classify(line: &[u8], pending: Option<u64>) -> Read {
    if line.len() > MAX_LINE {
        return Read::Fault(format!("it sent a line of more than {MAX_LINE} bytes"));
    }
    let text = bare(line);
    if text.is_empty() {
        return Read::Nothing;
    }
    if let Some(result) = plain_result(text, pending) {
        return Read::Reply(Ok(result));
    }
    match serde_json::from_slice(text) {
        Ok(Value::Object(mut message)) => {
            message.retain(|name, value| says_something(name, value));
            classify_message(message, pending)
        }
        Ok(_) | Err(_) if is_utf16(text) => {
            Read::Fault("it writes UTF-16 where UTF-8 belongs".into())
        }
        Ok(_) | Err(_) if !looks_like_a_message(text) => Read::Noise,
        Ok(_) => Read::Fault(format!("it sent a batch: {}", excerpt(line))),
        Err(error) => {
            Read::Fault(format!("it sent a message that is not JSON ({error}): {}", excerpt(line)))
        }
    }
}

/// The result in a reply as nearly all are, of which nothing must be looked at more closely: so
/// it is read once, by whoever knows its type.
fn plain_result(text: &[u8], pending: Option<u64>) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Reply<'a> {
        #[serde(rename = "jsonrpc")]
        _jsonrpc: TwoPointZero,
        id: u64,
        #[serde(borrow)]
        result: &'a RawValue,
    }
    // What serde_json skips may be nested too deep, or escape half a character.
    if memmem::find(text, b"\\u").is_some() || is_deeper(text, MAX_DEPTH) {
        return None;
    }
    let reply: Reply<'_> = serde_json::from_slice(text).ok()?;
    (Some(reply.id) == pending).then(|| reply.result.get().to_owned())
}

/// Tells whether a text is nested deeper than that.
pub(crate) fn is_deeper(text: &[u8], most: usize) -> bool {
    // Most have not even as many brackets. A list of clusters has, one after the other.
    memchr2_iter(b'{', b'[', text).count() > most && depth(text) > most
}

/// How deep the brackets of a text are nested; those in strings do not count.
fn depth(text: &[u8]) -> usize {
    let (mut depth, mut deepest, mut is_string) = (0_usize, 0, false);
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'"' => is_string = !is_string,
            b'{' | b'[' if !is_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !is_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// A line without what some languages put around it: a byte order mark, CR.
fn bare(line: &[u8]) -> &[u8] {
    line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line).trim_ascii()
}

/// What every message holds.
const MARK: &[u8] = b"\"jsonrpc\"";

/// A line that was meant as a message: after it, waiting for the reply is in vain.
fn looks_like_a_message(text: &[u8]) -> bool {
    contains(text, MARK)
}

/// A message as PowerShell writes it when nobody tells it otherwise. Between its letters
/// stand NUL bytes, before them or after them.
fn is_utf16(text: &[u8]) -> bool {
    let spread: Vec<u8> = MARK.iter().flat_map(|&letter| [letter, 0]).collect();
    contains(text, &spread[..spread.len() - 1])
}

fn contains(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|window| window == wanted)
}

/// The two that may be `null` are the id of a line that was not understood, and a result,
/// of which it is told better what it should have been.
fn says_something(name: &str, value: &Value) -> bool {
    !value.is_null() || matches!(name, "id" | "result")
}

fn classify_message(mut message: Map<String, Value>, pending: Option<u64>) -> Read {
    let has = |key: &str| message.contains_key(key);
    let is_reply = has("result") || has("error");
    if message.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        let meant = is_reply && has("id");
        return if meant {
            Read::Fault("it sent a reply without `\"jsonrpc\": \"2.0\"`".into())
        } else {
            Read::Noise
        };
    }
    if has("method") {
        return classify_notification(message);
    }
    let Some(id) = message.get("id") else {
        return Read::Fault("it sent a reply without an `id`".into());
    };
    if pending.is_none() || pending != id.as_u64() {
        return other_id(id, &message, pending);
    }
    match (message.remove("result"), message.remove("error")) {
        (Some(result), None) => Read::Reply(Ok(result.to_string())),
        (None, Some(error)) => {
            read_error(error).map_or_else(Read::Fault, |error| Read::Reply(Err(error)))
        }
        (Some(_), Some(_)) => Read::Fault("it sent a reply with `result` and `error`".into()),
        (None, None) => Read::Fault("it sent a reply without `result` or `error`".into()),
    }
}

fn other_id(id: &Value, message: &Map<String, Value>, pending: Option<u64>) -> Read {
    let Some(pending) = pending else { return Read::Noise };
    if id.as_u64().is_some_and(|id| id < pending) {
        return Read::Noise;
    }
    let said = message.get("error").and_then(|error| error.get("message")).and_then(Value::as_str);
    match said {
        Some(said) if id.is_null() => {
            Read::Fault(format!("it did not understand the request: {said}"))
        }
        _ => Read::Fault(format!("it answered with id {id} where {pending} was asked")),
    }
}

fn classify_notification(mut message: Map<String, Value>) -> Read {
    if message.contains_key("id") {
        // A request: there are none from driver to host, so it is not answered either.
        return Read::Noise;
    }
    if message.get("method").and_then(Value::as_str) != Some("progress") {
        return Read::Nothing;
    }
    let params = message.remove("params").unwrap_or_default();
    serde_json::from_value(params).map_or(Read::Noise, Read::Progress)
}

/// Takes what JSON-RPC knows of an error, and no more: jsonrpsee refuses one with other members.
fn read_error(mut error: Value) -> Result<ErrorObjectOwned, String> {
    check_error(&error)?;
    if let Some(members) = error.as_object_mut() {
        members.retain(|name, _| matches!(name.as_str(), "code" | "message" | "data"));
    }
    serde_json::from_value(error).map_err(|error| format!("it sent an error that is none: {error}"))
}

fn check_error(error: &Value) -> Result<(), String> {
    if error.get("code").and_then(Value::as_i64).and_then(|code| i32::try_from(code).ok()).is_none()
    {
        return Err("it sent an error without a whole number as `code`".into());
    }
    if error.get("message").and_then(Value::as_str).is_none() {
        return Err("it sent an error without a `message`".into());
    }
    Ok(())
}

pub(super) fn excerpt(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(&line[..line.len().min(200)]);
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(line: &str) -> Read {
        classify(line.as_bytes(), Some(3))
    }

    fn error(error: &Value) -> Read {
        Read::Reply(Err(serde_json::from_value(error.clone()).unwrap()))
    }

    #[test]
    fn the_reply_to_the_pending_request_passes() {
        for result in ["null", "7", r#"[{"a":1.50}]"#, r#""\u00e4\n""#] {
            let line = format!(r#"{{"jsonrpc":"2.0","id":3,"result":{result}}}"#);
            let Read::Reply(Ok(read)) = read(&line) else { panic!("{line}") };
            let value = |json: &str| serde_json::from_str::<Value>(json).unwrap();
            assert_eq!(value(&read), value(result));
        }
        assert_eq!(
            read(
                r#"{"jsonrpc":"2.0","id":3,"error":{"code":1009,"message":"down","data":{"a":1}}}"#
            ),
            error(&json!({"code": 1009, "message": "down", "data": {"a": 1}}))
        );
    }

    #[test]
    fn depth_is_that_of_what_stands_within_and_not_beside_each_other_nor_in_a_string() {
        let within = |count| "[".repeat(count) + &"]".repeat(count);
        assert!(!is_deeper(within(100).as_bytes(), 100));
        assert!(is_deeper(within(101).as_bytes(), 100));
        assert!(!is_deeper(within(10).repeat(100).as_bytes(), 100));
        let texts = format!("{{\"{}\":{}}}", "[".repeat(200), within(99));
        assert!(!is_deeper(texts.as_bytes(), 100));
        let text = "]".repeat(60) + r#"\"\\"#;
        let hidden = format!("[{}\"{text}\"{}", "[".repeat(60), within(40));
        assert!(is_deeper(hidden.as_bytes(), 100));
        assert_eq!(depth(br#"{"a":["\"[[[[",1]}"#), 2);
    }

    #[test]
    fn a_bom_and_a_carriage_return_do_no_harm() {
        let line = "\u{feff}{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":1}\r";
        assert_eq!(read(line), Read::Reply(Ok("1".into())));
    }

    #[test]
    fn an_error_that_is_null_is_none() {
        let line = r#"{"jsonrpc":"2.0","id":3,"result":1,"error":null}"#;
        assert_eq!(read(line), Read::Reply(Ok("1".into())));
    }

    #[test]
    fn a_reply_with_more_than_belongs_there_is_one_all_the_same() {
        let plain = error(&json!({"code": 2, "message": "x"}));
        for (line, expected) in [
            (
                r#"{"jsonrpc":"2.0","id":3,"error":{"code":2,"message":"x","more":1},"more":1}"#,
                plain,
            ),
            (
                r#"{"jsonrpc":"2.0","id":3,"error":{"code":1,"code":2,"message":"x","data":null}}"#,
                error(&json!({"code": 2, "message": "x", "data": null})),
            ),
            (
                r#"{"jsonrpc":"2.0","id":3,"id":3,"result":1,"result":2}"#,
                Read::Reply(Ok("2".into())),
            ),
        ] {
            assert_eq!(read(line), expected, "{line}");
        }
    }

    #[test]
    fn a_message_in_utf_16_is_a_fault_in_both_byte_orders() {
        let line = r#"{"jsonrpc":"2.0","id":3,"result":1}"#;
        let fault = Read::Fault("it writes UTF-16 where UTF-8 belongs".into());
        for order in [u16::to_le_bytes, u16::to_be_bytes] {
            let bytes: Vec<u8> = line.encode_utf16().flat_map(order).collect();
            assert_eq!(classify(&bytes, Some(3)), fault);
        }
    }

    #[test]
    fn what_was_never_meant_as_a_message_is_noise() {
        for line in [
            "hello",
            "\u{1b}[36mINFO\u{1b}[0m",
            "3",
            "null",
            "[1]",
            "{\"level\":\"info\"}",
            "\u{0}\u{0}",
        ] {
            assert_eq!(read(line), Read::Noise, "{line}");
        }
    }

    #[test]
    fn blank_lines_and_unknown_notifications_are_nothing() {
        for line in ["", "  \r", r#"{"jsonrpc":"2.0","method":"weather"}"#] {
            assert_eq!(read(line), Read::Nothing, "{line}");
        }
    }

    #[test]
    fn a_reply_is_noise_to_an_earlier_request_and_between_two() {
        assert_eq!(read(r#"{"jsonrpc":"2.0","id":2,"result":{}}"#), Read::Noise);
        for id in ["0", "7", "null", "\"2\""] {
            let line = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#);
            assert_eq!(classify(line.as_bytes(), None), Read::Noise, "{line}");
        }
    }

    #[test]
    fn a_request_from_the_driver_is_noise() {
        assert_eq!(read(r#"{"jsonrpc":"2.0","id":9,"method":"ask","params":{}}"#), Read::Noise);
    }

    #[test]
    fn what_can_never_become_the_reply_is_a_fault() {
        for line in [
            r#"{"jsonrpc":"2.0","id":4,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":"3","result":{}}"#,
            r#"{"jsonrpc":"2.0","id":3.0,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"what?"}}"#,
            r#"{"jsonrpc":"2.0","result":{}}"#,
            r#"{"jsonrpc":"2.0","id":3,"result":{},"error":{"code":1,"message":"x"}}"#,
            r#"{"jsonrpc":"2.0","id":3}"#,
            r#"{"id":3,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":3,"error":{"code":"x","message":"x"}}"#,
            r#"{"jsonrpc":"2.0","id":3,"error":{"code":1}}"#,
            r#"[{"jsonrpc":"2.0","id":3,"result":{}}]"#,
            r#"loading...{"jsonrpc":"2.0","id":3,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":3,"result":NaN}"#,
        ] {
            assert!(matches!(read(line), Read::Fault(_)), "{line} is {:?}", read(line));
        }
    }

    #[test]
    fn what_no_type_could_read_is_a_fault_wherever_it_stands() {
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200));
        for result in [deep.as_str(), r#"{"a":"\ud800"}"#, r#"{"a":"\x"}"#, r#"{"a":01}"#] {
            let line = format!(r#"{{"jsonrpc":"2.0","id":3,"result":{result}}}"#);
            assert!(matches!(read(&line), Read::Fault(_)), "{line} is {:?}", read(&line));
        }
    }

    #[test]
    fn invalid_utf8_in_a_message_is_a_fault_and_elsewhere_noise() {
        let message = b"{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":\"\xff\"}";
        assert!(matches!(classify(message, Some(3)), Read::Fault(_)));
        assert_eq!(classify(b"\xff\xfe", Some(3)), Read::Noise);
    }

    #[test]
    fn progress_is_taken_out() {
        let line =
            r#"{"jsonrpc":"2.0","method":"progress","params":{"step":"a","message":"b","x":1}}"#;
        assert_eq!(read(line), Read::Progress(Progress::new("a", "b")));
    }
}
