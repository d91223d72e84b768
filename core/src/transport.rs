//! Lines to and from a driver, made safe for jsonrpsee's client.
//!
//! The client ends for good at any line that is not what it expects: a stray print,
//! a blank line, an unknown id, a batch, `result` beside `error`. So the receiver
//! lets only the reply to the pending request through, takes progress out (a slow
//! subscriber of the client loses everything after the 1024th message), and calls
//! a fault what can never become the awaited reply, instead of letting the user wait.

#[cfg(any(test, fuzzing))]
pub mod fuzz;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use caproni_driver::{MAX_LINE, Progress};
use jsonrpsee::core::client::{ReceivedMessage, TransportReceiverT, TransportSenderT};
use serde_json::{Map, Value};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt};

/// What happens between host and driver besides requests and replies.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// How far the request is.
    Progress(Progress),
    /// A line on its stderr.
    Log(String),
    /// A line on its stdout that is no message of the protocol.
    Noise(String),
    /// A line that the host wrote, as it is but for its end.
    Sent(Vec<u8>),
    /// A line on its stdout, whatever it is, as it is but for its end.
    Received(Vec<u8>),
    /// Its process runs: the file.
    Started(PathBuf),
    /// Its process is gone: how that was.
    Ended(String),
}

/// Who is told of events. Called from a task of the transport: it must not wait.
pub type Listener = Arc<dyn Fn(Event) + Send + Sync>;

/// What both directions of one connection know.
#[derive(Debug, Default)]
struct Exchange {
    /// The id of the request that waits for its reply.
    pending: Option<Value>,
    /// The ids of the requests that were answered.
    answered: Vec<Value>,
    /// The first thing that the protocol does not allow and that ends the connection.
    fault: Option<String>,
    /// How far the last line to the driver has come.
    outgoing: Outgoing,
    /// The last request that was sent.
    request: Option<InFlight>,
}

/// A request on its way: which it is, and since when. Its config is nobody else's business.
#[derive(Debug, Clone)]
pub struct InFlight {
    /// Its method.
    pub method: String,
    /// The cluster that it is about, if it is about one.
    pub profile: Option<String>,
    /// When it was sent.
    pub since: Instant,
}

impl InFlight {
    fn of(message: &Value) -> Option<Self> {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let profile = message.get("params").and_then(|params| params.get("profile"));
        let (method, profile) = (text(message.get("method"))?, text(profile));
        Some(Self { method, profile, since: Instant::now() })
    }
}

/// How far a line to the driver has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Outgoing {
    /// The driver has it, or can read it when it wants to.
    #[default]
    Written,
    /// It is longer than what the pipe holds, and the driver does not read on.
    Underway,
    /// The driver has closed its stdin.
    Refused,
}

/// The shared view of one connection.
#[derive(Debug, Clone, Default)]
pub struct Connection(Arc<Mutex<Exchange>>);

impl Connection {
    /// What the driver did that the protocol does not allow, if that ended the connection.
    pub fn fault(&self) -> Option<String> {
        self.lock().fault.clone()
    }

    /// How far the last line to the driver has come.
    pub fn outgoing(&self) -> Outgoing {
        self.lock().outgoing
    }

    /// The last request that was sent.
    pub fn in_flight(&self) -> Option<InFlight> {
        self.lock().request.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Exchange> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end of a connection, as the client is told of it.
#[derive(Debug, thiserror::Error)]
#[error("the connection to the driver ended")]
pub struct Ended;

/// Writes requests as lines.
pub struct Sender<W> {
    output: Option<W>,
    connection: Connection,
    listener: Listener,
}

/// Reads lines, and passes on the replies.
pub struct Receiver<R> {
    input: R,
    connection: Connection,
    listener: Listener,
}

/// Makes a transport of a driver's two pipes.
pub fn connect<W, R>(
    output: W,
    input: R,
    listener: Listener,
) -> (Sender<W>, Receiver<R>, Connection) {
    let connection = Connection::default();
    let sender = Sender {
        output: Some(output),
        connection: connection.clone(),
        listener: Arc::clone(&listener),
    };
    (sender, Receiver { input, connection: connection.clone(), listener }, connection)
}

impl<W: AsyncWrite + Unpin + Send + 'static> TransportSenderT for Sender<W> {
    type Error = Ended;

    async fn send(&mut self, mut message: String) -> Result<(), Ended> {
        let parsed: Option<Value> = serde_json::from_str(&message).ok();
        if let Some((message, id)) = parsed.as_ref().and_then(|it| Some((it, it.get("id")?))) {
            let mut exchange = self.connection.lock();
            exchange.pending = Some(id.clone());
            exchange.request = InFlight::of(message);
        }
        (self.listener)(Event::Sent(message.clone().into_bytes()));
        message.push('\n');
        let output = self.output.as_mut().ok_or(Ended)?;
        self.connection.lock().outgoing = Outgoing::Underway;
        let written = write_all(output, message.as_bytes()).await;
        let outgoing = if written.is_ok() { Outgoing::Written } else { Outgoing::Refused };
        self.connection.lock().outgoing = outgoing;
        // A driver that is gone is told of by the receiver, with the reason.
        written.map_err(|_| Ended)
    }

    /// Closing the driver's stdin is what tells it to end.
    async fn close(&mut self) -> Result<(), Ended> {
        self.output = None;
        Ok(())
    }
}

async fn write_all(output: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> std::io::Result<()> {
    output.write_all(bytes).await?;
    output.flush().await
}

impl<R: AsyncBufRead + Unpin + Send + 'static> TransportReceiverT for Receiver<R> {
    type Error = Ended;

    async fn receive(&mut self) -> Result<ReceivedMessage, Ended> {
        loop {
            let line = match next_line(&mut self.input).await {
                Ok(Some(line)) => line,
                Ok(None) | Err(_) => return Err(Ended),
            };
            let read = classify(&line, &self.connection.lock());
            // The line is given away and not copied: it may be as long as a line can be.
            match read {
                Read::Reply(message) => {
                    self.tell([Event::Received(line)]);
                    let mut exchange = self.connection.lock();
                    let answered = exchange.pending.take();
                    exchange.answered.extend(answered);
                    let reply = for_client(message);
                    return Ok(ReceivedMessage::Bytes(reply));
                }
                Read::Progress(progress) => {
                    self.tell([Event::Received(line), Event::Progress(progress)]);
                }
                Read::Noise => {
                    let noise = excerpt(&line);
                    self.tell([Event::Received(line), Event::Noise(noise)]);
                }
                Read::Nothing => self.tell([Event::Received(line)]),
                Read::Fault(what) => {
                    self.tell([Event::Received(line)]);
                    self.connection.lock().fault = Some(what);
                    return Err(Ended);
                }
            }
        }
    }
}

impl<R> Receiver<R> {
    fn tell<const N: usize>(&self, events: [Event; N]) {
        events.into_iter().for_each(|event| (self.listener)(event));
    }
}

/// What a line turned out to be.
#[derive(Debug, PartialEq)]
enum Read {
    /// The message, which is about the pending request.
    Reply(Map<String, Value>),
    Progress(Progress),
    /// No message of the protocol: ignored, and shown with `-v`.
    Noise,
    /// To be ignored without a word: a blank line, a notification of a later version.
    Nothing,
    /// The awaited reply can no longer come.
    Fault(String),
}

fn classify(line: &[u8], exchange: &Exchange) -> Read {
    if line.len() > MAX_LINE {
        return Read::Fault(format!("it sent a line of more than {MAX_LINE} bytes"));
    }
    let text = bare(line);
    if text.is_empty() {
        return Read::Nothing;
    }
    match serde_json::from_slice(text) {
        Ok(Value::Object(mut message)) => {
            message.retain(|name, value| says_something(name, value));
            classify_message(message, exchange)
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

/// A reply as jsonrpsee's client takes it, which ends for good at `"error": null` beside a
/// result, at a member that is given twice, and at one more member of an error.
fn for_client(mut message: Map<String, Value>) -> Vec<u8> {
    if let Some(Value::Object(error)) = message.get_mut("error") {
        error.retain(|name, _| matches!(name.as_str(), "code" | "message" | "data"));
    }
    Value::Object(message).to_string().into()
}

/// The two that may be `null` are the id of a line that was not understood, and a result,
/// of which it is told better what it should have been.
fn says_something(name: &str, value: &Value) -> bool {
    !value.is_null() || matches!(name, "id" | "result")
}

fn classify_message(message: Map<String, Value>, exchange: &Exchange) -> Read {
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
        return classify_notification(&message);
    }
    let Some(id) = message.get("id") else {
        return Read::Fault("it sent a reply without an `id`".into());
    };
    if exchange.pending.as_ref() != Some(id) {
        return other_id(id, &message, exchange);
    }
    match (message.get("result"), message.get("error")) {
        (Some(_), None) => Read::Reply(message),
        (None, Some(error)) => match check_error(error) {
            Ok(()) => Read::Reply(message),
            Err(what) => Read::Fault(what),
        },
        (Some(_), Some(_)) => Read::Fault("it sent a reply with `result` and `error`".into()),
        (None, None) => Read::Fault("it sent a reply without `result` or `error`".into()),
    }
}

fn other_id(id: &Value, message: &Map<String, Value>, exchange: &Exchange) -> Read {
    if exchange.answered.contains(id) {
        return Read::Noise;
    }
    let said = message.get("error").and_then(|error| error.get("message")).and_then(Value::as_str);
    match (&exchange.pending, said) {
        (None, _) => Read::Noise,
        (Some(_), Some(said)) if id.is_null() => {
            Read::Fault(format!("it did not understand the request: {said}"))
        }
        (Some(pending), _) => {
            Read::Fault(format!("it answered with id {id} where {pending} was asked"))
        }
    }
}

fn classify_notification(message: &Map<String, Value>) -> Read {
    if message.contains_key("id") {
        // A request: there are none from driver to host, so it is not answered either.
        return Read::Noise;
    }
    if message.get("method").and_then(Value::as_str) != Some("progress") {
        return Read::Nothing;
    }
    let params = message.get("params").cloned().unwrap_or_default();
    serde_json::from_value(params).map_or(Read::Noise, Read::Progress)
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

/// Reads to the next LF. What goes beyond the limit is read and thrown away, so that
/// memory stays bounded; the line then comes out one byte too long.
pub(crate) async fn next_line(
    input: &mut (impl AsyncBufRead + Unpin),
) -> std::io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    loop {
        let chunk = input.fill_buf().await?;
        if chunk.is_empty() {
            return Ok((!line.is_empty()).then_some(line));
        }
        let end = chunk.iter().position(|&byte| byte == b'\n');
        let part = &chunk[..end.unwrap_or(chunk.len())];
        let room = (MAX_LINE + 1).saturating_sub(line.len());
        line.extend_from_slice(&part[..part.len().min(room)]);
        let used = end.map_or(chunk.len(), |end| end + 1);
        input.consume(used);
        // An endless line is a fault as soon as it is too long.
        if end.is_some() || line.len() > MAX_LINE {
            return Ok(Some(line));
        }
    }
}

fn excerpt(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(&line[..line.len().min(200)]);
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::time::Duration;

    fn exchange() -> Exchange {
        Exchange { pending: Some(json!(3)), answered: vec![json!(2)], ..Exchange::default() }
    }

    fn read(line: &str) -> Read {
        classify(line.as_bytes(), &exchange())
    }

    /// The reply as the client gets it.
    fn reply(line: &str) -> Vec<u8> {
        match read(line) {
            Read::Reply(message) => for_client(message),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn the_reply_to_the_pending_request_passes() {
        for line in [
            r#"{"jsonrpc":"2.0","id":3,"result":null}"#,
            r#"{"jsonrpc":"2.0","id":3,"error":{"code":1009,"message":"down"}}"#,
        ] {
            assert_eq!(reply(line), line.as_bytes());
        }
    }

    #[test]
    fn a_bom_and_a_carriage_return_do_no_harm() {
        let line = r#"{"jsonrpc":"2.0","id":3,"result":1}"#;
        assert_eq!(reply(&format!("\u{feff}{line}\r")), line.as_bytes());
    }

    #[test]
    fn an_error_that_is_null_is_none() {
        let line = r#"{"jsonrpc":"2.0","id":3,"result":1,"error":null}"#;
        assert_eq!(reply(line), br#"{"jsonrpc":"2.0","id":3,"result":1}"#);
    }

    #[test]
    fn a_reply_with_more_than_the_client_takes_is_one_all_the_same() {
        for line in [
            r#"{"jsonrpc":"2.0","id":3,"error":{"code":1,"message":"x","more":1},"more":1}"#,
            r#"{"jsonrpc":"2.0","id":3,"error":{"code":1,"code":2,"message":"x","data":null}}"#,
            r#"{"jsonrpc":"2.0","id":3,"id":3,"result":1,"result":2}"#,
        ] {
            let reply = reply(line);
            let taken = serde_json::from_slice::<jsonrpsee::types::Response<'_, Value>>(&reply);
            assert!(taken.is_ok(), "{line}: {taken:?}");
        }
    }

    #[test]
    fn a_message_in_utf_16_is_a_fault_in_both_byte_orders() {
        let line = r#"{"jsonrpc":"2.0","id":3,"result":1}"#;
        let fault = Read::Fault("it writes UTF-16 where UTF-8 belongs".into());
        for order in [u16::to_le_bytes, u16::to_be_bytes] {
            let bytes: Vec<u8> = line.encode_utf16().flat_map(order).collect();
            assert_eq!(classify(&bytes, &exchange()), fault);
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
    fn a_second_reply_to_an_answered_request_is_noise() {
        assert_eq!(read(r#"{"jsonrpc":"2.0","id":2,"result":{}}"#), Read::Noise);
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
    fn invalid_utf8_in_a_message_is_a_fault_and_elsewhere_noise() {
        let message = b"{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":\"\xff\"}";
        assert!(matches!(classify(message, &exchange()), Read::Fault(_)));
        assert_eq!(classify(b"\xff\xfe", &exchange()), Read::Noise);
    }

    #[test]
    fn progress_is_taken_out() {
        let line =
            r#"{"jsonrpc":"2.0","method":"progress","params":{"step":"a","message":"b","x":1}}"#;
        assert_eq!(read(line), Read::Progress(Progress::new("a", "b")));
    }

    #[tokio::test]
    async fn a_driver_that_reads_no_further_is_told_from_one_that_closed_its_stdin() {
        let (host, driver) = tokio::io::duplex(16);
        let (mut sender, _receiver, connection) = connect(host, &b""[..], Arc::new(|_| ()));
        let message = "{\"id\": 1, \"method\": \"status\"}".to_owned();
        let mut writing = std::pin::pin!(sender.send(message));
        assert!(tokio::time::timeout(Duration::ZERO, &mut writing).await.is_err());
        assert_eq!(connection.outgoing(), Outgoing::Underway);
        drop(driver);
        assert!(writing.await.is_err());
        assert_eq!(connection.outgoing(), Outgoing::Refused);
    }

    #[tokio::test]
    async fn an_endless_line_is_a_fault_in_bounded_memory() {
        let mut input = tokio::io::BufReader::new(tokio::io::repeat(b'x'));
        let line = next_line(&mut input).await.unwrap().unwrap();
        assert_eq!(line.len(), MAX_LINE + 1);
        assert!(matches!(classify(&line, &exchange()), Read::Fault(_)));
    }

    #[tokio::test]
    async fn lines_are_the_same_in_whatever_pieces_they_come() {
        let text = b"one\r\n\n{\"jsonrpc\"\xff}\n\xc3\xa4\ntwo";
        let whole: Vec<_> = text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        for size in 1..=text.len() {
            let mut input = tokio::io::BufReader::with_capacity(size, &text[..]);
            let mut lines = Vec::new();
            while let Some(line) = next_line(&mut input).await.unwrap() {
                lines.push(line);
            }
            assert_eq!(lines, whole, "in pieces of {size}");
        }
    }

    #[tokio::test]
    async fn a_last_line_without_an_end_is_still_read() {
        let mut input = &b"one\ntwo"[..];
        assert_eq!(next_line(&mut input).await.unwrap().as_deref(), Some(&b"one"[..]));
        assert_eq!(next_line(&mut input).await.unwrap().as_deref(), Some(&b"two"[..]));
        assert_eq!(next_line(&mut input).await.unwrap(), None);
    }
}
