//! The machine outlives the driver, though everything that a driver leaves in its session is ended
//! with it.
//!
//! `limactl start`, which colima runs, leaves the machine's process in the session of whoever
//! started it, and the host ends a session as a whole. So colima is given a `limactl` that is this
//! driver under another name: it runs the real one in a session of its own, and ends it when it is
//! itself ended.

use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus};

use caproni_driver::{Error, ErrorKind};
use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::{SignalKind, signal};

/// The variable that names the real limactl.
pub(crate) const LIMACTL: &str = "CAPRONI_COLIMA_LIMACTL";

/// The variable that tells the shim that it is to go into a session of its own.
const LEADER: &str = "CAPRONI_COLIMA_SESSION";

/// The name that colima calls.
const NAME: &str = "limactl";

/// Puts the shim into a folder.
///
/// # Errors
/// `PermissionDenied`.
pub(crate) fn put(folder: &Path, limactl: &Path) -> Result<(), Error> {
    let own = std::env::current_exe().unwrap_or_else(|_| limactl.to_owned());
    let link = folder.join(NAME);
    if link.is_symlink() {
        return Ok(());
    }
    symlink(own, &link).map_err(|error| {
        let message = format!("cannot make the link `{}`: {error}", link.display());
        Error::new(ErrorKind::PermissionDenied, message).with_hint("make the folder writable")
    })
}

/// Does what the real limactl does, if it is called by that name.
pub(crate) fn run_if_called() -> Option<ExitCode> {
    let mut args = std::env::args_os();
    let called = args.next().map(PathBuf::from)?;
    if called.file_name()? != NAME {
        return None;
    }
    let args: Vec<_> = args.collect();
    let real = std::env::var_os(LIMACTL)?;
    let starts = args.iter().any(|arg| arg == "start");
    let is_leader = std::env::var_os(LEADER).is_some();
    let ended = match (starts, is_leader) {
        (true, false) => in_a_session_of_its_own(&called, &args),
        (true, true) => {
            lead();
            become_real(&real, &args)
        }
        (false, _) => become_real(&real, &args),
    };
    Some(ended.unwrap_or(ExitCode::FAILURE))
}

/// Returns only when that cannot be done.
fn become_real(real: &std::ffi::OsStr, args: &[std::ffi::OsString]) -> std::io::Result<ExitCode> {
    Err(Command::new(real).args(args).env_remove(LEADER).exec())
}

fn lead() {
    // It fails for who leads a group already, which nobody has made of us.
    let _ = rustix::process::setsid();
    #[cfg(target_os = "linux")]
    {
        let _ = rustix::process::set_parent_process_death_signal(Some(Signal::TERM));
    }
}

fn in_a_session_of_its_own(
    called: &Path,
    args: &[std::ffi::OsString],
) -> std::io::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let status = runtime.block_on(async {
        let mut terminated = signal(SignalKind::terminate())?;
        let mut child = tokio::process::Command::new(called).args(args).env(LEADER, "1").spawn()?;
        let id = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        tokio::select! {
            status = child.wait() => status,
            _ = terminated.recv() => {
                // ESRCH: it has just ended, which is what is wanted.
                id.map(|id| kill_process(id, Signal::TERM));
                child.wait().await
            }
        }
    })?;
    Ok(code(status))
}

fn code(status: ExitStatus) -> ExitCode {
    status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}
