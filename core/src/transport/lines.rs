//! A driver's stdout, taken apart into lines as it comes.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use caproni_driver::MAX_LINE;
use memchr::memchr;
use tokio::io::{AsyncRead, ReadBuf};

/// How much is read at once at first, in bytes: more than most replies have.
const AT_FIRST: usize = 8 * 1024;

/// How much is read at once where there is as much, in bytes: what a pipe of Linux holds.
const AT_ONCE: usize = 64 * 1024;

/// Lines in bounded memory, whoever waits for them: none is lost where a wait is given up.
pub(crate) struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    /// What of the buffer was read and is not taken yet.
    unread: std::ops::Range<usize>,
    /// The beginning of a line whose end has not come yet.
    begun: Vec<u8>,
    has_ended: bool,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, buffer: vec![0; AT_FIRST], unread: 0..0, begun: Vec::new(), has_ended: false }
    }

    /// Waits for the next line; `None` is the end of input.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(line) = self.take() {
                return Ok(Some(line));
            }
            if self.has_ended {
                return Ok(None);
            }
            poll_fn(|cx| self.poll_read(cx)).await?;
        }
    }

    /// Takes the next line out of what was read, to its LF. The last one needs none.
    ///
    /// What goes beyond the limit is thrown away, so that memory stays bounded; the line then
    /// comes out one byte too long.
    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        let unread = &self.buffer[self.unread.clone()];
        let end = memchr(b'\n', unread);
        let part = &unread[..end.unwrap_or(unread.len())];
        let room = (MAX_LINE + 1).saturating_sub(self.begun.len());
        self.begun.extend_from_slice(&part[..part.len().min(room)]);
        self.unread.start += end.map_or(unread.len(), |end| end + 1);
        // An endless line is a fault as soon as it is too long.
        let is_over = self.begun.len() > MAX_LINE || (self.has_ended && !self.begun.is_empty());
        (end.is_some() || is_over).then(|| std::mem::take(&mut self.begun))
    }

    /// Reads once, when all that was read before is taken.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A driver that had that much to say may well have more.
        if self.unread.end == AT_FIRST {
            self.buffer = vec![0; AT_ONCE];
        }
        let mut buffer = ReadBuf::new(&mut self.buffer);
        ready!(Pin::new(&mut self.input).poll_read(cx, &mut buffer))?;
        self.unread = 0..buffer.filled().len();
        self.has_ended = self.unread.is_empty();
        Poll::Ready(Ok(()))
    }

    /// Tells whether nothing more can come.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::io::AsyncWriteExt;

    async fn all(mut lines: Lines<impl AsyncRead + Unpin>) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            all.push(line);
        }
        all
    }

    #[tokio::test]
    async fn lines_are_the_same_in_whatever_pieces_they_come() {
        let text = b"one\r\n\n{\"jsonrpc\"\xff}\n\xc3\xa4\ntwo";
        let whole: Vec<_> = text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        for size in 1..=text.len() {
            let mut lines = Lines::new(&text[..]);
            lines.buffer.truncate(size);
            assert_eq!(all(lines).await, whole, "in pieces of {size}");
        }
    }

    #[tokio::test]
    async fn a_last_line_without_an_end_is_still_read() {
        assert_eq!(all(Lines::new(&b"one\ntwo"[..])).await, [b"one", b"two"]);
    }

    #[tokio::test]
    async fn an_endless_line_is_too_long_in_bounded_memory() {
        let mut lines = Lines::new(tokio::io::repeat(b'x'));
        let line = lines.next().await.unwrap().unwrap();
        assert_eq!(line.len(), MAX_LINE + 1);
    }

    #[tokio::test]
    async fn a_wait_that_is_given_up_in_the_middle_of_a_line_loses_nothing() {
        let (host, mut driver) = tokio::io::duplex(64);
        let mut lines = Lines::new(host);
        driver.write_all(b"beg").await.unwrap();
        assert!(tokio::time::timeout(Duration::ZERO, lines.next()).await.is_err());
        driver.write_all(b"un\n").await.unwrap();
        assert_eq!(lines.next().await.unwrap().as_deref(), Some(&b"begun"[..]));
    }
}
