//! What a driver's method knows of the request it answers.

use std::future::Future;
use std::time::{Duration, Instant};

use jsonrpsee::Extensions;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, ErrorKind};
use crate::messages::Progress;
use crate::text::one_line;

/// The request that is being answered: where its progress goes, and when it must end.
///
/// Each method of the contract gets it in its extensions:
/// `let request = Request::of(ext);`
#[derive(Debug, Clone)]
pub struct Request {
    wire: Option<mpsc::Sender<String>>,
    cancel: CancellationToken,
    received: Instant,
    timeout: Option<Duration>,
}

impl Request {
    /// Takes the request out of a method's extensions.
    ///
    /// Outside `serve`, as in a unit test that calls a method itself, it is a
    /// request without limits whose progress goes nowhere.
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get::<Self>().cloned().unwrap_or_else(Self::detached)
    }

    /// A request without limits whose progress goes nowhere.
    pub fn detached() -> Self {
        Self {
            wire: None,
            cancel: CancellationToken::new(),
            received: Instant::now(),
            timeout: None,
        }
    }

    pub(crate) fn new(
        wire: mpsc::Sender<String>,
        cancel: CancellationToken,
        timeout: Option<Duration>,
    ) -> Self {
        Self { wire: Some(wire), cancel, received: Instant::now(), timeout }
    }

    /// The same request for work that must be done even when it was cancelled,
    /// such as a rollback: it has a time of its own, and cannot be cancelled.
    #[must_use]
    pub fn for_cleanup(&self, timeout: Duration) -> Self {
        Self {
            wire: self.wire.clone(),
            cancel: CancellationToken::new(),
            received: Instant::now(),
            timeout: Some(timeout),
        }
    }

    /// Tells the host what happens now. `message` is in the present tense, one line.
    pub fn progress(&self, step: &str, message: impl Into<String>) {
        self.report(&Progress::new(step, message));
    }

    /// Tells the host how far the request is.
    ///
    /// Escape codes are taken out of step and message, and line ends are spaces: they are
    /// often a backend's own words.
    ///
    /// Never waits: when the host reads too slowly the report is dropped.
    pub fn report(&self, progress: &Progress) {
        let Some(wire) = &self.wire else { return };
        let mut progress = progress.clone();
        progress.step = one_line(&progress.step);
        progress.message = one_line(&progress.message);
        let line = json!({"jsonrpc": "2.0", "method": "progress", "params": progress});
        // Full means that the host is behind, closed that it is gone: the reply matters, not this.
        let _ = wire.try_send(line.to_string());
    }

    /// Tells whether the host wants the request to end.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// How much of the request's time is left; `None` is without limit.
    pub fn remaining(&self) -> Option<Duration> {
        self.timeout.map(|timeout| timeout.saturating_sub(self.received.elapsed()))
    }

    /// Waits for the moment the request must end, and says why.
    ///
    /// # Errors
    /// Never returns `Ok`: the error is `Cancelled` or `TimedOut`.
    pub async fn ended(&self) -> Error {
        let time_is_up = async {
            match self.remaining() {
                Some(remaining) => tokio::time::sleep(remaining).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Error::cancelled(),
            () = time_is_up => self.timed_out(),
        }
    }

    /// Does `work`, unless the request ends before.
    ///
    /// # Errors
    /// `Cancelled` or `TimedOut`; `work` is dropped then.
    pub async fn or_ended<T>(&self, work: impl Future<Output = T>) -> Result<T, Error> {
        tokio::select! {
            biased;
            error = self.ended() => Err(error),
            done = work => Ok(done),
        }
    }

    fn timed_out(&self) -> Error {
        let waited = self.received.elapsed();
        let message = format!("gave up after {:.1} s", waited.as_secs_f64());
        let mut error = Error::new(ErrorKind::TimedOut, message);
        error.data.waited_ms = Some(u64::try_from(waited.as_millis()).unwrap_or(u64::MAX));
        error
    }
}
