//! The clusters' files, each replaced as a whole, and their locks.

use std::fs::{File, TryLockError};
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Driver;
use crate::request::{Failure, Request};

/// How often a lock that another process holds is tried again.
const RETRY: Duration = Duration::from_millis(20);

/// The folder of one mode's clusters.
pub(crate) struct Clusters(pub(crate) PathBuf);

/// What is kept of a cluster.
pub(crate) struct Record {
    pub(crate) phase: Phase,
    /// As `status` tells it.
    pub(crate) config: Value,
    /// Which cluster of its name it is.
    pub(crate) identity: String,
}

/// How far a cluster's life is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Creating,
    Running,
    Stopped,
}

impl Clusters {
    pub(super) fn of(mode: &str) -> Self {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let folder = match (variable("CAPRONI_STATE_DIR"), variable("HOME")) {
            (Some(folder), _) => folder.into(),
            (None, Some(home)) => PathBuf::from(home).join(".local/state/caproni"),
            (None, None) => std::env::temp_dir().join("caproni"),
        };
        Self(folder.join("rogue").join(mode))
    }

    pub(crate) fn read(&self, profile: &str) -> Result<Option<Record>, Failure> {
        let path = self.path(profile);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(&path, &error)),
        };
        // What cannot be read was not written to its end.
        let kept: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let phase = match kept["phase"].as_str() {
            Some("running") => Phase::Running,
            Some("stopped") => Phase::Stopped,
            _ => Phase::Creating,
        };
        let identity = kept["identity"].as_str().unwrap_or_default().to_owned();
        Ok(Some(Record { phase, config: kept["config"].clone(), identity }))
    }

    /// Puts a record in the place of the one before, whole or not at all.
    pub(crate) fn write(&self, profile: &str, record: &Record) -> Result<(), Failure> {
        let (path, spare) = (self.path(profile), self.0.join(format!("{profile}.new")));
        let phase = match record.phase {
            Phase::Creating => "creating",
            Phase::Running => "running",
            Phase::Stopped => "stopped",
        };
        let kept = json!({"phase": phase, "config": record.config, "identity": record.identity});
        let kept = kept.to_string();
        let written = std::fs::create_dir_all(&self.0)
            .and_then(|()| std::fs::write(&spare, kept))
            .and_then(|()| std::fs::rename(&spare, &path));
        written.map_err(|error| failed(&path, &error))
    }

    /// Removes what there is, and tells whether there was anything.
    pub(crate) fn remove(&self, profile: &str) -> Result<bool, Failure> {
        let path = self.path(profile);
        let _ = std::fs::remove_file(self.log(profile));
        match std::fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(failed(&path, &error)),
        }
    }

    /// The names of all clusters, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = self.0.read_dir().into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| {
            let file = entry.file_name().into_string().ok()?;
            file.strip_suffix(".json").map(str::to_owned)
        });
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    /// The file with the log of a cluster's nodes.
    pub(crate) fn log(&self, profile: &str) -> PathBuf {
        self.0.join(format!("{profile}.log"))
    }

    /// Tells whether a process changes the cluster right now.
    pub(crate) fn is_locked(&self, profile: &str) -> bool {
        let file = File::open(self.lock_path(profile));
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// Takes the file of the lock away under those who wait for it: they lock one each.
    pub(crate) fn forget_lock(&self, profile: &str) {
        let _ = std::fs::remove_file(self.lock_path(profile));
    }

    fn path(&self, profile: &str) -> PathBuf {
        self.0.join(format!("{profile}.json"))
    }

    fn lock_path(&self, profile: &str) -> PathBuf {
        self.0.join(format!("{profile}.lock"))
    }
}

impl Driver {
    /// Takes a cluster's lock, which is held until the file is dropped.
    pub(super) fn lock(&self, request: &Request, profile: &str) -> Result<File, Failure> {
        let path = self.clusters.lock_path(profile);
        let opened = std::fs::create_dir_all(&self.clusters.0)
            .and_then(|()| File::options().create(true).append(true).open(&path));
        let file = opened.map_err(|error| failed(&path, &error))?;
        let begun = Instant::now();
        let mut announced = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(failed(&path, &error)),
                Err(TryLockError::WouldBlock) if !announced => {
                    self.progress("wait", "waiting for another process");
                    announced = true;
                }
                Err(TryLockError::WouldBlock) => {}
            }
            self.work(request, RETRY).map_err(|ended| busy(ended, profile, begun.elapsed()))?;
        }
    }
}

fn busy(ended: Failure, profile: &str, waited: Duration) -> Failure {
    if ended.data["kind"] != "TimedOut" {
        return ended;
    }
    let waited = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
    Failure::new(1019, "Busy", format!("cluster `{profile}` is being changed by another process"))
        .with("holder", "another process".into())
        .with("waitedMs", waited.into())
}

fn failed(path: &Path, error: &Error) -> Failure {
    let message = format!("cannot keep `{}`: {error}", path.display());
    match error.kind() {
        ErrorKind::PermissionDenied => Failure::new(1013, "PermissionDenied", message),
        _ => Failure::new(1010, "BackendFailed", message),
    }
    .with("hint", "name another folder in CAPRONI_STATE_DIR".into())
}
