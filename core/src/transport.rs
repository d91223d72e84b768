//! Requests to a driver, the one reply to each, and what comes in between.
//!
//! Whoever waits for a reply writes the request and reads the lines before the reply himself:
//! no task, no thread and no queue stands between. A call costs one write, one wait and one
//! read, and nothing is read that nobody waits for.
//!
//! A driver's stdout may hold a stray print, a blank line, an unknown id, a batch, `result`
//! beside `error`. What can never become the awaited reply is called a fault, instead of
//! letting the user wait.

mod client;
mod exchange;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod line;
mod lines;
mod outbox;

use std::path::PathBuf;
use std::sync::Arc;

use caproni_driver::Progress;
use jsonrpsee::types::ErrorObjectOwned;

pub use client::Client;
pub use exchange::InFlight;
pub(crate) use line::is_deeper;
pub(crate) use lines::Lines;
pub use outbox::Outgoing;

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

/// Who is told of events. Called in the middle of a call: it must not wait.
pub type Listener = Arc<dyn Fn(Event) + Send + Sync>;

/// What a driver answered: the JSON of a result, or an error of whatever kind.
type Answer = Result<String, ErrorObjectOwned>;

/// The end of a connection, as whoever waits is told of it; the driver's process tells why.
#[derive(Debug, thiserror::Error)]
#[error("the connection to the driver ended")]
pub struct Ended;
