//! SIGTERM: the driver ends within 5 s, and no program that it runs outlives it.

use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::current::CurrentRequest;
use crate::run;

/// How long a request may take to end that nobody had cancelled before.
const GRACE: Duration = Duration::from_secs(3);

/// How long its programs may take after that to end by themselves.
const TERM_GRACE: Duration = Duration::from_secs(1);

/// As a shell says it of a program that the signal ended.
const EXIT: u8 = 128 + 15;

/// A driver that was told to end.
pub(super) struct Terminated(());

/// Takes the signal from here on; what is given waits for it.
pub(super) fn listen() -> std::io::Result<impl Future<Output = Terminated>> {
    let mut signal = signal(SignalKind::terminate())?;
    Ok(async move {
        signal.recv().await;
        Terminated(())
    })
}

impl Terminated {
    /// Ends the running request, by force where it does not end itself, and then its programs.
    ///
    /// One that was cancelled before had its time: whoever sends the signal now does not
    /// want to wait for its rollback.
    pub(super) async fn end(self, current: &CurrentRequest, answering: impl Future) -> ExitCode {
        let grace = if current.terminate() { GRACE } else { Duration::ZERO };
        if !current.is_idle() {
            let _ = tokio::time::timeout(grace, answering).await;
        }
        run::end_all(TERM_GRACE).await;
        ExitCode::from(EXIT)
    }
}
