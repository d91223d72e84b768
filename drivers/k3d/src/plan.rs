//! Which nodes `exec`, `logs` and `usage` are about.

use caproni_driver::{Error, Node, NodeRole, Plan, Request, Usage};
use caproni_engine::plan::{self, Exec, Logs, not_running};

use crate::connect::connect;
use crate::look::look;
use crate::status::{self, Around};

/// The shell in k3s' image, which has no other.
const SHELL: &str = "sh";

/// Plans to run a program on a node.
///
/// # Errors
/// As [`plan::exec`], and the engine's.
pub(crate) async fn exec(request: &Request, profile: &str, asked: Exec) -> Result<Plan, Error> {
    plan::exec(profile, &nodes(request, profile).await?, SHELL, asked)
}

/// Plans to print a node's log, of one that is stopped too.
///
/// # Errors
/// As [`plan::logs`], and the engine's.
pub(crate) async fn logs(request: &Request, profile: &str, asked: &Logs) -> Result<Plan, Error> {
    plan::logs(profile, &nodes(request, profile).await?, asked)
}

/// Tells what the nodes use.
///
/// # Errors
/// `ClusterNotRunning` when no node runs, and the engine's.
pub(crate) async fn usage(request: &Request, profile: &str) -> Result<Usage, Error> {
    let engine = connect(request).await?;
    let cluster = look(&engine, profile).await?;
    let used = engine.usage(&cluster.nodes()).await?;
    match used.nodes.is_empty() {
        true => Err(not_running(format!("no node of cluster `{profile}` runs"))),
        false => Ok(used),
    }
}

/// The nodes, the first server before all others.
async fn nodes(request: &Request, profile: &str) -> Result<Vec<Node>, Error> {
    let cluster = look(&connect(request).await?, profile).await?;
    let mut nodes = status::of(&cluster, &Around::default()).nodes;
    nodes.sort_by_key(|node| node.role != NodeRole::Server);
    Ok(nodes)
}
