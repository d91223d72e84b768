//! What kind's words mean when it fails: it exits with 1 whatever happened.

use caproni_driver::{Error, ErrorKind, Violation};
use caproni_engine::{Refusal, between};

const PREFIX: &str = "ERROR: failed to create cluster: ";

/// Gives a failure of kind its kind, by what kind printed; one of no known kind stays
/// `BackendFailed`. The command and its output are kept in any case.
pub(crate) fn of(failed: Error) -> Error {
    let output = failed.data.output.clone().unwrap_or_default();
    let mut error = match read(&output) {
        Some(meaning) => meaning.into_error(),
        None => match reason(&output) {
            Some(reason) => Error::new(ErrorKind::BackendFailed, format!("kind failed: {reason}")),
            None => return failed,
        },
    };
    error.data.command = failed.data.command;
    error.data.exit_code = failed.data.exit_code;
    error.data.output = failed.data.output;
    error
}

/// Tells whether kind refused because the cluster is there, and so has made nothing.
pub(crate) fn says_that_it_exists(error: &Error) -> bool {
    error.data.output.as_deref().is_some_and(|output| read(output) == Some(Meaning::Exists))
}

/// A failure that is known by its words.
#[derive(Debug, PartialEq)]
enum Meaning {
    /// The engine's own words.
    Engine(Refusal),
    /// The image is not to be had.
    NoImage(String),
    /// A node did not say in time that it is up.
    NotUp,
    /// kind does not take its own config.
    BadConfig(String),
    /// A cluster of the name is there already.
    Exists,
}

impl Meaning {
    fn into_error(self) -> Error {
        match self {
            Self::Engine(refusal) => {
                refusal.into_error("kind", "`port_mappings` or `config.networking`")
            }
            Self::NoImage(image) => {
                let message = format!("the image `{image}` cannot be pulled");
                Error::new(ErrorKind::BackendFailed, message)
                    .with_hint(format!("run `docker pull {image}` to see why, or mend `image`"))
            }
            Self::NotUp => Error::new(
                ErrorKind::ClusterNotReady,
                "a node did not come up in the 30 s that kind gives it",
            )
            .with_hint("mend `image`, which may be none of kind's: its log above tells more"),
            Self::BadConfig(why) => Error::invalid_config(vec![Violation::new("config", why)]),
            Self::Exists => Error::new(
                ErrorKind::ResourceConflict,
                "a cluster of this name was made by somebody else at the same time",
            )
            .with_hint("run `caproni start` again"),
        }
    }
}

fn read(output: &str) -> Option<Meaning> {
    if let Some(refusal) = Refusal::read(output) {
        return Some(Meaning::Engine(refusal));
    }
    if let Some(image) = between(output, "failed to pull image \"", "\"") {
        return Some(Meaning::NoImage(image.into()));
    }
    if output.contains("could not find a log line that matches") {
        return Some(Meaning::NotUp);
    }
    if output.contains("node(s) already exist for a cluster with the name") {
        return Some(Meaning::Exists);
    }
    let (_, said) = output.split_once(PREFIX)?;
    let refused = said.strip_prefix("unable to decode config: ").or(said.strip_prefix("invalid "));
    refused.map(|_| Meaning::BadConfig(one_line(said)))
}

/// What kind says before it comes to the command that failed, or what that command printed.
fn reason(output: &str) -> Option<String> {
    let said = output.split_once(PREFIX).or_else(|| output.split_once("ERROR: "))?.1;
    let before = said.split_once(": command \"").map_or(said, |(before, _)| before);
    match before.strip_prefix("command \"") {
        None => Some(one_line(before)),
        Some(_) => Some(one_line(said.split_once("Command Output: ")?.1)),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! recorded {
        ($name:literal) => {
            include_str!(concat!("../tests/recorded/v0.32/", $name))
        };
    }

    #[test]
    fn every_recorded_failure_has_its_meaning() {
        let taken = |port: &str| Some(Meaning::Engine(Refusal::PortTaken(port.into())));
        assert_eq!(read(recorded!("create-taken-port.err")), taken("18980"));
        assert_eq!(read(recorded!("create-allocated-port.err")), taken("18981"));
        assert_eq!(
            read(recorded!("create-name-taken.err")),
            Some(Meaning::Engine(Refusal::NameTaken("demo-control-plane".into())))
        );
        assert_eq!(
            read(recorded!("create-no-engine.err")),
            Some(Meaning::Engine(Refusal::NoEngine))
        );
        assert_eq!(
            read(recorded!("create-bad-image.err")),
            Some(Meaning::NoImage("example.invalid/no/such:1".into()))
        );
        assert_eq!(read(recorded!("create-never-up.err")), Some(Meaning::NotUp));
        assert_eq!(read(recorded!("create-exists.err")), Some(Meaning::Exists));
    }

    #[test]
    fn a_config_that_kind_does_not_take_is_an_invalid_config_with_kinds_reason() {
        for (output, word) in [
            (recorded!("create-bad-config.err"), "nodez"),
            (recorded!("create-bad-subnet.err"), "CIDR"),
        ] {
            let error = of(failed(output));
            assert_eq!(error.kind(), &ErrorKind::InvalidDriverConfig);
            assert_eq!(error.data.violations[0].path, "config");
            assert!(error.data.violations[0].message.contains(word), "{error:?}");
        }
    }

    #[test]
    fn an_unknown_failure_says_kinds_own_reason_and_keeps_the_output() {
        let error = of(failed(recorded!("create-kubeadm-fails.err")));
        assert_eq!(error.kind(), &ErrorKind::BackendFailed);
        assert_eq!(error.message, "kind failed: failed to init node with kubeadm");
        assert!(error.data.output.is_some_and(|output| output.contains("told to crash")));
        let error = of(failed(recorded!("create-bad-flag.err")));
        assert_eq!(error.message, "kind failed: unknown flag: --no-such-flag");
    }

    fn failed(output: &str) -> Error {
        let mut failed = Error::new(ErrorKind::BackendFailed, "`kind` exited with 1");
        failed.data.output = Some(output.into());
        failed
    }
}
