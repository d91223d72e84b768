//! What was found about each rule.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

/// What a check came to, for one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "RuleVerdict"))]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It was tried, and kept.
    Passed,
    /// It was tried, and broken.
    Failed,
    /// It says SHOULD, and was not kept.
    Warning,
    /// It is about something that this driver does not have.
    NotApplicable,
    /// It was not tried: its level was not asked for, or the driver did not get that far.
    NotChecked,
}

/// One thing that is not as a rule says, with the talk that shows it.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "RuleFinding"))]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What is wrong, one lowercase line.
    pub what: String,
    /// The end of what was sent, one line each.
    pub sent: Vec<String>,
    /// The end of what came back.
    pub received: Vec<String>,
}

/// Everything that was found about one rule.
#[derive(Debug, Clone, Default)]
pub struct Record {
    held: bool,
    not_applicable: Option<String>,
    /// Where it was broken.
    pub failures: Vec<Finding>,
    /// Where a SHOULD was not kept.
    pub warnings: Vec<Finding>,
}

impl Record {
    /// What it comes to.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self { failures, .. } if !failures.is_empty() => Verdict::Failed,
            Self { warnings, .. } if !warnings.is_empty() => Verdict::Warning,
            Self { held: true, .. } => Verdict::Passed,
            Self { not_applicable: Some(_), .. } => Verdict::NotApplicable,
            _ => Verdict::NotChecked,
        }
    }

    /// Why it does not apply, if that is so.
    pub fn reason(&self) -> Option<&str> {
        self.not_applicable.as_deref()
    }
}

/// The one who writes down what is found; shared by everything that looks.
#[derive(Debug, Clone, Default)]
pub struct Judge(Arc<Mutex<BTreeMap<&'static str, Record>>>);

/// How many findings of one rule are kept: after these nobody learns anything new.
const KEPT: usize = 3;

impl Judge {
    /// The rule was tried, and this time kept.
    pub fn held(&self, rule: &'static str) {
        self.lock().entry(rule).or_default().held = true;
    }

    /// The rule was broken.
    pub fn failed(&self, rule: &'static str, finding: Finding) {
        keep(&mut self.lock().entry(rule).or_default().failures, finding);
    }

    /// The rule says SHOULD, and was not kept.
    pub fn warned(&self, rule: &'static str, finding: Finding) {
        keep(&mut self.lock().entry(rule).or_default().warnings, finding);
    }

    /// The rule is about something that this driver does not have.
    pub fn not_applicable(&self, rule: &'static str, reason: impl Into<String>) {
        self.lock().entry(rule).or_default().not_applicable.get_or_insert(reason.into());
    }

    /// All that was found about a rule.
    pub fn record(&self, rule: &str) -> Record {
        self.lock().get(rule).cloned().unwrap_or_default()
    }

    /// Whether a rule was found broken.
    pub fn is_broken(&self, rule: &str) -> bool {
        self.record(rule).verdict() == Verdict::Failed
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Record>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn keep(findings: &mut Vec<Finding>, finding: Finding) {
    if findings.len() < KEPT {
        findings.push(finding);
    }
}
