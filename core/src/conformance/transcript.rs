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
    sent: VecDeque<Said>,
    received: VecDeque<Said>,
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
            sent: self.sent.iter().map(Said::shown).collect(),
            received: self.received.iter().map(Said::shown).collect(),
        }
    }
}

/// The beginning of a line, and how long it was.
#[derive(Debug)]
struct Said {
    beginning: Vec<u8>,
    length: usize,
}

impl Said {
    /// As a literal, so that what cannot be seen is seen: an escape code, CR, a lone space.
    fn shown(&self) -> String {
        let text = String::from_utf8_lossy(&self.beginning);
        let text = text.escape_debug().to_string().replace("\\\"", "\"").replace("\\'", "'");
        match self.length {
            length if length > LENGTH => format!("{text}… ({length} bytes)"),
            _ => text,
        }
    }
}

fn keep(lines: &mut VecDeque<Said>, bytes: &[u8]) {
    if lines.len() == KEPT {
        lines.pop_front();
    }
    let beginning = bytes[..bytes.len().min(LENGTH)].to_vec();
    lines.push_back(Said { beginning, length: bytes.len() });
}
