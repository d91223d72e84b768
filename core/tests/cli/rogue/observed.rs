//! What came of each mode, and how it is judged.

use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Mode, each, table};
use crate::output::Output;

/// How much memory the host may need under any driver, in KiB.
const MOST_MEMORY: u64 = 32 * 1024;

/// How much longer than by the rules of host and driver a mode may take: as many others are at
/// work as a small machine can bear.
const MARGIN: Duration = Duration::from_secs(10);

/// How a mode ended, by its name.
///
/// All are run when the first test asks, since each spends its time with waiting.
static OBSERVED: LazyLock<HashMap<&str, Result<Observed, String>>> = LazyLock::new(|| {
    let all = each(Observed::of);
    table::write(&all);
    all.into_iter().map(|(mode, came)| (mode.name(), came)).collect()
});

/// How the host ended under a driver.
pub(super) struct Observed {
    pub(super) output: Output,
    /// The error that it told, or null.
    pub(super) error: Value,
    /// How long all command lines took together.
    pub(super) took: Duration,
}

/// How the host ended under the driver of this mode.
pub(super) fn observed(mode: &Mode) -> &'static Observed {
    match &OBSERVED[mode.name()] {
        Ok(observed) => observed,
        Err(why) => panic!("{why}"),
    }
}

impl Observed {
    fn of(mode: &'static Mode) -> Self {
        let sandbox = mode.sandbox();
        let begun = Instant::now();
        let output = mode.run(&sandbox);
        let took = begun.elapsed();
        let failed = output.stdout.is_empty();
        let error = if failed { output.json_error() } else { Value::Null };
        Self { output, error, took }
    }

    /// The error's kind.
    pub(super) fn kind(&self) -> Option<&str> {
        self.error["kind"].as_str()
    }

    /// The error's message with what led to it, or what the result says in short.
    pub(super) fn message(&self) -> String {
        if self.error.is_null() {
            let mut result = self.output.json();
            result.as_object_mut().unwrap().retain(|name, _| SHORT.contains(&name.as_str()));
            return result.to_string();
        }
        let causes = self.error["causes"].as_array().into_iter().flatten();
        let message = self.error["message"].as_str().into_iter();
        message.chain(causes.filter_map(Value::as_str)).collect::<Vec<_>>().join(": ")
    }
}

/// What of a result says how it went.
const SHORT: [&str; 3] = ["change", "state", "exists"];

/// Within which time all command lines of a mode end.
pub(super) fn limit(mode: &Mode) -> Duration {
    Duration::from_secs(mode.waits()) + MARGIN
}

/// Holds what came of a mode against the table.
pub(super) fn judge(mode: &Mode) {
    let observed = observed(mode);
    let Observed { output, error, took } = observed;
    assert_eq!(mode.host("exitCode"), output.code(), "{output:#?}");
    assert_eq!(mode.host("kind").as_str(), observed.kind(), "{error:#}");
    let told = match observed.kind() {
        None => output.stdout.clone() + &output.stderr,
        Some(_) => format!("{}\n{error:#}", observed.message()),
    };
    let says = mode.host("says").as_str().unwrap();
    assert!(told.contains(says), "{says:?} is not in {output:#?}");
    assert_names_driver(mode, error);
    assert_harmless(output);
    let shows = mode.host("shows").as_str().unwrap();
    assert!(output.stderr.contains(shows), "{shows:?} is not shown by {output:#?}");
    let limit = limit(mode);
    assert!(*took < limit, "it took {took:.1?}, and {limit:?} are its limit");
    let peak = output.peak;
    assert!(peak <= MOST_MEMORY, "it took {peak} KiB of memory, and {MOST_MEMORY} are its limit");
}

/// What the host finds wrong with a driver says with which one.
fn assert_names_driver(mode: &Mode, error: &Value) {
    let kind = error["kind"].as_str().unwrap_or_default();
    let was_ended = error["message"].as_str().is_some_and(|said| said.contains("was ended"));
    if kind.starts_with("Driver") || kind == "TimedOut" || was_ended {
        let (message, name) = (error["message"].as_str().unwrap(), mode.name());
        let by_name = format!("driver `{name}`");
        let by_path = format!("/caproni-driver-{name}`");
        assert!(message.contains(&by_name) || message.contains(&by_path), "{message}");
    }
}

/// Nothing that reaches a terminal may command it.
fn assert_harmless(output: &Output) {
    let commands = |c: char| {
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        turns || (c.is_control() && c != '\n' && c != '\t')
    };
    for text in [&output.stdout, &output.stderr] {
        assert!(!text.contains(commands), "{text:?}");
    }
}
