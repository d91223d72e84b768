//! What a request that changes a cluster comes to, on its way and in the end.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::null_is_absent;

/// What a request that may change the cluster did to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Outcome {
    /// What changed.
    pub change: Change,
    /// More for the user in one line, such as what was left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Outcome {
    /// A request that had this effect.
    pub fn new(change: Change) -> Self {
        Self { change, message: None }
    }

    /// Adds a line for the user.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", expecting = "`change` must be a text")]
#[non_exhaustive]
pub enum Change {
    /// Nothing: the cluster was already as asked for.
    None,
    /// A new cluster was made.
    Created,
    /// A cluster that was stopped, wholly or in part, runs again.
    Started,
    /// A running cluster took over a changed config.
    Updated,
    /// The cluster was stopped and started.
    Restarted,
    /// The cluster was stopped.
    Stopped,
    /// The cluster and its data were removed.
    Destroyed,
    /// Images were put onto the nodes.
    Loaded,
    /// A change this version does not know.
    #[serde(untagged)]
    Other(String),
}

/// A driver's word on how far a request is, sent while it runs.
///
/// A new step ends the one before; the reply ends all.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Progress {
    /// A short stable word for the step, such as `create`.
    pub step: String,
    /// What happens, in the present tense, one line.
    pub message: String,
    /// How much of `total` is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<u64>,
    /// How much there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// What is counted, such as `bytes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

impl Progress {
    /// A step and what happens in it.
    pub fn new(step: impl Into<String>, message: impl Into<String>) -> Self {
        Self { step: step.into(), message: message.into(), ..Self::default() }
    }
}

/// A command that a person can run to get on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Action {
    /// What it does, an imperative line such as `Install k3d with Homebrew`.
    pub title: String,
    /// Why it is needed, one line.
    pub reason: String,
    /// The program and its arguments; never a shell's line, though a shell may be the program.
    #[schemars(length(min = 1))]
    pub argv: Vec<String>,
    /// Whether it needs the rights of an administrator.
    #[serde(default, deserialize_with = "null_is_absent")]
    #[schemars(with = "Option<bool>")]
    pub privileged: bool,
}

impl Action {
    /// A command that any user may run.
    pub fn new<A: Into<String>>(
        title: impl Into<String>,
        reason: impl Into<String>,
        argv: impl IntoIterator<Item = A>,
    ) -> Self {
        Self {
            title: title.into(),
            reason: reason.into(),
            argv: argv.into_iter().map(Into::into).collect(),
            privileged: false,
        }
    }

    /// Says that the command needs the rights of an administrator.
    #[must_use]
    pub fn privileged(mut self) -> Self {
        self.privileged = true;
        self
    }

    /// The command as a person could paste it into a shell.
    pub fn command_line(&self) -> String {
        crate::text::command_line(&self.argv)
    }
}

/// One field in which a cluster differs from what was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Difference {
    /// The field, such as `agents` or `k3s.disable`.
    pub path: String,
    /// What the cluster runs with; `null` when it has no such setting.
    #[serde(default)]
    pub running: Value,
    /// What was asked for; `null` when nothing was.
    #[serde(default)]
    pub requested: Value,
    /// What it takes to change it.
    pub change: ChangeCost,
}

impl Difference {
    /// A field, both its values (`null` for none), and what it takes to change it.
    pub fn new(
        path: impl Into<String>,
        running: Value,
        requested: Value,
        change: ChangeCost,
    ) -> Self {
        Self { path: path.into(), running, requested, change }
    }
}

/// What it takes to change a field of a cluster that exists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", expecting = "what a change costs must be a text")]
#[non_exhaustive]
pub enum ChangeCost {
    /// `start` changes it while the cluster runs.
    Live,
    /// The cluster must be stopped and started.
    Restart,
    /// The cluster must be destroyed and made anew.
    Recreate,
    /// A cost this version does not know.
    #[serde(untagged)]
    Other(String),
}

impl std::fmt::Display for ChangeCost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Live => "live",
            Self::Restart => "restart",
            Self::Recreate => "recreate",
            Self::Other(name) => name,
        })
    }
}

/// One place where a config breaks its schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Violation {
    /// The field, such as `k3s.disable`; empty for the section as a whole.
    pub path: String,
    /// What is wrong with it, one lowercase line.
    pub message: String,
    /// The place in the user's file, `file:line:column`, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

impl Violation {
    /// A field and what is wrong with it.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), location: None }
    }
}
