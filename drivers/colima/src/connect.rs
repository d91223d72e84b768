//! What every request about a cluster begins with, and what a failed one ends with.

use std::time::Duration;

use caproni_driver::{Error, ErrorKind, Request};
use serde_json::Value;

use crate::colima::COLIMA;
use crate::config::{ColimaConfig, Platform};
use crate::lima::Lima;
use crate::look::{self, Look};
use crate::machine::{Home, Machine};
use crate::status;

/// How long finding out what is left of a failed request may take.
const LOOK: Duration = Duration::from_secs(15);

/// The cluster that a request is about.
pub(crate) struct Subject {
    home: Home,
    /// Its machine.
    pub(crate) machine: Machine,
}

impl Subject {
    /// # Errors
    /// `InvalidDriverConfig` for a profile that cannot be one, `BackendUnavailable` without a home.
    pub(crate) fn of(profile: &str) -> Result<Self, Error> {
        let home = Home::of_process()?;
        let machine = home.machine(profile)?;
        Ok(Self { home, machine })
    }

    /// # Errors
    /// `InvalidDriverConfig`.
    pub(crate) fn config(&self, config: &Value) -> Result<ColimaConfig, Error> {
        ColimaConfig::read(config, Platform::THIS)
    }

    /// # Errors
    /// `BackendMissing`, `BackendUnavailable`.
    pub(crate) fn lima(&self) -> Result<Lima<'_>, Error> {
        COLIMA.find()?;
        Lima::find(&self.home)
    }

    /// Everything that is seen of it.
    ///
    /// # Errors
    /// As [`look::look`].
    pub(crate) async fn look(&self, request: &Request) -> Result<Look, Error> {
        look::look(request, &self.lima()?, &self.machine).await
    }

    /// What shows without asking the machine.
    ///
    /// # Errors
    /// As [`look::look`].
    pub(crate) async fn glance(&self, request: &Request) -> Result<Look, Error> {
        let all = self.lima()?.instances(request).await?;
        let instance = all.into_iter().find(|instance| instance.name == self.machine.id);
        look::at_rest(&self.machine, instance)
    }
}

/// Adds to a failure of a change in which state it leaves the cluster, unless that is known
/// already or the cluster was not touched.
pub(crate) async fn with_state_left<T>(
    request: &Request,
    lima: &Lima<'_>,
    machine: &Machine,
    result: Result<T, Error>,
) -> Result<T, Error> {
    let Err(error) = result else { return result };
    let touched = [
        ErrorKind::Cancelled,
        ErrorKind::TimedOut,
        ErrorKind::ClusterNotReady,
        ErrorKind::BackendFailed,
    ];
    if error.data.state.is_some() || !touched.contains(error.kind()) {
        return Err(error);
    }
    let cleanup = request.for_cleanup(LOOK);
    match look::look(&cleanup, lima, machine).await {
        // Who holds the lock is this request.
        Ok(seen) => {
            let seen = Look { holder: None, ..seen };
            Err(error.with_state(status::of(machine, &seen).state))
        }
        Err(_) => Err(error),
    }
}
