//! Removing all there is of a cluster, straight through the engine.
//!
//! `kind delete cluster` is not used: it edits the user's kubeconfig, and it cannot see what a
//! killed creation is still about to make. The network `kind` is every cluster's, and stays.

use std::time::Duration;

use caproni_driver::{Error, ErrorKind};
use caproni_engine::Engine;
use futures_util::future::try_join_all;

use crate::look::label;

/// How long to wait before looking again for what a killed kind had asked the engine for.
const SETTLE: Duration = Duration::from_millis(250);

/// How often the engine is looked through at most; each pass removes all that it finds.
const PASSES: usize = 20;

/// Removes all there is of a cluster that nobody works on; tells whether there was anything.
///
/// # Errors
/// As the engine's, and `BackendFailed` when something comes back again and again.
pub(crate) async fn sweep(engine: &Engine, cluster: &str) -> Result<bool, Error> {
    passes(engine, cluster, 1).await
}

/// Removes all there is of a cluster whose creation was just ended: the engine may still
/// be at work for the kind that is gone, so nothing must be found three times in a row.
///
/// # Errors
/// As [`sweep`].
pub(crate) async fn sweep_up_after(engine: &Engine, cluster: &str) -> Result<bool, Error> {
    passes(engine, cluster, 3).await
}

async fn passes(engine: &Engine, cluster: &str, clean_passes: usize) -> Result<bool, Error> {
    let (mut found, mut clean) = (false, 0);
    for number in 1..=PASSES {
        let listed = engine.list(&[&label(cluster)]).await?;
        try_join_all(listed.iter().map(|container| engine.remove(&container.id))).await?;
        found |= !listed.is_empty();
        clean = if listed.is_empty() { clean + 1 } else { 0 };
        if clean == clean_passes {
            return Ok(found);
        }
        // What comes back is no faster gone for being asked for at once.
        if clean > 0 || number > 2 {
            tokio::time::sleep(SETTLE).await;
        }
    }
    let message = format!("parts of cluster `{cluster}` are still there after {PASSES} attempts");
    Err(Error::new(ErrorKind::BackendFailed, message).with_hint("run `docker ps -a` to see them"))
}
