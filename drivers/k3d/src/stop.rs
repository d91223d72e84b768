//! `stop`, `restart` and `destroy`.
//!
//! Stopping goes straight to the engine rather than through `k3d cluster stop`, which does
//! nothing else, but one node after the other, and fails at a paused one.

use std::time::Duration;

use caproni_driver::{Change, Error, NodeState, Outcome, Request};
use caproni_engine::{Container, Engine};
use futures_util::future::{try_join, try_join_all};
use serde_json::Value;

use crate::cluster::Cluster;
use crate::config::{K3dConfig, check_profile};
use crate::connect::connect;
use crate::k3d::{self, K3d};
use crate::look::look;
use crate::role::Role;
use crate::start;
use crate::sweep::{sweep, sweep_up_after};

/// How long a node may take to end by itself: the engine's own default.
const GRACE: Duration = Duration::from_secs(10);

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
    let engine = connect(request).await?;
    K3d::find()?.check_version(request).await?;
    let cluster = look(&engine, profile).await?;
    if !runs(&cluster) || cluster.is_unfinished() {
        return start::start(request, profile, config).await;
    }
    start::check(&cluster, &K3dConfig::read(config)?)?;
    stop_running(request, &engine, &cluster).await?;
    start::start(request, profile, config).await?;
    Ok(Outcome::new(Change::Restarted))
}

/// Removes a cluster and all that k3d made for it.
///
/// # Errors
/// The engine's, `Cancelled` and `TimedOut`.
pub(crate) async fn destroy(request: &Request, profile: &str) -> Result<Outcome, Error> {
    let engine = connect(request).await?;
    request.progress("destroy", format!("removing cluster `{profile}`"));
    let unfinished = look(&engine, profile).await?.is_unfinished();
    let swept = if unfinished || k3d::was_killed(profile) {
        sweep_up_after(&engine, profile, None).await?
    } else {
        sweep(&engine, profile).await?
    };
    k3d::remove_private_folder(profile);
    let outcome = Outcome::new(if swept.found { Change::Destroyed } else { Change::None });
    Ok(match swept.kept.as_slice() {
        [] => outcome,
        kept => outcome.with_message(format!(
            "left the network `{}`, because other containers are in it",
            kept.join("`, `")
        )),
    })
}

fn runs(cluster: &Cluster) -> bool {
    cluster.nodes().into_iter().any(Container::is_alive)
}

async fn stop_running(request: &Request, engine: &Engine, cluster: &Cluster) -> Result<(), Error> {
    request.progress("stop", format!("stopping cluster `{}`", cluster.name));
    stop_in_order(engine, cluster).await
}

/// What needs the servers goes before them; k3d's helpers are only in the way.
async fn stop_in_order(engine: &Engine, cluster: &Cluster) -> Result<(), Error> {
    let all = &cluster.containers;
    let paused = all.iter().filter(|container| container.state == NodeState::Paused);
    // The engine cannot stop a paused container.
    try_join_all(paused.map(|container| engine.unpause(&container.id))).await?;
    let stop = |roles: &'static [Role]| {
        let of_roles = all.iter().filter(move |c| roles.contains(&Role::of(c)) && c.is_alive());
        try_join_all(of_roles.map(|container| engine.stop(&container.id, GRACE)))
    };
    let helpers = all.iter().filter(|container| Role::of(container) == Role::Tool);
    let helpers = try_join_all(helpers.map(|container| engine.remove(&container.id)));
    try_join(stop(&[Role::Agent, Role::LoadBalancer]), helpers).await?;
    stop(&[Role::Server]).await?;
    stop(&[Role::Registry]).await?;
    Ok(())
}
