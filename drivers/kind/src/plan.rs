//! Which nodes `exec`, `logs` and `usage` are about.

use caproni_driver::{Error, Plan, Request, Usage};
use caproni_engine::plan::{self, Exec, Logs, not_running};

use crate::connect::connect;
use crate::look::look;
use crate::status::{self, Around};

/// The shell in kind's nodes.
const SHELL: &str = "bash";

/// Plans to run a program on a node.
///
/// # Errors
/// As [`plan::exec`], and the engine's.
pub(crate) async fn exec(request: &Request, profile: &str, asked: Exec) -> Result<Plan, Error> {
    let cluster = look(&connect(request).await?, profile).await?;
    plan::exec(profile, &status::of(&cluster, &Around::default()).nodes, SHELL, asked)
}

/// Plans to print a node's log, of one that is stopped too.
///
/// # Errors
/// As [`plan::logs`], and the engine's.
pub(crate) async fn logs(request: &Request, profile: &str, asked: &Logs) -> Result<Plan, Error> {
    let cluster = look(&connect(request).await?, profile).await?;
    plan::logs(profile, &status::of(&cluster, &Around::default()).nodes, asked)
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
