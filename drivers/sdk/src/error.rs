//! The failures a driver can answer with.

use jsonrpsee::types::ErrorObjectOwned;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::messages::{Action, Condition, Difference, State, Violation, null_is_absent};

/// A failure with a stable name, answered instead of a result.
///
/// Fatal for the request, never for the driver: the next request is answered as usual.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct Error {
    /// One lowercase line that names the thing and fits after `error:`.
    pub message: String,
    /// Everything else that a program or a user needs.
    pub data: Box<ErrorData>,
    /// JSON-RPC's own code, which takes the place of the kind on the wire.
    own_code: Option<i32>,
}

/// What goes into the JSON-RPC error's `data`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ErrorData {
    /// The failure's stable name.
    pub kind: ErrorKind,
    /// What to do about it: one imperative line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The state the cluster is left in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// What led to it, the nearest cause first.
    #[serde(default, deserialize_with = "null_is_absent", skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Option<Vec<String>>")]
    pub causes: Vec<String>,
    /// `ConfigMismatch`: the fields that differ.
    #[serde(default, deserialize_with = "null_is_absent", skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Option<Vec<Difference>>")]
    pub diff: Vec<Difference>,
    /// `InvalidDriverConfig`: where the config breaks its schema.
    #[serde(default, deserialize_with = "null_is_absent", skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Option<Vec<Violation>>")]
    pub violations: Vec<Violation>,
    /// `ClusterNotReady`, `TimedOut`: what was looked at and is not as it should be.
    #[serde(default, deserialize_with = "null_is_absent", skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Option<Vec<Condition>>")]
    pub conditions: Vec<Condition>,
    /// Commands that mend it, to be run in this order.
    #[serde(default, deserialize_with = "null_is_absent", skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Option<Vec<Action>>")]
    pub actions: Vec<Action>,
    /// `BackendMissing`: the program that is not installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// `BackendFailed`: the command, as one could paste it into a shell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// `BackendFailed`: the command's exit code; absent when a signal ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// `BackendFailed`: the end of what the command printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// `ResourceConflict`, `InsufficientResources`, `NotFound`: what is taken, short or not there,
    /// such as `port 80`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// `Busy`, `ResourceConflict`: who has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// `TimedOut`, `ClusterNotReady`: how long was waited, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waited_ms: Option<u64>,
    /// `UnsupportedProtocolVersion`: the versions that the driver knows.
    #[serde(default, deserialize_with = "null_is_absent", skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Option<Vec<u32>>")]
    pub supported: Vec<u32>,
    /// Fields of kinds this version does not know.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// The stable names of the failures a driver may answer with.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request needs a running cluster, and it is not running.
    ClusterNotRunning,
    /// The cluster runs already; the host takes it for success of `start`.
    ClusterAlreadyRunning,
    /// The cluster exists with another config, and was not touched.
    ConfigMismatch,
    /// No executable of that name was found. Said by the host.
    DriverNotFound,
    /// The cluster did not become ready in time.
    ClusterNotReady,
    /// The config file has no section for the driver. Said by the host.
    MissingDriverConfig,
    /// The config breaks the driver's schema, or cannot work.
    InvalidDriverConfig,
    /// A program that the driver needs is not installed.
    BackendMissing,
    /// The backend is installed and does not answer.
    BackendUnavailable,
    /// A command of the backend failed.
    BackendFailed,
    /// Something the cluster needs is taken: a port, a name.
    ResourceConflict,
    /// The machine is too small.
    InsufficientResources,
    /// The user may not do that.
    PermissionDenied,
    /// A person must run the listed actions first.
    ActionRequired,
    /// The request was cancelled; `state` says what is left.
    Cancelled,
    /// The request's time ran out; `state` says what is left.
    TimedOut,
    /// The driver or its backend cannot do that.
    Unsupported,
    /// None of the offered protocol versions is known to the driver.
    UnsupportedProtocolVersion,
    /// Another request for the same cluster is under way, here or in another process.
    Busy,
    /// Something that the request names is not there: a node, an image.
    NotFound,
    /// A kind this version does not know.
    #[serde(untagged)]
    Other(String),
}

impl ErrorKind {
    /// The JSON-RPC error code that goes with the kind; 1000 for an unknown one.
    pub fn code(&self) -> i32 {
        match self {
            Self::ClusterNotRunning => 1001,
            Self::ClusterAlreadyRunning => 1002,
            Self::ConfigMismatch => 1003,
            Self::DriverNotFound => 1004,
            Self::ClusterNotReady => 1005,
            Self::MissingDriverConfig => 1006,
            Self::InvalidDriverConfig => 1007,
            Self::BackendMissing => 1008,
            Self::BackendUnavailable => 1009,
            Self::BackendFailed => 1010,
            Self::ResourceConflict => 1011,
            Self::InsufficientResources => 1012,
            Self::PermissionDenied => 1013,
            Self::ActionRequired => 1014,
            Self::Cancelled => 1015,
            Self::TimedOut => 1016,
            Self::Unsupported => 1017,
            Self::UnsupportedProtocolVersion => 1018,
            Self::Busy => 1019,
            Self::NotFound => 1020,
            Self::Other(_) => 1000,
        }
    }
}

impl std::fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Other(name) => f.write_str(name),
            // The derived name is the wire name: no variant is renamed.
            known => write!(f, "{known:?}"),
        }
    }
}

impl ErrorData {
    /// A kind with no details.
    pub fn new(kind: ErrorKind) -> Self {
        Self {
            kind,
            hint: None,
            state: None,
            causes: Vec::new(),
            diff: Vec::new(),
            violations: Vec::new(),
            conditions: Vec::new(),
            actions: Vec::new(),
            program: None,
            command: None,
            exit_code: None,
            output: None,
            resource: None,
            holder: None,
            waited_ms: None,
            supported: Vec::new(),
            more: Map::new(),
        }
    }
}

impl Error {
    /// A failure of a kind, in words.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::of_data(message, ErrorData::new(kind))
    }

    pub(crate) fn of_data(message: impl Into<String>, data: ErrorData) -> Self {
        Self { message: message.into(), data: Box::new(data), own_code: None }
    }

    /// The failure's stable name.
    pub fn kind(&self) -> &ErrorKind {
        &self.data.kind
    }

    /// Says what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.data.hint = Some(hint.into());
        self
    }

    /// Says in which state the cluster is left.
    #[must_use]
    pub fn with_state(mut self, state: State) -> Self {
        self.data.state = Some(state);
        self
    }

    /// Adds what led to it.
    #[must_use]
    pub fn with_cause(mut self, cause: impl ToString) -> Self {
        self.data.causes.push(cause.to_string());
        self
    }

    /// Adds commands that mend it.
    #[must_use]
    pub fn with_actions(mut self, actions: impl IntoIterator<Item = Action>) -> Self {
        self.data.actions.extend(actions);
        self
    }

    /// A cluster that exists with another config.
    pub fn config_mismatch(profile: &str, diff: Vec<Difference>) -> Self {
        let fields =
            if diff.len() == 1 { "1 field".into() } else { format!("{} fields", diff.len()) };
        let mut error = Self::new(
            ErrorKind::ConfigMismatch,
            format!(
                "cluster `{profile}` exists with another config: {fields} differ{}",
                if diff.len() == 1 { "s" } else { "" }
            ),
        );
        error.data.diff = diff;
        error
    }

    /// A config that breaks its schema, or that cannot work.
    pub fn invalid_config(violations: Vec<Violation>) -> Self {
        let message = match violations.as_slice() {
            [one] if one.path.is_empty() => one.message.clone(),
            [one] => format!("`{}`: {}", one.path, one.message),
            many => format!("{} fields of the driver's config are wrong", many.len()),
        };
        let mut error = Self::new(ErrorKind::InvalidDriverConfig, message);
        error.data.violations = violations;
        error
    }

    /// A request that ended because the host asked for it or went away.
    pub fn cancelled() -> Self {
        Self::new(ErrorKind::Cancelled, "cancelled")
    }
}

/// What a driver answers to an optional method it does not have: on the wire, that it is none.
pub(crate) fn unsupported<T, U>(method: &str, _params: U) -> Result<T, Error> {
    let mut error = Error::new(ErrorKind::Unsupported, format!("no method `{method}`"));
    error.own_code = Some(-32601);
    Err(error)
}

impl From<Error> for ErrorObjectOwned {
    fn from(error: Error) -> Self {
        match error.own_code {
            Some(code) => ErrorObjectOwned::owned(code, error.message, None::<()>),
            None => ErrorObjectOwned::owned(error.kind().code(), error.message, Some(error.data)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_error_on_the_wire_has_code_message_and_kind() {
        let error = Error::new(ErrorKind::BackendUnavailable, "the engine does not answer")
            .with_hint("start it");
        let wire = serde_json::to_value(ErrorObjectOwned::from(error)).expect("serializes");
        assert_eq!(
            wire,
            json!({
                "code": 1009,
                "message": "the engine does not answer",
                "data": {"kind": "BackendUnavailable", "hint": "start it"},
            })
        );
    }

    #[test]
    fn an_unknown_kind_and_its_fields_survive() {
        let wire = json!({"kind": "QuotaExceeded", "quota": 3});
        let data: ErrorData = serde_json::from_value(wire.clone()).expect("parses");
        assert_eq!(data.kind, ErrorKind::Other("QuotaExceeded".into()));
        assert_eq!(serde_json::to_value(data).expect("serializes"), wire);
    }

    #[test]
    fn a_kind_is_displayed_as_it_is_on_the_wire() {
        let kind = ErrorKind::UnsupportedProtocolVersion;
        assert_eq!(serde_json::to_value(&kind).expect("serializes"), kind.to_string());
    }
}
