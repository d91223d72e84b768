//! A driver's process at its begin: in a session of its own, with a pipe at each of its three ends.
//!
//! Its own session, not just its own group: a child that opens the terminal would stop the whole driver
//! without a word (<https://github.com/moby/moby/issues/47073>).

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use process_wrap::tokio::{CommandWrap, ProcessSession};
#[cfg(target_os = "linux")]
use rustix::io::Errno;
use rustix::process::Pid;
use tokio::process::{ChildStderr, Command};

use super::{Pipes, Surroundings};

#[cfg(target_os = "linux")]
mod vfork;

/// How often a file that is being written (ETXTBSY) is tried again, 50 ms apart.
const BUSY_TRIES: u32 = 20;

/// A process that runs.
pub(super) struct Spawned {
    pub(super) session: Pid,
    pub(super) pipes: Pipes,
    pub(super) stderr: ChildStderr,
    pub(super) exit: Exit,
}

/// Waits for a process. Where nobody does it stays a zombie.
type Exit = Pin<Box<dyn Future<Output = Option<ExitStatus>> + Send>>;

/// Starts a driver, when nobody writes its file any more.
pub(super) async fn spawn_when_free(
    path: &Path,
    surroundings: &Surroundings,
) -> io::Result<Spawned> {
    let mut tries = 0;
    loop {
        let mut command = Command::new(path);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        surroundings.apply(&mut command);
        match spawn(command) {
            Err(error)
                if error.kind() == io::ErrorKind::ExecutableFileBusy && tries < BUSY_TRIES =>
            {
                tries += 1;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            spawned => return spawned,
        }
    }
}

fn spawn(command: Command) -> io::Result<Spawned> {
    #[cfg(target_os = "linux")]
    if command.as_std().get_current_dir().is_none() {
        match vfork::spawn(command.as_std()) {
            // A script that names no interpreter: below it is given to the shell.
            Err(error) if error.raw_os_error() == Some(Errno::NOEXEC.raw_os_error()) => {}
            spawned => return spawned,
        }
    }
    let mut child = CommandWrap::from(command).wrap(ProcessSession).spawn()?;
    let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let (Some(session), Some(stdin), Some(stdout), Some(stderr)) =
        (pid, child.stdin().take(), child.stdout().take(), child.stderr().take())
    else {
        return Err(io::Error::other("it was started without pipes"));
    };
    let exit = Box::pin(async move { child.wait().await.ok() });
    Ok(Spawned { session, pipes: Pipes { stdin, stdout }, stderr, exit })
}
