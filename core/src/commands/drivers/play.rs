//! `caproni drivers replay --as-driver`: the driver of a recording, for tests of hosts.

use std::io::BufRead;

use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::commands::App;
use crate::error::Error;
use crate::exit;
use crate::recording::{Exchange, Line, Recording, Session, Side, reply, request};
use crate::ui::Ui;

/// Answers each request as the next recorded one of its method was answered, from the
/// beginning again after the last one, until stdin ends or the driver did.
pub(super) async fn play(app: &App, recording: &Recording) -> Result<u8, Error> {
    // Its stderr is the recorded driver's log.
    app.ui.be_silent();
    let exchanges: Vec<(&Session, &Exchange)> = recording.exchanges().collect();
    let mut player = Player { ui: &app.ui, host: host_lines()?, waiting: None };
    let first = recording.sessions.first();
    for line in first.map(|session| session.before.as_slice()).unwrap_or_default() {
        player.say(line, None);
    }
    let played = async {
        let (mut next, mut code) = (0, first.and_then(exit_code));
        while let Some(request) = player.request().await {
            let method = request["method"].as_str().unwrap_or_default();
            let fits = |index: &usize| exchanges[*index].1.method() == method;
            let index = (next..exchanges.len()).find(fits).or((0..next).find(fits));
            let Some(index) = index else {
                player.refuse(&request);
                continue;
            };
            let (session, exchange) = exchanges[index];
            (next, code) = (index + 1, exit_code(session));
            player.answer(exchange, &request["id"]).await;
            // It died of that request. One that was killed instead had nothing to say.
            if exchange.reply().is_none() && exit_code(session).is_some() {
                break;
            }
        }
        code.unwrap_or(exit::OK)
    };
    tokio::select! {
        biased;
        () = app.interrupt.first() => Ok(exit::CANCELLED),
        code = played => Ok(code),
    }
}

/// The exit code with which the recorded driver ended by itself.
fn exit_code(session: &Session) -> Option<u8> {
    session.ended.as_deref()?.strip_prefix("exited with ")?.parse().ok()
}

struct Player<'a> {
    ui: &'a Ui,
    host: UnboundedReceiver<String>,
    /// A line that was read where a notification was recorded.
    waiting: Option<String>,
}

impl Player<'_> {
    async fn line(&mut self) -> Option<String> {
        match self.waiting.take() {
            Some(line) => Some(line),
            None => self.host.recv().await,
        }
    }

    /// The next request; notifications have no answer.
    async fn request(&mut self) -> Option<Value> {
        loop {
            if let Some(request) = request(&self.line().await?) {
                return Some(request);
            }
        }
    }

    /// Says what the recorded driver said, and waits where it was told something more.
    async fn answer(&mut self, exchange: &Exchange, id: &Value) {
        for line in &exchange.then {
            if line.from == Side::Host {
                // It may well do without, as after a result that came first.
                self.waiting = self.line().await.filter(|line| request(line).is_some());
            } else {
                self.say(line, Some((&exchange.message["id"], id)));
            }
        }
    }

    /// Says a line. A reply with the recorded request's id gets that of the one it answers now.
    fn say(&self, line: &Line, ids: Option<(&Value, &Value)>) {
        match (line.from, reply(&line.line), ids) {
            (Side::Driver, Some(mut reply), Some((old, new)))
                if old != new && reply.get("id") == Some(old) =>
            {
                reply["id"] = new.clone();
                self.ui.wire(reply.to_string().as_bytes());
            }
            (Side::Driver, ..) => self.ui.wire(&bytes(line)),
            (Side::Stderr, ..) => self.ui.log(&bytes(line)),
            (Side::Host | Side::Event, ..) => {}
        }
    }

    fn refuse(&self, request: &Value) {
        let message =
            format!("the recording has no `{}`", request["method"].as_str().unwrap_or("?"));
        let error = json!({"code": -32601, "message": message});
        let reply = json!({"jsonrpc": "2.0", "id": request["id"], "error": error});
        self.ui.wire(reply.to_string().as_bytes());
    }
}

/// A line as it was.
fn bytes(line: &Line) -> Vec<u8> {
    let hex = line.hex.as_deref().unwrap_or_default();
    let pairs = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    let exact: Option<Vec<u8>> = pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect();
    exact.filter(|bytes| !bytes.is_empty()).unwrap_or_else(|| line.line.clone().into_bytes())
}

/// The lines on stdin. A thread of its own reads them: one of tokio's, still reading, would
/// keep the program alive after SIGTERM.
fn host_lines() -> Result<UnboundedReceiver<String>, Error> {
    let (sender, lines) = unbounded_channel();
    let reader = std::thread::Builder::new().spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    reader.map_err(|error| Error::system("stdin cannot be read", &error))?;
    Ok(lines)
}
