//! What can be asked of a cluster that runs: the optional methods.

use std::process::Stdio;
use std::time::Duration;

use caproni_driver::{Kubeconfig, Plan, Usage};
use serde_json::{Value, json};

use super::meaning::{listed, typed};
use super::probe::Probe;
use super::trial::Trial;
use super::wire::hold;
use crate::process::search_path;

/// How long the program of a plan may run.
const PLAN: Duration = Duration::from_secs(30);

/// Arguments that a shell, or whoever splits at spaces, would not leave as they are.
const ODD: [&str; 9] = ["a b", "  ", "\"'\\", "$(id)", "`id`", "line\nbreak", "", "ü✓", "--help"];

pub(super) async fn run(trial: &Trial<'_>, probe: &mut Probe) {
    in_list(trial, probe).await;
    kubeconfig(trial, probe).await;
    exec(trial, probe).await;
    logs(trial, probe).await;
    usage(trial, probe).await;
    missing_image(trial, probe).await;
}

fn missing(trial: &Trial<'_>, method: &str, rules: &[&'static str]) -> bool {
    let missing = !trial.has_method(method);
    if missing {
        let reason = format!("it does not list `{method}`");
        rules.iter().for_each(|rule| trial.judge.not_applicable(rule, reason.clone()));
    }
    missing
}

fn params(trial: &Trial<'_>, more: &Value) -> Value {
    let mut params = trial.about(&trial.profile, trial.to_ask);
    for (key, value) in more.as_object().into_iter().flatten() {
        params[key] = value.clone();
    }
    params
}

async fn in_list(trial: &Trial<'_>, probe: &mut Probe) {
    if let Some(names) = listed(trial, probe).await {
        hold(trial, probe, "LIST-1", names.contains(&trial.profile), || {
            "`list` does not name the cluster that runs".into()
        });
    }
}

async fn kubeconfig(trial: &Trial<'_>, probe: &mut Probe) {
    if missing(trial, "kubeconfig", &["KUBE-1", "KUBE-3"]) {
        return;
    }
    let answer = probe.ask("CALL-1", "kubeconfig", &params(trial, &json!({})), trial.to_ask).await;
    let Some(given) = typed::<Kubeconfig>(trial, probe, "kubeconfig", &answer) else { return };
    let wrong = wrong_kubeconfig(&given);
    hold(trial, probe, "KUBE-1", wrong.is_none(), || wrong.clone().unwrap_or_default());
}

fn wrong_kubeconfig(given: &Kubeconfig) -> Option<String> {
    let parsed = crate::readiness::kubeconfig::read(&given.kubeconfig);
    let config = match parsed {
        Ok(config) => config,
        Err(error) => return Some(format!("the kubeconfig cannot be read: {error}")),
    };
    match config.contexts.as_slice() {
        [only] if only.name == given.context => {}
        contexts => {
            let context = &given.context;
            return Some(format!("it has {} contexts, not the one `{context}`", contexts.len()));
        }
    }
    let clusters = config.clusters.iter().filter_map(|named| named.cluster.as_ref());
    let servers: Vec<_> = clusters.filter_map(|cluster| cluster.server.as_deref()).collect();
    match servers.as_slice() {
        [server] if !server.contains("//0.0.0.0") => None,
        [server] => Some(format!("nobody can reach a server at {server}")),
        servers => Some(format!("it names {} servers, not one", servers.len())),
    }
}

async fn exec(trial: &Trial<'_>, probe: &mut Probe) {
    if missing(trial, "exec", &["EXEC-1", "EXEC-2", "PLAN-1", "PLAN-2"]) {
        return;
    }
    let mut argv = vec!["sh", "-c", "for one; do printf '%s|' \"$one\"; done; exit 7", "sh"];
    argv.extend(ODD);
    let asked = params(trial, &json!({"argv": argv, "tty": false}));
    let answer = probe.ask("CALL-1", "exec", &asked, trial.to_ask).await;
    let Some(plan) = plan(trial, probe, "exec", &answer) else { return };
    secrets_in(trial, probe, &plan);
    match carry_out(&plan).await {
        Ok((code, said)) => {
            let wanted: String = ODD.iter().map(|one| format!("{one}|")).collect();
            hold(trial, probe, "EXEC-1", said == wanted, || {
                format!("the arguments {wanted:?} reach the node as {said:?}")
            });
            hold(trial, probe, "PLAN-1", code == Some(7), || {
                format!("the program of the plan ends with {code:?}, where the node's ends with 7")
            });
        }
        Err(what) => trial.judge.failed("PLAN-1", probe.finding(what)),
    }
    let nowhere = params(trial, &json!({"argv": ["true"], "node": "check-no-such-node"}));
    let answer = probe.ask("CALL-1", "exec", &nowhere, trial.to_ask).await;
    hold(
        trial,
        probe,
        "EXEC-2",
        answer.reply.is_none() || answer.kind() == Some("NotFound"),
        || "`exec` on a node that is not there is not answered with `NotFound`".into(),
    );
}

async fn logs(trial: &Trial<'_>, probe: &mut Probe) {
    if missing(trial, "logs", &["LOGS-1"]) {
        return;
    }
    let asked = params(trial, &json!({"tail": 2, "follow": false}));
    let answer = probe.ask("CALL-1", "logs", &asked, trial.to_ask).await;
    let Some(plan) = plan(trial, probe, "logs", &answer) else { return };
    let ran = carry_out(&plan).await;
    let wrong = match &ran {
        Ok((Some(0), said)) if said.lines().count() <= 2 => None,
        Ok((Some(0), said)) => {
            Some(format!("it prints {} lines of the last 2", said.lines().count()))
        }
        Ok((code, _)) => Some(format!("it ends with {code:?}")),
        Err(what) => Some(what.clone()),
    };
    hold(trial, probe, "LOGS-1", wrong.is_none(), || wrong.clone().unwrap_or_default());
}

/// The plan that an answer holds, if it is one.
fn plan(
    trial: &Trial<'_>,
    probe: &Probe,
    method: &str,
    answer: &super::probe::Answer,
) -> Option<Plan> {
    // A plan that is none breaks the rule about plans, not only that about results.
    if answer.result().is_some_and(|result| serde_json::from_value::<Plan>(result.clone()).is_err())
    {
        let what = format!("the answer to `{method}` is no plan");
        trial.judge.failed("PLAN-1", probe.finding(what));
        return None;
    }
    let plan = typed::<Plan>(trial, probe, method, answer)?;
    let first = plan.argv.first().is_some_and(|first| !first.is_empty());
    hold(trial, probe, "PLAN-1", first, || format!("the plan of `{method}` names no program"));
    first.then_some(plan)
}

fn secrets_in(trial: &Trial<'_>, probe: &Probe, plan: &Plan) {
    let secrets = trial.known.as_ref().map_or(&[][..], |known| &known.secrets);
    let told = plan.argv.iter().any(|arg| secrets.iter().any(|secret| arg.contains(secret)));
    hold(trial, probe, "PLAN-2", !told, || "the plan holds the value of a sensitive field".into());
}

/// Runs a plan's program with no input: its exit code, and what it printed.
async fn carry_out(plan: &Plan) -> Result<(Option<i32>, String), String> {
    let program = &plan.argv[0];
    let mut command = tokio::process::Command::new(program);
    command.args(&plan.argv[1..]).envs(&plan.env).stdin(Stdio::null()).kill_on_drop(true);
    if let Some(path) = search_path() {
        command.env("PATH", path);
    }
    let output = tokio::time::timeout(PLAN, command.output()).await;
    let output =
        output.map_err(|_| format!("`{program}` still runs after {} s", PLAN.as_secs()))?;
    let output = output.map_err(|error| format!("`{program}` cannot be run: {error}"))?;
    Ok((output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned()))
}

async fn usage(trial: &Trial<'_>, probe: &mut Probe) {
    if missing(trial, "usage", &["USAGE-1"]) {
        return;
    }
    let answer = probe.ask("CALL-1", "usage", &params(trial, &json!({})), trial.to_ask).await;
    let Some(usage) = typed::<Usage>(trial, probe, "usage", &answer) else { return };
    hold(trial, probe, "USAGE-1", !usage.nodes.is_empty(), || {
        "`usage` of a cluster that runs names no node".into()
    });
}

async fn missing_image(trial: &Trial<'_>, probe: &mut Probe) {
    if missing(trial, "loadImage", &["IMAGE-1", "IMAGE-2"]) {
        return;
    }
    let nowhere = trial.folder("a folder").join("no such image.tar");
    let asked = params(trial, &json!({"images": [nowhere]}));
    let answer = probe.ask("CALL-1", "loadImage", &asked, trial.to_ask).await;
    hold(
        trial,
        probe,
        "IMAGE-2",
        answer.reply.is_none() || answer.kind() == Some("NotFound"),
        || "`loadImage` of an archive that is not there is not answered with `NotFound`".into(),
    );
}
