//! Creations that are interrupted, each in its own way, and two at once.

use std::time::Duration;

use caproni_driver::Status;
use serde_json::json;

use super::life::{MOMENT, changed_by, is_another, remove, status};
use super::meaning::typed;
use super::probe::Probe;
use super::trial::Trial;
use super::wire::hold;
use crate::error::Error;

/// How long a rollback may take.
const ROLLBACK: Duration = Duration::from_secs(60);

/// Interrupts them. `first` is the identity of the cluster that was there before and is destroyed.
///
/// # Errors
/// `DriverNotExecutable`.
pub(super) async fn run(trial: &Trial<'_>, first: Option<&str>) -> Result<(), Error> {
    cancelled(trial).await?;
    input_ended(trial).await?;
    killed(trial, first).await?;
    both_at_once(trial).await
}

/// Begins a creation, and waits until it is under way.
async fn begin(trial: &Trial<'_>) -> Result<Probe, Error> {
    let mut probe = trial.session().await?;
    let params = trial.about(&trial.profile, trial.to_change);
    let start = json!({"jsonrpc": "2.0", "id": 60, "method": "start", "params": params});
    probe.send_request(json!(60), start.to_string().as_bytes()).await;
    probe.under_way(MOMENT).await;
    Ok(probe)
}

async fn cancelled(trial: &Trial<'_>) -> Result<(), Error> {
    if !trial.has_feature("cancel") {
        return Ok(());
    }
    let mut probe = begin(trial).await?;
    probe.send(br#"{"jsonrpc":"2.0","method":"cancel","params":{}}"#).await;
    let answer = probe.answer("CANCEL-2", "start", ROLLBACK.min(trial.to_change)).await;
    if answer.reply.is_some() {
        let right = answer.result().is_some() || answer.kind() == Some("Cancelled");
        hold(trial, &probe, "CANCEL-2", right, || {
            "a cancelled `start` is answered neither with its result nor with `Cancelled`".into()
        });
        if answer.kind() == Some("Cancelled") {
            let left = status(trial, &mut probe).await;
            let gone = left.is_none_or(|left| !left.exists);
            hold(trial, &probe, "START-5", gone, || "a cancelled creation left something".into());
        }
    }
    probe.kill().await;
    remove(trial).await
}

/// The end of input in the middle of a creation undoes it, as when the host was killed.
async fn input_ended(trial: &Trial<'_>) -> Result<(), Error> {
    let probe = begin(trial).await?;
    let shown = probe.finding("");
    let ending = probe.end(ROLLBACK.min(trial.to_change)).await;
    trial.judge.held("LIFE-5");
    if !ending.by_itself || ending.code != Some(0) {
        let what = "it does not end with 0 when its stdin is closed in the middle of a creation";
        trial.judge.failed("LIFE-5", super::judge::Finding { what: what.into(), ..shown.clone() });
    }
    if !ending.left.is_empty() {
        let what = format!("it left behind: {}", ending.left.join("; "));
        trial.judge.failed("LIFE-6", super::judge::Finding { what, ..shown });
    }
    let mut probe = trial.session().await?;
    if let Some(left) = status(trial, &mut probe).await {
        // One that was done before it heard of the end is whole.
        let right = !left.exists || left.state == caproni_driver::State::Ready;
        hold(trial, &probe, "START-5", right, || {
            "a creation whose input ended left something".into()
        });
    }
    probe.kill().await;
    remove(trial).await
}

/// After SIGKILL in the middle `status` is true, `start` completes it, `destroy` removes it.
async fn killed(trial: &Trial<'_>, first: Option<&str>) -> Result<(), Error> {
    begin(trial).await?.kill().await;
    let mut probe = trial.session().await?;
    let answer = trial.status_for(&mut probe, "LIFE-7").await;
    if let Some(half) = typed::<Status>(trial, &probe, "status", &answer).filter(|half| half.exists)
    {
        // It may have been done already; but what claims to be whole must be.
        let told = half.state == caproni_driver::State::Ready || !half.conditions.is_empty();
        hold(trial, &probe, "STATUS-4", told, || "half a cluster, and no condition says so".into());
    }
    if let Some(change) = changed_by(trial, &mut probe, "start", "START-4").await {
        let right = ["created", "started", "none"].contains(&change.as_str());
        hold(trial, &probe, "START-4", right, || {
            format!("`start` on half a cluster answers `{change}`")
        });
        let whole = status(trial, &mut probe).await;
        hold(trial, &probe, "START-4", whole.as_ref().is_none_or(|whole| whole.exists), || {
            "`start` on half a cluster succeeds, and nothing exists".into()
        });
        if let Some(whole) = whole {
            is_another(trial, &probe, first, &whole);
        }
    }
    probe.kill().await;
    begin_again_and_destroy(trial).await
}

async fn begin_again_and_destroy(trial: &Trial<'_>) -> Result<(), Error> {
    remove(trial).await?;
    begin(trial).await?.kill().await;
    let mut probe = trial.session().await?;
    changed_by(trial, &mut probe, "destroy", "DESTROY-1").await;
    if let Some(left) = status(trial, &mut probe).await {
        hold(trial, &probe, "DESTROY-1", !left.exists, || {
            "`destroy` of half a cluster leaves something".into()
        });
    }
    probe.kill().await;
    Ok(())
}

/// Of two that make one cluster at the same time one makes it, and the other finds it.
async fn both_at_once(trial: &Trial<'_>) -> Result<(), Error> {
    let (mut one, mut other) = (trial.session().await?, trial.session().await?);
    let (first, second) =
        tokio::join!(trial.change(&mut one, "start"), trial.change(&mut other, "start"));
    let mut changes = [first.change().or(first.kind()), second.change().or(second.kind())];
    changes.sort_unstable();
    let right =
        matches!(changes, [Some("created"), Some("none")] | [Some("Busy"), Some("created")]);
    if first.reply.is_some() && second.reply.is_some() {
        trial.judge.held("CALL-5");
        if !right {
            let [one_says, other_says] = changes.map(|change| change.unwrap_or("an error"));
            let what = format!(
                "two `start` at once answer `{one_says}` and `{other_says}`, not `created` and `none`"
            );
            trial.judge.warned("CALL-5", one.finding(what));
        }
    }
    one.kill().await;
    other.kill().await;
    Ok(())
}
