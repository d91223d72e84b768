//! What the commands tell that are about caproni itself and its surroundings.

use caproni_driver::{Action, Program, Verdict};
#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;

/// The versions of all that takes part.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Versions {
    /// The version of caproni.
    pub(crate) caproni: &'static str,
    /// The version of the drivers' protocol that it speaks.
    pub(crate) protocol: u32,
    /// The driver in use, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) driver: Option<DriverVersions>,
}

/// The versions of a driver and of what it drives.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct DriverVersions {
    /// The driver's name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// Its executable.
    pub(crate) path: String,
    /// The programs that it drives.
    pub(crate) programs: Vec<Program>,
    /// The version of the cluster's API server; null where there is none to ask.
    pub(crate) kubernetes_version: Option<String>,
}

/// What was looked at that clusters need.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Checkup {
    /// Whether nothing that counts has failed.
    pub(crate) ok: bool,
    /// The exit code of the command.
    pub(crate) exit_code: u8,
    /// Each check, the well ones too.
    pub(crate) checks: Vec<Checked>,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Checked {
    /// The driver that looked, or `caproni`.
    pub(crate) of: String,
    /// A short stable name, such as `engine` or `disk`.
    pub(crate) name: String,
    /// What came out.
    pub(crate) verdict: Verdict,
    /// What was seen.
    pub(crate) message: String,
    /// What mends it, where that is known.
    pub(crate) hint: Option<String>,
    /// Commands that mend it, to be run in this order.
    pub(crate) actions: Vec<Action>,
    /// Whether it stands in the way here: not so a backend that nobody uses.
    pub(crate) counts: bool,
}

/// A script for a shell.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct CompletionScript<'a> {
    /// The shell.
    pub(crate) shell: &'static str,
    /// The script.
    pub(crate) script: &'a str,
}

/// Help on a command or a topic.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct HelpText {
    /// The command or the topic.
    pub(crate) about: String,
    /// The text.
    pub(crate) text: String,
}

/// The pages of the manual that were written.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct ManualPages {
    /// The names of their files.
    pub(crate) pages: Vec<String>,
}
