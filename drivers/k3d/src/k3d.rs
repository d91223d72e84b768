//! The k3d program: where it is, how it is called, what its words mean.

use std::time::Duration;

use caproni_driver::backend::{Backend, Install, Installed, PrivateFolder};
use caproni_driver::lock::{self, Lock};
use caproni_driver::{Error, Output, Request};
use serde::Deserialize;

use crate::NAME;
use crate::document::DOLLAR;
use crate::failure;

/// How long k3d waits for nodes when the host sets no limit. k3d's own default is for
/// ever, also for a node that crashes again and again.
const DEFAULT_WAIT: Duration = Duration::from_secs(600);

/// How much earlier than the request k3d's own waiting ends, so that it still says for what it waited.
const HEAD_START: Duration = Duration::from_secs(1);

/// How k3d is installed where it is missing.
const INSTALL: Install = Install::new("install k3d 5 as https://k3d.io says")
    .brew("k3d")
    .go("github.com/k3d-io/k3d/v5@v5.9.0")
    .script("https://raw.githubusercontent.com/k3d-io/k3d/v5.9.0/install.sh", "TAG=v5.9.0");

/// The k3d program.
pub(crate) const K3D: Backend = Backend::new("k3d", INSTALL)
    .version(&["version", "-o", "json"], parse_version)
    .minimum("5.0")
    .keeping_out(is_kept_out)
    // With colours, which are taken out again, each line begins with its level.
    // Without them k3d writes `time=… level=… msg="…"`, with the message quoted.
    .with_environment(&[("LOG_COLORS", "1")]);

/// An installed k3d.
#[derive(Debug)]
pub(crate) struct K3d(Installed);

impl K3d {
    /// Finds k3d on `PATH` and where installers put it.
    ///
    /// # Errors
    /// `BackendMissing` with the command that installs it on this machine.
    pub(crate) fn find() -> Result<Self, Error> {
        K3D.find().map(Self)
    }

    /// Refuses a k3d that this driver cannot work with.
    ///
    /// # Errors
    /// As [`Installed::check_version`].
    pub(crate) async fn check_version(&self, request: &Request) -> Result<(), Error> {
        self.0.check_version(request).await
    }

    /// Makes a cluster of a document; `extra_args` come last, so that they win.
    ///
    /// # Errors
    /// What k3d's words mean, see [`failure::of`], `Cancelled` and `TimedOut`.
    pub(crate) async fn create(&self, request: &Request, create: &Create<'_>) -> Result<(), Error> {
        let (folder, profile) = (lock::state_dir(), create.profile);
        let lock = Lock::acquire_to_create(request, &folder, NAME, profile).await?;
        // k3d writes the document with all its secrets into a file there and never removes it.
        let private = PrivateFolder::of(NAME, create.profile)?;
        let mut command = self
            .0
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
        succeed(&request.run_locked(&command, lock, is_prepared).await?)
    }

    /// Starts a cluster's nodes that do not run.
    ///
    /// # Errors
    /// As [`K3d::create`].
    pub(crate) async fn start(&self, request: &Request, profile: &str) -> Result<(), Error> {
        let command = self
            .0
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
            self.0.command(["cluster", "edit", profile]).args(flags).progress_lines("ports", said);
        succeed(&request.run(&command).await?)
    }

    /// Puts images and archives onto all nodes.
    ///
    /// Straight into each: by way of k3d's tools container a node that takes none of them is a line of
    /// its log, and its exit code is 0
    /// (<https://github.com/k3d-io/k3d/blob/v5.9.0/pkg/client/tools.go>).
    ///
    /// # Errors
    /// As [`K3d::create`].
    pub(crate) async fn import(
        &self,
        request: &Request,
        profile: &str,
        images: &[String],
    ) -> Result<(), Error> {
        let command = self
            .0
            .command(["image", "import", "--mode", "direct", "--cluster", profile, "--"])
            .args(images)
            .progress_lines("load", said);
        succeed(&request.run(&command).await?)
    }
}

/// Tells whether the last creation here was killed together with its driver. The engine may
/// then still be at work for it: what k3d asked for last can appear after k3d is gone.
pub(crate) fn was_killed(profile: &str) -> bool {
    PrivateFolder::was_left(NAME, profile)
}

/// Removes what a killed creation left in the cluster's private folder.
pub(crate) fn remove_private_folder(profile: &str) {
    PrivateFolder::remove(NAME, profile);
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

fn is_kept_out(name: &str) -> bool {
    configures_clusters(name) || ["LOG_LEVEL", "LOG_TIMESTAMPS"].contains(&name)
}

/// k3d takes every option of a cluster from `K3D_<OPTION>` too, and prefers it to the
/// document: `K3D_SERVERS=3` would make another cluster than was asked for. The others
/// choose helper images and mend known faults.
fn configures_clusters(name: &str) -> bool {
    const KEPT: [&str; 3] = ["K3D_IMAGE_LOADBALANCER", "K3D_IMAGE_TOOLS", "K3D_HELPER_IMAGE_TAG"];
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
pub(crate) fn said(line: &str) -> Option<String> {
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

/// From this line on k3d works on the cluster's own nodes. Before, it makes the network, which two
/// clusters that are to share it would each make, and it makes and asks its tools container, which is
/// known to get into its own way (<https://github.com/k3d-io/k3d/issues/924>).
fn is_prepared(line: &str) -> bool {
    line.starts_with("Starting cluster '")
}

pub(crate) fn parse_version(stdout: &str) -> Option<String> {
    serde_json::from_str::<Version>(stdout).ok().map(|version| version.k3d)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_json() {
        let version = parse_version(include_str!("../tests/recorded/v5.9/version.json")).unwrap();
        assert_eq!(version, "v5-dev");
        assert_eq!(parse_version("k3d version v4.4.8"), None);
    }

    #[test]
    fn variables_that_would_change_the_cluster_are_kept_from_k3d() {
        for name in ["K3D_SERVERS", "K3D_IMAGE", "K3D_OPTIONS_K3D_WAIT", "K3D_CONFIG"] {
            assert!(configures_clusters(name), "{name}");
        }
        for name in ["K3D_IMAGE_TOOLS", "K3D_FIX_DNS", "DOCKER_HOST", "PATH"] {
            assert!(!configures_clusters(name), "{name}");
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
    fn the_network_and_the_tools_are_done_when_the_nodes_are_started() {
        let text = include_str!("../tests/recorded/v5.9/create.out");
        let text = caproni_driver::strip_ansi(text);
        let lines: Vec<_> = text.lines().filter_map(|line| line.split_once("] ")).collect();
        let at = lines.iter().position(|(_, line)| is_prepared(line.trim())).unwrap();
        assert!(
            lines[..at].iter().any(|(_, line)| line.contains("gather environment information"))
        );
        assert!(lines[at..].iter().any(|(_, line)| line.starts_with("Starting node")));
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
