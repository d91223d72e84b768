//! `exec` and `logs` on nodes that are containers: the docker commands that the host runs.
//!
//! The docker command talks to the engine that [`crate::Endpoint`] finds, so it means the same
//! containers.

use caproni_driver::backend::{Backend, Install};
use caproni_driver::{Error, ErrorKind, Node, NodeState, Plan};

/// The docker command.
const DOCKER: Backend = Backend::new(
    "docker",
    Install::new("install the docker command as https://docs.docker.com/engine/install says")
        .brew("docker"),
);

/// What is to be run on a node.
#[derive(Debug, Clone, Default)]
pub struct Exec {
    /// The node; the first server without it.
    pub node: Option<String>,
    /// The program and its arguments; a shell without any.
    pub argv: Vec<String>,
    /// Whether the host's stdin and stdout are a terminal.
    pub tty: bool,
}

/// What of a node's log is wanted.
#[derive(Debug, Clone, Default)]
pub struct Logs {
    /// The node; the first server without it.
    pub node: Option<String>,
    /// Whether to go on with what comes.
    pub follow: bool,
    /// How many of the last lines; all without it.
    pub tail: Option<u64>,
}

/// Plans to run a program on one of a cluster's nodes, of which the first server is the first;
/// `shell` is what is in the node's image.
///
/// # Errors
/// `ClusterNotRunning`, `NotFound`, and `BackendMissing` for the docker command.
pub fn exec(cluster: &str, nodes: &[Node], shell: &str, asked: Exec) -> Result<Plan, Error> {
    let node = node(cluster, nodes, asked.node.as_deref())?;
    if node.state != NodeState::Running {
        let message = format!("node `{}` does not run: it is {}", node.name, node.state);
        return Err(not_running(message));
    }
    let mut argv = vec![docker()?, "exec".into(), "-i".into()];
    argv.extend(asked.tty.then(|| "-t".to_owned()));
    argv.push(node.name.clone());
    match asked.argv.as_slice() {
        [] => argv.push(shell.into()),
        given => argv.extend_from_slice(given),
    }
    Ok(Plan::new(argv))
}

/// Plans to print the log of one of a cluster's nodes, of one that is stopped too.
///
/// # Errors
/// As [`exec`].
pub fn logs(cluster: &str, nodes: &[Node], asked: &Logs) -> Result<Plan, Error> {
    let node = node(cluster, nodes, asked.node.as_deref())?;
    if node.state == NodeState::Missing {
        return Err(not_found(&node.name, format!("node `{}` is missing", node.name)));
    }
    let mut argv = vec![docker()?, "logs".into()];
    argv.extend(asked.follow.then(|| "--follow".to_owned()));
    argv.extend(asked.tail.into_iter().flat_map(|lines| ["--tail".to_owned(), lines.to_string()]));
    argv.push(node.name.clone());
    Ok(Plan::new(argv))
}

fn docker() -> Result<String, Error> {
    Ok(DOCKER.find()?.path().display().to_string())
}

fn node<'a>(cluster: &str, nodes: &'a [Node], named: Option<&str>) -> Result<&'a Node, Error> {
    let Some(first) = nodes.first() else {
        return Err(not_running(format!("there is no cluster `{cluster}`")));
    };
    let Some(named) = named else { return Ok(first) };
    nodes.iter().find(|node| node.name == named).ok_or_else(|| {
        let names: Vec<_> = nodes.iter().map(|node| format!("`{}`", node.name)).collect();
        let message = format!("cluster `{cluster}` has no node `{}`", named.escape_debug());
        not_found(named, message)
            .with_hint(format!("pass `--node` with one of {}", names.join(", ")))
    })
}

/// A failure for want of a cluster that runs.
pub fn not_running(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::ClusterNotRunning, message).with_hint("run `caproni start`")
}

/// A failure for want of something that a request names.
pub fn not_found(resource: &str, message: impl Into<String>) -> Error {
    let mut error = Error::new(ErrorKind::NotFound, message);
    error.data.resource = Some(resource.into());
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use caproni_driver::NodeRole;

    fn nodes() -> [Node; 2] {
        [
            Node::new("s", NodeRole::Server, NodeState::Running),
            Node::new("a", NodeRole::Agent, NodeState::Stopped),
        ]
    }

    #[test]
    fn the_first_server_is_meant_when_no_node_is_named() {
        assert_eq!(node("demo", &nodes(), None).unwrap().name, "s");
        assert_eq!(node("demo", &nodes(), Some("a")).unwrap().name, "a");
    }

    #[test]
    fn a_node_that_is_not_there_is_not_found_with_those_that_are() {
        let error = node("demo", &nodes(), Some("x")).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::NotFound);
        assert_eq!(error.data.resource.as_deref(), Some("x"));
        assert_eq!(error.data.hint.as_deref(), Some("pass `--node` with one of `s`, `a`"));
        assert_eq!(node("demo", &[], Some("x")).unwrap_err().kind(), &ErrorKind::ClusterNotRunning);
    }

    #[test]
    fn a_node_that_does_not_run_runs_no_command() {
        let asked = Exec { node: Some("a".into()), ..Exec::default() };
        let error = exec("demo", &nodes(), "sh", asked).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::ClusterNotRunning);
    }
}
