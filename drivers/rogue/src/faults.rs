//! The catalogue: each group of faults in a file of its own, a row of the table and beside it
//! what the row does.

mod children;
mod endings;
mod files;
mod framing;
mod handshake;
mod meaning;
mod progress;
mod replies;
mod spawn;
mod stderr;

use std::time::Duration;

use serde_json::Value;

use crate::good::Driver;
use crate::modes::{Mode, TOLERATED, Verdict};
use crate::request::{Answer, Request};
use crate::wire::{self, Reads};

/// Everything that can be wrong, in the order of the cases.
pub(crate) const GROUPS: [&[Mode]; 11] = [
    GOOD,
    files::MODES,
    spawn::MODES,
    handshake::MODES,
    framing::MODES,
    replies::MODES,
    progress::MODES,
    endings::MODES,
    children::MODES,
    stderr::MODES,
    meaning::MODES,
];

/// Where a driver can go wrong.
pub(crate) struct Fault {
    pub(crate) reads: Reads,
    /// Before stdin is read.
    pub(crate) begin: fn(&Driver),
    /// The answer to a request; `None` for none.
    pub(crate) answer: fn(&Driver, &Request) -> Option<Answer>,
    /// After a notification.
    pub(crate) notice: fn(&Driver),
    /// The reply that the answer becomes.
    pub(crate) reply: fn(&Request, Value) -> Value,
    /// The line that a reply becomes, but for that to `initialize`: a check that gets no
    /// further finds nothing more.
    pub(crate) line: fn(Value) -> Vec<u8>,
    /// How a line gets onto the wire.
    pub(crate) write: fn(&Driver, &Request, &[u8]),
    /// After the end of stdin.
    pub(crate) end: fn(&Driver),
}

/// No fault.
const NONE: Fault = Fault {
    reads: Reads::Ahead,
    begin: |_| (),
    answer: |driver, request| Some(driver.answer(request)),
    notice: |_| (),
    reply: |_, reply| reply,
    line: wire::line,
    write: |_, _, line| wire::write_bytes(line),
    end: |_| (),
};

const GOOD: &[Mode] = &[Mode {
    name: "good",
    case: 0,
    what: "keeps every rule",
    verdict: Verdict::Fine("it keeps every rule"),
    host: TOLERATED,
    fault: NONE,
}];

/// The correct result of a request for one method, changed; the correct answer to all others.
fn altered(
    driver: &Driver,
    request: &Request,
    method: &str,
    change: impl FnOnce(&mut Value),
) -> Option<Answer> {
    let answer = driver.answer(request);
    Some(if request.method == method {
        answer.map(|mut result| {
            change(&mut result);
            result
        })
    } else {
        answer
    })
}

/// Ends this process.
#[expect(clippy::exit, reason = "a fault: a driver ends when its stdin does")]
fn leave(code: i32) -> ! {
    std::process::exit(code)
}

/// Does nothing for longer than any host waits. It is no endless time, so that nothing
/// is left for ever of a test that fails.
fn stay() {
    std::thread::sleep(Duration::from_secs(180));
}
