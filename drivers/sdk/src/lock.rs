//! One change at a time for each cluster.
//!
//! k3d shows why: of two concurrent creations of one name both fail, and two
//! networks of the same name are left. The lock is a file lock held by the driver's
//! process, so it is gone when the process is, however it ends; and it is the
//! driver's and not the host's, so that it still stands while a driver whose host
//! was killed rolls back.
//!
//! Some backends cannot make even two clusters of different names at a time: of two that need
//! a network which is not there yet each makes one, and then its name is ambiguous for both
//! (<https://github.com/kubernetes-sigs/kind/issues/1596>). Their drivers take a second lock
//! for that part of a creation, always after the cluster's own.

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
    /// `Cancelled`, `PermissionDenied` when the lock file cannot be written, and
    /// `InsufficientResources` when there is no room for it.
    pub async fn acquire(
        request: &Request,
        state_dir: &Path,
        driver: &str,
        profile: &str,
        operation: &str,
    ) -> Result<Self, Error> {
        let taken = format!("cluster `{profile}` is being changed by");
        let path = path(state_dir, driver, profile);
        Self::take(request, state_dir, path, operation, &taken).await
    }

    /// Takes the lock of a driver's creations, for a backend that cannot make two clusters
    /// side by side. Hold it no longer than that is so, see [`Request::run_locked`].
    ///
    /// # Errors
    /// As [`Lock::acquire`].
    pub async fn acquire_to_create(
        request: &Request,
        state_dir: &Path,
        driver: &str,
        profile: &str,
    ) -> Result<Self, Error> {
        // No driver's name has a dot, so that it is no cluster's lock.
        let path = state_dir.join("locks").join(format!("{driver}.create.lock"));
        let taken = "another cluster is being made, and both at once would fail: by";
        Self::take(request, state_dir, path, &format!("start of `{profile}`"), taken).await
    }

    async fn take(
        request: &Request,
        state_dir: &Path,
        path: PathBuf,
        operation: &str,
        taken: &str,
    ) -> Result<Self, Error> {
        let file = open(state_dir, &path).map_err(|error| not_lockable(&path, &error))?;
        for tries in 0.. {
            match file.try_lock() {
                Ok(()) => return Ok(Self::held(file, operation)),
                Err(TryLockError::Error(error)) => return Err(not_lockable(&path, &error)),
                Err(TryLockError::WouldBlock) => {}
            }
            let holder = read_holder(&path).unwrap_or_else(|| "another process".into());
            let waited = request.or_ended(tokio::time::sleep(RETRY)).await;
            // The first time it may have been one who only looked whether there is a holder.
            if tries == 1 || (tries == 0 && waited.is_err()) {
                request.progress("wait", format!("waiting for {holder}"));
            }
            waited.map_err(|ended| busy(ended, taken, holder))?;
        }
        unreachable!("it is tried until it is held or the request ends")
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
        // So that who waits for the next holder is not told this one.
        let _ = self.file.set_len(0);
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
    match crate::resources::way_out(error) {
        Some(way_out) => Error::new(ErrorKind::InsufficientResources, message).with_hint(way_out),
        None => Error::new(ErrorKind::PermissionDenied, message)
            .with_hint("make the folder writable, or name another one in CAPRONI_STATE_DIR"),
    }
}

fn busy(ended: Error, taken: &str, holder: String) -> Error {
    if ended.kind() != &ErrorKind::TimedOut {
        return ended;
    }
    let mut error = Error::new(ErrorKind::Busy, format!("{taken} {holder}"))
        .with_hint("wait for it to end, then try again");
    error.data.holder = Some(holder);
    error.data.waited_ms = ended.data.waited_ms;
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc;
    use tokio_util::sync::CancellationToken;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn a_second_creation_waits_and_says_for_whom() {
        let folder = tempfile::tempdir().unwrap();
        let (sender, mut lines) = mpsc::channel(8);
        let second = Request::new(sender, CancellationToken::new(), None);
        let detached = Request::detached();
        let first = Lock::acquire_to_create(&detached, folder.path(), "k3d", "a").await.unwrap();
        let waits = Lock::acquire_to_create(&second, folder.path(), "k3d", "b");
        let frees = async {
            let line = lines.recv().await.unwrap();
            drop(first);
            line
        };
        let (second, line) = tokio::join!(waits, frees);
        assert!(second.is_ok());
        assert!(line.contains("waiting for start of `a` (process "), "{line}");
    }

    #[tokio::test]
    async fn a_creation_that_waits_in_vain_is_busy() {
        let folder = tempfile::tempdir().unwrap();
        let detached = Request::detached();
        let _first = Lock::acquire_to_create(&detached, folder.path(), "k3d", "a").await.unwrap();
        let second = detached.for_cleanup(SECOND / 2);
        let error = Lock::acquire_to_create(&second, folder.path(), "k3d", "b").await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Busy);
        assert!(error.message.contains("by start of `a` (process "), "{error}");
    }

    #[tokio::test]
    async fn creations_of_two_drivers_and_changes_do_not_wait_for_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let request = Request::detached().for_cleanup(SECOND);
        let one = Lock::acquire_to_create(&request, folder.path(), "k3d", "a").await;
        let other = Lock::acquire_to_create(&request, folder.path(), "kind", "a").await;
        let change = Lock::acquire(&request, folder.path(), "k3d", "create", "stop").await;
        assert!(one.is_ok() && other.is_ok() && change.is_ok());
    }

    #[tokio::test]
    async fn a_holder_that_is_gone_is_not_named_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let request = Request::detached();
        drop(Lock::acquire(&request, folder.path(), "k3d", "a", "start").await.unwrap());
        let path = path(folder.path(), "k3d", "a");
        assert_eq!((holder(folder.path(), "k3d", "a"), read_holder(&path)), (None, None));
    }
}
