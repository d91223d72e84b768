//! What every request begins with, and what a failed one ends with.

use std::time::Duration;

use caproni_driver::{Cluster as Listed, Error, ErrorKind, Request, Status, lock};
use caproni_engine::{Engine, Vantage};
use futures_util::future::try_join;
use serde_json::Value;

use crate::NAME;
use crate::cluster::Cluster;
use crate::compare;
use crate::config::KindConfig;
use crate::kind::KIND;
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
    Engine::connect_for(request, &KIND).await
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
    let (engine, listed) = Engine::connect_and_list(request, &KIND, &label(profile)).await?;
    try_join(look_at(&engine, profile, &listed), engine.vantage()).await
}

/// Tells a cluster's status as it is now, with who works on it. A config that is asked for
/// decides how what means the same is spelled.
pub(crate) fn status_of(cluster: &Cluster, vantage: &Vantage, asked: Option<&Value>) -> Status {
    let starter = starter(&cluster.name);
    let around = Around { starter: starter.as_deref(), host: Some(vantage.host()) };
    let mut status = status::of(cluster, &around);
    status.identity = kubeconfig::identity(cluster, vantage);
    let requested = asked.and_then(|asked| Some((asked, KindConfig::read(asked).ok()?)));
    if let (Some(_), Some((asked, requested))) = (&status.config, requested) {
        status.config = Some(compare::as_asked(cluster, &requested, asked));
    }
    status
}

/// Tells a cluster as one of many, as it is now.
pub(crate) fn glance_of(cluster: &Cluster) -> Listed {
    status::glance(cluster, || starter(&cluster.name).is_some())
}

/// Who starts a cluster at this moment.
fn starter(profile: &str) -> Option<String> {
    let holder = lock::holder(&lock::state_dir(), NAME, profile);
    holder.filter(|who| who.starts_with("start ") || who.starts_with("restart "))
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
