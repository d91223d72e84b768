//! What minikube's exit codes mean: it has one for each kind of failure.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use caproni_driver::{Error, ErrorKind, Output, Violation};
use caproni_engine::Refusal;

use crate::events::{self, Failure};

/// Gives a failed command the kind that its exit code and its events tell; one of no known
/// kind stays `BackendFailed`. The command and its output are kept in any case.
pub(crate) fn of(output: &Output) -> Error {
    let failed = output.failure();
    let told = events::failure(&output.stdout).unwrap_or_default();
    let code = told.exit_code.or(output.status.code());
    let said = format!("{}\n{}", output.stdout, output.stderr);
    let mut error = match Refusal::read(&said) {
        Some(refusal) => refusal.into_error("minikube", "`ports`"),
        None => read(code, &told, &reason(&told, output.status, &output.stderr)),
    };
    error.data.command = failed.data.command;
    error.data.exit_code = failed.data.exit_code;
    error.data.output = match told.message.is_empty() {
        true => failed.data.output,
        false => Some(told.message.clone()),
    };
    error
}

/// The one line that says why: minikube's word, or else how it was ended, or what else it printed that
/// is not just an address to read at.
fn reason(told: &Failure, status: ExitStatus, stderr: &str) -> String {
    let killed = status.signal().map(|signal| format!("signal {signal} ended it"));
    let killed = killed.filter(|_| told.message.is_empty()).unwrap_or_default();
    let lines = told.message.lines().chain(killed.lines()).chain(stderr.lines());
    let mut lines = lines.map(str::trim).filter(|line| !line.is_empty() && !is_address(line));
    let line = lines.next().unwrap_or("it does not say why").trim_end_matches('.');
    let mut letters = line.chars();
    let first = letters.next().map(char::to_lowercase);
    first.into_iter().flatten().chain(letters).collect()
}

fn is_address(line: &str) -> bool {
    line.starts_with("https://") && !line.contains(' ')
}

fn read(code: Option<i32>, told: &Failure, reason: &str) -> Error {
    let kind = match code {
        Some(80) if is_a_wait(&told.message) => ErrorKind::ClusterNotReady,
        code => code.map_or(ErrorKind::BackendFailed, kind),
    };
    let mut error = match kind {
        ErrorKind::InvalidDriverConfig => {
            Error::invalid_config(vec![Violation::new("", format!("minikube: {reason}"))])
        }
        _ => Error::new(kind, format!("minikube failed: {reason}")),
    };
    error.data.resource = code.and_then(resource);
    error.data.program = code.and_then(|code| program(code, &told.name));
    match hint(code, told) {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// Tells whether a start gave up on a node that it had started: minikube has no code for that.
fn is_a_wait(message: &str) -> bool {
    message.contains(": wait ") && message.contains(" for node: ")
}

/// By minikube's `pkg/minikube/reason/exitcodes.go`: the tens say where, the ones say what.
fn kind(code: i32) -> ErrorKind {
    match code {
        14 | 18 | 34 | 38 | 54 | 58 | 68 | 88 | 108 => ErrorKind::InvalidDriverConfig,
        11 | 31 | 51 | 61 | 71 | 81 | 101 | 111 => ErrorKind::ResourceConflict,
        20 | 23 | 26 | 29 => ErrorKind::InsufficientResources,
        27 | 37 | 57 | 67 | 77 | 87 | 117 => ErrorKind::PermissionDenied,
        55 | 65 => ErrorKind::BackendMissing,
        59 | 63 | 69 => ErrorKind::BackendUnavailable,
        16 | 36 | 56 | 66 | 86 | 106 | 116 => ErrorKind::Unsupported,
        52 | 82 | 102 | 112 => ErrorKind::ClusterNotReady,
        83 | 85 | 103 | 113 => ErrorKind::ClusterNotRunning,
        _ => ErrorKind::BackendFailed,
    }
}

fn resource(code: i32) -> Option<String> {
    let resource = match code {
        23 => "memory",
        26 => "disk",
        29 => "cpus",
        _ => return None,
    };
    Some(resource.into())
}

/// The program that a driver of minikube's lacks, in `PROVIDER_DOCKER_NOT_FOUND`.
fn program(code: i32, name: &str) -> Option<String> {
    let between = name.strip_prefix("PROVIDER_")?.strip_suffix("_NOT_FOUND")?;
    (code == 65).then(|| between.to_lowercase())
}

fn hint(code: Option<i32>, told: &Failure) -> Option<String> {
    let advice = told.advice.lines().map(str::trim).find(|line| !line.is_empty());
    if let Some(advice) = advice {
        let mut letters = advice.trim_end_matches('.').chars();
        let first = letters.next().map(char::to_lowercase);
        return Some(first.into_iter().flatten().chain(letters).collect());
    }
    let hint = match code? {
        57 => "run it as another user, or add `--force` to `extra_args`",
        40..=49 => "check the network and the proxy settings: minikube downloads what it runs",
        52 | 80 | 82 | 102 | 112 => {
            "give it more time with `--timeout`, or mend what its output tells"
        }
        63 | 69 => "start what the nodes run on, such as the Docker engine",
        _ => return None,
    };
    Some(hint.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(recorded: &str, code: i32) -> Error {
        let told = events::failure(recorded).unwrap_or_default();
        read(
            Some(told.exit_code.unwrap_or(code)),
            &told,
            &reason(&told, ExitStatus::from_raw(256), ""),
        )
    }

    macro_rules! recorded {
        ($name:literal) => {
            include_str!(concat!("../tests/recorded/v1.38/", $name))
        };
    }

    #[test]
    fn every_recorded_failure_has_its_kind() {
        let root = meaning(recorded!("start-as-root.out"), 57);
        assert_eq!(root.kind(), &ErrorKind::PermissionDenied);
        assert_eq!(
            root.message,
            "minikube failed: the \"docker\" driver should not be used with root privileges"
        );
        assert!(root.data.hint.unwrap().contains("--force"));
        let runtime = meaning(recorded!("start-runtime-fails.out"), 90);
        assert_eq!(runtime.kind(), &ErrorKind::BackendFailed);
        let guest = meaning(recorded!("start-guest-fails.out"), 80);
        assert_eq!(guest.kind(), &ErrorKind::BackendFailed);
        assert!(guest.message.contains("portmap"), "{}", guest.message);
        let waited = meaning(recorded!("start-not-ready.out"), 80);
        assert_eq!(waited.kind(), &ErrorKind::ClusterNotReady);
        let memory = meaning(recorded!("start-too-much-memory.out"), 23);
        assert_eq!(memory.kind(), &ErrorKind::InvalidDriverConfig);
        assert!(memory.message.contains("memory"), "{}", memory.message);
        let engine = meaning(recorded!("start-no-engine.out"), 69);
        assert_eq!(engine.kind(), &ErrorKind::BackendUnavailable);
        assert_eq!(engine.data.hint.as_deref(), Some("start the Docker service"));
        let docker = meaning(recorded!("start-no-docker.out"), 65);
        assert_eq!(docker.kind(), &ErrorKind::BackendMissing);
        assert_eq!(docker.data.program.as_deref(), Some("docker"));
    }

    #[test]
    fn each_kind_of_exit_code_has_a_kind_of_error() {
        for (code, kind_of) in [
            (14, ErrorKind::InvalidDriverConfig),
            (26, ErrorKind::InsufficientResources),
            (29, ErrorKind::InsufficientResources),
            (31, ErrorKind::ResourceConflict),
            (37, ErrorKind::PermissionDenied),
            (49, ErrorKind::BackendFailed),
            (63, ErrorKind::BackendUnavailable),
            (82, ErrorKind::ClusterNotReady),
            (83, ErrorKind::ClusterNotRunning),
            (85, ErrorKind::ClusterNotRunning),
            (106, ErrorKind::Unsupported),
            (1, ErrorKind::BackendFailed),
        ] {
            assert_eq!(kind(code), kind_of, "{code}");
        }
    }

    #[test]
    fn without_an_event_stderr_says_why() {
        let told = Failure::default();
        let stderr = "Error: unknown flag: --no-such-flag\nSee 'minikube start --help'.";
        let why = reason(&told, ExitStatus::from_raw(256), stderr);
        assert_eq!(why, "error: unknown flag: --no-such-flag");
        let error = read(Some(14), &told, &why);
        assert_eq!(error.message, "minikube: error: unknown flag: --no-such-flag");
        assert_eq!(reason(&told, ExitStatus::from_raw(256), ""), "it does not say why");
    }

    #[test]
    fn one_that_was_killed_says_so_and_an_address_alone_says_nothing() {
        let told = Failure::default();
        let address = "  https://minikube.sigs.k8s.io/docs/reference/drivers/none/";
        assert_eq!(reason(&told, ExitStatus::from_raw(256), address), "it does not say why");
        assert_eq!(reason(&told, ExitStatus::from_raw(9), address), "signal 9 ended it");
    }
}
