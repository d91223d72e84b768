//! The load balancer before several control planes, which forgets what kind told it.
//!
//! kind starts it with a command that writes two empty files, and replaces them when the
//! nodes are there. That command runs at every start of the container, so that since kind
//! 0.32 a load balancer that was stopped leads nowhere. Here it is told again. Before it
//! was a haproxy, whose config stays.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use caproni_driver::{Error, Request};
use caproni_engine::Engine;

use crate::cluster::Cluster;

/// What envoy is told by, the clusters before the listeners that name them.
const FILES: [&str; 2] = ["/home/envoy/cds.yaml", "/home/envoy/lds.yaml"];

/// How long its command may take to forget; one of an older kind never does.
const FORGETTING: Duration = Duration::from_secs(5);

/// How often it is looked whether it has.
const POLL: Duration = Duration::from_millis(50);

/// Reads what the load balancer is told by; nothing where there is none, or one of an older
/// kind, which keeps its config.
///
/// # Errors
/// As [`Engine::connect`].
pub(crate) async fn read(
    engine: &Engine,
    cluster: &Cluster,
) -> Result<BTreeMap<String, String>, Error> {
    let mut files = BTreeMap::new();
    let Some(node) = cluster.load_balancer() else { return Ok(files) };
    for path in FILES {
        if let Some(text) = engine.read(&node.id, path).await? {
            files.insert(path.to_owned(), text);
        }
    }
    Ok(files)
}

/// Tells a load balancer again what it has forgotten. One that was just started is given the
/// time to forget: what it was told before that would be lost.
///
/// # Errors
/// As [`Engine::connect`]; `Cancelled` and `TimedOut`.
pub(crate) async fn remind(
    request: &Request,
    engine: &Engine,
    cluster: &Cluster,
    told: &BTreeMap<String, String>,
    just_started: bool,
) -> Result<(), Error> {
    let Some(node) = cluster.load_balancer().filter(|_| !told.is_empty()) else { return Ok(()) };
    let begun = Instant::now();
    loop {
        let has = read(engine, cluster).await?;
        if told.iter().all(|(path, text)| has.get(path) != Some(text)) {
            break;
        }
        if !just_started || begun.elapsed() > FORGETTING {
            return Ok(());
        }
        request.or_ended(tokio::time::sleep(POLL)).await?;
    }
    request.progress("start", "telling the load balancer again where the control planes are");
    for path in FILES {
        let Some(text) = told.get(path) else { continue };
        let new = format!("{path}.new");
        engine.write(&node.id, &new, text.as_bytes()).await?;
        // Envoy looks at a file again when it is moved there, not when it is written to.
        let command = format!("chmod 666 {new} && mv {new} {path}");
        engine.exec(&node.id, &["sh", "-c", &command]).await?;
    }
    Ok(())
}
