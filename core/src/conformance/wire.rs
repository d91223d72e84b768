//! The first level: the handshake, and the lines both ways.

use std::time::Duration;

use caproni_driver::{ErrorKind, MAX_LINE, PROTOCOL_VERSION};
use serde_json::{Value, json};

use super::describe::{self, OPTIONAL};
use super::judge::{Judge, Verdict};
use super::probe::{Answer, Probe};
use super::traps::Traps;
use super::trial::Trial;
use crate::discovery::{Driver, PREFIX};
use crate::error::Error;

/// How long is listened whether a driver speaks before it is asked.
const SILENCE: Duration = Duration::from_millis(200);

/// How long an answer is awaited that need not come.
const ANSWER: Duration = Duration::from_secs(1);

/// How quick `initialize` should be: the host asks it of drivers that nobody uses.
const QUICK: Duration = Duration::from_secs(1);

/// Runs the level; false when the driver is not fit for more.
///
/// # Errors
/// `DriverNotExecutable`.
pub(super) async fn run(trial: &mut Trial<'_>) -> Result<bool, Error> {
    if !first_words(trial).await? {
        return Ok(false);
    }
    touches_nothing(trial).await?;
    versions(trial).await?;
    if !first_question(trial).await? {
        return Ok(false);
    }
    unknown_things(trial).await?;
    requests_not_understood(trial).await?;
    odd_lines(trial).await?;
    long_line(trial).await?;
    idle_cancel(trial).await?;
    Ok(true)
}

/// It says nothing before it is asked, and then who it is, twice the same.
async fn first_words(trial: &mut Trial<'_>) -> Result<bool, Error> {
    let mut probe = trial.start().await?;
    trial.judge.held("FILE-1");
    if probe.hears_anything(SILENCE).await.is_some_and(|line| !line.bytes.is_empty()) {
        probe.fail("LIFE-2", "it wrote to stdout before it was asked anything");
        probe.kill().await;
        return Ok(false);
    }
    let answer = trial.initialize(&mut probe, &[PROTOCOL_VERSION]).await;
    let Some(result) = answer.result() else {
        if let Some(error) = answer.error() {
            let what = format!("it answers `initialize` with an error: {error}");
            match answer.kind() {
                Some("UnsupportedProtocolVersion") => return Err(other_version(trial, error)),
                Some("DriverNotFound") => return Err(none_to_become(trial, error)),
                _ => {}
            }
            trial.judge.failed("INIT-1", probe.finding(what));
        }
        probe.kill().await;
        return Ok(false);
    };
    trial.judge.held("LIFE-2");
    quick(trial, &probe, &answer);
    let fit = describe(trial, &probe, result);
    is_who_it_says(trial, &probe, result).await?;
    let again = trial.initialize_for(&mut probe, "INIT-5", &[PROTOCOL_VERSION]).await;
    hold(trial, &probe, "INIT-5", again.reply.is_none() || again.result() == Some(result), || {
        "a second `initialize` is answered otherwise than the first".into()
    });
    super::lifecycle::end_well(trial, probe).await;
    Ok(fit)
}

/// A driver of another time breaks no rule of this one; nothing can be said of it.
fn other_version(trial: &Trial<'_>, error: &Value) -> Error {
    let known = error.get("data").and_then(|data| data.get("supported")).cloned();
    let path = trial.driver.path.display();
    let message = format!("driver `{path}` does not speak protocol version {PROTOCOL_VERSION}");
    Error::driver(ErrorKind::UnsupportedProtocolVersion, message)
        .with_hint("check it with a caproni that speaks its version")
        .with("supported", known.unwrap_or_default())
}

/// A driver that would be another one, which is not installed, breaks no rule by that.
fn none_to_become(trial: &Trial<'_>, error: &Value) -> Error {
    let text = |field: &Value| field.as_str().map(str::to_owned);
    let path = trial.driver.path.display();
    let mut told = Error::driver(
        ErrorKind::DriverNotFound,
        format!("driver `{path}` finds none that it could become"),
    );
    told.data.hint = error.pointer("/data/hint").and_then(text);
    told.data.causes.extend(error.get("message").and_then(text));
    told
}

fn quick(trial: &Trial<'_>, probe: &Probe, answer: &Answer) {
    if answer.took > QUICK {
        let what = format!("`initialize` took {:.1} s", answer.took.as_secs_f64());
        trial.judge.warned("INIT-1", probe.finding(what));
    }
}

fn describe(trial: &mut Trial<'_>, probe: &Probe, result: &Value) -> bool {
    describe::RULES.into_iter().for_each(|rule| trial.judge.held(rule));
    let file = trial.driver.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let other = becomes(trial, result).map(|other| other.name);
    let name = other.as_deref().or(file.strip_prefix(PREFIX));
    let (description, faults) = describe::description(result, name);
    for (rule, verdict, what) in faults {
        match verdict {
            Verdict::Warning => trial.judge.warned(rule, probe.finding(what)),
            _ => trial.judge.failed(rule, probe.finding(what)),
        }
    }
    let Some(description) = description else { return false };
    let fit = description.protocol_version == PROTOCOL_VERSION;
    trial.learn(description);
    fit
}

/// The driver whose name it gives, if that is another one.
fn becomes(trial: &Trial<'_>, result: &Value) -> Option<Driver> {
    trial.search.become_by(trial.driver, result.get("name")?.as_str()?)
}

/// A driver that has become another one answers as that one does.
async fn is_who_it_says(trial: &Trial<'_>, probe: &Probe, result: &Value) -> Result<(), Error> {
    let Some(other) = becomes(trial, result) else {
        trial.judge.not_applicable("INIT-6", "it has become no other driver");
        return Ok(());
    };
    // What is wrong with the other one is no finding about this one.
    let beside = Judge::default();
    let mut asked = Probe::open(&other, &trial.surroundings(), &beside, &[]).await?;
    let answer = trial.initialize(&mut asked, &[PROTOCOL_VERSION]).await;
    hold(trial, probe, "INIT-6", answer.result() == Some(result), || {
        format!("it calls itself `{0}`, and `{0}` describes itself otherwise", other.name)
    });
    asked.kill().await;
    Ok(())
}

/// `initialize` asks no backend, and writes no file.
async fn touches_nothing(trial: &Trial<'_>) -> Result<(), Error> {
    let traps = Traps::set().map_err(|error| Error::internal("cannot set traps", error))?;
    let mut probe = trial.start_in(&traps.surroundings()).await?;
    trial.initialize(&mut probe, &[PROTOCOL_VERSION]).await;
    let caught = traps.caught();
    hold(trial, &probe, "INIT-1", caught.is_empty(), || {
        format!("`initialize` touched {}", caught.join(", "))
    });
    probe.kill().await;
    Ok(())
}

/// Of several versions it takes the one it knows, of unknown ones none.
async fn versions(trial: &Trial<'_>) -> Result<(), Error> {
    let mut probe = trial.start().await?;
    let unknown = trial.initialize(&mut probe, &[4_000_000]).await;
    if unknown.reply.is_some() {
        let data = unknown.error().and_then(|error| error.get("data"));
        let supported = data.and_then(|data| data.get("supported")).and_then(Value::as_array);
        let right = unknown.kind() == Some("UnsupportedProtocolVersion")
            && supported.is_some_and(|known| known.contains(&json!(PROTOCOL_VERSION)));
        hold(trial, &probe, "INIT-2", right, || {
            "offered a version that nobody knows, it does not answer `UnsupportedProtocolVersion` with \
             the ones it knows in `supported`"
                .into()
        });
    }
    probe.kill().await;
    let mut probe = trial.start().await?;
    let several = trial.initialize(&mut probe, &[4_000_000, PROTOCOL_VERSION]).await;
    let chosen = several.result().and_then(|result| result.get("protocolVersion")).cloned();
    let right = several.reply.is_none() || chosen == Some(json!(PROTOCOL_VERSION));
    hold(trial, &probe, "INIT-2", right, || {
        "of several versions it takes none that it knows".into()
    });
    probe.kill().await;
    Ok(())
}

/// Whether the simplest question is answered, so that there can be others.
async fn first_question(trial: &Trial<'_>) -> Result<bool, Error> {
    let mut probe = trial.session().await?;
    let answer = trial.status_for(&mut probe, "CALL-1").await;
    // Some start children after a reply, which then take the next request.
    probe.stand_by(SILENCE).await;
    let fit = answer.reply.is_some() && !probe.broken;
    probe.kill().await;
    Ok(fit)
}

/// What it does not know it ignores, and it says so of a method.
async fn unknown_things(trial: &Trial<'_>) -> Result<(), Error> {
    let mut probe = trial.session().await?;
    probe.send(br#"{"jsonrpc":"2.0","method":"weather","params":{"sun":true}}"#).await;
    let mut params = trial.about(&trial.profile, trial.to_ask);
    params["mood"] = json!({"good": true});
    let answer = probe.ask("COMPAT-1", "status", &params, trial.to_ask).await;
    let understood = !matches!(answer.code(), Some(-32768..=-32000));
    hold(trial, &probe, "COMPAT-1", understood, || {
        "a field of `params` that it does not know is not ignored".into()
    });
    let missing = OPTIONAL.into_iter().filter(|method| !trial.has_method(method));
    for method in missing.chain(["check/nonsense"]) {
        let mut params = trial.about(&trial.profile, trial.to_ask);
        params["images"] = json!([]);
        let answer = probe.ask("CALL-1", method, &params, trial.to_ask).await;
        if answer.reply.is_none() {
            break;
        }
        let right = answer.code() == Some(-32601);
        hold(trial, &probe, "CALL-1", right, || {
            format!("it does not list `{method}`, and does not answer it with -32601")
        });
    }
    probe.kill().await;
    Ok(())
}

/// What it cannot take is answered with JSON-RPC's own codes, and does it no harm.
async fn requests_not_understood(trial: &Trial<'_>) -> Result<(), Error> {
    let cases: [(&str, &[u8], Value, i64); 4] = [
        ("what is not JSON", b"{nonsense", Value::Null, -32700),
        ("JSON that is no request", br#"{"jsonrpc":"2.0","id":70}"#, json!(70), -32600),
        (
            "a request without `profile`",
            br#"{"jsonrpc":"2.0","id":71,"method":"status","params":{}}"#,
            json!(71),
            -32602,
        ),
        (
            "a `profile` that is a number",
            br#"{"jsonrpc":"2.0","id":72,"method":"status","params":{"profile":7}}"#,
            json!(72),
            -32602,
        ),
    ];
    for (what, line, id, code) in cases {
        let mut probe = trial.session().await?;
        if probe.broken {
            return Ok(());
        }
        probe.send_quietly(id, line).await;
        let answered = probe.short_answer(ANSWER).await;
        if probe.broken {
            return Ok(());
        }
        if answered.as_ref().and_then(Answer::code) != Some(code) {
            let what = format!("{what} is not answered with {code}");
            trial.judge.warned("FRAME-11", probe.finding(what));
        }
        let after = trial.status_for(&mut probe, "FRAME-11").await;
        if after.reply.is_some() {
            trial.judge.held("FRAME-11");
        }
        probe.kill().await;
    }
    Ok(())
}

/// Blank lines, CR LF and ids of either kind are taken.
async fn odd_lines(trial: &Trial<'_>) -> Result<(), Error> {
    let mut probe = trial.session().await?;
    probe.send(b"").await;
    probe.send(b"  \r").await;
    let status = |id: &str, end: &str| {
        let params = trial.about(&trial.profile, trial.to_ask);
        format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"status","params":{params}}}{end}"#)
    };
    probe.send_request(json!(41), status("41", "\r").as_bytes()).await;
    probe.answer("FRAME-1", "status", trial.to_ask).await;
    for id in [json!("a-b_c"), json!(9_007_199_254_740_991_u64)] {
        let line = status(&id.to_string(), "");
        probe.send_request(id, line.as_bytes()).await;
        probe.answer("FRAME-6", "status", trial.to_ask).await;
    }
    probe.kill().await;
    Ok(())
}

/// A line of the greatest length is taken.
async fn long_line(trial: &Trial<'_>) -> Result<(), Error> {
    let mut probe = trial.session().await?;
    let mut params = trial.about(&trial.profile, trial.to_ask);
    params["padding"] = "".into();
    let line = |params: &Value| {
        json!({"jsonrpc": "2.0", "id": 50, "method": "status", "params": params}).to_string()
    };
    // With its LF it is as long as a line may be.
    let room = MAX_LINE - 1 - line(&params).len();
    params["padding"] = "x".repeat(room).into();
    probe.send_request(json!(50), line(&params).as_bytes()).await;
    // To read four million bytes one by one, as a shell does, takes a while.
    probe.answer("FRAME-2", "status", trial.to_ask + Duration::from_secs(30)).await;
    probe.kill().await;
    Ok(())
}

/// `cancel` where nothing is to be cancelled is ignored.
async fn idle_cancel(trial: &Trial<'_>) -> Result<(), Error> {
    if !trial.has_feature("cancel") {
        for rule in ["CANCEL-1", "CANCEL-2", "CANCEL-3"] {
            trial.judge.not_applicable(rule, "it does not list the feature `cancel`");
        }
        return Ok(());
    }
    let mut probe = trial.session().await?;
    probe.send(br#"{"jsonrpc":"2.0","method":"cancel","params":{}}"#).await;
    probe.listen(SILENCE).await;
    let answer = trial.status_for(&mut probe, "CANCEL-1").await;
    let right = answer.reply.is_none() || answer.kind() != Some("Cancelled");
    hold(trial, &probe, "CANCEL-1", right, || {
        "a `cancel` of nothing cancelled the next request".into()
    });
    probe.kill().await;
    Ok(())
}

/// The rule is kept, or else this is what is wrong.
pub(super) fn hold(
    trial: &Trial<'_>,
    probe: &Probe,
    rule: &'static str,
    kept: bool,
    what: impl FnOnce() -> String,
) {
    if kept {
        trial.judge.held(rule);
    } else {
        trial.judge.failed(rule, probe.finding(what()));
    }
}
