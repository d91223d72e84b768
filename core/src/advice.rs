//! What to do next: every failure that reaches the user says it.

use caproni_driver::ErrorKind;

use crate::error::{Error, Kind};
use crate::invocation::Invocation;

impl Error {
    /// It with a hint, and with commands that are about the cluster that is meant.
    #[must_use]
    pub fn advised(self, invocation: &Invocation) -> Self {
        let mut advised = match next_step(&self.kind) {
            Some(step) => self.or_hint(step),
            None => self,
        };
        let data = &mut advised.data;
        let hints = data.conditions.iter_mut().filter_map(|condition| condition.hint.as_mut());
        for hint in hints.chain(data.hint.as_mut()) {
            *hint = invocation.complete(hint);
        }
        advised
    }
}

/// What to do next after a failure of a kind that says nothing better itself; `None` where the user
/// has wanted it so.
pub fn next_step(kind: &Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Driver(kind) => return next_step_after(kind),
        Kind::DriverCrashed => {
            "run it again with `-vv` to see what the driver did, and tell the driver's author"
        }
        Kind::DriverUnresponsive => {
            "give it more time with `--timeout`, or run it with `-vv` to see what the driver does"
        }
        Kind::DriverProtocolError => {
            "run `caproni drivers check NAME` for this driver, and tell the driver's author"
        }
        Kind::DriverNotExecutable | Kind::DriverNotTrusted => {
            "run `caproni drivers list` to see where each driver is"
        }
        Kind::InvalidConfigFile => "run `caproni config validate` to see every mistake in it",
        Kind::InvalidKubeconfig => "mend or move the file, or set KUBECONFIG to another one",
        Kind::Usage => "run `caproni help` to see the commands and options",
        Kind::Internal => "run `caproni doctor` to see what is wrong with this machine",
    })
}

fn next_step_after(kind: &ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::Cancelled => return None,
        ErrorKind::ClusterNotRunning => "run `caproni start`",
        ErrorKind::ClusterAlreadyRunning => "run `caproni status` to see it",
        ErrorKind::ConfigMismatch => "run `caproni diff` to see what differs, and at what price",
        ErrorKind::DriverNotFound => "run `caproni drivers list` to see the drivers that there are",
        ErrorKind::ClusterNotReady => "run `caproni wait --for ready` to give it more time",
        ErrorKind::MissingDriverConfig | ErrorKind::InvalidDriverConfig => {
            "run `caproni config validate` to see every mistake in the config"
        }
        ErrorKind::BackendMissing | ErrorKind::BackendUnavailable => {
            "run `caproni doctor` to see what else is wrong"
        }
        ErrorKind::BackendFailed => "run it again with `-v` to see all that the backend said",
        ErrorKind::ResourceConflict
        | ErrorKind::InsufficientResources
        | ErrorKind::PermissionDenied => {
            "run `caproni doctor` to see what this machine has and allows"
        }
        ErrorKind::ActionRequired => "run the command above, or pass `--yes` to have it run",
        ErrorKind::TimedOut => "give it more time with `--timeout`",
        ErrorKind::Unsupported => "run `caproni drivers list` to see what each driver can do",
        ErrorKind::UnsupportedProtocolVersion => "update the driver and caproni",
        ErrorKind::Busy => "wait for it to end, then try again",
        ErrorKind::NotFound => "run `caproni status` to see what there is of the cluster",
        _ => "run it again with `-v` to see the driver's log",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::HOST_ONLY;

    #[test]
    fn every_kind_of_the_host_names_the_next_step() {
        use Kind::{Internal, InvalidConfigFile, InvalidKubeconfig, Usage};
        let others = [InvalidConfigFile, InvalidKubeconfig, Usage, Internal];
        for kind in HOST_ONLY.into_iter().chain(others) {
            let error = Error::new(kind.clone(), "it failed").advised(&Invocation::default());
            assert!(error.data.hint.is_some(), "{kind}");
        }
    }

    #[test]
    fn advice_that_is_there_stays() {
        let busy = Error::driver(ErrorKind::Busy, "it is busy").with_hint("stop it");
        assert_eq!(busy.advised(&Invocation::default()).data.hint.unwrap(), "stop it");
        let cancelled = Error::driver(ErrorKind::Cancelled, "cancelled");
        assert_eq!(cancelled.advised(&Invocation::default()).data.hint, None);
    }
}
