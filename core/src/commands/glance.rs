//! A look at a cluster's API that begins before its driver has told how the cluster is.
//!
//! It is made with the kubeconfig with which the cluster was found ready last, and counts when the
//! driver's answer says that it is the same cluster still. All else is measured with a kubeconfig
//! that the driver gives now, so that nothing that was kept can make a status untrue.

use caproni_driver::{Kubeconfig, Status};
use tokio::task::JoinSet;

use crate::error::Error;
use crate::readiness::{Answer, Look, Readiness};
use crate::seen::{Seen, SeenFile};

/// A look that is under way; it ends when this is dropped.
pub(super) struct Glance {
    driver: String,
    profile: String,
    file: Option<SeenFile>,
    seen: Option<Seen>,
    answer: JoinSet<Option<Answer>>,
    /// What it came to, where that was not ready and not before the driver's answer.
    failed: Option<Look>,
}

impl Glance {
    /// Begins it, where a kubeconfig is kept of this driver's cluster.
    pub(super) fn begin(driver: &str, profile: &str) -> Self {
        let file = SeenFile::of(driver, profile);
        let seen = file.as_ref().and_then(SeenFile::read);
        let mut answer = JoinSet::new();
        if let Some(kubeconfig) = seen.as_ref().map(|seen| seen.kubeconfig.clone()) {
            answer.spawn(async move { Some(Readiness::offhand(&kubeconfig).await?.ask().await) });
        }
        let (driver, profile) = (driver.to_owned(), profile.to_owned());
        Self { driver, profile, file, seen, answer, failed: None }
    }

    /// The same for the driver that was opened, which may have become another one.
    pub(super) fn of(self, driver: &str) -> Self {
        if self.driver == driver { self } else { Self::begin(driver, &self.profile) }
    }

    /// What it saw, if it counts: the cluster is ready, and the same as when the kubeconfig was kept.
    pub(super) async fn ready(&mut self, status: &Status) -> Option<Look> {
        if !self.is_of(status) {
            self.forget();
            return None;
        }
        let ended_before = self.answer.try_join_next();
        let under_way = ended_before.is_none();
        let ended = match ended_before {
            Some(ended) => Some(ended),
            None => self.answer.join_next().await,
        };
        let look = ended?.ok()??.look(&status.nodes);
        if look.is_ready() {
            return Some(look);
        }
        self.failed = Some(look).filter(|_| under_way);
        None
    }

    /// Tells whether it was made with this very kubeconfig.
    pub(super) fn was_with(&self, given: &Kubeconfig) -> bool {
        self.seen.as_ref().is_some_and(|seen| seen.kubeconfig == given.kubeconfig)
    }

    /// Looks with the kubeconfig that the driver gives. It looks no second time where it has just
    /// looked in vain with the same.
    ///
    /// # Errors
    /// As [`Readiness::new`].
    pub(super) async fn look(
        &mut self,
        given: &Kubeconfig,
        status: &Status,
    ) -> Result<Look, Error> {
        match self.failed.take().filter(|_| self.was_with(given)) {
            Some(look) => Ok(look),
            None => {
                let look = Readiness::new(&given.kubeconfig).await?.look(&status.nodes).await;
                if look.is_ready() {
                    self.keep(given, status);
                }
                Ok(look)
            }
        }
    }

    /// Keeps a kubeconfig with which the cluster was found ready.
    pub(super) fn keep(&self, given: &Kubeconfig, status: &Status) {
        if let (Some(file), Some(identity)) = (&self.file, status.identity.clone()) {
            let seen = Seen { identity, kubeconfig: given.kubeconfig.clone() };
            if self.seen.as_ref() != Some(&seen) {
                file.keep(&seen);
            }
        }
    }

    /// Drops what is kept of another cluster than the one that there is.
    pub(super) fn check(&mut self, status: &Status) {
        if !self.is_of(status) {
            self.forget();
        }
    }

    fn is_of(&self, status: &Status) -> bool {
        let kept = self.seen.as_ref().map(|seen| &seen.identity);
        kept.is_some() && kept == status.identity.as_ref()
    }

    fn forget(&mut self) {
        self.answer.abort_all();
        if let (Some(file), Some(_)) = (&self.file, self.seen.take()) {
            file.forget();
        }
    }
}
