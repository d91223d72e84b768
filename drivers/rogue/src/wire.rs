//! Lines from and to the host, and its wish that a request ends.

use std::io::{BufRead, Read, Write};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::request::Message;

/// The longest line either end sends or accepts, in bytes.
pub(crate) const MAX_LINE: usize = 4 * 1024 * 1024;

/// How stdin is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reads {
    /// By a thread of its own, which hears `cancel` and the end of stdin while a request is
    /// being answered: the feature `cancel`.
    Ahead,
    /// A line at a time, between two requests. What else reads stdin then gets the rest.
    OnDemand,
}

/// The lines of the host.
pub(crate) enum Inbox {
    Ahead(Receiver<Vec<u8>>),
    OnDemand,
}

impl Inbox {
    pub(crate) fn open(reads: Reads, pending: &Pending) -> Self {
        if reads == Reads::OnDemand {
            return Self::OnDemand;
        }
        let (sender, lines) = channel();
        let pending = pending.clone();
        std::thread::spawn(move || {
            while let Some(line) = next_line() {
                pending.heard(&line);
                if sender.send(line).is_err() {
                    break;
                }
            }
            pending.end();
        });
        Self::Ahead(lines)
    }

    /// The next line; `None` at the end of stdin.
    pub(crate) fn next(&self) -> Option<Vec<u8>> {
        match self {
            Self::Ahead(lines) => lines.recv().ok(),
            Self::OnDemand => next_line(),
        }
    }
}

/// Reads to the next LF. What goes beyond the limit is thrown away, and the line then comes
/// out one byte too long.
fn next_line() -> Option<Vec<u8>> {
    let mut input = std::io::stdin().lock();
    let mut line = Vec::new();
    let room = u64::try_from(MAX_LINE + 1).unwrap_or(u64::MAX);
    let read = input.by_ref().take(room).read_until(b'\n', &mut line).ok()?;
    if read > MAX_LINE && !line.ends_with(b"\n") {
        input.skip_until(b'\n').ok()?;
    }
    (read > 0).then(|| line.strip_suffix(b"\n").map(<[u8]>::to_vec).unwrap_or(line))
}

/// Which requests are pending, and whether the host still wants them answered.
#[derive(Clone, Default)]
pub(crate) struct Pending(Arc<(Mutex<Counts>, Condvar)>);

#[derive(Default)]
struct Counts {
    received: u64,
    answered: u64,
    /// The requests up to this one are cancelled.
    cancelled: u64,
    /// A cancel came with no request pending.
    idle_cancel: bool,
    ended: bool,
}

impl Pending {
    /// A line was read.
    fn heard(&self, line: &[u8]) {
        let mut counts = self.counts();
        if Message::is_request(line) {
            counts.received += 1;
        } else if Message::is_cancel(line) {
            if counts.received > counts.answered {
                counts.cancelled = counts.received;
                self.0.1.notify_all();
            } else {
                counts.idle_cancel = true;
            }
        }
    }

    fn end(&self) {
        self.counts().ended = true;
        self.0.1.notify_all();
    }

    /// A request was answered.
    pub(crate) fn answered(&self) {
        self.counts().answered += 1;
    }

    /// Waits, and tells early when the host does not want the request's answer any more.
    pub(crate) fn is_cancelled_within(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut counts = self.counts();
        while !counts.is_cancelled() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let woken = self.0.1.wait_timeout(counts, left);
            counts = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Tells whether stdin has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.counts().ended
    }

    /// Tells of a cancel that came with no request to cancel, once.
    pub(crate) fn take_idle_cancel(&self) -> bool {
        std::mem::take(&mut self.counts().idle_cancel)
    }

    fn counts(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn is_cancelled(&self) -> bool {
        self.ended || self.cancelled > self.answered
    }
}

/// Writes a message on a line of its own.
pub(crate) fn write(message: &Value) {
    write_bytes(&line(message.clone()));
}

/// The line of a message.
pub(crate) fn line(message: Value) -> Vec<u8> {
    format!("{message}\n").into_bytes()
}

/// Writes bytes as they are. A host that is gone is told of by the end of stdin.
pub(crate) fn write_bytes(bytes: &[u8]) {
    let _ = try_to_write(bytes);
}

/// Writes bytes as they are.
pub(crate) fn try_to_write(bytes: &[u8]) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}

/// A progress notification.
pub(crate) fn progress(step: &str, message: &str) -> Value {
    json!({"jsonrpc": "2.0", "method": "progress", "params": {"step": step, "message": message}})
}

/// Writes to stderr.
pub(crate) fn log(bytes: &[u8]) {
    let _ = std::io::stderr().write_all(bytes);
}
