//! The k3d program: where it is, how it is called, what its words mean.

use std::ffi::OsString;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use caproni_driver::{Command, Error, ErrorKind, Output, Request, lock};
use serde::Deserialize;

use crate::document::DOLLAR;
use crate::failure;
use crate::mend::{self, Platform};

/// How long `k3d version` may take.
const VERSION_TIMEOUT: Duration = Duration::from_secs(5);

/// How long k3d waits for nodes when the host sets no limit. k3d's own default is for
/// ever, also for a node that crashes again and again.
const DEFAULT_WAIT: Duration = Duration::from_secs(600);

/// How much earlier than the request k3d's own waiting ends, so that it still says for what it waited.
const HEAD_START: Duration = Duration::from_secs(1);

/// An installed k3d.
#[derive(Debug)]
pub(crate) struct K3d {
    /// Its absolute path.
    pub(crate) path: PathBuf,
}

impl K3d {
    /// Finds k3d on `PATH` and where installers put it.
    ///
    /// # Errors
    /// `BackendMissing` with the command that installs it on this machine.
    pub(crate) fn find() -> Result<Self, Error> {
        match find_program() {
            Some(path) => Ok(Self { path }),
            None => Err(mend::k3d_missing(&Platform::detect())),
        }
    }

    /// Refuses a k3d that this driver cannot work with.
    ///
    /// # Errors
    /// `BackendMissing` when it is older than version 5, and `BackendFailed` when it does
    /// not tell its version.
    pub(crate) async fn check_version(&self, request: &Request) -> Result<(), Error> {
        let version = self.version(request).await?;
        if major(&version).is_none_or(|major| major >= 5) {
            return Ok(());
        }
        let message = format!("k3d {version} at `{}` is too old", self.path.display());
        let mut error =
            Error::new(ErrorKind::BackendMissing, message).with_hint("install k3d 5.0 or newer");
        error.data.program = Some("k3d".into());
        error.data.more.insert("required".into(), "5.0".into());
        error.data.more.insert("found".into(), version.into());
        Err(error)
    }

    /// Asks for k3d's version, such as `v5.9.0`.
    ///
    /// # Errors
    /// `BackendFailed` when it is not told, or not in time.
    pub(crate) async fn version(&self, request: &Request) -> Result<String, Error> {
        let command = self.command(["version", "-o", "json"]);
        let asked = tokio::time::timeout(VERSION_TIMEOUT, request.run(&command)).await;
        let output = asked.map_err(|_| self.speechless("does not answer"))??.success()?;
        parse_version(&output.stdout).ok_or_else(|| self.speechless("does not tell its version"))
    }

    fn speechless(&self, what: &str) -> Error {
        let message = format!("`{}` {what}", self.path.display());
        Error::new(ErrorKind::BackendFailed, message)
            .with_hint("check with `k3d version`, and install k3d again if that fails")
    }

    /// Makes a cluster of a document; `extra_args` come last, so that they win.
    ///
    /// # Errors
    /// What k3d's words mean, see [`failure::of`], `Cancelled` and `TimedOut`.
    pub(crate) async fn create(&self, request: &Request, create: &Create<'_>) -> Result<(), Error> {
        let private = PrivateFolder::of(create.profile)?;
        let mut command = self
            .command(["cluster", "create", create.profile, "--config", "-"])
            .args(["--kubeconfig-update-default=false", "--kubeconfig-switch-context=false"])
            .args(["--wait", "--timeout", &wait(request)]);
        if let Some(port) = create.api_port {
            command = command.args(["--api-port", port]);
        }
        let command = command
            .args(create.extra_args)
            .env(DOLLAR, "$")
            .input(create.document)
            .env("TMPDIR", private.path())
            .progress_lines("create", said);
        succeed(&request.run(&command).await?)
    }

    /// Starts a cluster's nodes that do not run.
    ///
    /// # Errors
    /// As [`K3d::create`].
    pub(crate) async fn start(&self, request: &Request, profile: &str) -> Result<(), Error> {
        let command = self
            .command(["cluster", "start", profile, "--wait", "--timeout", &wait(request)])
            .progress_lines("start", said);
        succeed(&request.run(&command).await?)
    }

    /// Changes what the load balancer publishes; `flag` is `--port-add` or `--port-delete`.
    ///
    /// # Errors
    /// As [`K3d::create`].
    pub(crate) async fn edit_ports(
        &self,
        request: &Request,
        profile: &str,
        flag: &str,
        mappings: &[String],
    ) -> Result<(), Error> {
        let flags = mappings.iter().flat_map(|mapping| [flag, mapping]);
        let command =
            self.command(["cluster", "edit", profile]).args(flags).progress_lines("ports", said);
        succeed(&request.run(&command).await?)
    }

    fn command<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(&self.path)
            .args(args)
            // With colours, which are taken out again, each line begins with its level.
            // Without them k3d writes `time=… level=… msg="…"`, with the message quoted.
            .env("LOG_COLORS", "1")
            // The user's own is the host's to change.
            .env("KUBECONFIG", "/dev/null")
            .env_remove("LOG_LEVEL")
            .env_remove("LOG_TIMESTAMPS");
        for (name, _) in std::env::vars_os().filter(|(name, _)| configures_clusters(name)) {
            command = command.env_remove(name);
        }
        command
    }
}

/// A folder for k3d's temporary files while it makes one cluster.
///
/// k3d writes the document with all its secrets into a file there and never removes it.
/// The folder has one name for each cluster, so that one that was left because the driver
/// was killed is gone with the next creation; only one at a time holds the lock.
struct PrivateFolder(PathBuf);

/// Tells whether the last creation here was killed together with its driver. The engine may
/// then still be at work for it: what k3d asked for last can appear after k3d is gone.
pub(crate) fn was_killed(profile: &str) -> bool {
    private_path(profile).exists()
}

/// Removes what a killed creation left in the cluster's private folder.
pub(crate) fn remove_private_folder(profile: &str) {
    drop(PrivateFolder(private_path(profile)));
}

fn private_path(profile: &str) -> PathBuf {
    lock::state_dir().join("k3d").join(profile)
}

impl PrivateFolder {
    fn of(profile: &str) -> Result<Self, Error> {
        remove_private_folder(profile);
        let path = private_path(profile);
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&path);
        made.map(|()| Self(path.clone())).map_err(|error| {
            let message = format!("cannot make the folder `{}`: {error}", path.display());
            Error::new(ErrorKind::PermissionDenied, message)
                .with_hint("make the folder writable, or name another one in CAPRONI_STATE_DIR")
        })
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What to make a cluster of.
pub(crate) struct Create<'a> {
    /// The cluster's name.
    pub(crate) profile: &'a str,
    /// `[host:]port` of the API.
    pub(crate) api_port: Option<&'a str>,
    /// The document for stdin, see [`crate::document::write`].
    pub(crate) document: &'a str,
    /// Arguments that come last.
    pub(crate) extra_args: &'a [String],
}

/// The program's path, as an absolute one.
pub(crate) fn find_program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // An install of a minute ago may not be on PATH yet.
    let variable = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let home = variable("HOME");
    let below_home = |folder: &str| home.as_ref().map(|home| home.join(folder));
    let folders = [
        variable("GOBIN"),
        variable("GOPATH").map(|path| path.join("bin")),
        below_home("go/bin"),
        Some("/usr/local/bin".into()),
        Some("/opt/homebrew/bin".into()),
        below_home(".local/bin"),
    ];
    let all = std::env::split_paths(&path).chain(folders.into_iter().flatten());
    // What stands in the folder somebody happens to be in is never run.
    let all = std::env::join_paths(all.filter(|folder| folder.is_absolute()));
    which::which_in("k3d", all.ok(), Path::new("/")).ok()
}

/// k3d takes every option of a cluster from `K3D_<OPTION>` too, and prefers it to the
/// document: `K3D_SERVERS=3` would make another cluster than was asked for. The others
/// choose helper images and mend known faults.
fn configures_clusters(name: &OsString) -> bool {
    const KEPT: [&str; 3] = ["K3D_IMAGE_LOADBALANCER", "K3D_IMAGE_TOOLS", "K3D_HELPER_IMAGE_TAG"];
    let Some(name) = name.to_str() else { return false };
    name.starts_with("K3D_")
        && !KEPT.contains(&name)
        && !name.starts_with("K3D_FIX_")
        && !name.starts_with("K3D_DEBUG_")
}

fn wait(request: &Request) -> String {
    let left = request.remaining().unwrap_or(DEFAULT_WAIT);
    let wait = left.saturating_sub(HEAD_START).max(left / 2).max(Duration::from_millis(1));
    format!("{}ms", wait.as_millis())
}

fn succeed(output: &Output) -> Result<(), Error> {
    if output.status.success() { Ok(()) } else { Err(failure::of(output.failure())) }
}

/// What a line of k3d's log says to a user: not where its own settings come from, nor
/// how to get at the cluster, which caproni says itself.
fn said(line: &str) -> Option<String> {
    const NOISE: [&str; 7] = [
        "Using config file",
        "Loadbalancer image set",
        "Tools image set",
        "--kubeconfig-update-default",
        "You can now use it",
        "export KUBECONFIG",
        "kubectl ",
    ];
    (!NOISE.iter().any(|noise| line.starts_with(noise))).then(|| line.to_owned())
}

#[derive(Deserialize)]
struct Version {
    k3d: String,
}

fn parse_version(stdout: &str) -> Option<String> {
    serde_json::from_str::<Version>(stdout).ok().map(|version| version.k3d)
}

/// The first number of `v5.9.0` and of `v5-dev`.
fn major(version: &str) -> Option<u32> {
    let digits = version.trim_start_matches('v').split(['.', '-']).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_json() {
        let version = parse_version(include_str!("../tests/recorded/v5.9/version.json")).unwrap();
        assert_eq!(version, "v5-dev");
        assert_eq!(major(&version), Some(5));
        assert_eq!(major("v4.4.8"), Some(4));
        assert_eq!(parse_version("k3d version v4.4.8"), None);
    }

    #[test]
    fn variables_that_would_change_the_cluster_are_kept_from_k3d() {
        for name in ["K3D_SERVERS", "K3D_IMAGE", "K3D_OPTIONS_K3D_WAIT", "K3D_CONFIG"] {
            assert!(configures_clusters(&name.into()), "{name}");
        }
        for name in ["K3D_IMAGE_TOOLS", "K3D_FIX_DNS", "DOCKER_HOST", "PATH"] {
            assert!(!configures_clusters(&name.into()), "{name}");
        }
    }

    #[test]
    fn progress_says_what_happens_to_the_cluster() {
        let lines = [
            "Using config file - (k3d.io/v1alpha5#simple)",
            "Starting servers...",
            "kubectl cluster-info",
        ];
        let told: Vec<_> = lines.into_iter().filter_map(said).collect();
        assert_eq!(told, ["Starting servers..."]);
    }

    #[test]
    fn k3d_gives_up_a_little_before_the_request_does() {
        let wait_of = |seconds| {
            wait(&Request::detached().for_cleanup(Duration::from_secs(seconds)))
                .trim_end_matches("ms")
                .parse::<u64>()
                .unwrap()
        };
        assert!((58_000..=59_000).contains(&wait_of(60)));
        assert!((900..=1_000).contains(&wait_of(2)));
        assert_eq!(wait(&Request::detached()), "599000ms");
    }
}
