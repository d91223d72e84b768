//! The versions of minikube and of the Docker engine.

use caproni_driver::{Request, Versions};
use caproni_engine::Engine;

use crate::minikube::MINIKUBE;

/// Asks both at once; one that is missing or does not answer has no version.
pub(crate) async fn versions(request: &Request) -> Versions {
    let (minikube, docker) = tokio::join!(MINIKUBE.program(request), Engine::program(request));
    Versions::new(vec![minikube, docker])
}
