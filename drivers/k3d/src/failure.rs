//! What k3d's words mean when it fails: it exits with 1 whatever happened.

use caproni_driver::{Error, ErrorKind};
use caproni_engine::{Refusal, between};

/// Gives a failure of k3d its kind, by what k3d printed; one of no known kind stays
/// `BackendFailed`. The command and its output are kept in any case.
pub(crate) fn of(failed: Error) -> Error {
    let output = failed.data.output.clone().unwrap_or_default();
    let mut error = match read(&output) {
        Some(meaning) => meaning.into_error(),
        None => match reason(&output) {
            Some(reason) => Error::new(ErrorKind::BackendFailed, format!("k3d failed: {reason}")),
            None => return failed,
        },
    };
    error.data.command = failed.data.command;
    error.data.exit_code = failed.data.exit_code;
    error.data.output = failed.data.output;
    error
}

/// Tells whether k3d refused because the cluster is there, and so has made nothing.
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
    /// A node did not say in time that it is up; `node` may be unknown.
    NotUp(Option<String>),
    /// A node ends again and again.
    Crashing(String),
    /// A cluster of the name is there already.
    Exists,
}

impl Meaning {
    fn into_error(self) -> Error {
        match self {
            Self::Engine(refusal) => refusal.into_error("k3d", "`port_mappings` or `api_port`"),
            Self::NoImage(image) => Error::new(
                ErrorKind::BackendFailed,
                format!("the image `{image}` cannot be pulled"),
            )
            .with_hint(format!("run `docker pull {image}` to see why, or mend `image`")),
            Self::NotUp(node) => {
                let node = node.map_or("a node".into(), |node| format!("node `{node}`"));
                Error::new(ErrorKind::ClusterNotReady, format!("{node} did not come up in time"))
                    .with_hint(
                        "give it more time with `--timeout`, or mend what its log above tells",
                    )
            }
            Self::Crashing(node) => Error::new(
                ErrorKind::ClusterNotReady,
                format!("node `{node}` ends again and again"),
            )
            .with_hint("mend `k3s.args` or `image`: its log above tells what k3s does not like"),
            Self::Exists => Error::new(
                ErrorKind::ResourceConflict,
                "a cluster of this name was made by somebody else at the same time",
            )
            .with_hint("run `caproni start` again"),
        }
    }
}

fn read(output: &str) -> Option<Meaning> {
    let refusal = Refusal::read(output);
    // An engine that went away is why, unless a node's own end is told.
    if let Some(Refusal::PortTaken(_) | Refusal::NameTaken(_)) = refusal {
        return refusal.map(Meaning::Engine);
    }
    if let Some(image) = between(output, "docker failed to pull the image '", "'") {
        return Some(Meaning::NoImage(image.into()));
    }
    let node = between(output, "Node ", " failed to get ready").map(str::to_owned);
    if output.contains("in status=restarting") || output.contains("in status=exited") {
        return Some(Meaning::Crashing(node.unwrap_or_default()));
    }
    if output.contains("context deadline exceeded") {
        return Some(Meaning::NotUp(node));
    }
    let exists = output.contains("a cluster with that name already exists");
    refusal.map(Meaning::Engine).or_else(|| exists.then_some(Meaning::Exists))
}

/// The line that says why: the first one that k3d calls an error, else the fatal one.
fn reason(output: &str) -> Option<String> {
    let line = |level: &str| output.lines().find(|line| line.starts_with(level));
    let line = line("ERRO[").or_else(|| line("FATA["))?;
    let text = line.split_once("] ").map_or(line, |(_, text)| text).trim();
    let mut letters = text.chars();
    let first = letters.next()?.to_lowercase();
    Some(first.chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(recorded: &str) -> Option<Meaning> {
        read(&caproni_driver::strip_ansi(recorded))
    }

    macro_rules! recorded {
        ($name:literal) => {
            include_str!(concat!("../tests/recorded/v5.9/", $name))
        };
    }

    #[test]
    fn a_taken_port_is_named() {
        let by_process = meaning(recorded!("create-taken-port.err"));
        assert_eq!(by_process, Some(Meaning::Engine(Refusal::PortTaken("16550".into()))));
        let by_container = meaning(recorded!("create-allocated-port.err"));
        assert_eq!(by_container, Some(Meaning::Engine(Refusal::PortTaken("16443".into()))));
    }

    #[test]
    fn every_recorded_failure_has_its_meaning() {
        assert_eq!(
            meaning(recorded!("create-bad-image.err")),
            Some(Meaning::NoImage("example.invalid/no/such:1".into()))
        );
        assert_eq!(
            meaning(recorded!("create-timeout.err")),
            Some(Meaning::NotUp(Some("k3d-demo-server-0".into())))
        );
        assert_eq!(
            meaning(recorded!("create-crashing.err")),
            Some(Meaning::Crashing("k3d-demo-server-0".into()))
        );
        assert_eq!(
            meaning(recorded!("create-name-taken.err")),
            Some(Meaning::Engine(Refusal::NameTaken("k3d-demo-server-0".into())))
        );
        assert_eq!(meaning(recorded!("create-exists.err")), Some(Meaning::Exists));
        assert_eq!(
            meaning(recorded!("create-no-engine.err")),
            Some(Meaning::Engine(Refusal::NoEngine))
        );
    }

    #[test]
    fn an_unknown_failure_says_k3ds_own_reason_and_keeps_the_output() {
        let mut failed = Error::new(ErrorKind::BackendFailed, "`k3d` exited with 1");
        failed.data.output = Some("ERRO[0001] Something odd happened \nFATA[0001] FAILED".into());
        failed.data.exit_code = Some(1);
        let error = of(failed);
        assert_eq!(error.message, "k3d failed: something odd happened");
        assert_eq!(error.data.exit_code, Some(1));
        assert!(error.data.output.is_some());
    }
}
