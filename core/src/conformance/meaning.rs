//! The third level: what the answers mean, as far as it shows without a cluster.

use std::time::Duration;

use caproni_driver::{Clusters, Diagnosis, Status, Versions};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::probe::{Answer, Probe};
use super::trial::Trial;
use super::wire::hold;
use crate::error::Error;

/// How much longer than it was told to a driver may take to give up.
const TO_GIVE_UP: Duration = Duration::from_secs(5);

/// A name of forty characters, as a branch of a repository makes them.
const LONG_NAME: &str = "check-a-name-of-forty-characters-in-full";

/// Runs the level; false when the driver's backend is not to be had.
///
/// # Errors
/// `DriverNotExecutable`.
pub(super) async fn run(trial: &Trial<'_>) -> Result<bool, Error> {
    let mut probe = trial.session().await?;
    let there = unknown_cluster(trial, &mut probe).await;
    config_is_not_needed(trial, &mut probe).await;
    long_name(trial, &mut probe).await;
    short_of_time(trial, &mut probe).await;
    versions(trial, &mut probe).await;
    diagnosis(trial, &mut probe).await;
    if there {
        nothing_to_do(trial, &mut probe).await;
        optional_without_cluster(trial, &mut probe).await;
        unchanged(trial, &mut probe).await;
    }
    match trial.known.as_ref().map(|known| known.secrets.is_empty()) {
        Some(false) => trial.judge.held("SEC-2"),
        _ => trial
            .judge
            .not_applicable("SEC-2", "its config has no sensitive field that a text fits"),
    }
    super::lifecycle::end_well(trial, probe).await;
    Ok(there)
}

/// An error that says that the backend itself is not there is an answer, and ends the level.
fn is_absent_backend(answer: &Answer) -> bool {
    matches!(answer.kind(), Some("BackendMissing" | "BackendUnavailable" | "ActionRequired"))
}

async fn unknown_cluster(trial: &Trial<'_>, probe: &mut Probe) -> bool {
    let answer = trial.status_for(probe, "CALL-1").await;
    if is_absent_backend(&answer) {
        let said =
            answer.error().and_then(|error| error.get("message")).cloned().unwrap_or_default();
        for rule in super::coverage::needing_a_backend() {
            trial.judge.not_applicable(rule, format!("its backend is not to be had here: {said}"));
        }
        return false;
    }
    let Some(status) = typed::<Status>(trial, probe, "status", &answer) else { return false };
    hold(
        trial,
        probe,
        "STATUS-2",
        !status.exists && status.state == caproni_driver::State::Stopped,
        || "the status of a cluster that nobody made is not `stopped` with `exists` false".into(),
    );
    let again = trial.status_for(probe, "CALL-1").await;
    hold(
        trial,
        probe,
        "STATUS-5",
        again.reply.is_none() || again.result() == answer.result(),
        || "the second of two equal `status` is answered otherwise".into(),
    );
    !status.exists
}

/// The result in the type it should have.
pub(super) fn typed<T: DeserializeOwned>(
    trial: &Trial<'_>,
    probe: &Probe,
    method: &str,
    answer: &Answer,
) -> Option<T> {
    let result = answer.result().cloned();
    if let Some(error) = answer.error() {
        let what = format!("`{method}` is answered with an error: {error}");
        trial.judge.failed("CALL-1", probe.finding(what));
    }
    match serde_json::from_value(result?) {
        Ok(typed) => {
            trial.judge.held("CALL-7");
            Some(typed)
        }
        Err(error) => {
            let what = format!("the result of `{method}` is not as it should be: {error}");
            trial.judge.failed("CALL-7", probe.finding(what));
            None
        }
    }
}

async fn config_is_not_needed(trial: &Trial<'_>, probe: &mut Probe) {
    for params in
        [json!({"profile": trial.profile}), json!({"profile": trial.profile, "config": null})]
    {
        let answer = probe.ask("CALL-3", "status", &params, trial.to_ask).await;
        let right =
            answer.reply.is_none() || answer.result().is_some() || is_absent_backend(&answer);
        hold(trial, probe, "CALL-3", right, || "`status` without `config` fails".into());
    }
}

async fn long_name(trial: &Trial<'_>, probe: &mut Probe) {
    let answer = trial.status(probe, LONG_NAME).await;
    let right = answer.reply.is_none()
        || answer.result().is_some()
        || answer.kind() == Some("InvalidDriverConfig")
        || is_absent_backend(&answer);
    hold(trial, probe, "CALL-2", right, || {
        "a name of 40 characters is neither taken nor refused with `InvalidDriverConfig`".into()
    });
}

async fn short_of_time(trial: &Trial<'_>, probe: &mut Probe) {
    let params = json!({"profile": trial.profile, "config": trial.config(), "timeoutMs": 1});
    let answer = probe.ask("CALL-4", "status", &params, trial.to_ask).await;
    trial.judge.held("CALL-4");
    if answer.reply.is_some() && answer.took > TO_GIVE_UP {
        let what = format!("given 1 ms, it took {:.1} s", answer.took.as_secs_f64());
        trial.judge.warned("CALL-4", probe.finding(what));
    }
}

async fn versions(trial: &Trial<'_>, probe: &mut Probe) {
    if !trial.has_method("version") {
        return trial.judge.not_applicable("VERSION-1", "it does not list `version`");
    }
    let params = json!({"timeoutMs": 10_000});
    let answer = probe.ask("CALL-1", "version", &params, trial.to_ask).await;
    let right =
        answer.reply.is_none() || typed::<Versions>(trial, probe, "version", &answer).is_some();
    hold(trial, probe, "VERSION-1", right, || "`version` fails".into());
}

async fn diagnosis(trial: &Trial<'_>, probe: &mut Probe) {
    if !trial.has_method("diagnose") {
        for rule in ["DIAG-1", "DIAG-2"] {
            trial.judge.not_applicable(rule, "it does not list `diagnose`");
        }
        return;
    }
    let answer = probe.ask("DIAG-1", "diagnose", &json!({"timeoutMs": 20_000}), trial.to_ask).await;
    if answer.reply.is_none() {
        return;
    }
    let diagnosis = typed::<Diagnosis>(trial, probe, "diagnose", &answer);
    hold(trial, probe, "DIAG-1", diagnosis.is_some(), || {
        "`diagnose` fails without a cluster".into()
    });
    let bare = diagnosis.iter().flat_map(|diagnosis| &diagnosis.checks).find(|check| {
        check.verdict != caproni_driver::Verdict::Ok
            && check.hint.is_none()
            && check.actions.is_empty()
    });
    match bare {
        None => trial.judge.held("DIAG-2"),
        Some(check) => {
            let what = format!("the check `{}` fails, and does not say what mends it", check.name);
            trial.judge.warned("DIAG-2", probe.finding(what));
        }
    }
}

/// What stops and removes a cluster succeeds where there is none, whatever the config.
async fn nothing_to_do(trial: &Trial<'_>, probe: &mut Probe) {
    let wrong = json!({"profile": trial.profile, "config": {"check": ["nonsense"]}});
    let about = trial.about(&trial.profile, trial.to_ask);
    let cases = [
        ("stop", &about, "STOP-1"),
        ("destroy", &about, "DESTROY-1"),
        ("destroy", &wrong, "DESTROY-2"),
    ];
    for (method, params, rule) in cases {
        let answer = probe.ask("CALL-1", method, params, trial.to_ask).await;
        let right = answer.reply.is_none() || answer.change() == Some("none");
        hold(trial, probe, rule, right, || {
            format!("`{method}` of a cluster that is not there does not succeed with `none`")
        });
    }
}

/// What needs a cluster says that there is none.
async fn optional_without_cluster(trial: &Trial<'_>, probe: &mut Probe) {
    for (method, rule, more) in [
        ("kubeconfig", "KUBE-3", json!({})),
        ("exec", "EXEC-2", json!({"argv": ["true"]})),
        ("logs", "LOGS-1", json!({})),
        ("usage", "USAGE-1", json!({})),
        ("loadImage", "IMAGE-1", json!({"images": ["check:1"]})),
    ] {
        if !trial.has_method(method) {
            continue;
        }
        let mut params = trial.about(&trial.profile, trial.to_ask);
        for (key, value) in more.as_object().into_iter().flatten() {
            params[key] = value.clone();
        }
        let answer = probe.ask("CALL-1", method, &params, trial.to_ask).await;
        let right = answer.reply.is_none()
            || matches!(answer.kind(), Some("ClusterNotRunning" | "NotFound"));
        hold(trial, probe, rule, right, || {
            format!(
                "`{method}` of a cluster that is not there is not answered with `ClusterNotRunning`"
            )
        });
    }
}

/// After all these questions there is still no cluster.
async fn unchanged(trial: &Trial<'_>, probe: &mut Probe) {
    let answer = trial.status_for(probe, "CALL-1").await;
    let exists = answer.result().and_then(|result| result.get("exists"));
    let listed = listed(trial, probe).await;
    let right = exists != Some(&Value::Bool(true))
        && listed.is_none_or(|names| !names.contains(&trial.profile));
    hold(trial, probe, "STATUS-1", right, || {
        "after questions only, there is a cluster that was not there before".into()
    });
}

/// The profiles that `list` names.
pub(super) async fn listed(trial: &Trial<'_>, probe: &mut Probe) -> Option<Vec<String>> {
    if !trial.has_method("list") {
        for rule in ["LIST-1", "LIST-2"] {
            trial.judge.not_applicable(rule, "it does not list `list`");
        }
        return None;
    }
    let answer = probe.ask("CALL-1", "list", &json!({"timeoutMs": 10_000}), trial.to_ask).await;
    let clusters = typed::<Clusters>(trial, probe, "list", &answer)?;
    Some(clusters.clusters.into_iter().map(|cluster| cluster.profile).collect())
}
