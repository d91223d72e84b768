//! What a status takes besides the cluster, and what a failed request ends with.

use std::time::Duration;

use caproni_driver::{Error, ErrorKind, Request, Status, lock};
use caproni_engine::Endpoint;
use serde_json::Value;

use crate::NAME;
use crate::cluster::Cluster;
use crate::config::{MinikubeConfig, check_profile};
use crate::look::look;
use crate::minikube::Minikube;
use crate::status::{self, Around};

/// How long finding out what is left of a failed request may take.
const LOOK: Duration = Duration::from_secs(5);

/// Tells a cluster's status as it is now, with who works on it.
///
/// # Errors
/// minikube's, and the engine's where the nodes are its containers.
pub(crate) async fn status(
    request: &Request,
    profile: &str,
    config: Option<&Value>,
) -> Result<Status, Error> {
    caproni_driver::check_profile(profile)?;
    // A config that is wrong must not keep anybody from seeing the cluster.
    let config = config.filter(|config| !config.is_null());
    let asked = config.and_then(|config| MinikubeConfig::trust(config).ok());
    if check_profile(profile).is_err() {
        return Ok(absent(profile));
    }
    let wants_docker = asked.as_ref().is_some_and(MinikubeConfig::wants_docker);
    let cluster = look(request, &Minikube::find()?, profile, wants_docker).await?;
    let asked = asked.or_else(|| cluster.asked());
    Ok(status_of(&cluster, asked.as_ref()))
}

/// The status of a cluster that cannot exist.
fn absent(profile: &str) -> Status {
    status::of(&Cluster { name: profile.into(), ..Cluster::default() }, &Around::default())
}

/// Tells a cluster's status, compared with what is asked for.
pub(crate) fn status_of(cluster: &Cluster, asked: Option<&MinikubeConfig>) -> Status {
    let holder = lock::holder(&lock::state_dir(), NAME, &cluster.name);
    let starter =
        holder.as_deref().filter(|who| who.starts_with("start ") || who.starts_with("restart "));
    let endpoint = Endpoint::of_environment().ok();
    let engine_host = endpoint.as_ref().and_then(Endpoint::host);
    status::of(cluster, &Around { starter, engine_host, asked })
}

/// Adds to a failure of a change in which state it leaves the cluster, unless that is
/// known already or the cluster was not touched.
pub(crate) async fn with_state_left<T>(
    request: &Request,
    profile: &str,
    result: Result<T, Error>,
) -> Result<T, Error> {
    let Err(error) = result else { return result };
    let touched = [
        ErrorKind::Cancelled,
        ErrorKind::TimedOut,
        ErrorKind::ClusterNotReady,
        ErrorKind::BackendFailed,
        ErrorKind::ResourceConflict,
    ];
    if error.data.state.is_some() || !touched.contains(error.kind()) {
        return Err(error);
    }
    let cleanup = request.for_cleanup(LOOK);
    let cluster = async { look(&cleanup, &Minikube::find()?, profile, false).await };
    match cluster.await {
        Ok(cluster) => Err(error.with_state(status::of(&cluster, &Around::default()).state)),
        Err(_) => Err(error),
    }
}
