//! Removing all there is of a cluster.
//!
//! `minikube delete` does most of it. Of a cluster whose profile is gone it only finds the first
//! node, and what the engine still makes for a minikube that was killed it cannot see.

use std::time::Duration;

use caproni_driver::{Error, ErrorKind, Request};
use caproni_engine::Engine;
use futures_util::future::try_join_all;

use crate::look::{LABEL, containers, volumes};
use crate::minikube::Minikube;

/// How long to wait before looking again for what a killed minikube had asked the engine for.
const SETTLE: Duration = Duration::from_millis(250);

/// How often the engine is looked through at most; each pass removes all that it finds.
const PASSES: usize = 20;

/// Removes a cluster and all that is left of it. With an `engine` its containers, volumes and
/// network go too, and nothing must be found there `clean` times in a row.
///
/// # Errors
/// minikube's and the engine's; `BackendFailed` when something comes back again and again.
pub(crate) async fn sweep(
    request: &Request,
    minikube: &Minikube,
    name: &str,
    engine: Option<&Engine>,
    clean: usize,
) -> Result<(), Error> {
    let kept = minikube.home().profile(name).and_then(Result::ok);
    if let Some(engine) = engine {
        // minikube logs in to each node first, which hangs where one is paused or frozen.
        remove_containers(engine, minikube, name).await?;
    }
    let deleted = minikube.delete(request, name).await;
    // A virtual machine is for minikube alone to remove; containers go all the same.
    if engine.is_none() || kept.is_some_and(|profile| !profile.is_on_docker()) {
        deleted?;
    }
    if let Some(engine) = engine {
        passes(engine, minikube, name, clean).await?;
    }
    minikube.home().remove(name);
    Ok(())
}

async fn passes(
    engine: &Engine,
    minikube: &Minikube,
    name: &str,
    clean_passes: usize,
) -> Result<(), Error> {
    let mut clean = 0;
    for number in 1..=PASSES {
        let found = pass(engine, minikube, name).await?;
        clean = if found { 0 } else { clean + 1 };
        if clean == clean_passes {
            return Ok(());
        }
        if clean > 0 || number > 2 {
            tokio::time::sleep(SETTLE).await;
        }
    }
    let message = format!("parts of cluster `{name}` are still there after {PASSES} attempts");
    Err(Error::new(ErrorKind::BackendFailed, message)
        .with_hint("run `docker ps -a`, `docker volume ls` and `docker network ls` to see them"))
}

/// Removes what there is now; tells whether there was anything.
async fn pass(engine: &Engine, minikube: &Minikube, name: &str) -> Result<bool, Error> {
    let home = minikube.home();
    let containers = remove_containers(engine, minikube, name).await?;
    let volumes = volumes(engine, home, name).await?;
    try_join_all(volumes.iter().map(|volume| engine.remove_volume(volume))).await?;
    let networks = engine.networks(LABEL, &[name.to_owned()]).await?;
    let ids = networks.iter().map(|network| network.id.as_str());
    let removed = try_join_all(ids.map(|id| engine.remove_network(id))).await?;
    Ok(containers || !volumes.is_empty() || removed.contains(&true))
}

/// Removes the nodes; tells whether there was any.
async fn remove_containers(
    engine: &Engine,
    minikube: &Minikube,
    name: &str,
) -> Result<bool, Error> {
    let containers = containers(engine, minikube.home(), name).await?;
    try_join_all(containers.iter().map(|container| engine.remove(&container.id))).await?;
    Ok(!containers.is_empty())
}
