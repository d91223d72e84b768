//! A backend's program: found on this machine, old enough or not, run on its own terms.
//!
//! A driver says once what it drives, as a constant, and asks it for the rest:
//!
//! ```no_run
//! use caproni_driver::backend::{Backend, Install};
//! use caproni_driver::{Error, Request};
//!
//! const KIND: Backend = Backend::new("kind", Install::new("install kind as https://kind.sigs.k8s.io says"))
//!     .version(&["version", "-q"], |said| Some(said.trim().to_owned()))
//!     .minimum("0.20");
//!
//! async fn clusters(request: &Request) -> Result<String, Error> {
//!     let kind = KIND.find()?;
//!     kind.check_version(request).await?;
//!     Ok(request.run(&kind.command(["get", "clusters"])).await?.success()?.stdout)
//! }
//! ```
//!
//! What such a command prints, its deadline and its end are [`Command`]'s and
//! [`Request::run`]'s.

mod folder;
mod install;
pub mod kubeconfig;
mod platform;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use folder::PrivateFolder;
pub use install::Install;
pub use platform::Platform;

use crate::error::{Error, ErrorKind};
use crate::messages::Program;
use crate::request::Request;
use crate::run::Command;

/// How long a program may take to tell its version.
const VERSION_TIMEOUT: Duration = Duration::from_secs(5);

/// A program that a driver drives: what must be known of it before it is run.
#[derive(Debug, Clone, Copy)]
pub struct Backend {
    name: &'static str,
    install: Install,
    version_args: &'static [&'static str],
    read_version: fn(&str) -> Option<String>,
    minimum: Option<&'static str>,
    keeps_out: fn(&str) -> bool,
    environment: &'static [(&'static str, &'static str)],
}

impl Backend {
    /// A program by the name of its executable, and how it is installed where it is missing.
    pub const fn new(name: &'static str, install: Install) -> Self {
        Self {
            name,
            install,
            version_args: &["--version"],
            read_version: |said| Some(said.trim().to_owned()),
            minimum: None,
            keeps_out: |_| false,
            environment: &[],
        }
    }

    /// Says how the program is asked for its version, and how that is read from its stdout.
    #[must_use]
    pub const fn version(
        mut self,
        args: &'static [&'static str],
        read: fn(&str) -> Option<String>,
    ) -> Self {
        self.version_args = args;
        self.read_version = read;
        self
    }

    /// Says which version is the oldest that the driver can work with, such as `5.0`.
    #[must_use]
    pub const fn minimum(mut self, version: &'static str) -> Self {
        self.minimum = Some(version);
        self
    }

    /// Says which of the user's variables are kept from the program, by their names: those
    /// that would make another cluster than was asked for.
    #[must_use]
    pub const fn keeping_out(mut self, keeps_out: fn(&str) -> bool) -> Self {
        self.keeps_out = keeps_out;
        self
    }

    /// Says which variables the program always gets.
    #[must_use]
    pub const fn with_environment(
        mut self,
        environment: &'static [(&'static str, &'static str)],
    ) -> Self {
        self.environment = environment;
        self
    }

    /// The name of its executable.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Finds the program on `PATH` and where installers put it.
    ///
    /// # Errors
    /// `BackendMissing` with the command that installs it on this machine.
    pub fn find(&self) -> Result<Installed, Error> {
        match self.path() {
            Some(path) => Ok(Installed { path, backend: *self }),
            None => Err(self.missing(&Platform::detect())),
        }
    }

    /// The program's path, as an absolute one; `None` when it is not installed.
    pub fn path(&self) -> Option<PathBuf> {
        which::which_in(self.name, search_path(folders()), Path::new("/")).ok()
    }

    /// The failure of a request that needs the program where it is not installed.
    pub fn missing(&self, platform: &Platform) -> Error {
        let message = format!("{} is not installed", self.name);
        let mut error = Error::new(ErrorKind::BackendMissing, message);
        error.data.program = Some(self.name.into());
        if let Some(minimum) = self.minimum {
            error.data.more.insert("required".into(), minimum.into());
        }
        match self.install.action(self.name, platform) {
            Some(action) => {
                let hint = format!("install it with `{}`", action.command_line());
                error.with_hint(hint).with_actions([action])
            }
            None => error.with_hint(self.install.otherwise()),
        }
    }

    /// Tells where the program is and its version, as far as either is to be had.
    pub async fn program(&self, request: &Request) -> Program {
        let program = Program::new(self.name);
        let Ok(found) = self.find() else { return program };
        let program = program.with_location(found.path.display().to_string());
        match found.version(request).await {
            Ok(version) => program.with_version(version),
            Err(_) => program,
        }
    }
}

/// A kubeconfig that nobody reads, and that a program may write.
///
/// Not `/dev/null`: k3d puts a new file in the place of the old one, and as root it then puts it in
/// the place of the device
/// (<https://github.com/k3d-io/k3d/blob/v5.9.0/pkg/client/kubeconfig.go>).
fn nobodys_kubeconfig() -> PathBuf {
    crate::lock::state_dir().join("nobodys-kubeconfig")
}

/// A backend's program that is there.
#[derive(Debug, Clone)]
pub struct Installed {
    path: PathBuf,
    backend: Backend,
}

impl Installed {
    /// Its absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A command of the program, in the environment that it is to have.
    ///
    /// It speaks English, which is what is read, and cannot reach the user's kubeconfig,
    /// which is the host's to change.
    pub fn command<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(&self.path).args(args);
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        for name in names.filter(|name| (self.backend.keeps_out)(name)) {
            command = command.env_remove(name);
        }
        command = command.env("LC_ALL", "C").env("KUBECONFIG", nobodys_kubeconfig());
        self.backend
            .environment
            .iter()
            .fold(command, |command, (name, value)| command.env(*name, *value))
    }

    /// Asks for the program's version, such as `v5.9.0`.
    ///
    /// # Errors
    /// `BackendFailed` when it is not told, or not in 5 s; `Cancelled` and `TimedOut`.
    pub async fn version(&self, request: &Request) -> Result<String, Error> {
        let command = self.command(self.backend.version_args.iter().copied());
        let asked = tokio::time::timeout(VERSION_TIMEOUT, request.run(&command)).await;
        let output = asked.map_err(|_| self.speechless("does not answer"))??.success()?;
        let version = (self.backend.read_version)(&output.stdout).filter(|text| !text.is_empty());
        version.ok_or_else(|| self.speechless("does not tell its version"))
    }

    /// Refuses a program that is older than the driver can work with.
    ///
    /// One whose version is no number, such as a build from its sources, is trusted.
    ///
    /// # Errors
    /// `BackendMissing` with what is required and what was found, and as [`Installed::version`].
    pub async fn check_version(&self, request: &Request) -> Result<(), Error> {
        let Some(minimum) = self.backend.minimum else { return Ok(()) };
        let version = self.version(request).await?;
        if !is_older(&version, minimum) {
            return Ok(());
        }
        let name = self.backend.name;
        let message = format!("{name} {version} at `{}` is too old", self.path.display());
        let mut error = Error::new(ErrorKind::BackendMissing, message)
            .with_hint(format!("install {name} {minimum} or newer"));
        error.data.program = Some(name.into());
        error.data.more.insert("required".into(), minimum.into());
        error.data.more.insert("found".into(), version.into());
        Err(error)
    }

    fn speechless(&self, what: &str) -> Error {
        let Backend { name, version_args, .. } = self.backend;
        let message = format!("`{}` {what}", self.path.display());
        let asked = version_args.join(" ");
        Error::new(ErrorKind::BackendFailed, message).with_hint(format!(
            "check with `{name} {asked}`, and install {name} again if that fails"
        ))
    }
}

/// The folders of `PATH`, then those of installers: an install of a minute ago may not be
/// on `PATH` yet.
fn folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let variable = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let home = variable("HOME");
    let below_home = |folder: &str| home.as_ref().map(|home| home.join(folder));
    let installers = [
        variable("GOBIN"),
        variable("GOPATH").map(|path| path.join("bin")),
        below_home("go/bin"),
        Some("/usr/local/bin".into()),
        Some("/opt/homebrew/bin".into()),
        below_home(".local/bin"),
    ];
    std::env::split_paths(&path).chain(installers.into_iter().flatten()).collect()
}

/// What stands in the folder somebody happens to be in is never run.
fn search_path(folders: Vec<PathBuf>) -> Option<OsString> {
    std::env::join_paths(folders.into_iter().filter(|folder| folder.is_absolute())).ok()
}

/// Compares by the numbers that both have: `v5-dev` is not older than `5.0`.
fn is_older(version: &str, minimum: &str) -> bool {
    let both = numbers(version).into_iter().zip(numbers(minimum));
    both.into_iter().find(|(have, want)| have != want).is_some_and(|(have, want)| have < want)
}

/// The numbers that a version begins with: 5, 9 and 0 in `v5.9.0-rc1`.
fn numbers(version: &str) -> Vec<u64> {
    let version = version.trim_start_matches('v');
    let end = version.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(version.len());
    version[..end].split('.').map_while(|number| number.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_the_numbers_that_both_have() {
        for (version, minimum) in [("v4.4.8", "5.0"), ("0.9.0", "0.20"), ("1.36.0-rc1", "1.37")] {
            assert!(is_older(version, minimum), "{version} {minimum}");
        }
        for version in ["v5.9.0", "v5-dev", "5", "v10.0", "5.0.0-alpha", "dev", ""] {
            assert!(!is_older(version, "5.0"), "{version}");
        }
    }

    #[test]
    fn a_program_s_kubeconfig_is_no_device_and_is_nobody_s() {
        let backend = Backend::new("sh", Install::new("install it by hand"));
        let command = backend.find().unwrap().command(["-c", "printf %s \"$KUBECONFIG\""]);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let run = async { Request::detached().run(&command).await };
        let kubeconfig = PathBuf::from(runtime.block_on(run).unwrap().stdout);
        assert!(kubeconfig.starts_with(crate::lock::state_dir()), "{kubeconfig:?}");
        assert!(!kubeconfig.exists());
    }

    #[test]
    fn a_program_is_never_looked_for_in_the_current_folder() {
        let folders = ["", ".", "bin", "/usr/bin", "../bin"].map(PathBuf::from);
        assert_eq!(search_path(folders.into()), Some("/usr/bin".into()));
    }

    #[test]
    fn a_missing_program_is_named_with_what_is_required() {
        let backend = Backend::new("none-such", Install::new("install it by hand")).minimum("2.0");
        let error = backend.missing(&Platform::default());
        assert_eq!(error.kind(), &ErrorKind::BackendMissing);
        assert_eq!(error.data.program.as_deref(), Some("none-such"));
        assert_eq!(error.data.more["required"], "2.0");
        assert_eq!(error.data.hint.as_deref(), Some("install it by hand"));
        assert!(backend.find().is_err());
    }
}
