//! Becoming another program, which has the user's terminal from there on.
//!
//! It takes this process's place instead of being its child: so the terminal, its size, every
//! signal and the exit status are that program's, with nothing in between that could lose them
//! (<https://github.com/kubernetes/minikube/issues/3525>).

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use caproni_driver::{ErrorKind, Plan, command_line};

use crate::error::{Error, Kind};
use crate::process::search_path;

/// Becomes the program that a driver's plan names. Comes back only with what went wrong.
///
/// # Errors
/// `BackendMissing` and `PermissionDenied` for a program that is not there or cannot be run,
/// `DriverProtocolError` for a plan that breaks the rule PLAN-1.
pub fn follow(plan: &Plan) -> Error {
    let Some(program) = plan.argv.first() else {
        return broken("it is empty");
    };
    let path = match Path::new(program) {
        path if path.is_absolute() => path.to_owned(),
        _ if program.contains('/') => {
            return broken(&format!("`{program}` is neither an absolute path nor a name"));
        }
        _ => match find(program) {
            Some(path) => path,
            None => return missing(program),
        },
    };
    let variables = plan.env.iter().map(|(name, value)| (name.into(), value.into()));
    become_program(&path, &plan.argv[1..], variables)
}

/// Becomes a program. Comes back only with what went wrong.
///
/// # Errors
/// `BackendMissing` and `PermissionDenied`.
pub fn become_program(
    path: &Path,
    args: &[impl AsRef<OsStr>],
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Error {
    let mut command = Command::new(path);
    if let Some(search_path) = search_path() {
        command.env("PATH", search_path);
    }
    let error = command.args(args).envs(variables).exec();
    let shown = path.display().to_string();
    if error.kind() == std::io::ErrorKind::NotFound {
        return missing(&shown);
    }
    let message = format!("`{}` cannot be run: {error}", command_line([shown.as_str()]));
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => Error::driver(ErrorKind::PermissionDenied, message),
        _ => Error::new(Kind::Internal, message),
    }
}

/// Finds a program on `PATH`, whose relative folders are left out: what stands in the folder
/// somebody happens to be in is never run.
pub fn find(name: &str) -> Option<PathBuf> {
    which::which_in(name, Some(search_path()?), Path::new("/")).ok()
}

fn missing(program: &str) -> Error {
    let message = format!("{program} is not installed, which the driver runs for that");
    let mut error = Error::driver(ErrorKind::BackendMissing, message)
        .with_hint(format!("install `{program}`, or put its folder on PATH"));
    error.data.program = Some(program.into());
    error
}

fn broken(what: &str) -> Error {
    Error::new(
        Kind::DriverProtocolError,
        format!("the driver names a command that cannot be run: {what}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(argv: &[&str]) -> Kind {
        follow(&Plan::new(argv.iter().copied())).kind
    }

    #[test]
    fn a_plan_that_cannot_be_followed_says_why() {
        assert_eq!(kind(&[]), Kind::DriverProtocolError);
        assert_eq!(kind(&["./run-me"]), Kind::DriverProtocolError);
        assert_eq!(kind(&["none-such-program"]), Kind::Driver(ErrorKind::BackendMissing));
        assert_eq!(kind(&["/none/such"]), Kind::Driver(ErrorKind::BackendMissing));
        assert_eq!(kind(&["/etc/passwd"]), Kind::Driver(ErrorKind::PermissionDenied));
    }
}
