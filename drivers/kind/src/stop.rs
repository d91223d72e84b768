//! `stop`, `restart` and `destroy`, of which kind knows only the last.

use std::time::Duration;

use caproni_driver::{Change, Error, NodeState, Outcome, Request};
use caproni_engine::{Container, Engine};
use futures_util::future::try_join_all;
use serde_json::Value;

use crate::cluster::Cluster;
use crate::config::{KindConfig, check_profile};
use crate::connect::connect;
use crate::kind::{self, Kind};
use crate::look::look;
use crate::role::Role;
use crate::start;
use crate::sweep::{sweep, sweep_up_after};

/// How long a node may take to end by itself: the engine's own default.
const GRACE: Duration = Duration::from_secs(10);

/// How long the load balancer may take. Its first process is a shell that does not listen, and it
/// has nothing to lose.
const NO_GRACE: Duration = Duration::ZERO;

/// Stops a cluster and keeps its data.
///
/// # Errors
/// The engine's, `Cancelled` and `TimedOut`.
pub(crate) async fn stop(request: &Request, profile: &str) -> Result<Outcome, Error> {
    let engine = connect(request).await?;
    let cluster = look(&engine, profile).await?;
    if !runs(&cluster) {
        return Ok(Outcome::new(Change::None));
    }
    stop_running(request, &engine, &cluster).await?;
    Ok(Outcome::new(Change::Stopped))
}

/// Stops a cluster and starts it again; starts or makes one that does not run.
///
/// # Errors
/// As [`stop`] and [`start::start`]; nothing is stopped that could not be started.
pub(crate) async fn restart(
    request: &Request,
    profile: &str,
    config: &Value,
) -> Result<Outcome, Error> {
    check_profile(profile)?;
    let requested = KindConfig::read(config)?;
    let engine = connect(request).await?;
    Kind::find()?.check_version(request).await?;
    let cluster = look(&engine, profile).await?;
    if !runs(&cluster) || cluster.is_unfinished() {
        return start::start(request, profile, config).await;
    }
    start::check(&cluster, &requested)?;
    stop_running(request, &engine, &cluster).await?;
    start::start(request, profile, config).await?;
    Ok(Outcome::new(Change::Restarted))
}

/// Removes a cluster and its data.
///
/// # Errors
/// The engine's, `Cancelled` and `TimedOut`.
pub(crate) async fn destroy(request: &Request, profile: &str) -> Result<Outcome, Error> {
    let engine = connect(request).await?;
    request.progress("destroy", format!("removing cluster `{profile}`"));
    let unfinished = look(&engine, profile).await?.is_unfinished();
    let found = if unfinished || kind::was_killed(profile) {
        sweep_up_after(&engine, profile).await?
    } else {
        sweep(&engine, profile).await?
    };
    kind::remove_private_folder(profile);
    Ok(Outcome::new(if found { Change::Destroyed } else { Change::None }))
}

fn runs(cluster: &Cluster) -> bool {
    cluster.containers.iter().any(Container::is_alive)
}

/// What needs the control planes goes before them.
async fn stop_running(request: &Request, engine: &Engine, cluster: &Cluster) -> Result<(), Error> {
    request.progress("stop", format!("stopping cluster `{}`", cluster.name));
    let all = &cluster.containers;
    let paused = all.iter().filter(|container| container.state == NodeState::Paused);
    // The engine cannot stop a paused container.
    try_join_all(paused.map(|container| engine.unpause(&container.id))).await?;
    let stop = |control_planes: bool| {
        let alive = all.iter().filter(|container| container.is_alive());
        let these = alive.filter(move |container| {
            (Role::of(container) == Some(Role::ControlPlane)) == control_planes
        });
        try_join_all(these.map(|container| engine.stop(&container.id, grace(container))))
    };
    stop(false).await?;
    stop(true).await?;
    Ok(())
}

fn grace(container: &Container) -> Duration {
    if Role::of(container) == Some(Role::LoadBalancer) { NO_GRACE } else { GRACE }
}
