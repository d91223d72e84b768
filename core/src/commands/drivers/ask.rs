//! Asking a driver who it is, be it broken in any way, and many of them at a time.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use caproni_driver::Description;
use tokio::sync::Semaphore;

use super::cache::Facts;
use crate::discovery::{Driver, PREFIX, SearchPath};
use crate::error::{Error, Kind};
use crate::interrupt::Interrupt;
use crate::session::Session;
use crate::transport::Listener;

/// How many drivers are at work at once. Each has a deadline of its own, so more of them
/// would only be late together.
const AT_ONCE: usize = 16;

/// After this time a driver counts as one that hangs, and no longer as one that is at work:
/// the next one need not wait for it.
const PACE: Duration = Duration::from_millis(250);

/// How many drivers run at all: each takes three of the 256 open files of macOS.
const MOST: usize = 64;

/// What became of asking a driver. A driver may well say who it is and be broken.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) facts: Option<Facts>,
    pub(super) problem: Option<Error>,
    /// The other driver that it has become.
    pub(super) becomes: Option<String>,
}

/// Who may be asked when.
#[derive(Debug, Clone)]
pub(super) struct Turns {
    running: Arc<Semaphore>,
    working: Arc<Semaphore>,
}

impl Turns {
    pub(super) fn new() -> Self {
        let semaphore = |size| Arc::new(Semaphore::new(size));
        Self { running: semaphore(MOST), working: semaphore(AT_ONCE) }
    }

    /// Asks a driver when it is its turn, and for no longer than `limit` from then on.
    pub(super) async fn ask(
        self,
        driver: &Driver,
        search: &SearchPath,
        limit: Duration,
        listener: Listener,
    ) -> Answer {
        let _running = self.running.acquire_owned().await;
        let working = self.working.acquire_owned().await;
        let mut asked = pin!(ask(driver, search, limit, listener));
        if let Ok(answer) = tokio::time::timeout(PACE, &mut asked).await {
            return answer;
        }
        drop(working);
        asked.await
    }
}

/// Out of time the driver is killed without more ado: `initialize` touches nothing (rule
/// INIT-1), so there is nothing to be put in order.
async fn ask(driver: &Driver, search: &SearchPath, limit: Duration, listener: Listener) -> Answer {
    let interrupt = Interrupt::default();
    let mut described = None;
    let talk = async {
        let session = Session::open(driver, None, &interrupt, listener).await?;
        described = Some(session.description.clone());
        session.close().await;
        Ok(())
    };
    let in_time = tokio::time::timeout(limit, talk).await;
    let becomes = described.as_ref().and_then(|said| search.become_by(driver, &said.name));
    let problem = match (in_time, &described) {
        (Ok(Err(error)), _) => Some(error),
        (Ok(Ok(())), _) if becomes.is_some() => None,
        (Ok(Ok(())), described) => described.as_ref().and_then(|said| wrong_name(driver, said)),
        (Err(_), None) => Some(late(driver, "did not answer `initialize`", limit)),
        (Err(_), Some(_)) => Some(late(driver, "answered, but did not end with its stdin,", limit)),
    };
    let becomes = becomes.map(|other| other.name);
    Answer { facts: described.map(facts), problem, becomes }
}

fn facts(described: Description) -> Facts {
    Facts { version: described.version, capabilities: described.capabilities }
}

/// The error for a driver that was not done in time, and what it is that it did not do.
pub(crate) fn late(driver: &Driver, what: &str, limit: Duration) -> Error {
    let (path, limit) = (driver.path.display(), humantime::format_duration(limit));
    Error::new(Kind::DriverUnresponsive, format!("driver `{path}` {what} within {limit}"))
        .with("path", path.to_string())
}

fn wrong_name(driver: &Driver, described: &Description) -> Option<Error> {
    let (path, said) = (driver.path.display(), &described.name);
    (*said != driver.name).then(|| {
        let message = format!("driver `{path}` says that its name is `{said}`");
        Error::new(Kind::DriverProtocolError, message)
            .with_hint(format!("name the file `{PREFIX}{said}`"))
            .with("path", path.to_string())
    })
}
