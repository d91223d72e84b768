//! As much of HTTP/1.1 as engine and API need here: requests without a body, connections that
//! stay.

use std::io::{BufRead, BufReader, Read, Write};

use serde_json::Value;

/// What was asked.
pub(super) struct Asked {
    pub(super) path: String,
    query: String,
}

/// What is answered.
pub(super) struct Response {
    status: &'static str,
    headers: String,
    body: Vec<u8>,
}

impl Asked {
    /// A parameter of the query, decoded.
    pub(super) fn query(&self, name: &str) -> Option<String> {
        let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| decoded(value)).next()
    }

    /// The first label that the engine is asked to filter by.
    pub(super) fn label(&self) -> Option<String> {
        let filters: Value = serde_json::from_str(&self.query("filters")?).ok()?;
        let label = match &filters["label"] {
            // As docker's own program asks.
            Value::Object(labels) => labels.keys().next().map(String::as_str),
            labels => labels[0].as_str(),
        };
        label.map(str::to_owned)
    }
}

impl Response {
    pub(super) fn new(content: &str, body: Vec<u8>) -> Self {
        Self { status: "200 OK", headers: format!("Content-Type: {content}\r\n"), body }
    }

    pub(super) fn text(text: &str) -> Self {
        Self::new("text/plain", text.into())
    }

    pub(super) fn json(value: &Value) -> Self {
        Self::of_json(value.to_string())
    }

    pub(super) fn of_json(text: String) -> Self {
        Self::new("application/json", text.into())
    }

    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers += &format!("{name}: {value}\r\n");
        self
    }

    pub(super) fn failed(self, status: &'static str) -> Self {
        Self { status, ..self }
    }
}

/// Answers what comes on a connection until it ends.
pub(super) fn serve(stream: impl Read + Write, answer: impl Fn(&Asked) -> Response) {
    let mut stream = BufReader::new(stream);
    while let Some((method, asked)) = next(&mut stream) {
        let Response { status, headers, body } = answer(&asked);
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n");
        let body = if method == "HEAD" { Vec::new() } else { body };
        let all = [head.into_bytes(), body].concat();
        let stream = stream.get_mut();
        if stream.write_all(&all).and_then(|()| stream.flush()).is_err() {
            break;
        }
    }
}

fn next(stream: &mut impl BufRead) -> Option<(String, Asked)> {
    let first = line(stream)?;
    while !line(stream)?.is_empty() {}
    let mut words = first.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Some((method, Asked { path: path.to_owned(), query: query.to_owned() }))
}

fn line(stream: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    let read = stream.read_line(&mut line).ok()?;
    (read > 0).then(|| line.trim_end().to_owned())
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let hex = (byte == b'%').then(|| [rest.next(), rest.next()].map(Option::unwrap_or_default));
        let value =
            hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(&hex).ok()?, 16).ok());
        bytes.push(value.unwrap_or(if byte == b'+' { b' ' } else { byte }));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
