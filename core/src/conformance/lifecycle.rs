//! The second level: how a driver starts and ends, and what it depends on.

use std::time::Duration;

use serde_json::{Value, json};

use super::probe::{Ending, Probe, TO_END};
use super::trial::Trial;
use super::wire::hold;
use crate::discovery::Driver;
use crate::error::Error;
use crate::process::Surroundings;

/// How long is listened for a second reply.
const SECOND_REPLY: Duration = Duration::from_millis(300);

/// How long a cancelled request may take to be answered: there is nothing to roll back.
const TO_CANCEL: Duration = Duration::from_secs(10);

/// Runs the level.
///
/// # Errors
/// `DriverNotExecutable`.
pub(super) async fn run(trial: &Trial<'_>) -> Result<(), Error> {
    a_fresh_one_says_the_same(trial).await?;
    out_of_order(trial).await?;
    ends_with_its_input(trial).await?;
    ends_in_the_middle(trial).await?;
    ends_on_sigterm(trial).await?;
    answers_a_cancelled_request(trial).await?;
    works_anywhere(trial).await?;
    trial.judge.held("LIFE-9");
    trial.judge.held("LIFE-10");
    Ok(())
}

/// Closes the driver's stdin, and judges its end.
pub(super) async fn end_well(trial: &Trial<'_>, probe: Probe) {
    if probe.broken {
        return probe.kill().await;
    }
    let unanswered = probe.finding("");
    let ending = probe.end(to_end(trial)).await;
    judge_end(trial, "LIFE-5", &ending, unanswered);
}

/// How long an idle driver may take to end; of one that did not, no more is learned by waiting.
fn to_end(trial: &Trial<'_>) -> Duration {
    if trial.judge.is_broken("LIFE-5") { Duration::from_millis(200) } else { TO_END }
}

fn judge_end(trial: &Trial<'_>, rule: &'static str, ending: &Ending, shown: super::judge::Finding) {
    let finding = |what: String| super::judge::Finding { what, ..shown.clone() };
    trial.judge.held(rule);
    trial.judge.held("LIFE-6");
    if !ending.by_itself {
        let what = format!("it still runs {} s after its stdin was closed", TO_END.as_secs());
        trial.judge.failed(rule, finding(what));
    } else if ending.code != Some(0) && rule == "LIFE-5" {
        let how = match ending.code {
            Some(code) => format!("it exits with {code}, not 0"),
            None => "it is ended by a signal".into(),
        };
        let mut finding = finding(format!("{how}, when its stdin is closed"));
        finding.received.extend(ending.stderr.lines().rev().take(2).map(str::to_owned));
        trial.judge.failed(rule, finding);
    }
    if ending.by_itself && !ending.left.is_empty() {
        let what = format!("it left behind: {}", ending.left.join("; "));
        trial.judge.failed("LIFE-6", finding(what));
    }
}

/// A fresh process knows what another one was told.
async fn a_fresh_one_says_the_same(trial: &Trial<'_>) -> Result<(), Error> {
    let mut answers: Vec<Option<Value>> = Vec::new();
    for _ in 0..2 {
        let mut probe = trial.session().await?;
        let answer = trial.status_for(&mut probe, "CALL-1").await;
        answers.push(answer.reply.map(|reply| json!([reply.get("result"), answer_kind(&reply)])));
        if answers.len() == 2 {
            hold(trial, &probe, "LIFE-4", answers[0] == answers[1], || {
                "two processes answer one and the same `status` differently".into()
            });
        }
        end_well(trial, probe).await;
    }
    Ok(())
}

fn answer_kind(reply: &serde_json::Map<String, Value>) -> Option<&Value> {
    reply.get("error")?.get("data")?.get("kind")
}

/// A request before `initialize`, which no host sends, is answered in some way, and ends nothing.
async fn out_of_order(trial: &Trial<'_>) -> Result<(), Error> {
    let mut probe = trial.start().await?;
    trial.status_for(&mut probe, "FRAME-11").await;
    trial.initialize(&mut probe, &[caproni_driver::PROTOCOL_VERSION]).await;
    end_well(trial, probe).await;
    Ok(())
}

/// One that was asked nothing at all ends with its input, too.
async fn ends_with_its_input(trial: &Trial<'_>) -> Result<(), Error> {
    let probe = trial.start().await?;
    end_well(trial, probe).await;
    Ok(())
}

/// The end of its input in the middle of a request is the end as well.
async fn ends_in_the_middle(trial: &Trial<'_>) -> Result<(), Error> {
    let mut probe = trial.session().await?;
    if probe.broken {
        return Ok(());
    }
    let params = trial.about(&trial.profile, trial.to_ask);
    let line = json!({"jsonrpc": "2.0", "id": 9, "method": "status", "params": params});
    probe.send_request(json!(9), line.to_string().as_bytes()).await;
    let shown = probe.finding("");
    // What it runs has the time that the question has.
    let limit = trial.to_ask.max(TO_END);
    let known = trial.judge.is_broken("LIFE-5");
    let ending = probe.end(if known { to_end(trial) } else { limit }).await;
    judge_end(trial, "LIFE-5", &ending, shown);
    Ok(())
}

async fn ends_on_sigterm(trial: &Trial<'_>) -> Result<(), Error> {
    let probe = trial.session().await?;
    if probe.broken {
        return Ok(());
    }
    let shown = probe.finding("");
    let ending = probe.terminate(TO_END).await;
    trial.judge.held("LIFE-7");
    if !ending.by_itself {
        let what = format!("it still runs {} s after SIGTERM", TO_END.as_secs());
        trial.judge.failed("LIFE-7", super::judge::Finding { what, ..shown });
    }
    Ok(())
}

/// A request that is cancelled is answered all the same, once, and the next one too.
async fn answers_a_cancelled_request(trial: &Trial<'_>) -> Result<(), Error> {
    if !trial.has_feature("cancel") {
        return Ok(());
    }
    let mut probe = trial.session().await?;
    let params = trial.about(&trial.profile, trial.to_ask);
    let status = json!({"jsonrpc": "2.0", "id": 7, "method": "status", "params": params});
    let both = format!("{status}\n{}", r#"{"jsonrpc":"2.0","method":"cancel","params":{}}"#);
    probe.send_request(json!(7), both.as_bytes()).await;
    let answer = probe.answer("CANCEL-2", "status", TO_CANCEL.min(trial.to_ask)).await;
    if answer.reply.is_some() {
        probe.listen(SECOND_REPLY).await;
        let right = answer.error().is_none()
            || answer.kind() == Some("Cancelled")
            || answer.kind().is_some();
        hold(trial, &probe, "CANCEL-2", right, || {
            "the answer to a cancelled request has no kind".into()
        });
        if trial.status_for(&mut probe, "CANCEL-2").await.reply.is_some() {
            trial.judge.held("CANCEL-3");
        }
    }
    end_well(trial, probe).await;
    Ok(())
}

/// It works in another folder, with no home, with spaces in its path, in the plainest locale.
async fn works_anywhere(trial: &Trial<'_>) -> Result<(), Error> {
    let base = trial.surroundings();
    let with = |name: &str, value: Option<&str>| {
        let mut env = base.env.clone();
        env.push((name.into(), value.map(Into::into)));
        Surroundings { env, folder: Some(trial.folder("a folder")) }
    };
    let spaced = format!(
        "{}:{}",
        trial.folder("a folder").display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let places: [(&str, Surroundings); 4] = [
        ("with `HOME` unset", with("HOME", None)),
        ("with an empty `HOME`", with("HOME", Some(""))),
        ("with `LC_ALL=C`", with("LC_ALL", Some("C"))),
        ("with spaces in `PATH`", with("PATH", Some(&spaced))),
    ];
    // What it does not do as it is, no place is to blame for.
    let (probe, right) = answers(trial, "CALL-1", trial.driver, &base).await?;
    probe.kill().await;
    if !right {
        return Ok(());
    }
    for (place, surroundings) in places {
        works(trial, trial.driver, place, &surroundings).await?;
    }
    let elsewhere = trial.elsewhere();
    works(trial, &elsewhere, "from a folder with a space in its name", &base).await
}

async fn works(
    trial: &Trial<'_>,
    driver: &Driver,
    place: &str,
    surroundings: &Surroundings,
) -> Result<(), Error> {
    let (probe, right) = answers(trial, "LIFE-11", driver, surroundings).await?;
    hold(trial, &probe, "LIFE-11", right, || format!("{place} it does not answer as elsewhere"));
    probe.kill().await;
    Ok(())
}

/// Whether it says there who it is, and answers at all.
async fn answers(
    trial: &Trial<'_>,
    rule: &'static str,
    driver: &Driver,
    surroundings: &Surroundings,
) -> Result<(Probe, bool), Error> {
    let secrets = trial.known.as_ref().map_or(&[][..], |known| &known.secrets);
    let mut probe = Probe::open(driver, surroundings, &trial.judge, secrets).await?;
    let described = trial.initialize(&mut probe, &[caproni_driver::PROTOCOL_VERSION]).await;
    let answer = trial.status_for(&mut probe, rule).await;
    let known = trial.known.as_ref().map(|known| known.description.version.as_str());
    let version =
        described.result().and_then(|result| result.get("version")).and_then(Value::as_str);
    // That its backend is not to be had without a home is an answer.
    let right = version == known && answer.reply.is_some() && answer.code() != Some(-32603);
    Ok((probe, right))
}
