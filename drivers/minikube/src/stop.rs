//! `stop`, `restart` and `destroy`.

use std::time::Duration;

use caproni_driver::{Change, Error, ErrorKind, NodeState, Outcome, Request};
use caproni_engine::Engine;
use futures_util::future::try_join_all;
use serde_json::Value;

use crate::cluster::Cluster;
use crate::config::{MinikubeConfig, check_profile};
use crate::look::{containers, look};
use crate::minikube::Minikube;
use crate::start;
use crate::sweep::sweep;

/// How long a container may take to end by itself when minikube could not stop it.
const GRACE: Duration = Duration::from_secs(10);

/// Stops a cluster and keeps its data.
///
/// # Errors
/// minikube's and the engine's, `Cancelled` and `TimedOut`.
pub(crate) async fn stop(request: &Request, profile: &str) -> Result<Outcome, Error> {
    caproni_driver::check_profile(profile)?;
    if check_profile(profile).is_err() {
        return Ok(Outcome::new(Change::None));
    }
    let minikube = Minikube::find()?;
    let cluster = look(request, &minikube, profile, false).await?;
    if !cluster.runs() {
        return Ok(Outcome::new(Change::None));
    }
    stop_running(request, &minikube, &cluster).await?;
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
    let asked = MinikubeConfig::read(config)?;
    let minikube = Minikube::find()?;
    minikube.check_version(request).await?;
    let cluster = look(request, &minikube, profile, asked.wants_docker()).await?;
    let (true, false, Some(kept)) = (cluster.runs(), cluster.is_half(), &cluster.profile) else {
        return start::start(request, profile, config).await;
    };
    start::check(&cluster, kept, &asked)?;
    stop_running(request, &minikube, &cluster).await?;
    start::start(request, profile, config).await?;
    Ok(Outcome::new(Change::Restarted))
}

/// Removes a cluster and all that minikube made for it.
///
/// # Errors
/// minikube's and the engine's, `Cancelled` and `TimedOut`.
pub(crate) async fn destroy(request: &Request, profile: &str) -> Result<Outcome, Error> {
    caproni_driver::check_profile(profile)?;
    if check_profile(profile).is_err() {
        return Ok(Outcome::new(Change::None));
    }
    let minikube = Minikube::find()?;
    let cluster = look_to_remove(request, &minikube, profile).await?;
    if cluster.is_absent() {
        return Ok(Outcome::new(Change::None));
    }
    request.progress("destroy", format!("removing cluster `{profile}`"));
    let on_docker = cluster.profile.as_ref().is_some_and(|profile| profile.is_on_docker());
    let engine = match Engine::connect(request).await {
        Ok(engine) => Some(engine),
        // minikube would forget the cluster, and leave its containers.
        Err(error) if on_docker => return Err(error),
        Err(_) => None,
    };
    let clean = if cluster.is_half() { 3 } else { 1 };
    sweep(request, &minikube, profile, engine.as_ref(), clean).await?;
    Ok(Outcome::new(Change::Destroyed))
}

/// Looks at a cluster that is to go: one that minikube cannot tell anything of may go as well.
async fn look_to_remove(
    request: &Request,
    minikube: &Minikube,
    name: &str,
) -> Result<Cluster, Error> {
    match look(request, minikube, name, false).await {
        Err(error) if error.kind() == &ErrorKind::BackendFailed => {
            let profile = minikube.home().profile(name).and_then(Result::ok);
            let left = Some("cannot be looked at".into());
            Ok(Cluster { name: name.into(), profile, left, ..Cluster::default() })
        }
        looked => looked,
    }
}

async fn stop_running(
    request: &Request,
    minikube: &Minikube,
    cluster: &Cluster,
) -> Result<(), Error> {
    request.progress("stop", format!("stopping cluster `{}`", cluster.name));
    let containers = cluster.containers.iter().flatten();
    let paused: Vec<_> =
        containers.filter(|container| container.state == NodeState::Paused).collect();
    if !paused.is_empty() {
        // minikube runs a command in each container to stop it.
        let engine = Engine::connect(request).await?;
        try_join_all(paused.iter().map(|container| engine.unpause(&container.id))).await?;
    }
    stop_nodes(request, minikube, cluster).await
}

/// Has minikube stop the nodes, and the engine those containers that minikube could not stop.
///
/// # Errors
/// minikube's and the engine's.
pub(crate) async fn stop_nodes(
    request: &Request,
    minikube: &Minikube,
    cluster: &Cluster,
) -> Result<(), Error> {
    let stopped = minikube.stop(request, &cluster.name).await;
    let on_docker = cluster.profile.as_ref().is_none_or(|profile| profile.is_on_docker());
    if !on_docker || request.is_cancelled() {
        return stopped;
    }
    let engine = Engine::connect(request).await?;
    let mut running = containers(&engine, minikube.home(), &cluster.name).await?;
    running.retain(caproni_engine::Container::is_alive);
    try_join_all(running.iter().map(|container| engine.stop(&container.id, GRACE))).await?;
    Ok(())
}
