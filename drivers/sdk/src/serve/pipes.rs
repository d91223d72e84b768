//! The protocol's two pipes, with no thread that waits for either.
//!
//! What a thread reads comes by two more switches from one thread to another, which is most of
//! what a call costs. But a pipe that is made non-blocking is so for all who have it, such as
//! the programs beside a driver in a shell's pipeline, and those that share its stderr. So it is
//! opened anew, by its name in `/proc`, and only what is opened so is non-blocking. Where that
//! cannot be done (not on Linux, no pipe but a file or a socket) threads wait as before.

use std::fs::File;
use std::os::fd::AsRawFd;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::unix::pipe::OpenOptions;

use crate::wire::Wire;

/// How many threads wait for stdin and stdout where they are no pipes.
const READER_AND_WRITER: usize = 2;

/// What is read, within a runtime.
pub(super) fn input(file: File) -> Box<dyn AsyncRead + Send + Unpin> {
    match name(&file).and_then(|name| OpenOptions::new().open_receiver(name).ok()) {
        Some(pipe) => Box::new(pipe),
        None => Box::new(tokio::fs::File::from_std(file)),
    }
}

/// What is written, within a runtime.
pub(super) fn output(file: File) -> Box<dyn AsyncWrite + Send + Unpin> {
    match name(&file).and_then(|name| OpenOptions::new().open_sender(name).ok()) {
        Some(pipe) => Box::new(pipe),
        None => Box::new(tokio::fs::File::from_std(file)),
    }
}

/// How many threads the two will need.
pub(super) fn threads(wire: &Wire) -> usize {
    let is_pipe = |file: &File| {
        let kind =
            rustix::fs::fstat(file).map(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode));
        name(file).is_some() && kind == Ok(rustix::fs::FileType::Fifo)
    };
    if is_pipe(&wire.input) && is_pipe(&wire.output) { 0 } else { READER_AND_WRITER }
}

fn name(file: &File) -> Option<String> {
    cfg!(target_os = "linux").then(|| format!("/proc/self/fd/{}", file.as_raw_fd()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{OFlags, fcntl_getfl};
    use std::io::{Read, Write};
    use std::os::fd::OwnedFd;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    fn pipe() -> (File, File) {
        let (reader, writer) = std::io::pipe().unwrap();
        (File::from(OwnedFd::from(reader)), File::from(OwnedFd::from(writer)))
    }

    fn is_blocking(file: &File) -> bool {
        !fcntl_getfl(file).unwrap().contains(OFlags::NONBLOCK)
    }

    #[tokio::test]
    async fn a_pipe_stays_blocking_for_all_others_who_have_it() {
        let (reader, mut writer) = pipe();
        let mut ours = input(reader.try_clone().unwrap());
        writer.write_all(b"one").unwrap();
        let mut read = [0; 3];
        ours.read_exact(&mut read).await.unwrap();
        assert_eq!((&read, is_blocking(&reader)), (b"one", true));

        let (mut reader, writer) = pipe();
        let mut ours = output(writer.try_clone().unwrap());
        ours.write_all(b"two").await.unwrap();
        reader.read_exact(&mut read).unwrap();
        assert_eq!((&read, is_blocking(&writer)), (b"two", true));
    }

    #[tokio::test]
    async fn the_end_of_a_pipe_is_seen_from_both_sides() {
        let (reader, writer) = pipe();
        let mut ours = input(reader);
        drop(writer);
        assert_eq!(ours.read(&mut [0; 8]).await.unwrap(), 0);

        let (mut reader, writer) = pipe();
        let mut ours = output(writer);
        ours.write_all(b"last").await.unwrap();
        drop(ours);
        let mut all = String::new();
        reader.read_to_string(&mut all).unwrap();
        assert_eq!(all, "last");
    }

    #[tokio::test]
    async fn what_is_no_pipe_is_read_and_written_all_the_same() {
        let mut file = tempfile::tempfile().unwrap();
        let mut ours = output(file.try_clone().unwrap());
        ours.write_all(b"text").await.unwrap();
        ours.flush().await.unwrap();
        std::io::Seek::rewind(&mut file).unwrap();
        let mut text = String::new();
        input(file).read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "text");
    }
}
