//! The versions of k3d and of the Docker engine.

use std::time::Duration;

use caproni_driver::{Program, Request, Versions};

use crate::endpoint::Endpoint;
use crate::engine::Engine;
use crate::k3d::K3d;

/// How long each may take to answer.
const LIMIT: Duration = Duration::from_secs(5);

/// Asks both at once; one that is missing or does not answer has no version.
pub(crate) async fn versions(request: &Request) -> Versions {
    let (k3d, docker) = tokio::join!(k3d(request), docker(request));
    Versions::new(vec![k3d, docker])
}

async fn k3d(request: &Request) -> Program {
    let program = Program::new("k3d");
    let Ok(k3d) = K3d::find() else { return program };
    let program = program.with_location(k3d.path.display().to_string());
    match k3d.version(request).await {
        Ok(version) => program.with_version(version),
        Err(_) => program,
    }
}

async fn docker(request: &Request) -> Program {
    let program = Program::new("docker");
    let Ok(endpoint) = Endpoint::of_environment() else { return program };
    let program = program.with_location(endpoint.to_string());
    let version = async { Engine::connect(request).await.ok()?.version().await.ok()? };
    match tokio::time::timeout(LIMIT, version).await {
        Ok(Some(version)) => program.with_version(version),
        _ => program,
    }
}
