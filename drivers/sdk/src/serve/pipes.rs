//! The wire's two ends as the runtime waits for them: pipes without a thread for each.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileTypeExt;
use std::path::PathBuf;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::unix::pipe::OpenOptions;

/// How many threads tokio needs for an end that is no pipe.
pub(super) const THREADS: usize = 1;

/// What the host writes.
pub(super) type Input = Box<dyn AsyncRead + Unpin + Send>;

/// What the host reads.
pub(super) type Output = Box<dyn AsyncWrite + Unpin + Send>;

/// Takes what stands for stdin, and tells how many threads that needs.
///
/// A pipe is opened once more where the system can do that: to wait for it the runtime changes
/// its mode, which would else be changed for everyone who has it too.
pub(super) fn input(file: File) -> (Input, usize) {
    let pipe = own_path(&file).and_then(|path| OpenOptions::new().open_receiver(path).ok());
    match pipe {
        Some(pipe) => (Box::new(pipe), 0),
        None => (Box::new(tokio::fs::File::from_std(file)), THREADS),
    }
}

/// Takes what stands for stdout, as [`input`].
pub(super) fn output(file: File) -> (Output, usize) {
    let pipe = own_path(&file).and_then(|path| OpenOptions::new().open_sender(path).ok());
    match pipe {
        Some(pipe) => (Box::new(pipe), 0),
        None => (Box::new(tokio::fs::File::from_std(file)), THREADS),
    }
}

/// Where Linux shows a pipe that is open; elsewhere nothing is there.
fn own_path(file: &File) -> Option<PathBuf> {
    let is_pipe = file.metadata().is_ok_and(|it| it.file_type().is_fifo());
    is_pipe.then(|| format!("/proc/self/fd/{}", file.as_raw_fd()).into())
}
