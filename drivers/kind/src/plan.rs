//! Which command the host is to run for `exec` and `logs`, on which node.

use caproni_driver::{Error, ErrorKind, Node, NodeState, Plan, Request};

use crate::cluster::Cluster;
use crate::connect::connect;
use crate::kind::docker;
use crate::look::look;
use crate::status::{self, Around};

/// What `exec` is asked for.
pub(crate) struct Exec {
    /// The node; the first control plane without it.
    pub(crate) node: Option<String>,
    /// The program and its arguments; a shell without them.
    pub(crate) argv: Vec<String>,
    /// Whether it is at a terminal.
    pub(crate) tty: bool,
}

/// Plans to run a program on a node.
///
/// # Errors
/// `ClusterNotRunning`, `NotFound` and the engine's.
pub(crate) async fn exec(request: &Request, profile: &str, exec: Exec) -> Result<Plan, Error> {
    let cluster = look(&connect(request).await?, profile).await?;
    let node = node(&cluster, exec.node.as_deref())?;
    if node.state != NodeState::Running {
        let message = format!("node `{}` does not run: it is {}", node.name, node.state);
        return Err(not_running(message));
    }
    let mut argv = vec![docker()?, "exec".into(), "-i".into()];
    argv.extend(exec.tty.then(|| "-t".to_owned()));
    argv.push(node.name);
    match exec.argv.as_slice() {
        [] => argv.push("bash".into()),
        given => argv.extend_from_slice(given),
    }
    Ok(Plan::new(argv))
}

/// Plans to print a node's log, of one that is stopped too.
///
/// # Errors
/// As [`exec`].
pub(crate) async fn logs(
    request: &Request,
    profile: &str,
    named: Option<&str>,
    follow: bool,
    tail: Option<u64>,
) -> Result<Plan, Error> {
    let cluster = look(&connect(request).await?, profile).await?;
    let node = node(&cluster, named)?;
    if node.state == NodeState::Missing {
        return Err(not_found(&node.name, format!("node `{}` is missing", node.name)));
    }
    let mut argv = vec![docker()?, "logs".into()];
    argv.extend(follow.then(|| "--follow".to_owned()));
    argv.extend(tail.into_iter().flat_map(|lines| ["--tail".to_owned(), lines.to_string()]));
    argv.push(node.name);
    Ok(Plan::new(argv))
}

fn node(cluster: &Cluster, named: Option<&str>) -> Result<Node, Error> {
    let nodes = status::of(cluster, &Around::default()).nodes;
    let names: Vec<_> = nodes.iter().map(|node| format!("`{}`", node.name)).collect();
    let mut nodes = nodes.into_iter();
    let found = match named {
        None => nodes.next(),
        Some(named) => nodes.find(|node| node.name == named),
    };
    match (found, named) {
        (Some(node), _) => Ok(node),
        (None, Some(named)) if !names.is_empty() => {
            let message =
                format!("cluster `{}` has no node `{}`", cluster.name, named.escape_debug());
            Err(not_found(named, message).with_hint(format!("its nodes are {}", names.join(", "))))
        }
        _ => Err(not_running(format!("there is no cluster `{}`", cluster.name))),
    }
}

/// A failure for want of a cluster that runs.
pub(crate) fn not_running(message: String) -> Error {
    Error::new(ErrorKind::ClusterNotRunning, message).with_hint("run `caproni start`")
}

/// A failure for want of something that a request names.
pub(crate) fn not_found(resource: &str, message: String) -> Error {
    let mut error = Error::new(ErrorKind::NotFound, message);
    error.data.resource = Some(resource.into());
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::tests::running;

    #[test]
    fn the_first_control_plane_is_meant_when_no_node_is_named() {
        assert_eq!(node(&running(), None).unwrap().name, "demo-control-plane");
        assert_eq!(node(&running(), Some("demo-worker")).unwrap().name, "demo-worker");
    }

    #[test]
    fn a_node_that_is_not_there_is_not_found_with_those_that_are() {
        let error = node(&running(), Some("demo-worker9")).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::NotFound);
        assert_eq!(error.data.resource.as_deref(), Some("demo-worker9"));
        assert!(error.data.hint.unwrap().contains("`demo-worker`"));
        let nothing = Cluster { name: "demo".into(), ..Cluster::default() };
        assert_eq!(node(&nothing, Some("a")).unwrap_err().kind(), &ErrorKind::ClusterNotRunning);
    }
}
