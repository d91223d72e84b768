//! A look at a cluster's API that begins before its driver has told how the cluster is.
//!
//! It is made with the kubeconfig with which the cluster was found ready last, and counts when the
//! driver's answer says that it is the same cluster still. All else is measured with a kubeconfig
//! that the driver gives now, so that nothing that was kept can make a status untrue.

use caproni_driver::{Kubeconfig, Status};
use tokio::task::JoinSet;

use super::known::Known;
use crate::error::Error;
use crate::readiness::{Answer, Look, Readiness};

/// A look that is under way; it ends when this is dropped.
pub(super) struct Glance {
    known: Known,
    answer: JoinSet<Option<Answer>>,
    /// What it came to, where that was not ready and not before the driver's answer.
    failed: Option<Look>,
}

impl Glance {
    /// Begins it, where a kubeconfig is kept of this driver's cluster.
    pub(super) fn begin(driver: &str, profile: &str) -> Self {
        let known = Known::read(driver, profile);
        let mut answer = JoinSet::new();
        if let Some(given) = known.kubeconfig().cloned() {
            let ask = async move { Some(Readiness::offhand(&given.kubeconfig).await?.ask().await) };
            answer.spawn(ask);
        }
        Self { known, answer, failed: None }
    }

    /// The same for the driver that was opened, which may have become another one.
    pub(super) fn of(self, driver: &str) -> Self {
        if self.known.is_by(driver) { self } else { Self::begin(driver, self.known.profile()) }
    }

    /// What it saw, if it counts: the cluster is ready, and the same as when the kubeconfig was kept.
    pub(super) async fn ready(&mut self, status: &Status) -> Option<Look> {
        self.check(status);
        if !self.known.is_of(status) {
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
        let was_with = |given| self.known.kubeconfig() == Some(given);
        match self.failed.take().filter(|_| was_with(given)) {
            Some(look) => Ok(look),
            None => {
                let look = Readiness::new(&given.kubeconfig).await?.look(&status.nodes).await;
                if look.is_ready() {
                    self.known.keep(given, status);
                }
                Ok(look)
            }
        }
    }

    /// Drops what is kept of another cluster than the one that there is.
    pub(super) fn check(&mut self, status: &Status) {
        if !self.known.is_of(status) {
            self.answer.abort_all();
            self.known.forget();
        }
    }
}
