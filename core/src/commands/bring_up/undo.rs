//! What a run has made of a cluster is undone when it fails.

use std::time::Duration;

use caproni_driver::{Change, ErrorKind, Outcome, State};
use serde_json::Value;

use super::BringUp;
use crate::error::Error;
use crate::session::{Call, Session};
use crate::state::ClusterState;

/// How long the removal of a failed creation may take.
const LIMIT_TO_ROLL_BACK: Duration = Duration::from_secs(120);

const ROLLED_BACK: &str =
    "run it with `--no-rollback` to keep a new cluster for a look: this one was removed again";

impl BringUp<'_> {
    /// Undoes what this run has made of the cluster.
    pub(super) async fn roll_back(
        &self,
        session: &Session,
        outcome: &Outcome,
        config: Value,
        error: Error,
    ) -> Error {
        let cancelled = error.is(&ErrorKind::Cancelled);
        let interrupt = self.app.interrupt.for_cleanup();
        let call = Call {
            profile: &self.target.profile,
            timeout: Some(LIMIT_TO_ROLL_BACK),
            interrupt: &interrupt,
        };
        match outcome.change {
            Change::Created if !self.options.no_rollback => {
                self.app.ui.step("rollback", "removing the new cluster again");
                let undone = session.destroy(call, Some(config)).await;
                ClusterState::of(&session.driver.name, &self.target.profile).forget();
                after_undoing(error.with_hint(ROLLED_BACK), undone)
            }
            Change::Started if cancelled => {
                self.app.ui.step("rollback", "stopping the cluster again");
                after_undoing(error, session.stop(call, Some(config)).await)
            }
            _ => left_as_it_is(session, call, error).await,
        }
    }
}

fn after_undoing(error: Error, undone: Result<Outcome, Error>) -> Error {
    match undone {
        Ok(_) => error.with_state(State::Stopped),
        Err(failed) => error
            .with_cause(format!("undoing it failed: {}", failed.message))
            .with_hint("run `caproni destroy` to remove what is left"),
    }
}

async fn left_as_it_is(session: &Session, call: Call<'_>, error: Error) -> Error {
    match session.status(call, None).await {
        // Its nodes run; that it is not ready is what was just measured.
        Ok(status) if status.state == State::Ready => error.with_state(State::NotReady),
        Ok(status) => error.with_state(status.state),
        Err(_) => error,
    }
}
