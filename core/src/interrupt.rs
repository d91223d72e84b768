//! Ctrl-C and its relatives: the first asks for an orderly end, the second ends at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::error::Error;

/// The user's wish to end, as far as it has come.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    first: CancellationToken,
    second: CancellationToken,
}

impl Interrupt {
    /// Listens to SIGINT, SIGTERM and SIGHUP (a closed terminal) from here on, but for those
    /// that are ignored: under `nohup` the closed terminal, in the background of a script Ctrl-C.
    ///
    /// # Errors
    /// The system does not let us listen.
    pub fn listen() -> Result<Self, Error> {
        let interrupt = Self::default();
        let failed = |error: std::io::Error| Error::system("cannot listen for signals", &error);
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let ignored = ignored();
        for kind in kinds.into_iter().filter(|kind| !ignored.contains(kind)) {
            let mut signals = signal(kind).map_err(failed)?;
            let heard = interrupt.clone();
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    heard.raise();
                }
            });
        }
        Ok(interrupt)
    }

    /// Counts one signal.
    pub fn raise(&self) {
        if self.first.is_cancelled() {
            self.second.cancel();
        }
        self.first.cancel();
    }

    /// Tells whether the user wants an end.
    pub fn is_raised(&self) -> bool {
        self.first.is_cancelled()
    }

    /// Waits for the first signal.
    pub async fn first(&self) {
        self.first.cancelled().await;
    }

    /// Waits for the second signal.
    pub async fn second(&self) {
        self.second.cancelled().await;
    }

    /// For work that must be done after the first signal, such as a rollback: only
    /// the second one ends it, and is its first and second at once.
    pub fn for_cleanup(&self) -> Self {
        Self { first: self.second.clone(), second: self.second.clone() }
    }
}

/// The signals that whoever started this program has it ignore.
#[cfg(target_os = "linux")]
fn ignored() -> Vec<SignalKind> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    (1..64).filter(|signal| mask >> (signal - 1) & 1 == 1).map(SignalKind::from_raw).collect()
}

/// The signals that whoever started this program has it ignore: nobody tells without `unsafe`.
#[cfg(not(target_os = "linux"))]
fn ignored() -> Vec<SignalKind> {
    Vec::new()
}
