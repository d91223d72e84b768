//! One change at a time for each cluster.
//!
//! k3d shows why: of two concurrent creations of one name both fail, and two
//! networks of the same name are left. The lock is a file lock held by the driver's
//! process, so it is gone when the process is, however it ends; and it is the
//! driver's and not the host's, so that it still stands while a driver whose host
//! was killed rolls back.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use etcetera::BaseStrategy;

use crate::error::{Error, ErrorKind};
use crate::private::private_folder;
use crate::request::Request;

/// The folder of the locks in the state folder.
const LOCKS: &str = "locks";

/// How often a lock that another process holds is tried again.
const RETRY: Duration = Duration::from_millis(100);

/// The lock of one cluster, held until this is dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock of a driver's cluster, and waits while another process has it.
    ///
    /// # Errors
    /// `Busy` with the holder when the request's time runs out before,
    /// `Cancelled`, and `PermissionDenied` when the lock file cannot be written.
    pub async fn acquire(
        request: &Request,
        state_dir: &Path,
        driver: &str,
        profile: &str,
        operation: &str,
    ) -> Result<Self, Error> {
        let path = path(state_dir, driver, profile);
        let file = open(state_dir, &path).map_err(|error| not_lockable(&path, &error))?;
        let mut announced = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self::held(file, operation)),
                Err(TryLockError::Error(error)) => return Err(not_lockable(&path, &error)),
                Err(TryLockError::WouldBlock) => {}
            }
            let holder = read_holder(&path).unwrap_or_else(|| "another process".into());
            if !announced {
                request.progress("wait", format!("waiting for {holder}"));
                announced = true;
            }
            let waited = request.or_ended(tokio::time::sleep(RETRY)).await;
            waited.map_err(|ended| busy(ended, profile, holder))?;
        }
    }

    fn held(mut file: File, operation: &str) -> Self {
        // Only for people: what counts is the lock, so a failed write does no harm.
        let _ = file.set_len(0);
        let _ = file.seek(SeekFrom::Start(0));
        let _ = write!(file, "{operation} (process {})", std::process::id());
        Self { file }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

/// Says who changes the cluster right now, such as `start (process 4711)`.
pub fn holder(state_dir: &Path, driver: &str, profile: &str) -> Option<String> {
    let path = path(state_dir, driver, profile);
    let file = File::open(&path).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {
            Some(read_holder(&path).unwrap_or_else(|| "another process".into()))
        }
        _ => None,
    }
}

/// The folder for what must outlive a process: `CAPRONI_STATE_DIR`, else the
/// platform's state folder, else one in the temporary folder for a user without a home.
pub fn state_dir() -> PathBuf {
    if let Some(dir) = std::env::var_os("CAPRONI_STATE_DIR").filter(|dir| !dir.is_empty()) {
        return PathBuf::from(dir);
    }
    // An empty or unset HOME, as in some containers, must not stop anyone.
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    let strategy = home.and_then(|_| etcetera::choose_base_strategy().ok());
    match strategy.and_then(|strategy| strategy.state_dir().or(Some(strategy.data_dir()))) {
        Some(dir) => dir.join("caproni"),
        None => {
            let user = rustix::process::geteuid().as_raw();
            std::env::temp_dir().join(format!("caproni-{user}"))
        }
    }
}

fn path(state_dir: &Path, driver: &str, profile: &str) -> PathBuf {
    state_dir.join(LOCKS).join(format!("{driver}-{profile}.lock"))
}

fn open(state_dir: &Path, path: &Path) -> std::io::Result<File> {
    private_folder(state_dir, LOCKS)?;
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

fn read_holder(path: &Path) -> Option<String> {
    let mut text = String::new();
    File::open(path).ok()?.take(200).read_to_string(&mut text).ok()?;
    (!text.is_empty()).then_some(text)
}

fn not_lockable(path: &Path, error: &std::io::Error) -> Error {
    let message = format!("cannot lock `{}`: {error}", path.display());
    Error::new(ErrorKind::PermissionDenied, message)
        .with_hint("make the folder writable, or name another one in CAPRONI_STATE_DIR")
}

fn busy(ended: Error, profile: &str, holder: String) -> Error {
    if ended.kind() != &ErrorKind::TimedOut {
        return ended;
    }
    let message = format!("cluster `{profile}` is being changed by {holder}");
    let mut error =
        Error::new(ErrorKind::Busy, message).with_hint("wait for it to end, then try again");
    error.data.holder = Some(holder);
    error.data.waited_ms = ended.data.waited_ms;
    error
}
