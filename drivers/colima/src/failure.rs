//! What colima's words mean when it fails: it exits with 1 whatever happened.

use caproni_driver::{Error, ErrorKind, Output, strip_ansi};

/// The end of a failed command, if it failed.
///
/// # Errors
/// Of the kind that colima's words tell; `BackendFailed` for unknown ones. Command and output are
/// kept in any case.
pub(crate) fn check(output: &Output) -> Result<(), Error> {
    if output.status.success() {
        return Ok(());
    }
    Err(of(output.failure(), &output.stderr, &output.stdout))
}

/// colima's own log is on stderr; on stdout is what it runs.
pub(crate) fn of(failed: Error, log: &str, lima: &str) -> Error {
    let Some(reason) = fatal(log) else { return failed };
    let mut error = meaning(&reason).unwrap_or_else(|| {
        Error::new(ErrorKind::BackendFailed, format!("colima failed: {reason}"))
    });
    error.data.command = failed.data.command;
    error.data.exit_code = failed.data.exit_code;
    error.data.output = failed.data.output;
    // What lima says of it, colima sums up as "exit status 1".
    let causes = lima.lines().filter_map(Line::parse);
    let causes = causes.filter(|line| matches!(line.level.as_str(), "fatal" | "error"));
    causes.fold(error, |error, line| error.with_cause(line.message))
}

/// Why colima gave up.
fn fatal(log: &str) -> Option<String> {
    let mut lines = log.lines().filter_map(Line::parse);
    lines.rfind(|line| line.level == "fatal").map(|line| line.message)
}

/// A failure that is known by its words.
fn meaning(reason: &str) -> Option<Error> {
    let error = |kind, message: String, hint: &str| Some(Error::new(kind, message).with_hint(hint));
    if let Some(missing) = between(reason, "dependency check failed for ", " not found, run '") {
        let program = missing.split_once(": ").map_or(missing, |(_, program)| program);
        let mut error =
            Error::new(ErrorKind::BackendMissing, format!("{program} is not installed"))
                .with_hint(format!("install {program}, which colima needs"));
        error.data.program = Some(program.into());
        return Some(error);
    }
    if let Some(found) = reason.split_once("minimum Lima version supported is ") {
        let message = format!("lima is too old: {} is the oldest that colima takes", found.1);
        return error(
            ErrorKind::BackendMissing,
            message,
            "install a newer lima as https://lima-vm.io says",
        );
    }
    if reason.contains("no space left on device") {
        let message = "the disk of this machine is full".to_owned();
        return error(ErrorKind::InsufficientResources, message, "make room on the disk");
    }
    if let Some(runtime) = between(reason, "runtime disk provisioned for ", " runtime") {
        let message =
            format!("a data disk of a deleted cluster is left, for the runtime {runtime}");
        return error(
            ErrorKind::ResourceConflict,
            message,
            "run `caproni destroy`, which removes the disk and what is on it",
        );
    }
    if let Some(wrong) = reason.strip_prefix("error in config: ") {
        let message = format!("colima refuses the config: {wrong}");
        return error(
            ErrorKind::InvalidDriverConfig,
            message,
            "mend the section `cluster.colima` of the config",
        );
    }
    let is_download = reason.contains("downloading and installing") || reason.contains("download");
    if is_download {
        let message = format!("colima could not download what the machine needs: {reason}");
        return error(
            ErrorKind::BackendFailed,
            message,
            "check the network, and `kubernetes_version`",
        );
    }
    None
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

/// A line of colima's or lima's log: `time="…" level=info msg="…" context=vm`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    /// `info`, `warning`, `error`, `fatal`.
    pub(crate) level: String,
    /// What it says.
    pub(crate) message: String,
    /// Which part of colima says it: `vm`, `docker`, `kubernetes`.
    pub(crate) context: Option<String>,
}

impl Line {
    /// Reads a line; `None` for what is none.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let line = strip_ansi(line);
        let rest = line.trim().strip_prefix("time=\"")?;
        let words = shlex::split(rest.split_once("\" ")?.1)?;
        let field = |name: &str| {
            let found = words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
            found.map(|value| value.trim().to_owned())
        };
        let message = field("msg").filter(|message| !message.is_empty())?;
        Some(Self { level: field("level")?, message, context: field("context") })
    }

    /// Whether it is one of lima's, which begin with a capital letter: both write in one form.
    pub(crate) fn is_of_lima(&self) -> bool {
        self.message.starts_with(char::is_uppercase)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! recorded {
        ($name:literal) => {
            include_str!(concat!("../tests/recorded/v0.10.3/", $name))
        };
    }

    fn failed(log: &str) -> Error {
        of(Error::new(ErrorKind::BackendFailed, "`colima` exited with 1"), log, "")
    }

    #[test]
    fn a_missing_program_is_named() {
        for (log, program) in [
            (recorded!("start-no-lima.err"), "lima"),
            (recorded!("start-no-kubectl.err"), "kubectl"),
            (recorded!("start-no-docker.err"), "docker"),
        ] {
            let error = failed(log);
            assert_eq!(error.kind(), &ErrorKind::BackendMissing, "{error}");
            assert_eq!(error.data.program.as_deref(), Some(program));
        }
    }

    #[test]
    fn a_config_that_colima_refuses_is_told_in_its_words() {
        let error = failed(recorded!("start-bad-config.err"));
        assert_eq!(error.kind(), &ErrorKind::InvalidDriverConfig, "{error}");
    }

    #[test]
    fn a_disk_of_another_runtime_is_in_the_way() {
        let error = failed(recorded!("start-other-runtime.err"));
        assert_eq!(error.kind(), &ErrorKind::ResourceConflict, "{error}");
        assert!(error.message.contains("for the runtime docker"), "{error}");
    }

    #[test]
    fn what_lima_says_is_the_cause_of_what_colima_sums_up() {
        let log = recorded!("start-vm-failed.err");
        let lima =
            "time=\"2026-11-25T17:41:07Z\" level=fatal msg=\"exiting, status={Running:false}\"\n";
        let error = of(Error::new(ErrorKind::BackendFailed, "x"), log, lima);
        assert!(error.message.starts_with("colima failed: error starting vm"), "{error}");
        assert_eq!(error.data.causes, ["exiting, status={Running:false}"]);
    }

    #[test]
    fn what_cannot_be_downloaded_is_told_with_where_to_look() {
        let error = failed(recorded!("start-no-k3s.err"));
        assert!(error.data.hint.unwrap().contains("`kubernetes_version`"));
    }

    #[test]
    fn what_says_nothing_stays_what_it_is() {
        assert_eq!(failed("no log at all").message, "`colima` exited with 1");
    }

    #[test]
    fn a_line_is_read_with_its_quotes_and_its_part() {
        let line =
            Line::parse("time=\"2026\" level=info msg=\"a \\\"b\\\" ...\" context=vm").unwrap();
        assert_eq!((line.message.as_str(), line.context.as_deref()), ("a \"b\" ...", Some("vm")));
        assert_eq!(Line::parse("Property \"users.colima-demo\" unset."), None);
    }
}
