//! The last level: the whole life of a cluster, which is really made and really removed.

use std::time::Duration;

use caproni_driver::config::{differences, seal};
use caproni_driver::{Outcome, State, Status};
use serde_json::{Value, json};

use super::probe::{Answer, Probe};
use super::trial::{Trial, changed};
use super::wire::hold;
use super::{beside, interrupted, meaning};
use crate::error::Error;

/// Runs the level.
///
/// # Errors
/// `DriverNotExecutable`.
pub(super) async fn run(trial: &Trial<'_>) -> Result<(), Error> {
    let mut probe = trial.session().await?;
    let made = create(trial, &mut probe).await;
    super::lifecycle::end_well(trial, probe).await;
    if !made {
        return remove(trial).await;
    }
    let mut probe = trial.session().await?;
    start_again(trial, &mut probe).await;
    let status = status(trial, &mut probe).await;
    if let Some(status) = &status {
        runs_as_asked(trial, &probe, status);
        other_config(trial, &mut probe, status).await;
    }
    let first = status.and_then(|status| status.identity);
    beside::run(trial, &mut probe).await;
    stop_and_start(trial, &mut probe).await;
    restart(trial, &mut probe).await;
    destroy(trial, &mut probe).await;
    super::lifecycle::end_well(trial, probe).await;
    interrupted::run(trial, first.as_deref()).await?;
    remove(trial).await
}

/// The longest text by which a driver may tell a cluster from another, in bytes.
const LONGEST_IDENTITY: usize = 256;

/// A cluster that was made anew is another one than the first of its name.
pub(super) fn is_another(trial: &Trial<'_>, probe: &Probe, first: Option<&str>, now: &Status) {
    let (Some(first), Some(second)) = (first, now.identity.as_deref()) else {
        return trial.judge.not_applicable("STATUS-6", "its status has no `identity`");
    };
    hold(trial, probe, "STATUS-6", second != first, || {
        "a cluster that was destroyed and made anew has the `identity` of the first one".into()
    });
    hold(trial, probe, "STATUS-6", second.len() <= LONGEST_IDENTITY, || {
        format!("the `identity` is longer than {LONGEST_IDENTITY} bytes")
    });
}

/// Removes what is left of the trial's cluster, whatever happened.
///
/// # Errors
/// `DriverNotExecutable`.
pub(super) async fn remove(trial: &Trial<'_>) -> Result<(), Error> {
    let mut probe = trial.session().await?;
    trial.change(&mut probe, "destroy").await;
    probe.kill().await;
    Ok(())
}

/// What a request that changes something changed; if it fails, it breaks `rule`.
pub(super) async fn changed_by(
    trial: &Trial<'_>,
    probe: &mut Probe,
    method: &str,
    rule: &'static str,
) -> Option<String> {
    let answer = trial.change(probe, method).await;
    if let Some(error) = answer.error() {
        let what = format!("`{method}` is answered with an error: {error}");
        trial.judge.failed(rule, probe.finding(what));
        return None;
    }
    let outcome = meaning::typed::<Outcome>(trial, probe, method, &answer)?;
    Some(serde_json::to_value(&outcome.change).ok()?.as_str()?.to_owned())
}

/// Makes the request, whose `change` must be one of these.
async fn expect(
    trial: &Trial<'_>,
    probe: &mut Probe,
    method: &str,
    wanted: &[&str],
    rule: &'static str,
    when: &str,
) -> bool {
    let Some(change) = changed_by(trial, probe, method, rule).await else { return false };
    let right = wanted.contains(&change.as_str());
    hold(trial, probe, rule, right, || {
        format!("`{method}` {when} answers `{change}`, not `{}`", wanted.join("` or `"))
    });
    true
}

pub(super) async fn status(trial: &Trial<'_>, probe: &mut Probe) -> Option<Status> {
    let answer = trial.status_for(probe, "CALL-1").await;
    meaning::typed(trial, probe, "status", &answer)
}

async fn create(trial: &Trial<'_>, probe: &mut Probe) -> bool {
    let made = expect(trial, probe, "start", &["created"], "START-1", "of a new cluster").await;
    if made && let Some(status) = status(trial, probe).await {
        hold(trial, probe, "START-7", status.exists, || "`created`, and nothing exists".into());
        let right = status.state != State::Stopped;
        hold(trial, probe, "START-6", right, || "started, and its state is `stopped`".into());
        let half = status.exists && status.state == State::NotReady && status.conditions.is_empty();
        hold(trial, probe, "STATUS-4", !half, || "`not-ready`, and no condition says why".into());
    }
    made
}

async fn start_again(trial: &Trial<'_>, probe: &mut Probe) {
    expect(trial, probe, "start", &["none"], "CALL-6", "of a cluster that runs").await;
}

/// The cluster really runs with the config that was asked for, and no secret is told.
fn runs_as_asked(trial: &Trial<'_>, probe: &Probe, status: &Status) {
    let Some(running) = &status.config else {
        let reason = "its status has no `config`";
        return ["CONF-5", "CONF-6"]
            .into_iter()
            .for_each(|rule| trial.judge.not_applicable(rule, reason));
    };
    let found = differences(&trial.schema(), running, &trial.config());
    hold(trial, probe, "CONF-5", found.is_empty(), || {
        let fields: Vec<_> = found.iter().map(|one| format!("`{}`", one.path)).collect();
        format!("right after `start` the `config` of its status differs in {}", fields.join(", "))
    });
    trial.judge.held("CONF-6");
    let open = seal(&trial.schema(), running) != *running;
    hold(trial, probe, "CONF-7", !open, || {
        "a sensitive field of the status's `config` is not sealed".into()
    });
}

/// Another config is refused, and nothing is touched.
async fn other_config(trial: &Trial<'_>, probe: &mut Probe, before: &Status) {
    let Some((field, config)) = changed(&trial.schema(), &trial.config()) else {
        let reason = "its config has no field that could be changed to see a mismatch";
        return trial.judge.not_applicable("START-2", reason);
    };
    if before.config.is_none() {
        return trial.judge.not_applicable("START-2", "its status has no `config` to compare with");
    }
    let params = json!({"profile": trial.profile, "config": config});
    let answer = probe.ask("CALL-1", "start", &params, trial.to_change).await;
    judge_mismatch(trial, probe, &field, &answer);
    let after = status(trial, probe).await;
    let right =
        after.is_none_or(|after| after.config == before.config && after.state == before.state);
    hold(trial, probe, "START-2", right, || {
        format!("`start` with another `{field}` changed the cluster that was there")
    });
}

fn judge_mismatch(trial: &Trial<'_>, probe: &Probe, field: &str, answer: &Answer) {
    match (answer.kind(), answer.result()) {
        (Some("ConfigMismatch"), _) => {
            let data = answer.error().and_then(|error| error.get("data"));
            let named = data.and_then(|data| data.get("diff")).and_then(Value::as_array);
            let named = named.is_some_and(|diff| diff.iter().any(|one| one["path"] == field));
            hold(trial, probe, "START-2", named, || {
                format!("the mismatch does not name `{field}`")
            });
        }
        // The host compares before it asks, so this is not seen by a user of one machine.
        (_, Some(_)) => {
            let what = format!("`start` with another `{field}` does not answer `ConfigMismatch`");
            trial.judge.warned("START-2", probe.finding(what));
        }
        _ => {
            let what =
                format!("`start` with another `{field}` fails, and not with `ConfigMismatch`");
            trial.judge.failed("START-2", probe.finding(what));
        }
    }
}

async fn stop_and_start(trial: &Trial<'_>, probe: &mut Probe) {
    if !expect(trial, probe, "stop", &["stopped"], "STOP-1", "of a cluster that runs").await {
        return;
    }
    if let Some(status) = status(trial, probe).await {
        let right = status.exists && status.state == State::Stopped;
        hold(trial, probe, "STOP-1", right, || {
            format!("stopped, its state is `{}`, its `exists` {}", status.state, status.exists)
        });
    }
    expect(trial, probe, "stop", &["none"], "CALL-6", "of a cluster that is stopped").await;
    kubeconfig_of_stopped(trial, probe).await;
    expect(trial, probe, "start", &["started"], "START-1", "of a cluster that is stopped").await;
}

async fn kubeconfig_of_stopped(trial: &Trial<'_>, probe: &mut Probe) {
    if !trial.has_method("kubeconfig") {
        return;
    }
    let params = trial.about(&trial.profile, trial.to_ask);
    let answer = probe.ask("CALL-1", "kubeconfig", &params, trial.to_ask).await;
    let right = answer.result().is_some() || answer.kind() == Some("ClusterNotRunning");
    hold(trial, probe, "KUBE-3", answer.reply.is_none() || right, || {
        "`kubeconfig` of a cluster that is stopped is neither given nor `ClusterNotRunning`".into()
    });
}

async fn restart(trial: &Trial<'_>, probe: &mut Probe) {
    if !trial.has_method("restart") {
        for rule in ["RESTART-1", "RESTART-2"] {
            trial.judge.not_applicable(rule, "it does not list `restart`");
        }
        return;
    }
    expect(trial, probe, "restart", &["restarted"], "RESTART-1", "of a cluster that runs").await;
    if let Some((field, config)) = changed(&trial.schema(), &trial.config())
        && let Some(before) = status(trial, probe).await.filter(|status| status.config.is_some())
    {
        let params = json!({"profile": trial.profile, "config": config});
        let answer = probe.ask("CALL-1", "restart", &params, trial.to_change).await;
        let after = status(trial, probe).await;
        let same =
            after.is_none_or(|after| after.state == before.state && after.config == before.config);
        hold(trial, probe, "RESTART-2", answer.result().is_none() && same, || {
            format!("`restart` with another `{field}` is not refused before anything is stopped")
        });
    } else {
        trial.judge.not_applicable("RESTART-2", "there is no field with which to see a mismatch");
    }
}

async fn destroy(trial: &Trial<'_>, probe: &mut Probe) {
    expect(trial, probe, "destroy", &["destroyed"], "DESTROY-1", "of a cluster").await;
    if let Some(status) = status(trial, probe).await {
        hold(trial, probe, "DESTROY-1", !status.exists, || "destroyed, and it still exists".into());
    }
    let listed = meaning::listed(trial, probe).await;
    let gone = listed.is_none_or(|names| !names.contains(&trial.profile));
    hold(trial, probe, "DESTROY-1", gone, || "destroyed, and it is still listed".into());
    expect(trial, probe, "destroy", &["none"], "CALL-6", "of a cluster that is gone").await;
}

/// How long a creation is left alone before it is interrupted, where no progress comes.
pub(super) const MOMENT: Duration = Duration::from_millis(300);
