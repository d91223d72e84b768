//! minikube's CloudEvents: one JSON object on each line of stdout, told apart by `type`.
//!
//! Some commands print their answer among them, on the same stream and not always on a line
//! of its own, so a whole output is read as a row of JSON values.

use caproni_driver::Progress;
use serde_json::{Deserializer, Map, Value};

/// What each type of event begins with.
const TYPE: &str = "io.k8s.sigs.minikube.";

/// The step that ends a command: its message is for people at minikube's own command line.
const DONE: &str = "Done";

/// The JSON values of an output; what comes after something that is no JSON is not read.
fn values(output: &str) -> impl Iterator<Item = Value> {
    Deserializer::from_str(output).into_iter::<Value>().map_while(Result::ok)
}

/// The answer among the events of an output: its last value that is no event.
pub(crate) fn answer(output: &str) -> Option<Value> {
    values(output).filter(|value| kind(value).is_none()).last()
}

/// What an event's type says, such as `step`; `None` is no event.
fn kind(value: &Value) -> Option<&str> {
    value.get("specversion")?;
    value.get("type")?.as_str()?.strip_prefix(TYPE)
}

/// What minikube says of its own failure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Failure {
    /// minikube's name of it, such as `GUEST_PROVISION`.
    pub(crate) name: String,
    /// The exit code that goes with it, see its `reason/exitcodes.go`.
    pub(crate) exit_code: Option<i32>,
    /// What happened.
    pub(crate) message: String,
    /// What minikube says to do about it.
    pub(crate) advice: String,
}

/// The failure that an output tells of: the last one with an exit code, unless what the nodes
/// run on was at fault before (60 to 69), which minikube ends by calling a wrong usage.
pub(crate) fn failure(output: &str) -> Option<Failure> {
    let failures = output.lines().filter_map(|line| {
        let value: Value = serde_json::from_str(line).ok()?;
        (kind(&value)? == "error").then(|| read_failure(&value["data"]))
    });
    let failures: Vec<_> = failures.collect();
    let code = |failure: &&Failure| failure.exit_code.is_some();
    let provider = |failure: &&Failure| failure.exit_code.is_some_and(|c| (60..70).contains(&c));
    let found = failures.iter().rfind(provider).or(failures.iter().rfind(code));
    found.or(failures.last()).cloned()
}

fn read_failure(data: &Value) -> Failure {
    let text = |name: &str| data[name].as_str().unwrap_or_default().trim().to_owned();
    Failure {
        name: text("name"),
        exit_code: data["exitcode"].as_str().and_then(|code| code.parse().ok()),
        message: text("message"),
        advice: text("advice"),
    }
}

/// What a line of output is to a user who waits.
pub(crate) fn progress(line: &str) -> Option<Progress> {
    let value: Value = serde_json::from_str(line).ok()?;
    let data = value.get("data")?.as_object()?;
    match kind(&value)? {
        "step" => step(data),
        "download" => Some(Progress::new("download", format!("downloading {}", artifact(data)?))),
        "download.progress" => download(data),
        "warning" => Some(Progress::new("warning", text(data, "message")?)),
        _ => None,
    }
}

fn text<'a>(data: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    data.get(name)?.as_str()
}

fn number(data: &Map<String, Value>, name: &str) -> Option<u64> {
    text(data, name)?.parse().ok()
}

fn step(data: &Map<String, Value>) -> Option<Progress> {
    let name = text(data, "name").filter(|name| *name != DONE)?;
    let mut progress = Progress::new(word(name), text(data, "message")?);
    progress.current = number(data, "currentstep");
    progress.total = number(data, "totalsteps").filter(|total| *total > 0);
    if progress.total.is_none() {
        progress.current = None;
    }
    Some(progress)
}

/// minikube names its steps in words: `Pulling Base Image`.
fn word(name: &str) -> String {
    match name.is_empty() {
        true => "minikube".into(),
        false => name.to_lowercase().split_whitespace().collect::<Vec<_>>().join("-"),
    }
}

fn artifact(data: &Map<String, Value>) -> Option<&str> {
    text(data, "artifact")
}

/// `progress` is a part of one, such as `0.42`.
fn download(data: &Map<String, Value>) -> Option<Progress> {
    let done: f64 = text(data, "progress")?.parse().ok()?;
    let mut progress = Progress::new("download", format!("downloading {}", artifact(data)?));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 100"
    )]
    let percent = (done.clamp(0.0, 1.0) * 100.0) as u64;
    progress.current = Some(percent);
    progress.total = Some(100);
    progress.unit = Some("percent".into());
    Some(progress)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = include_str!("../tests/recorded/v1.38/start.out");
    const STATUS: &str = include_str!("../tests/recorded/v1.38/status-running.out");

    #[test]
    fn a_start_is_told_step_by_step() {
        let told: Vec<_> = START.lines().filter_map(progress).collect();
        let steps: Vec<_> = told.iter().filter(|p| p.total.is_some()).collect();
        assert_eq!(steps[0].step, "initial-minikube-setup");
        let create = steps.iter().find(|p| p.step == "creating-container").unwrap();
        assert_eq!((create.current, create.total), (Some(8), Some(19)));
        assert_eq!(create.message, "Creating docker container (CPUs=2, Memory=3000MB) ...");
        assert!(told.iter().any(|p| p.step == "warning"));
        assert!(!told.iter().any(|p| p.message.contains("To connect to this cluster")));
    }

    #[test]
    fn a_download_is_told_in_percent() {
        let line = r#"{"specversion":"1.0","type":"io.k8s.sigs.minikube.download.progress","data":{"artifact":"preload.tar.lz4","currentstep":"5","progress":"0.4217","totalsteps":"19"}}"#;
        let told = progress(line).unwrap();
        assert_eq!(
            (told.current, told.total, told.unit.as_deref()),
            (Some(42), Some(100), Some("percent"))
        );
        assert_eq!(told.message, "downloading preload.tar.lz4");
    }

    #[test]
    fn what_is_no_event_is_no_progress() {
        for line in ["", "{}", "null", "E1125 18:20:36 status.go:457] kubeconfig endpoint", STATUS]
        {
            assert_eq!(progress(line), None, "{line}");
        }
    }

    #[test]
    fn the_answer_is_found_behind_events() {
        let event = START.lines().next().unwrap();
        let both = format!("{event}\n{STATUS}");
        assert_eq!(answer(&both), answer(STATUS));
        assert_eq!(answer(&both).unwrap()["Host"], "Running");
        assert_eq!(answer(event), None);
        assert_eq!(answer("null"), Some(Value::Null));
        assert_eq!(answer("panic: runtime error"), None);
    }

    #[test]
    fn a_failure_is_the_one_with_an_exit_code() {
        let told =
            failure(include_str!("../tests/recorded/v1.38/start-runtime-fails.out")).unwrap();
        assert_eq!((told.name.as_str(), told.exit_code), ("RUNTIME_ENABLE", Some(90)));
        assert!(told.message.starts_with("Failed to start container runtime"), "{told:?}");
        assert_eq!(failure(START).and_then(|told| told.exit_code), None);
        let missing = include_str!("../tests/recorded/v1.38/delete-missing.out");
        assert_eq!(failure(missing).unwrap().exit_code, None);
    }
}
