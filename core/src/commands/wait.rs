//! `caproni wait`

use std::time::{Duration, Instant};

use caproni_driver::{ErrorKind, State};
use clap::{Args, ValueEnum};

use super::status::Report;
use super::watch::{PAUSE, Watch};
use super::{App, LIMIT_TO_ASK};
use crate::error::Error;
use crate::exit;

/// How long to wait when the user says nothing.
const LIMIT: Duration = Duration::from_secs(600);

/// Wait until the cluster is ready, or stopped
///
/// Changes nothing, so that somebody else must bring that about. What does not come about before
/// `--timeout`, 10m if it is not given, is an error, with exit code 4.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Wait {
    /// What to wait for; a cluster that does not exist is stopped
    #[arg(long = "for", value_name = "STATE")]
    state: Wanted,
}

const EXAMPLES: &str = "\
Examples:
  caproni wait --for ready --timeout 2m
  caproni stop & caproni wait --for stopped";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Wanted {
    /// The cluster takes workloads
    Ready,
    /// Nothing of it runs
    Stopped,
}

impl Wait {
    pub(crate) async fn run(self, app: &App) -> Result<u8, Error> {
        let target = app.target()?;
        let watch = Watch::open(app, &target).await?;
        let waited = self.wait(app, &watch).await;
        watch.close().await;
        let report = waited?;
        app.ui.result(&report.to_text(&app.ui), &report.to_json())?;
        Ok(exit::OK)
    }

    async fn wait(&self, app: &App, watch: &Watch<'_>) -> Result<Report, Error> {
        let (begun, limit) = (Instant::now(), app.global.timeout.unwrap_or(LIMIT));
        let left = || limit.saturating_sub(begun.elapsed());
        loop {
            let report = watch.look(LIMIT_TO_ASK.min(left().max(PAUSE))).await?;
            if report.status.state == self.state.state() {
                return Ok(report);
            }
            app.ui.meanwhile("wait", &format!("for {}: {}", self.state.state(), report.line()));
            if left().is_zero() {
                return Err(self.in_vain(report, begun.elapsed()));
            }
            tokio::select! {
                () = tokio::time::sleep(PAUSE.min(left())) => {}
                () = app.interrupt.first() => {
                    return Err(Error::driver(ErrorKind::Cancelled, "cancelled"));
                }
            }
        }
    }

    fn in_vain(&self, report: Report, waited: Duration) -> Error {
        let kind = match self.state {
            Wanted::Ready => ErrorKind::ClusterNotReady,
            Wanted::Stopped => ErrorKind::TimedOut,
        };
        let (profile, seconds) = (&report.profile, waited.as_secs_f64());
        let message =
            format!("cluster `{profile}` was not {} after {seconds:.0} s", self.state.state());
        let failed = report.status.conditions.into_iter().filter(|one| !one.ok).collect();
        let mut error = Error::driver(kind, message).with_state(report.status.state);
        error.data.waited_ms = Some(u64::try_from(waited.as_millis()).unwrap_or(u64::MAX));
        error.with_conditions(failed)
    }
}

impl Wanted {
    fn state(self) -> State {
        match self {
            Self::Ready => State::Ready,
            Self::Stopped => State::Stopped,
        }
    }
}
