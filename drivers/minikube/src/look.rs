//! Looking at all there is of a cluster; changes nothing.

use caproni_driver::{Error, Request};
use caproni_engine::{Container, Engine};
use futures_util::future::try_join_all;

use crate::cluster::{Answer, Cluster};
use crate::home::Home;
use crate::minikube::{Minikube, Told};
use crate::profile::{Profile, is_machine_of};

/// The label on everything that minikube makes in the engine.
pub(crate) const LABEL: &str = "created_by.minikube.sigs.k8s.io=true";

/// Looks at a cluster. `wants_docker` tells that its nodes are to be containers, so that an
/// engine that does not answer is a failure even when minikube knows no such cluster.
///
/// # Errors
/// minikube's, and the engine's where the nodes are its containers.
pub(crate) async fn look(
    request: &Request,
    minikube: &Minikube,
    name: &str,
    wants_docker: bool,
) -> Result<Cluster, Error> {
    let home = minikube.home();
    let told = match home.profile(name) {
        // minikube ends with a failure at a file that it cannot read.
        Some(Err(_)) => None,
        _ => Some(minikube.status(request, name).await?),
    };
    let (note, unreadable) = match home.note(name) {
        Ok(note) => (note, None),
        Err(error) => (None, Some(error)),
    };
    let mut cluster = Cluster { name: name.into(), note, unreadable, ..Cluster::default() };
    match (home.profile(name), told) {
        (Some(Ok(profile)), Some(told)) => {
            at_profile(request, home, &mut cluster, profile, told).await?;
        }
        (Some(Err(why)), _) => {
            cluster.left = Some(format!("has a damaged profile: {why}"));
            cluster.containers = leftovers(request, home, name, wants_docker).await?;
        }
        // It may be gone since it was asked for.
        _ => without_profile(request, home, &mut cluster, wants_docker).await?,
    }
    Ok(cluster)
}

async fn at_profile(
    request: &Request,
    home: &Home,
    cluster: &mut Cluster,
    profile: Profile,
    told: Told,
) -> Result<(), Error> {
    if profile.is_on_docker() {
        // minikube says the same of an engine that is silent and of containers that are gone.
        let engine = Engine::connect(request).await?;
        cluster.containers = Some(containers(&engine, home, &cluster.name).await?);
    }
    match told.answer {
        Answer::Nodes(nodes) => cluster.nodes = nodes,
        Answer::Unknown
            if !profile.is_on_docker() && cluster.note.as_ref().is_none_or(|n| n.finished) =>
        {
            return Err(told.failure());
        }
        Answer::Unknown | Answer::Missing => {}
    }
    cluster.profile = Some(profile);
    Ok(())
}

async fn without_profile(
    request: &Request,
    home: &Home,
    cluster: &mut Cluster,
    wants_docker: bool,
) -> Result<(), Error> {
    let name = cluster.name.clone();
    cluster.containers = leftovers(request, home, &name, wants_docker).await?;
    let containers = cluster.containers.iter().flatten().next().is_some();
    let volumes = match (containers, Engine::connect(request).await) {
        (false, Ok(engine)) => !volumes(&engine, home, &name).await?.is_empty(),
        _ => false,
    };
    if containers || volumes || !home.machines(&name).is_empty() {
        cluster.left = Some("was not finished, or its profile was removed by hand".into());
    }
    Ok(())
}

/// What the engine has of a cluster that minikube does not know; nothing when the engine is
/// not there and nobody says that it should be.
async fn leftovers(
    request: &Request,
    home: &Home,
    name: &str,
    wants_docker: bool,
) -> Result<Option<Vec<Container>>, Error> {
    match Engine::connect(request).await {
        Ok(engine) => containers(&engine, home, name).await.map(Some),
        Err(error) if wants_docker || request.is_cancelled() => Err(error),
        Err(_) => Ok(None),
    }
}

/// The containers that are a cluster's nodes.
///
/// # Errors
/// The engine's.
pub(crate) async fn containers(
    engine: &Engine,
    home: &Home,
    name: &str,
) -> Result<Vec<Container>, Error> {
    let mut listed = engine.list(&[LABEL]).await?;
    listed.retain(|container| is_of(home, name, container.name()));
    let containers = listed.iter().map(|container| engine.container(container));
    Ok(try_join_all(containers).await?.into_iter().flatten().collect())
}

/// The volumes of a cluster's nodes.
///
/// # Errors
/// The engine's.
pub(crate) async fn volumes(
    engine: &Engine,
    home: &Home,
    name: &str,
) -> Result<Vec<String>, Error> {
    let mut names = engine.volumes(LABEL).await?;
    names.retain(|volume| is_of(home, name, volume));
    Ok(names)
}

/// Tells whether a thing of the engine is one of this cluster's, and no cluster of its own
/// that is called like another's node.
fn is_of(home: &Home, cluster: &str, name: &str) -> bool {
    is_machine_of(cluster, name) && (name == cluster || home.profile(name).is_none())
}
