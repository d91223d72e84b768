//! The kind program: where it is, how it makes a cluster, what its words mean.

use std::ffi::OsString;
use std::path::Path;

use caproni_driver::backend::{Backend, Install, Installed, PrivateFolder};
use caproni_driver::lock::{self, Lock};
use caproni_driver::{Command, Error, Request};

use crate::NAME;
use crate::failure;

/// How kind is installed where it is missing.
const INSTALL: Install = Install::new("install kind as https://kind.sigs.k8s.io says")
    .brew("kind")
    .go("sigs.k8s.io/kind@v0.32.0");

/// The kind program; the minimum is the oldest whose flags and load balancer were read in its source.
pub(crate) const KIND: Backend = Backend::new("kind", INSTALL)
    .version(&["version", "-q"], parse_version)
    .minimum("0.20")
    .keeping_out(chooses_clusters)
    // Where podman or nerdctl are installed as well, kind would choose between them.
    .with_environment(&[("KIND_EXPERIMENTAL_PROVIDER", "docker"), ("NO_COLOR", "1")]);

/// The docker command, by which kind does all that it does.
const DOCKER: Backend = Backend::new(
    "docker",
    Install::new("install the docker command as https://docs.docker.com/engine/install says"),
)
.version(&["--version"], parse_version);

/// An installed kind, with the docker command that it needs.
#[derive(Debug)]
pub(crate) struct Kind {
    kind: Installed,
    docker: Installed,
}

/// What to make a cluster of.
pub(crate) struct Create<'a> {
    /// The cluster's name.
    pub(crate) profile: &'a str,
    /// The document for stdin, see [`crate::document::write`].
    pub(crate) document: &'a str,
    /// Arguments that come last.
    pub(crate) extra_args: &'a [String],
}

impl Kind {
    /// Finds kind and docker on `PATH` and where installers put them.
    ///
    /// # Errors
    /// `BackendMissing` with the command that installs it on this machine.
    pub(crate) fn find() -> Result<Self, Error> {
        Ok(Self { kind: KIND.find()?, docker: DOCKER.find()? })
    }

    /// Refuses a kind that this driver cannot work with.
    ///
    /// # Errors
    /// As [`Installed::check_version`].
    pub(crate) async fn check_version(&self, request: &Request) -> Result<(), Error> {
        self.kind.check_version(request).await
    }

    fn command<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Command {
        self.kind.command(args).env("PATH", path_with(self.docker.path()))
    }

    /// Makes a cluster of a document; `extra_args` come last, so that they win.
    ///
    /// What is left of a failure stays, so that its logs can be read.
    ///
    /// # Errors
    /// What kind's words mean, see [`failure::of`], `Cancelled` and `TimedOut`.
    pub(crate) async fn create(&self, request: &Request, create: &Create<'_>) -> Result<(), Error> {
        let (folder, profile) = (lock::state_dir(), create.profile);
        let lock = Lock::acquire_to_create(request, &folder, NAME, profile).await?;
        let private = PrivateFolder::of(NAME, create.profile)?;
        let kubeconfig = private.path().join("kubeconfig");
        let command = self
            .command(["create", "cluster", "--name", create.profile, "--config", "-", "--retain"])
            // The user's own is the host's to change, and kind's lock of it fails at times.
            .args(["--kubeconfig".as_ref(), kubeconfig.as_os_str()])
            .args(create.extra_args)
            .input(create.document)
            .env("TMPDIR", private.path())
            .progress_lines("create", said);
        let output = request.run_locked(&command, lock, is_prepared).await?;
        if output.status.success() { Ok(()) } else { Err(failure::of(output.failure())) }
    }

    /// Loads images onto a cluster's nodes; `what` is `docker-image` or `image-archive`.
    ///
    /// # Errors
    /// As [`Kind::create`].
    pub(crate) async fn load(
        &self,
        request: &Request,
        profile: &str,
        what: &str,
        images: &[&String],
    ) -> Result<(), Error> {
        let private = PrivateFolder::of(NAME, profile)?;
        request.progress("load", "loading the images onto the nodes");
        let command = self
            .command(["load", what, "--name", profile])
            .args(images)
            .env("TMPDIR", private.path());
        let output = request.run(&command).await?;
        if output.status.success() { Ok(()) } else { Err(failure::of(output.failure())) }
    }
}

/// `PATH` with the folder of the docker command, which kind looks for there alone.
fn path_with(docker: &Path) -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(docker.parent().map(Into::into));
    std::env::join_paths(folders).unwrap_or(path)
}

/// Tells whether the last creation here was killed together with its driver. The engine may
/// then still be at work for it.
pub(crate) fn was_killed(profile: &str) -> bool {
    PrivateFolder::was_left(NAME, profile)
}

/// Removes what a killed creation left in the cluster's private folder.
pub(crate) fn remove_private_folder(profile: &str) {
    PrivateFolder::remove(NAME, profile);
}

/// `KIND_EXPERIMENTAL_DOCKER_NETWORK` and the like are the user's choice of an environment;
/// the name is what a request says it is.
fn chooses_clusters(name: &str) -> bool {
    ["KIND_CLUSTER_NAME", "KIND_EXPERIMENTAL_PROVIDER"].contains(&name)
}

/// kind prints a line when a step begins, ` • Preparing nodes 📦  ...`, and one when it ends.
pub(crate) fn said(line: &str) -> Option<String> {
    let step = line.strip_prefix('•')?;
    let text: String = step.chars().filter(char::is_ascii).collect();
    Some(text.trim().trim_end_matches('.').trim().to_lowercase())
}

/// From this line on kind works on the cluster's own nodes. Before it makes the network that all of
/// its clusters share, and two that do so at once make two, which then is one too many for both
/// (<https://github.com/kubernetes-sigs/kind/issues/1596>).
fn is_prepared(line: &str) -> bool {
    line.starts_with("• Preparing nodes")
}

/// `0.32.0`, and for docker `Docker version 28.2.2, build …`.
pub(crate) fn parse_version(stdout: &str) -> Option<String> {
    let version = stdout.trim().trim_start_matches("Docker version ");
    version.split([',', ' ']).next().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_what_kind_prints() {
        let text = include_str!("../tests/recorded/v0.32/version.out");
        assert_eq!(parse_version(text).as_deref(), Some("0.32.0"));
        assert_eq!(parse_version("Docker version 28.2.2, build x").as_deref(), Some("28.2.2"));
    }

    #[test]
    fn each_step_is_told_once_and_in_plain_words() {
        let text = include_str!("../tests/recorded/v0.32/create.err");
        let told: Vec<_> = text.lines().filter_map(|line| said(line.trim())).collect();
        assert_eq!(
            told,
            [
                "ensuring node image (caproni-stand-in/kind-node:v1.36.1-standin)",
                "preparing nodes",
                "writing configuration",
                "starting control-plane",
                "installing cni",
                "installing storageclass",
                "joining worker nodes",
            ]
        );
    }

    #[test]
    fn the_network_is_made_when_the_nodes_are_prepared() {
        let text = include_str!("../tests/recorded/v0.32/create.err");
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        let prepared: Vec<_> = lines.iter().filter(|line| is_prepared(line)).collect();
        assert_eq!(prepared.len(), 1, "{lines:?}");
    }
}
