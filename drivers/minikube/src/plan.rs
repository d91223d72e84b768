//! `exec` and `logs`: the commands that the host runs; and what the nodes use.

use caproni_driver::{Error, ErrorKind, Node, NodeRole, NodeState, Plan, Request, Status, Usage};
use caproni_engine::Engine;
use caproni_engine::plan::{not_found, not_running};

use crate::around::status;
use crate::home::{Home, VARIABLE};
use crate::look::look;
use crate::minikube::Minikube;

/// The shell in minikube's nodes.
const SHELL: &str = "/bin/bash";

/// What is to be run on a node.
pub(crate) struct Exec {
    /// The node; the first server without it.
    pub(crate) node: Option<String>,
    /// The command; a shell without it.
    pub(crate) argv: Option<Vec<String>>,
    /// Whether the host's stdin and stdout are a terminal.
    pub(crate) tty: bool,
}

/// What of a node's log is to be shown.
pub(crate) struct Logs {
    /// The node; the first server without it.
    pub(crate) node: Option<String>,
    /// Whether to go on with what comes.
    pub(crate) follow: bool,
    /// How many of the last lines; all without it.
    pub(crate) tail: Option<u64>,
}

/// Tells which command runs another one on a node that is a container.
///
/// # Errors
/// `ClusterNotRunning`, `NotFound`, and `Unsupported` for a virtual machine: `minikube ssh` puts
/// a shell in between, which takes arguments apart, and loses exit codes.
pub(crate) async fn exec(request: &Request, profile: &str, asked: Exec) -> Result<Plan, Error> {
    let status = status(request, profile, None).await?;
    let node = find(&status, profile, asked.node.as_deref())?;
    if node.state != NodeState::Running {
        let message = format!("node `{}` does not run", node.name);
        return Err(not_running(message));
    }
    on_docker(profile)?;
    let mut argv = vec!["docker".to_owned(), "exec".into(), "-i".into()];
    argv.extend(asked.tty.then(|| "-t".to_owned()));
    argv.push(node.name.clone());
    match asked.argv.filter(|command| !command.is_empty()) {
        Some(command) => argv.extend(command),
        None => argv.push(SHELL.into()),
    }
    Ok(Plan::new(argv))
}

/// Tells which command prints a node's log: for a container what its first process prints, else
/// minikube's own collection.
///
/// # Errors
/// `ClusterNotRunning` and `NotFound`.
pub(crate) async fn logs(request: &Request, profile: &str, asked: Logs) -> Result<Plan, Error> {
    let status = status(request, profile, None).await?;
    let node = find(&status, profile, asked.node.as_deref())?;
    if on_docker(profile).is_ok() {
        let mut argv = vec!["docker".to_owned(), "logs".into()];
        argv.extend(asked.follow.then(|| "--follow".to_owned()));
        argv.extend(asked.tail.map(|tail| format!("--tail={tail}")));
        argv.push(node.name.clone());
        return Ok(Plan::new(argv));
    }
    let minikube = Minikube::find()?;
    let mut argv = vec![minikube.path(), "logs".into(), "-p".into(), profile.into()];
    argv.push(format!("--node={}", node.name));
    argv.extend(asked.follow.then(|| "--follow".to_owned()));
    argv.push(format!("--length={}", asked.tail.unwrap_or(100_000)));
    let home = minikube.home().path().display().to_string();
    Ok(Plan::new(argv).with_env(VARIABLE, home))
}

/// Tells what the nodes use that are containers.
///
/// # Errors
/// `ClusterNotRunning`, `Unsupported` for virtual machines, which minikube knows nothing of, and the
/// engine's.
pub(crate) async fn usage(request: &Request, profile: &str) -> Result<Usage, Error> {
    let cluster = look(request, &Minikube::find()?, profile, false).await?;
    on_docker(profile)?;
    let containers: Vec<_> = cluster.containers.iter().flatten().collect();
    let used = Engine::connect(request).await?.usage(&containers).await?;
    match used.nodes.is_empty() {
        true => Err(not_running(format!("no node of cluster `{profile}` runs"))),
        false => Ok(used),
    }
}

fn on_docker(profile: &str) -> Result<(), Error> {
    match Home::of_environment().profile(profile) {
        Some(Ok(kept)) if kept.is_on_docker() => Ok(()),
        Some(Ok(kept)) => {
            let message = format!("nodes of minikube's `{}` cannot be looked into", kept.driver);
            Err(Error::new(ErrorKind::Unsupported, message)
                .with_hint(format!("run `minikube ssh -p {profile}`")))
        }
        _ => Err(not_running(format!("there is no cluster `{profile}`"))),
    }
}

fn find<'a>(status: &'a Status, profile: &str, name: Option<&str>) -> Result<&'a Node, Error> {
    if status.nodes.is_empty() {
        return Err(not_running(format!("there is no cluster `{profile}`")));
    }
    let is_it = |node: &&Node| match name {
        Some(name) => node.name == name,
        None => node.role == NodeRole::Server,
    };
    let found = status.nodes.iter().find(is_it);
    let found = found.filter(|node| node.state != NodeState::Missing);
    found.ok_or_else(|| {
        let name = name.unwrap_or(profile);
        let names: Vec<_> = status.nodes.iter().map(|node| format!("`{}`", node.name)).collect();
        let message = format!("cluster `{profile}` has no node `{}`", name.escape_debug());
        not_found(name, message)
            .with_hint(format!("pass `--node` with one of {}", names.join(", ")))
    })
}
