//! A driver's stdin, which takes what there is room for at once.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use tokio::process::ChildStdin;

/// A pipe to a driver, whose first request need not wait for a turn of the runtime.
///
/// tokio writes to a pipe once the system has told that there is room, and asks the system when no task
/// has anything to do: of several drivers that are started one after the other, each would hear of its
/// first request only when the last one runs.
#[derive(Debug)]
pub(super) struct Stdin(ChildStdin);

impl From<ChildStdin> for Stdin {
    fn from(stdin: ChildStdin) -> Self {
        Self(stdin)
    }
}

impl AsyncWrite for Stdin {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        // It never waits: tokio has made it so.
        match rustix::io::write(&self.0, bytes) {
            Ok(count) => Poll::Ready(Ok(count)),
            // Whether the pipe is full or gone, tokio finds the same, and knows what follows.
            Err(_) => Pin::new(&mut self.0).poll_write(cx, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Stdio;
    use std::task::Waker;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::process::Command;

    /// A program that says how many bytes it was given.
    fn count() -> tokio::process::Child {
        let mut command = Command::new("wc");
        command.arg("-c").stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        command.spawn().unwrap()
    }

    #[tokio::test]
    async fn what_there_is_room_for_is_written_before_the_runtime_turns() {
        let mut stdin = Stdin::from(count().stdin.take().unwrap());
        let mut cx = Context::from_waker(Waker::noop());
        let written = Pin::new(&mut stdin).poll_write(&mut cx, b"request\n");
        assert!(matches!(written, Poll::Ready(Ok(8))), "{written:?}");
    }

    #[tokio::test]
    async fn what_there_is_no_room_for_is_waited_for() {
        let mut child = count();
        let mut stdin = Stdin::from(child.stdin.take().unwrap());
        stdin.write_all(&vec![b'x'; 1 << 20]).await.unwrap();
        drop(stdin);
        let mut said = String::new();
        child.stdout.take().unwrap().read_to_string(&mut said).await.unwrap();
        assert_eq!(said.trim(), (1 << 20).to_string());
    }
}
