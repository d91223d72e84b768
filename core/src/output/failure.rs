//! What a failure is, for its schema alone: it is written as [`crate::error::Error`] has it.
#![expect(dead_code, reason = "only its schema is made of it")]

use caproni_driver::{Action, Condition, Difference, ErrorKind, State, Violation};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use crate::excerpt::Excerpt;

/// What is printed on stderr in the place of a result.
#[derive(JsonSchema)]
pub(super) struct FailedCommand {
    /// The failure.
    error: Failure,
}

/// Why something was not done, and what to do about it.
///
/// A driver may add fields to kinds of its own.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", transform = only_these_are_always_there)]
pub(super) struct Failure {
    /// The failure's stable name: one of these that drivers use too, a driver's own, or caproni's
    /// `DriverCrashed`, `DriverUnresponsive`, `DriverProtocolError`, `DriverNotExecutable`,
    /// `DriverNotTrusted`, `InvalidConfigFile`, `InvalidKubeconfig`, `Usage` or `Internal`.
    kind: ErrorKind,
    /// What went wrong, in one line.
    message: String,
    /// What to do about it: one imperative line.
    hint: Option<String>,
    /// The state the cluster is left in.
    state: Option<State>,
    /// What led to it, the nearest cause first.
    causes: Option<Vec<String>>,
    /// `ConfigMismatch`: the fields that differ.
    diff: Option<Vec<Difference>>,
    /// `InvalidDriverConfig`, `InvalidConfigFile`: where the config is wrong.
    violations: Option<Vec<Violation>>,
    /// The lines of the files that are wrong, one for each violation.
    places: Option<Vec<Excerpt>>,
    /// `ClusterNotReady`, `TimedOut`: what was looked at and is not as it should be.
    conditions: Option<Vec<Condition>>,
    /// Commands that mend it, to be run in this order.
    actions: Option<Vec<Action>>,
    /// `BackendMissing`: the program that is not installed.
    program: Option<String>,
    /// `BackendFailed`: the command, as one could paste it into a shell.
    command: Option<String>,
    /// `BackendFailed`: the command's exit code; absent when a signal ended it.
    command_exit_code: Option<i32>,
    /// `BackendFailed`: the end of what the command printed.
    output: Option<String>,
    /// `ResourceConflict`, `InsufficientResources`, `NotFound`: what is taken, short or not there.
    resource: Option<String>,
    /// `Busy`, `ResourceConflict`: who has it.
    holder: Option<String>,
    /// `TimedOut`, `ClusterNotReady`: how long was waited, in milliseconds.
    waited_ms: Option<u64>,
    /// `UnsupportedProtocolVersion`: the versions that the driver knows.
    supported: Option<Vec<u32>>,
    /// The driver that answered with it.
    driver: Option<String>,
    /// The request that it answered.
    method: Option<String>,
    /// JSON-RPC's code, where the driver named no kind.
    code: Option<i32>,
    /// `drivers call`: the error as the driver answered it.
    answer: Option<Map<String, Value>>,
    /// The driver's executable, where the driver is at fault.
    path: Option<String>,
    /// The driver's version, if it told one before.
    driver_version: Option<String>,
    /// The end of what the driver wrote on stderr.
    stderr: Option<String>,
    /// `DriverCrashed`: how its process ended.
    ended: Option<String>,
    /// The request that was in flight.
    request: Option<RequestInFlight>,
    /// `DriverNotFound`: the folders in which it was looked for.
    searched: Option<Vec<String>>,
    /// `DriverNotFound`: drivers with such a name.
    similar: Option<Vec<String>>,
    /// `MissingDriverConfig`: the section that is missing.
    section: Option<String>,
    /// `MissingDriverConfig`: the file in which it is missing.
    file: Option<String>,
    /// `config validate`: the sections that were not checked.
    not_checked: Option<Vec<super::UncheckedSection>>,
    /// The exit code of caproni; absent where the failure is a part of a result.
    exit_code: Option<u8>,
}

fn only_these_are_always_there(schema: &mut Schema) {
    schema.insert("required".into(), json!(["kind", "message"]));
}

/// A request that a driver has not answered.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
struct RequestInFlight {
    /// The method.
    method: String,
    /// The cluster that it was about.
    profile: Option<String>,
    /// For how long it had been in flight, in milliseconds.
    ran_ms: u64,
}
