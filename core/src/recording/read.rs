//! A recording as the requests in it, each with what came of it.

use std::path::Path;

use serde_json::Value;

use super::{Line, Side};
use crate::error::Error;

/// A recording that was read.
#[derive(Debug, Default)]
pub struct Recording {
    /// Each run of a driver, in the order of their beginnings.
    pub sessions: Vec<Session>,
}

/// One run of a driver.
#[derive(Debug, Default)]
pub struct Session {
    /// Its number in the recording.
    pub number: u64,
    /// What came before the first request.
    pub before: Vec<Line>,
    /// The requests.
    pub exchanges: Vec<Exchange>,
    /// How the driver's process ended, such as `exited with 0`; `None` when nobody saw it.
    pub ended: Option<String>,
}

/// A request, and all lines up to the next one.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The request's line.
    pub request: String,
    /// The request as JSON.
    pub message: Value,
    /// What came after it, the reply among it.
    pub then: Vec<Line>,
}

impl Recording {
    /// Reads a recording.
    ///
    /// # Errors
    /// There is no such file, or a line of it is not one of a recording.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|error| Error::usage(format!("`{shown}` cannot be read: {error}")))?;
        let mut recording = Self::default();
        for (index, text) in text.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
            let line = serde_json::from_str(text).map_err(|error| {
                let place = index + 1;
                Error::usage(format!("`{shown}` is no recording: line {place}: {error}"))
                    .with_hint("make one with `caproni drivers record FILE -- COMMAND`")
            })?;
            recording.session(&line).add(line);
        }
        Ok(recording)
    }

    fn session(&mut self, line: &Line) -> &mut Session {
        let known = self.sessions.iter().position(|session| session.number == line.session);
        let index = known.unwrap_or_else(|| {
            self.sessions.push(Session { number: line.session, ..Session::default() });
            self.sessions.len() - 1
        });
        &mut self.sessions[index]
    }

    /// The requests of all sessions.
    pub fn exchanges<'a>(&'a self) -> impl Iterator<Item = (&'a Session, &'a Exchange)> {
        let of = |session: &'a Session| session.exchanges.iter().map(move |one| (session, one));
        self.sessions.iter().flat_map(of)
    }

    /// The driver's name, as it said it.
    pub fn driver(&self) -> Option<String> {
        let replies = self.exchanges().filter_map(|(_, exchange)| exchange.reply());
        let mut names = replies.filter_map(|reply| {
            let result = reply.get("result")?;
            result.get("configSchema")?;
            Some(result.get("name")?.as_str()?.to_owned())
        });
        names.next()
    }
}

impl Session {
    fn add(&mut self, line: Line) {
        match line.from {
            Side::Event => {
                // The first one says what runs.
                let is_end = !line.line.starts_with("caproni ");
                self.ended = is_end.then_some(line.line).or(self.ended.take());
            }
            Side::Host => match request(&line.line) {
                Some(message) => {
                    let (request, then) = (line.line, Vec::new());
                    self.exchanges.push(Exchange { request, message, then });
                }
                None => self.append(line),
            },
            Side::Driver | Side::Stderr => self.append(line),
        }
    }

    fn append(&mut self, line: Line) {
        match self.exchanges.last_mut() {
            Some(exchange) => exchange.then.push(line),
            None => self.before.push(line),
        }
    }
}

impl Exchange {
    /// The method that is asked for.
    pub fn method(&self) -> &str {
        self.message.get("method").and_then(Value::as_str).unwrap_or_default()
    }

    /// The answer that was recorded, if one came.
    pub fn reply(&self) -> Option<Value> {
        let from_driver = self.then.iter().filter(|line| line.from == Side::Driver);
        from_driver.filter_map(|line| reply(&line.line)).next()
    }
}

/// The request that a line of the host is; `None` for a notification.
pub fn request(line: &str) -> Option<Value> {
    let message: Value = serde_json::from_str(line).ok()?;
    (message.get("id").is_some() && message.get("method").is_some()).then_some(message)
}

/// The reply that a line of a driver is. Only one request is answered at a time (rule LIFE-3),
/// so whatever looks like a reply is the one to that.
pub fn reply(line: &str) -> Option<Value> {
    let message: Value = serde_json::from_str(line.trim_start_matches('\u{feff}')).ok()?;
    let answers = message.get("result").is_some() || message.get("error").is_some();
    (answers && message.get("method").is_none()).then_some(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_put_in_order_by_session_and_request() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("recording");
        let lines = [
            r#"{"t":0,"session":1,"from":"event","line":"caproni 1, linux, x86_64: runs /a"}"#,
            r#"{"t":1,"session":1,"from":"driver","line":"banner"}"#,
            r#"{"t":1,"session":2,"from":"host","line":"{\"id\":0,\"method\":\"initialize\"}"}"#,
            r#"{"t":2,"session":1,"from":"host","line":"{\"id\":0,\"method\":\"initialize\"}"}"#,
            r#"{"t":2,"session":1,"from":"host","line":"{\"method\":\"cancel\"}"}"#,
            r#"{"t":3,"session":1,"from":"stderr","line":"log"}"#,
            r#"{"t":3,"session":1,"from":"driver","line":"{\"id\":0,\"result\":{\"name\":\"n\",\"configSchema\":{}}}"}"#,
            r#"{"t":4,"session":1,"from":"event","line":"exited with 3"}"#,
        ];
        std::fs::write(&file, lines.join("\n")).unwrap();
        let recording = Recording::read(&file).unwrap();
        let [first, second] = &recording.sessions[..] else { panic!("{recording:?}") };
        assert_eq!((first.before.len(), first.ended.as_deref()), (1, Some("exited with 3")));
        assert_eq!(first.exchanges[0].then.len(), 3);
        assert_eq!(first.exchanges[0].method(), "initialize");
        assert!(second.exchanges[0].reply().is_none() && second.ended.is_none());
        assert_eq!(recording.driver().as_deref(), Some("n"));
    }

    #[test]
    fn what_is_no_recording_is_told_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("recording");
        std::fs::write(&file, "\n{}\n").unwrap();
        let error = Recording::read(&file).unwrap_err();
        assert!(error.message.contains("line 2"), "{error}");
    }
}
