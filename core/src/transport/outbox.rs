//! A driver's stdin, and what is still to be written to it.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;

/// How far a line to the driver has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outgoing {
    /// The driver has it, or can read it when it wants to.
    Written,
    /// It is longer than what the pipe holds, and the driver does not read on.
    Underway,
    /// The driver has closed its stdin.
    Refused,
}

/// Lines on their way: none is lost, nor torn, where a wait for its end is given up.
pub(super) struct Outbox<W> {
    output: W,
    lines: Vec<u8>,
    /// How many bytes of the lines are written.
    written: usize,
    is_refused: bool,
}

impl<W: AsyncWrite + Unpin> Outbox<W> {
    /// Takes an output that keeps nothing back: it needs no flush.
    pub(super) fn new(output: W) -> Self {
        Self { output, lines: Vec::new(), written: 0, is_refused: false }
    }

    /// Puts a line behind those that are not written yet.
    pub(super) fn push(&mut self, line: &[u8]) {
        self.lines.extend_from_slice(line);
        self.lines.push(b'\n');
    }

    /// Writes what the driver takes now, and has the task woken when it takes more.
    pub(super) fn write(&mut self, cx: &mut Context<'_>) {
        while self.outgoing() == Outgoing::Underway {
            let rest = &self.lines[self.written..];
            match Pin::new(&mut self.output).poll_write(cx, rest) {
                Poll::Ready(Ok(count @ 1..)) => self.written += count,
                Poll::Ready(Ok(0) | Err(_)) => self.is_refused = true,
                Poll::Pending => return,
            }
        }
        // A config may be long, and is sent once.
        (self.lines, self.written) = (Vec::new(), 0);
    }

    /// How far the last line has come.
    pub(super) fn outgoing(&self) -> Outgoing {
        match () {
            () if self.is_refused => Outgoing::Refused,
            () if self.written < self.lines.len() => Outgoing::Underway,
            () => Outgoing::Written,
        }
    }
}
