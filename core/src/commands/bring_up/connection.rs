//! A connection to a cluster's API that is opened before its driver has told how the cluster is.
//!
//! It is made with the kubeconfig with which the cluster was found ready last, and nothing is
//! believed of what is asked on it before the driver has answered `start`: another process may have
//! changed the cluster while the driver waited for its turn. Only an API that takes these credentials
//! then, and is ready, is that of the cluster that is known; so what is kept serves as the kubeconfig
//! of that cluster, and the driver need not look for it.

use caproni_driver::{Kubeconfig, Status};
use tokio::task::JoinSet;

use crate::commands::known::Known;
use crate::kubeconfig::Entry;
use crate::readiness::{Look, Readiness};

/// A connection that is open, or about to be; it is closed when this is dropped.
pub(super) struct Connection {
    known: Known,
    opening: JoinSet<Option<Readiness>>,
}

/// A cluster that was found ready, and how it is reached.
pub(super) struct Usable {
    pub(super) given: Kubeconfig,
    pub(super) entry: Entry,
    pub(super) look: Look,
}

impl Connection {
    /// Begins to open it, where a kubeconfig is kept of this driver's cluster.
    pub(super) fn begin(driver: &str, profile: &str) -> Self {
        let known = Known::read(driver, profile);
        let mut opening = JoinSet::new();
        if let Some(given) = known.kubeconfig().cloned() {
            opening
                .spawn(async move { Readiness::offhand(&given.kubeconfig).await?.opened().await });
        }
        Self { known, opening }
    }

    /// No connection: whatever there was led to what the cluster was before.
    pub(super) fn none(driver: &str, profile: &str) -> Self {
        Self { known: Known::read(driver, profile), opening: JoinSet::new() }
    }

    /// The same for the driver that was opened, which may have become another one.
    pub(super) fn of(self, driver: &str) -> Self {
        if self.known.is_by(driver) { self } else { Self::begin(driver, self.known.profile()) }
    }

    /// Looks at the API now; `None` if the cluster is not the one that is known, or is not ready.
    pub(super) async fn ready(&mut self, status: &Status) -> Option<Usable> {
        if !self.known.is_of(status) {
            self.opening.abort_all();
            self.known.forget();
            return None;
        }
        let given = self.known.kubeconfig()?.clone();
        let entry = Entry::parse(&given.kubeconfig, &given.context).ok()?;
        let look = self.opening.join_next().await?.ok()??.look(&status.nodes).await;
        look.is_ready().then_some(Usable { given, entry, look })
    }

    /// Keeps a kubeconfig with which the cluster was found ready.
    pub(super) fn keep(&self, given: &Kubeconfig, status: &Status) {
        self.known.keep(given, status);
    }
}
