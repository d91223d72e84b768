//! What is known of a cluster since it was found ready last.

use caproni_driver::{Kubeconfig, Status};

use crate::seen::{Seen, SeenFile};

/// What is kept of one cluster, if anything is.
pub(super) struct Known {
    driver: String,
    profile: String,
    file: Option<SeenFile>,
    seen: Option<Seen>,
}

impl Known {
    /// Reads what is kept of this driver's cluster.
    pub(super) fn read(driver: &str, profile: &str) -> Self {
        let file = SeenFile::of(driver, profile);
        let seen = file.as_ref().and_then(SeenFile::read);
        Self { driver: driver.to_owned(), profile: profile.to_owned(), file, seen }
    }

    /// Tells whether it is kept of a cluster of this driver.
    pub(super) fn is_by(&self, driver: &str) -> bool {
        self.driver == driver
    }

    /// The profile whose cluster it is.
    pub(super) fn profile(&self) -> &str {
        &self.profile
    }

    /// The kubeconfig with which the cluster was found ready.
    pub(super) fn kubeconfig(&self) -> Option<&Kubeconfig> {
        self.seen.as_ref().map(|seen| &seen.given)
    }

    /// Tells whether the cluster that there is, is the one that is known.
    pub(super) fn is_of(&self, status: &Status) -> bool {
        let kept = self.seen.as_ref().map(|seen| &seen.identity);
        kept.is_some() && kept == status.identity.as_ref()
    }

    /// Keeps a kubeconfig with which the cluster was found ready.
    pub(super) fn keep(&self, given: &Kubeconfig, status: &Status) {
        if let (Some(file), Some(identity)) = (&self.file, status.identity.clone()) {
            let seen = Seen { identity, given: given.clone() };
            if self.seen.as_ref() != Some(&seen) {
                file.keep(&seen);
            }
        }
    }

    /// Drops what is kept of another cluster than the one that there is.
    pub(super) fn forget(&mut self) {
        if let (Some(file), Some(_)) = (&self.file, self.seen.take()) {
            file.forget();
        }
    }
}
