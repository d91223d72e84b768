//! What was said in one talk with a driver, as much of it as shows what went wrong.

use std::collections::VecDeque;

use super::judge::Finding;

/// How many lines each way are kept.
const KEPT: usize = 4;

/// How much of a line is kept, in bytes.
const LENGTH: usize = 400;

/// The end of a talk, both ways.
#[derive(Debug, Default)]
pub(super) struct Transcript {
    sent: VecDeque<String>,
    received: VecDeque<String>,
}

impl Transcript {
    pub(super) fn sent(&mut self, bytes: &[u8]) {
        keep(&mut self.sent, bytes);
    }

    pub(super) fn received(&mut self, bytes: &[u8]) {
        keep(&mut self.received, bytes);
    }

    /// A finding that this talk shows.
    pub(super) fn finding(&self, what: impl Into<String>) -> Finding {
        Finding {
            what: what.into(),
            sent: self.sent.iter().cloned().collect(),
            received: self.received.iter().cloned().collect(),
        }
    }
}

fn keep(lines: &mut VecDeque<String>, bytes: &[u8]) {
    if lines.len() == KEPT {
        lines.pop_front();
    }
    let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(LENGTH)]);
    // As a literal, so that what cannot be seen is seen: an escape code, CR, a lone space.
    let mut shown = shown.escape_debug().to_string().replace("\\\"", "\"").replace("\\'", "'");
    if bytes.len() > LENGTH {
        shown += &format!("… ({} bytes)", bytes.len());
    }
    lines.push_back(shown);
}
