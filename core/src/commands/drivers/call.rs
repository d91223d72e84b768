//! `caproni drivers call`

use std::io::Read;
use std::time::Duration;

use caproni_driver::{ErrorData, ErrorKind};
use clap::Args;
use clap_complete::engine::ArgValueCompleter;
use jsonrpsee::types::ErrorObjectOwned;
use serde_json::value::RawValue;

use crate::commands::App;
use crate::completion;
use crate::error::Error;
use crate::exit;
use crate::interrupt::Interrupt;
use crate::session::{Answer, Session};
use crate::ui::Lines;

/// How long a request may take when the user says nothing: any of them, also `start`.
const LIMIT: Duration = Duration::from_secs(600);

/// Send one request to a driver, as it is, and print the answer as it comes
///
/// For authors of drivers: nothing is checked, filled in or added. An error that the
/// driver answers is printed on stderr, and its kind gives the exit code. With `-v` every
/// line is shown, both ways, but for its secrets.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  caproni drivers call mock version
  caproni drivers call mock status '{\"profile\": \"demo\"}'")]
pub(crate) struct Call {
    /// The driver: its name, or the path of its executable
    #[arg(value_name = "NAME|PATH", add = ArgValueCompleter::new(completion::drivers))]
    driver: String,
    /// The method, known or not, such as `status` or `mine/compact`
    method: String,
    /// The params, or `-` to read them from stdin; none are sent without
    #[arg(value_name = "JSON")]
    params: Option<String>,
}

impl Call {
    pub(crate) async fn run(self, app: &App) -> Result<u8, Error> {
        let driver = app.search.find(&self.driver)?;
        let params = match self.params.as_deref() {
            Some("-") => Some(params(&stdin(&app.interrupt).await?)?),
            given => given.map(params).transpose()?,
        };
        let lines = if app.global.verbose() { Lines::Whole } else { Lines::Never };
        let listener = app.listening(app.ui.listener_with(lines));
        let session = Session::open(&driver, app.global.timeout, &app.interrupt, listener).await?;
        let limit = app.global.timeout.unwrap_or(LIMIT);
        let answer = session.request(&self.method, params, limit, &app.interrupt).await;
        let answer = answer.map(|answer| match answer {
            Answer::Result(result) => Ok(result),
            Answer::Error(error) => Err((failure(&session, &self.method, &error), error)),
        });
        session.close().await;
        match answer? {
            Ok(result) => app.ui.result(&format!("{result:#}"), &result).map(|()| exit::OK),
            Err((error, answered)) => {
                let answered = serde_json::to_value(answered).unwrap_or_default();
                app.ui.answered_error(&error, &answered);
                Ok(exit::code(&error))
            }
        }
    }
}

/// Checks that it is JSON, since nothing else can be a part of a message, and puts it on
/// one line. Numbers, repeated keys and the order of keys stay as they are.
fn params(text: &str) -> Result<Box<RawValue>, Error> {
    let not_json =
        |error| Error::usage(format!("the params are not JSON: {error}")).with_hint(QUOTE);
    let given: &RawValue = serde_json::from_str(text).map_err(not_json)?;
    RawValue::from_string(without_white_space(given.get())).map_err(not_json)
}

const QUOTE: &str = "quote them for the shell, such as '{\"profile\":\"demo\"}'";

/// Takes out all white space that is not within a string.
fn without_white_space(json: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    let kept = json.chars().filter(|&c| {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            _ => {}
        }
        in_string || !c.is_ascii_whitespace()
    });
    kept.collect()
}

async fn stdin(interrupt: &Interrupt) -> Result<String, Error> {
    let (sender, text) = tokio::sync::oneshot::channel();
    // A thread of its own: one of tokio's, still reading, would keep the program alive.
    let reader = std::thread::Builder::new().spawn(move || {
        let mut text = String::new();
        let read = std::io::stdin().read_to_string(&mut text).map(|_| text);
        let _ = sender.send(read);
    });
    reader.map_err(|error| Error::system("stdin cannot be read", &error))?;
    tokio::select! {
        biased;
        () = interrupt.first() => Err(caproni_driver::Error::cancelled().into()),
        text = text => match text {
            Ok(Ok(text)) => Ok(text),
            Ok(Err(error)) => Err(Error::usage(format!("stdin cannot be read: {error}"))),
            Err(error) => Err(Error::internal("stdin cannot be read", error)),
        },
    }
}

/// What an answered error is by its kind. One of JSON-RPC's own kinds is no fault of the
/// driver's here: the request may well have been one that cannot be understood.
fn failure(session: &Session, method: &str, error: &ErrorObjectOwned) -> Error {
    let data = error.data().and_then(|data| serde_json::from_str::<ErrorData>(data.get()).ok());
    match (data, error.code()) {
        (None, -32601) => Error::driver(ErrorKind::Unsupported, error.message()),
        (None, -32602 | -32600 | -32700) => Error::usage(error.message()),
        _ => session.error(method, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn params_go_on_one_line_and_stay_what_they_are() {
        let given =
            "{\n  \"b\": 1.0, \"a\" : [ 1e400, 12345678901234567890123 ],\t\"b\": \" \\\" x \"}\n";
        let sent = r#"{"b":1.0,"a":[1e400,12345678901234567890123],"b":" \" x "}"#;
        assert_eq!(params(given).unwrap().get(), sent);
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in ["", "{", "{} {}", "profile", "{'a': 1}"] {
            assert!(params(text).is_err(), "{text}");
        }
    }
}
