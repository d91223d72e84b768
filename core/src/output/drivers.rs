//! What the commands tell that are about drivers.

use caproni_driver::{Capabilities, Description};
#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::conformance::coverage::Level;

/// All drivers.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct DriverList {
    /// The drivers, sorted by name.
    pub(crate) drivers: Vec<ListedDriver>,
}

/// One driver of a list.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListedDriver {
    /// Its name.
    pub(crate) name: String,
    /// Its version; null where it could not be asked.
    pub(crate) version: Option<String>,
    /// Its executable.
    pub(crate) path: String,
    /// What it can do; null where it could not be asked.
    pub(crate) capabilities: Option<Capabilities>,
    /// Executables of the same name in folders behind it, which are not used.
    pub(crate) shadowed: Vec<String>,
    /// The driver that it becomes here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) becomes: Option<String>,
    /// Why it cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "super::failure::Failure"))]
    pub(crate) problem: Option<Value>,
}

/// What a driver says of itself.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct DescribedDriver {
    /// Its executable.
    pub(crate) path: String,
    /// What it answers to `initialize`.
    #[serde(flatten)]
    pub(crate) description: Description,
    /// Executables of the same name in folders behind it, which are not used.
    pub(crate) shadowed: Vec<String>,
}

/// A new driver.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct WrittenDriver {
    /// Its name.
    pub(crate) name: String,
    /// The language it is written in.
    pub(crate) language: String,
    /// The folder it is in.
    pub(crate) folder: String,
    /// The files in there.
    pub(crate) files: Vec<String>,
    /// The commands that lead from here to a cluster.
    pub(crate) next: Vec<String>,
    /// What stands in the way of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) warning: Option<String>,
}

/// The rules of the protocol.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct RuleList {
    /// Each rule, in the order of the protocol's page.
    pub(crate) rules: Vec<ListedRule>,
}

/// One rule of the protocol, and how it is checked.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListedRule {
    /// The rule's stable name.
    pub(crate) id: &'static str,
    /// What it says.
    pub(crate) rule: String,
    /// From which level on it is checked; null where it cannot be, from outside.
    pub(crate) level: Option<Level>,
    /// What is done to check it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) check: Option<&'static str>,
    /// Why it is not checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<&'static str>,
}

/// What came of sending a recording again.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Replayed {
    /// The driver's executable.
    pub(crate) driver: String,
    /// Whether all answers are the same.
    pub(crate) same: bool,
    /// Each answer, and how each session ended.
    pub(crate) answers: Vec<ReplayedAnswer>,
}

/// What became of one request, or of the end of the driver.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReplayedAnswer {
    /// The number of the session in the recording.
    pub(crate) session: u64,
    /// The method, or `the end`.
    pub(crate) what: String,
    /// The request's id; null for the end.
    pub(crate) id: Value,
    /// Whether nothing differs but what may.
    pub(crate) same: bool,
    /// What differs.
    pub(crate) differences: Vec<AnswerDifference>,
}

/// One place where two answers differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct AnswerDifference {
    /// The place, such as `result.state`.
    pub(crate) path: String,
    /// What was recorded.
    pub(crate) recorded: Value,
    /// What came now.
    pub(crate) came: Value,
    /// Whether it may differ.
    pub(crate) volatile: bool,
}
