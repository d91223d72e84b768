//! What can go wrong, by what the user can do about it.

use caproni_driver::{Action, Condition, ErrorData, ErrorKind, State, Violation, resources};
use serde_json::{Value, json};

use crate::excerpt::Excerpt;

/// The field that holds the lines of files in which something is wrong.
const PLACES: &str = "places";

/// A failure, as it is shown to the user and turned into an exit code.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// The failure's stable name.
    pub kind: Kind,
    /// One lowercase line that names the thing and fits after `error:`.
    pub message: String,
    /// Everything else: hint, cluster's state, causes, and the kind's own fields.
    pub data: Box<ErrorData>,
    /// Whether the driver ended, or had to be ended, in the middle of its work.
    pub forced: bool,
}

/// The stable name of a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// One that a driver may answer with; the host uses some of them too.
    Driver(ErrorKind),
    /// The driver's process ended in the middle of its work.
    DriverCrashed,
    /// The driver did not answer in time and had to be ended.
    DriverUnresponsive,
    /// The driver sent what the protocol does not allow.
    DriverProtocolError,
    /// The driver's file cannot be run.
    DriverNotExecutable,
    /// The driver's file is one that others can write, or the folder it is in.
    DriverNotTrusted,
    /// The config file cannot be read, or is not what it should be.
    InvalidConfigFile,
    /// The user's kubeconfig cannot be read or written.
    InvalidKubeconfig,
    /// The command line is wrong.
    Usage,
    /// The host itself failed.
    Internal,
}

/// The names that only the host may use: a driver that sends one breaks the protocol.
pub const HOST_ONLY: [Kind; 5] = [
    Kind::DriverCrashed,
    Kind::DriverUnresponsive,
    Kind::DriverProtocolError,
    Kind::DriverNotExecutable,
    Kind::DriverNotTrusted,
];

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Driver(kind) => kind.fmt(f),
            // The derived name is the shown name.
            host => write!(f, "{host:?}"),
        }
    }
}

impl Error {
    /// A failure of a kind, in words.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        let data = Box::new(ErrorData::new(ErrorKind::Other(kind.to_string())));
        Self { kind, message: message.into(), data, forced: false }
    }

    /// A failure of a kind that drivers use as well.
    pub fn driver(kind: ErrorKind, message: impl Into<String>) -> Self {
        caproni_driver::Error::new(kind, message).into()
    }

    /// A wrong command line.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// Something that should have worked: the operating system said no.
    pub fn internal(what: &str, error: impl std::fmt::Display) -> Self {
        Self::new(Kind::Internal, format!("{what}: {error}"))
    }

    /// As [`Error::internal`], and where something has run out, with what to do about it.
    pub fn system(what: &str, error: &std::io::Error) -> Self {
        match resources::way_out(error) {
            Some(way_out) => {
                let kind = ErrorKind::InsufficientResources;
                Self::driver(kind, format!("{what}: {error}")).with_hint(way_out)
            }
            None => Self::internal(what, error),
        }
    }

    /// Tells whether it is one of the kinds that drivers use.
    pub fn is(&self, kind: &ErrorKind) -> bool {
        matches!(&self.kind, Kind::Driver(own) if own == kind)
    }

    /// Says what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.data.hint = Some(hint.into());
        self
    }

    /// Says what to do about it where nothing is said yet.
    #[must_use]
    pub fn or_hint(mut self, hint: &str) -> Self {
        self.data.hint.get_or_insert_with(|| hint.to_owned());
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
    pub fn with_cause(mut self, cause: impl Into<String>) -> Self {
        self.data.causes.push(cause.into());
        self
    }

    /// Adds what was looked at and is not as it should be.
    #[must_use]
    pub fn with_conditions(mut self, conditions: Vec<Condition>) -> Self {
        self.data.conditions = conditions;
        self
    }

    /// Adds where the config is wrong.
    #[must_use]
    pub fn with_violations(mut self, violations: Vec<Violation>) -> Self {
        self.data.violations = violations;
        self
    }

    /// Adds the lines of files in which something is wrong, one for each violation.
    #[must_use]
    pub fn with_excerpts(mut self, excerpts: &[Excerpt]) -> Self {
        if let Ok(places @ Value::Array(_)) = serde_json::to_value(excerpts)
            && !excerpts.is_empty()
        {
            self.data.more.insert(PLACES.into(), places);
        }
        self
    }

    /// The lines of files in which something is wrong.
    pub fn excerpts(&self) -> Vec<Excerpt> {
        let places = self.data.more.get(PLACES).cloned();
        places.and_then(|places| serde_json::from_value(places).ok()).unwrap_or_default()
    }

    /// It as one of several mistakes in a config.
    pub fn as_violations(&self) -> Vec<Violation> {
        if !self.data.violations.is_empty() {
            return self.data.violations.clone();
        }
        let Some(excerpt) = self.excerpts().into_iter().next() else {
            return vec![Violation::new("", &self.message)];
        };
        let mut violation = Violation::new("", &excerpt.message);
        violation.location = Some(excerpt.location());
        vec![violation]
    }

    /// Adds commands that mend it.
    #[must_use]
    pub fn with_actions(mut self, actions: Vec<Action>) -> Self {
        self.data.actions = actions;
        self
    }

    /// Says that the driver ended in the middle of its work, so that nobody has said
    /// what is left.
    #[must_use]
    pub fn forced(mut self) -> Self {
        self.forced = true;
        self
    }

    /// All of it as a JSON object: its kind, its message, and what else is known. The exit code
    /// in it is caproni's own, and the backend's has another name.
    pub fn to_json(&self) -> Value {
        let mut json = json!({"kind": self.kind.to_string(), "message": self.message});
        if let (Some(json), Ok(Value::Object(mut data))) =
            (json.as_object_mut(), serde_json::to_value(&self.data))
        {
            let of_command = data.shift_remove("exitCode");
            json.extend(data.into_iter().filter(|(key, _)| key != "kind"));
            json.extend(of_command.map(|code| ("commandExitCode".to_owned(), code)));
        }
        json
    }

    /// Adds a field of the kind's own.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.data.more.insert(field.into(), value.into());
        self
    }
}

impl From<caproni_driver::Error> for Error {
    fn from(error: caproni_driver::Error) -> Self {
        Self {
            kind: Kind::Driver(error.kind().clone()),
            message: error.message,
            data: error.data,
            forced: false,
        }
    }
}
