//! A folder of its own for what a backend's program writes while it makes one cluster.

use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind};
use crate::lock;
use crate::private::private_folder;

/// A folder, readable by the user alone, for a program's files while it makes one cluster.
///
/// It has one name for each cluster, so that one that was left because the driver was
/// killed is found, and is gone with the next creation; only one driver at a time holds
/// the cluster's lock. It is removed when this is dropped.
#[derive(Debug)]
pub struct PrivateFolder(PathBuf);

impl PrivateFolder {
    /// Makes the folder for a driver's cluster; what an earlier creation left in it is gone.
    ///
    /// # Errors
    /// `PermissionDenied` when it cannot be made.
    pub fn of(driver: &str, profile: &str) -> Result<Self, Error> {
        Self::remove(driver, profile);
        let made = private_folder(&lock::state_dir(), Path::new(driver).join(profile));
        made.map(Self).map_err(|error| {
            let path = path(driver, profile);
            let message = format!("cannot make the folder `{}`: {error}", path.display());
            Error::new(ErrorKind::PermissionDenied, message)
                .with_hint("make the folder writable, or name another one in CAPRONI_STATE_DIR")
        })
    }

    /// Tells whether the last creation here was killed together with its driver. What it
    /// asked for last may then still come into being.
    pub fn was_left(driver: &str, profile: &str) -> bool {
        path(driver, profile).exists()
    }

    /// Removes what a killed creation left.
    pub fn remove(driver: &str, profile: &str) {
        drop(Self(path(driver, profile)));
    }

    /// The folder's path.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn path(driver: &str, profile: &str) -> PathBuf {
    lock::state_dir().join(driver).join(profile)
}
