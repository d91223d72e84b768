//! Which command the host is to run for `exec` and `logs`, on which node.

use std::path::Path;

use caproni_driver::{Error, ErrorKind, Node, NodeState, Plan, Status};

use crate::store::RecordFile;

/// Tells the program which node it was run on.
pub(crate) const NODE: &str = "CAPRONI_MOCK_NODE";

/// Runs `argv` on this machine, since a mock node is none: its name is in [`NODE`].
pub(crate) fn exec(node: &Node, argv: Option<Vec<String>>) -> Plan {
    let argv = argv.unwrap_or_default();
    // Run by a shell that becomes the program, so that one that is not there exits with
    // 127, as it does in a container. A shell is interactive when it is at a terminal.
    let run = if argv.is_empty() { vec![] } else { vec!["-c", "exec \"$@\"", "sh"] };
    let run = run.into_iter().map(str::to_owned);
    Plan::new(std::iter::once("/bin/sh".into()).chain(run).chain(argv)).with_env(NODE, &node.name)
}

/// Prints the log of a node: all of it, or its last lines, and what comes if that is wanted.
pub(crate) fn logs(
    file: &RecordFile,
    node: &Node,
    follow: Option<bool>,
    tail: Option<u64>,
) -> Result<Plan, Error> {
    let path = std::path::absolute(file.log_of(&node.name)).ok().filter(|path| path.is_file());
    let Some(path) = path.as_deref().and_then(Path::to_str) else {
        let resource = format!("the log of `{}`", node.name);
        return Err(not_found(format!("{resource} is not there"), resource));
    };
    let from = tail.map_or("+1".into(), |lines| lines.to_string());
    let mut argv = vec!["tail", "-n", &from];
    argv.extend(follow.unwrap_or_default().then_some("-f"));
    argv.push(path);
    Ok(Plan::new(argv))
}

/// The node that a request names, else the first server, in whatever state it is.
pub(crate) fn node<'a>(
    status: &'a Status,
    profile: &str,
    named: Option<&str>,
) -> Result<&'a Node, Error> {
    let Some(first) = status.nodes.first() else {
        return Err(not_running(format!("there is no cluster `{profile}`")));
    };
    let Some(named) = named else { return Ok(first) };
    status.nodes.iter().find(|node| node.name == named).ok_or_else(|| {
        let names: Vec<_> = status.nodes.iter().map(|node| node.name.as_str()).collect();
        let message = format!("cluster `{profile}` has no node `{}`", named.escape_debug());
        not_found(message, named.into())
            .with_hint(format!("pass `--node` with one of {}", names.join(", ")))
    })
}

/// The same, of a node that runs.
pub(crate) fn running_node<'a>(
    status: &'a Status,
    profile: &str,
    named: Option<&str>,
) -> Result<&'a Node, Error> {
    let node = node(status, profile, named)?;
    match &node.state {
        NodeState::Running => Ok(node),
        state => Err(not_running(format!("node `{}` does not run: it is {state}", node.name))),
    }
}

/// A failure for want of a cluster that runs.
pub(crate) fn not_running(message: String) -> Error {
    Error::new(ErrorKind::ClusterNotRunning, message).with_hint("run `caproni start`")
}

/// A failure for want of something that a request names.
pub(crate) fn not_found(message: String, resource: String) -> Error {
    let mut error = Error::new(ErrorKind::NotFound, message);
    error.data.resource = Some(resource);
    error
}
