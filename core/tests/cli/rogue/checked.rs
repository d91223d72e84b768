//! Every mode of the rogue driver, under `caproni drivers check`: what it breaks is told under
//! the rule's id, and what breaks nothing is told nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::{Mode, each};

/// How long a whole check may take, with twelve of them at work: some modes write a million
/// lines, others keep silent wherever they can.
const PATIENCE: Duration = Duration::from_secs(240);

#[test]
fn every_mode_is_told_which_rule_it_breaks() {
    for (mode, came) in each(Mode::check) {
        // Some are wrong only where two things meet in time, which twelve checks on few cores can
        // keep from happening. What comes of one of them then is seen when it is checked alone.
        if came.is_err() {
            mode.check();
        }
    }
}

#[test]
fn a_whole_life_reaches_every_rule_that_can_be_checked() {
    let mode = Mode::named("good");
    let sandbox = mode.sandbox();
    let report = sandbox.run("-o json drivers check --destructive good").json();
    let all = sandbox.run("-o json drivers check --rules").json();
    assert_eq!(rules(&report, "not-checked"), uncheckable(&all));
    assert!(rules(&report, "passed").len() > 70, "{report:#}");
}

/// The rules that nobody can check from outside, by the table of rules.
fn uncheckable(all: &Value) -> BTreeSet<&str> {
    let rules = all["rules"].as_array().unwrap().iter();
    let those = rules.filter(|rule| rule["level"].is_null());
    those.map(|rule| rule["id"].as_str().unwrap()).collect()
}

impl Mode {
    /// Checks the driver, and holds what was found against the table.
    fn check(&self) {
        let name = self.name();
        let sandbox = self.sandbox();
        let limit = match name {
            // It goes on for 10 s after its stdin was closed.
            "host-sigkilled-mid-call" => "5s",
            // What writes masses is slow where others are at work, and must not be taken for silent.
            _ if name.contains("flood") || name.contains("huge") => "60s",
            _ => "10s",
        };
        let words = format!("-o json --timeout {limit} drivers check --destructive {name}");
        let output = sandbox.caproni(&words).spawn().end_within(PATIENCE);
        if name == "unsupported-version" {
            assert_eq!(output.json_error()["kind"], "UnsupportedProtocolVersion");
            return;
        }
        let report = output.json();
        let (failed, warned) = (rules(&report, "failed"), rules(&report, "warning"));
        let also = self.0["also"].as_array().unwrap().iter().map(|rule| rule.as_str().unwrap());
        let expected: BTreeSet<&str> = self.0["rule"].as_str().into_iter().chain(also).collect();
        if let Some(rule) = self.0["rule"].as_str() {
            let told = failed.contains(rule) || warned.contains(rule);
            assert!(told, "{rule} is not told: failed {failed:?}, warned of {warned:?}");
        }
        let more: Vec<_> = failed.difference(&expected).collect();
        assert!(more.is_empty(), "more is told than {expected:?}: {more:?}");
        assert_eq!(output.code(), i32::from(!failed.is_empty()));
    }
}

/// The rules with a verdict.
fn rules<'a>(report: &'a Value, verdict: &str) -> BTreeSet<&'a str> {
    let rules = report["rules"].as_array().unwrap().iter();
    let those = rules.filter(|rule| rule["verdict"] == verdict);
    those.map(|rule| rule["id"].as_str().unwrap()).collect()
}
