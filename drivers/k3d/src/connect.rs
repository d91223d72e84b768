//! What every request begins with, and what a failed one ends with.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use caproni_driver::{Cluster as Listed, Error, ErrorKind, Request, Status, lock};
use caproni_engine::{Engine, Vantage};
use futures_util::future::try_join;

use crate::cluster::Cluster;
use crate::k3d::K3D;
use crate::kubeconfig;
use crate::look::{label, look, look_at};
use crate::status::{self, Around};

/// How long finding out what is left of a failed request may take.
const LOOK: Duration = Duration::from_secs(3);

/// Connects to the engine.
///
/// # Errors
/// As [`Engine::connect_for`].
pub(crate) async fn connect(request: &Request) -> Result<Engine, Error> {
    Engine::connect_for(request, &K3D).await
}

/// Connects to the engine and looks at a cluster, with as few questions as that takes, and finds out
/// where this process is.
///
/// # Errors
/// As [`Engine::connect_for`].
pub(crate) async fn connect_and_look(
    request: &Request,
    profile: &str,
) -> Result<(Cluster, Vantage), Error> {
    let (engine, listed) = Engine::connect_and_list(request, &K3D, &label(profile)).await?;
    try_join(look_at(&engine, profile, &listed), engine.vantage()).await
}

/// Tells a cluster's status as it is now, with who works on it.
pub(crate) fn status_of(cluster: &Cluster, vantage: &Vantage) -> Status {
    let starter = starter(&cluster.name);
    let around =
        Around { starter: starter.as_deref(), host: Some(vantage.host()), now: unix_time() };
    let mut status = status::of(cluster, &around);
    status.identity = kubeconfig::identity(cluster, vantage);
    status
}

/// Tells a cluster as one of many, as it is now; `None` where nothing is left of it.
pub(crate) fn glance_of(cluster: &Cluster) -> Option<Listed> {
    status::glance(cluster, unix_time(), || starter(&cluster.name).is_some())
}

/// Who starts a cluster at this moment.
fn starter(profile: &str) -> Option<String> {
    let holder = lock::holder(&lock::state_dir(), "k3d", profile);
    holder.filter(|who| who.starts_with("start ") || who.starts_with("restart "))
}

fn unix_time() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "the engine too says when a container began")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
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
    let cluster = async { look(&Engine::connect(&cleanup).await?, profile).await };
    match cluster.await {
        Ok(cluster) => Err(error.with_state(status::of(&cluster, &Around::default()).state)),
        Err(_) => Err(error),
    }
}
