//! A process that begins without a copy of its parent.
//!
//! std does so by itself, by `posix_spawn`, but for a new session: that it can only have by a function
//! that is run between fork and exec (<https://github.com/rust-lang/rust/issues/105376>), and then the
//! child is a copy of all that the host has in memory, down to each page that is written to afterwards.
//! It takes two to four times as long, and longer the more drivers run.

use std::collections::BTreeMap;
use std::ffi::{CString, OsString};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};

use nix::libc::POSIX_SPAWN_SETSID;
use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
use nix::sys::signal::{SigSet, Signal};
use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, waitpid};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::signal::unix::{self, SignalKind};

use super::super::Pipes;
use super::Spawned;

/// Starts a program by its path, with what a command says of its variables.
pub(super) fn spawn(command: &Command) -> io::Result<Spawned> {
    // From before the process runs, so that its end is not missed.
    let changes = unix::signal(SignalKind::child())?;
    let (stdin, to_stdin) = io::pipe()?;
    let (from_stdout, stdout) = io::pipe()?;
    let (from_stderr, stderr) = io::pipe()?;
    let mut files = PosixSpawnFileActions::init()?;
    files.add_dup2(stdin.as_raw_fd(), 0)?;
    files.add_dup2(stdout.as_raw_fd(), 1)?;
    files.add_dup2(stderr.as_raw_fd(), 2)?;
    let pipes = Pipes {
        stdin: ChildStdin::from_std(OwnedFd::from(to_stdin).into())?,
        stdout: ChildStdout::from_std(OwnedFd::from(from_stdout).into())?,
    };
    let from_stderr = ChildStderr::from_std(OwnedFd::from(from_stderr).into())?;
    let path = CString::new(command.get_program().as_bytes())?;
    let variables = variables(command)?;
    let process = posix_spawn(path.as_c_str(), &files, &attributes()?, &[&path], &variables)?;
    let session =
        Pid::from_raw(process.as_raw()).ok_or_else(|| io::Error::other("it has no id"))?;
    Ok(Spawned { session, pipes, stderr: from_stderr, exit: Box::pin(ended(session, changes)) })
}

/// A new session, and the signals as std has them for a child: none is blocked, and SIGPIPE, which
/// Rust's own programs ignore, ends it.
fn attributes() -> io::Result<PosixSpawnAttr> {
    let mut attributes = PosixSpawnAttr::init()?;
    let session = PosixSpawnFlags::from_bits_retain(POSIX_SPAWN_SETSID.into());
    let signals = PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF | PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK;
    attributes.set_flags(session | signals)?;
    attributes.set_sigdefault(&SigSet::from(Signal::SIGPIPE))?;
    attributes.set_sigmask(&SigSet::empty())?;
    Ok(attributes)
}

/// The variables of this process as a command changes them, each as `NAME=value`.
fn variables(command: &Command) -> io::Result<Vec<CString>> {
    let mut variables: BTreeMap<OsString, OsString> = std::env::vars_os().collect();
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => variables.insert(name.to_owned(), value.to_owned()),
            None => variables.remove(name),
        };
    }
    let lines = variables.into_iter().map(|(mut line, value)| {
        line.push("=");
        line.push(value);
        Ok(CString::new(line.into_vec())?)
    });
    lines.collect()
}

/// Waits for a process of ours; `None` if it is none.
async fn ended(process: Pid, mut changes: unix::Signal) -> Option<ExitStatus> {
    loop {
        match waitpid(Some(process), WaitOptions::NOHANG) {
            Ok(Some((_, status))) => return Some(ExitStatus::from_raw(status.as_raw())),
            Ok(None) => changes.recv().await?,
            Err(Errno::INTR) => {}
            Err(_) => return None,
        }
    }
}
