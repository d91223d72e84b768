//! The minikube program: where it is, how it is called, how long it may take.

use std::time::Duration;

use caproni_driver::backend::{Backend, Install, Installed};
use caproni_driver::{Command, Error, ErrorKind, Output, Request};
use serde::Deserialize;
use tempfile::TempDir;

use crate::cluster::Answer;
use crate::config::MinikubeConfig;
use crate::events;
use crate::failure;
use crate::home::{Home, VARIABLE};
use crate::{NAME, size};

/// How long a start may take when the host sets no limit: nodes are downloaded and booted.
const START: Duration = Duration::from_secs(900);

/// How long a stop or a removal may take. minikube waits for its own locks up to 13 minutes
/// without a word, and a guest that hangs is waited for without end.
const STOP: Duration = Duration::from_secs(180);

/// How long a question may take; minikube's own commands in a node end after 15 s.
const ANSWER: Duration = Duration::from_secs(40);

/// How long an image may take to load.
const LOAD: Duration = Duration::from_secs(600);

/// How much earlier than the request minikube's own waiting ends, so that it still says for what it waited.
const HEAD_START: Duration = Duration::from_secs(2);

/// How minikube is installed where it is missing.
const INSTALL: Install =
    Install::new("install minikube as https://minikube.sigs.k8s.io/docs/start says")
        .brew("minikube");

/// The minikube program.
pub(crate) const MINIKUBE: Backend = Backend::new(NAME, INSTALL)
    .version(&["version", "-o", "json"], parse_version)
    .minimum("1.26")
    .keeping_out(configures_clusters)
    .with_environment(&[
        // It would ask GitHub for a newer version, in each command.
        ("MINIKUBE_WANTUPDATENOTIFICATION", "false"),
        ("MINIKUBE_IN_STYLE", "false"),
        // Without it minikube tells that the engine is slow, in the middle of an answer.
        ("MINIKUBE_SUPPRESS_DOCKER_PERFORMANCE", "true"),
    ]);

/// An installed minikube.
#[derive(Debug)]
pub(crate) struct Minikube {
    program: Installed,
    home: Home,
}

impl Minikube {
    /// Finds minikube on `PATH` and where installers put it.
    ///
    /// # Errors
    /// `BackendMissing` with the command that installs it on this machine.
    pub(crate) fn find() -> Result<Self, Error> {
        Ok(Self { program: MINIKUBE.find()?, home: Home::of_environment() })
    }

    /// Its folder.
    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    /// Its absolute path.
    pub(crate) fn path(&self) -> String {
        self.program.path().display().to_string()
    }

    /// Refuses a minikube that this driver cannot work with.
    ///
    /// # Errors
    /// As [`Installed::check_version`].
    pub(crate) async fn check_version(&self, request: &Request) -> Result<(), Error> {
        self.program.check_version(request).await
    }

    /// Asks what a cluster's nodes do.
    ///
    /// # Errors
    /// What minikube's exit codes mean, see [`failure::of`]; `Cancelled` and `TimedOut`.
    pub(crate) async fn status(&self, request: &Request, cluster: &str) -> Result<Told, Error> {
        let command = self.command(["status", "-p", cluster, "-o", "json"]);
        let output = self.run(request, ANSWER, command).await?;
        match Answer::read(output.status.code(), &output.stdout) {
            Some(answer) => Ok(Told { answer, output }),
            None => Err(failure::of(&output)),
        }
    }

    /// Lists all profiles with what their nodes do, as JSON.
    ///
    /// # Errors
    /// As [`Minikube::status`].
    pub(crate) async fn profiles(&self, request: &Request) -> Result<String, Error> {
        let command = self.command(["profile", "list", "-o", "json"]);
        self.succeed(request, ANSWER, command).await.map(|output| output.stdout)
    }

    /// Makes a cluster.
    ///
    /// # Errors
    /// As [`Minikube::status`].
    pub(crate) async fn create(
        &self,
        request: &Request,
        cluster: &str,
        config: &MinikubeConfig,
    ) -> Result<(), Error> {
        let args = create_args(config);
        let command = self.start_command(request, cluster).args(args).args(&config.extra_args);
        self.succeed(request, START, command).await.map(drop)
    }

    /// Starts a cluster that is there, as it is: what is not said stays as it was made.
    ///
    /// # Errors
    /// As [`Minikube::status`].
    pub(crate) async fn start(
        &self,
        request: &Request,
        cluster: &str,
        extra_args: &[String],
    ) -> Result<(), Error> {
        let command = self.start_command(request, cluster).args(extra_args);
        self.succeed(request, START, command).await.map(drop)
    }

    /// Lets a cluster go on whose containers were paused with `minikube pause`.
    ///
    /// # Errors
    /// As [`Minikube::status`].
    pub(crate) async fn unpause(&self, request: &Request, cluster: &str) -> Result<(), Error> {
        let command = self.command(["unpause", "-p", cluster, "-A", "-o", "json"]);
        let command = command.progress_reports(events::progress);
        self.succeed(request, STOP, command).await.map(drop)
    }

    /// Stops a cluster.
    ///
    /// # Errors
    /// As [`Minikube::status`].
    pub(crate) async fn stop(&self, request: &Request, cluster: &str) -> Result<(), Error> {
        let command = self
            .command(["stop", "-p", cluster, "--keep-context-active", "-o", "json"])
            .args(["--user", "caproni"])
            .progress_reports(events::progress);
        self.succeed(request, STOP, command).await.map(drop)
    }

    /// Removes a cluster. A cluster that is not there is no failure to minikube.
    ///
    /// # Errors
    /// As [`Minikube::status`].
    pub(crate) async fn delete(&self, request: &Request, cluster: &str) -> Result<(), Error> {
        let chosen = self.home.chosen_profile().filter(|chosen| chosen != cluster);
        let command = self
            .command(["delete", "-p", cluster, "-o", "json", "--user", "caproni"])
            .progress_reports(events::progress);
        let deleted = self.succeed(request, STOP, command).await;
        if let Some(chosen) = chosen.filter(|_| self.home.chosen_profile().is_none()) {
            let command = self.command(["config", "set", "profile", &chosen]);
            self.succeed(request, ANSWER, command).await?;
        }
        deleted.map(drop)
    }

    /// Turns addons of a running cluster on or off, by `verb`: `enable` or `disable`.
    ///
    /// # Errors
    /// As [`Minikube::status`].
    pub(crate) async fn addon(
        &self,
        request: &Request,
        cluster: &str,
        verb: &str,
        addon: &str,
    ) -> Result<(), Error> {
        request.progress("addons", format!("{verb} addon `{addon}`"));
        let command = self.command(["addons", verb, addon, "-p", cluster]);
        self.succeed(request, STOP, command).await.map(drop)
    }

    /// Puts an image onto every node.
    ///
    /// # Errors
    /// As [`Minikube::status`].
    pub(crate) async fn load_image(
        &self,
        request: &Request,
        cluster: &str,
        image: &str,
    ) -> Result<(), Error> {
        request.progress("load", format!("loading `{image}`"));
        let command = self.command(["image", "load", "-p", cluster, image]);
        self.succeed(request, LOAD, command).await.map(drop)
    }

    /// Names the images that the nodes have, one a line.
    ///
    /// # Errors
    /// As [`Minikube::status`].
    pub(crate) async fn images(&self, request: &Request, cluster: &str) -> Result<String, Error> {
        let command = self.command(["image", "ls", "-p", cluster]);
        self.succeed(request, ANSWER, command).await.map(|output| output.stdout)
    }

    /// Writes the context of a running cluster into a kubeconfig of its own, and gives its text.
    ///
    /// # Errors
    /// As [`Minikube::status`].
    pub(crate) async fn context(&self, request: &Request, cluster: &str) -> Result<String, Error> {
        let folder = private_folder()?;
        let file = folder.path().join("config");
        let command = self.command(["update-context", "-p", cluster]).env("KUBECONFIG", &file);
        let output = request_within(request, ANSWER, &command).await?;
        if !output.status.success() {
            return Err(failure::of(&output));
        }
        std::fs::read_to_string(&file).map_err(|error| {
            let message = format!("minikube wrote no context of cluster `{cluster}`: {error}");
            Error::new(ErrorKind::BackendFailed, message)
        })
    }

    fn command<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Command {
        self.program.command(args).env(VARIABLE, self.home.path())
    }

    fn start_command(&self, request: &Request, cluster: &str) -> Command {
        self.command(["start", "-p", cluster, "-o", "json", "--user", "caproni"])
            .args(["--keep-context", "--interactive=false", "--delete-on-failure=false"])
            // What is beyond the API is for the host to wait for.
            .args(["--wait=apiserver", "--wait-timeout", &wait(request)])
            .progress_reports(events::progress)
    }

    async fn succeed(
        &self,
        request: &Request,
        limit: Duration,
        command: Command,
    ) -> Result<Output, Error> {
        let output = self.run(request, limit, command).await?;
        if output.status.success() { Ok(output) } else { Err(failure::of(&output)) }
    }

    /// Runs a command whose kubeconfig is a file of its own: minikube writes into it, makes its
    /// context the current one, and takes that out again when it stops or deletes a cluster.
    async fn run(
        &self,
        request: &Request,
        limit: Duration,
        command: Command,
    ) -> Result<Output, Error> {
        let folder = private_folder()?;
        let command = command.env("KUBECONFIG", folder.path().join("config"));
        request_within(request, limit, &command).await
    }
}

/// What a command told, for those who must look closer.
#[derive(Debug)]
pub(crate) struct Told {
    /// What it means.
    pub(crate) answer: Answer,
    output: Output,
}

impl Told {
    /// The failure behind an answer that tells nothing: minikube exits as if the cluster was
    /// stopped, and only stderr says why.
    pub(crate) fn failure(&self) -> Error {
        let mut error = failure::of(&self.output);
        let last = self.output.stderr.lines().rfind(|line| !line.trim().is_empty());
        // `E1125 18:01:02.345678    4711 status.go:123] status error: host: …`
        let why = last.map(|line| line.split_once("] ").map_or(line, |(_, why)| why));
        error.message = match why {
            Some(why) => format!("minikube cannot tell what the cluster does: {why}"),
            None => "minikube cannot tell what the cluster does".into(),
        };
        error.data.kind = ErrorKind::BackendUnavailable;
        error
    }
}

fn private_folder() -> Result<TempDir, Error> {
    tempfile::tempdir().map_err(|error| {
        let message = format!("cannot make a temporary folder: {error}");
        Error::new(ErrorKind::PermissionDenied, message)
            .with_hint("set TMPDIR to a folder that you may write to")
    })
}

async fn request_within(
    request: &Request,
    limit: Duration,
    command: &Command,
) -> Result<Output, Error> {
    let ran = tokio::time::timeout(limit, request.run(command)).await;
    ran.unwrap_or_else(|_| Err(hangs(limit, command)))
}

fn hangs(limit: Duration, command: &Command) -> Error {
    let message = format!("minikube did not end in {} s", limit.as_secs());
    let mut error = Error::new(ErrorKind::TimedOut, message)
        .with_hint("run `caproni doctor` to see what is wrong, then `caproni destroy`");
    error.data.command = Some(command.command_line());
    error.data.waited_ms = u64::try_from(limit.as_millis()).ok();
    error
}

/// The arguments that make the cluster of a config.
fn create_args(config: &MinikubeConfig) -> Vec<String> {
    let mut args = Vec::new();
    let mut add = |flag: &str, value: &str| args.extend([flag.to_owned(), value.to_owned()]);
    let mebibytes = |text: &String| size::mebibytes(text).map(|size| format!("{size}m"));
    let values = [
        ("--driver", config.vm_driver.clone()),
        ("--cpus", config.cpus.map(|cpus| cpus.to_string())),
        ("--memory", config.memory.as_ref().and_then(mebibytes)),
        ("--disk-size", config.disk_size.as_ref().and_then(mebibytes)),
        ("--nodes", Some(config.nodes.to_string()).filter(|_| config.nodes > 1)),
        ("--kubernetes-version", config.kubernetes_version.clone()),
        ("--container-runtime", config.container_runtime.clone()),
    ];
    for (flag, value) in values {
        value.iter().for_each(|value| add(flag, value));
    }
    config.ports.iter().for_each(|port| add("--ports", port));
    config.addons.iter().for_each(|addon| add("--addons", addon));
    args
}

/// minikube takes every option from `MINIKUBE_<OPTION>` too: `MINIKUBE_MEMORY` would make
/// another cluster than was asked for. Its folder is no option of a cluster.
fn configures_clusters(name: &str) -> bool {
    name.starts_with("MINIKUBE_") && name != VARIABLE
}

fn wait(request: &Request) -> String {
    let left = request.remaining().unwrap_or(START);
    let wait = left.saturating_sub(HEAD_START).max(left / 2).max(Duration::from_secs(1));
    format!("{}s", wait.as_secs())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    minikube_version: String,
}

pub(crate) fn parse_version(stdout: &str) -> Option<String> {
    serde_json::from_str::<Version>(stdout).ok().map(|version| version.minikube_version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_version_is_read_from_json() {
        let version = parse_version(include_str!("../tests/recorded/v1.38/version.json"));
        assert_eq!(version.as_deref(), Some("v1.38.1"));
        assert_eq!(parse_version("minikube version: v1.38.1"), None);
    }

    #[test]
    fn only_what_is_asked_for_reaches_minikube() {
        let args = |config| create_args(&MinikubeConfig::read(&config).unwrap()).join(" ");
        assert_eq!(args(json!({})), "");
        let config = json!({"memory": "1.5g", "nodes": 2, "ports": ["80"], "addons": ["a", "b"]});
        assert_eq!(args(config), "--memory 1536m --nodes 2 --ports 80 --addons a --addons b");
    }

    #[test]
    fn variables_that_would_change_the_cluster_are_kept_from_minikube() {
        assert!(configures_clusters("MINIKUBE_MEMORY") && configures_clusters("MINIKUBE_PROFILE"));
        for name in [VARIABLE, "DOCKER_HOST", "HTTPS_PROXY", "PATH"] {
            assert!(!configures_clusters(name), "{name}");
        }
    }

    #[test]
    fn minikube_gives_up_a_little_before_the_request_does() {
        let wait_of =
            |seconds| wait(&Request::detached().for_cleanup(Duration::from_secs(seconds)));
        assert!(["57s", "58s"].contains(&wait_of(60).as_str()));
        assert_eq!(wait_of(1), "1s");
        assert_eq!(wait(&Request::detached()), "898s");
    }
}
