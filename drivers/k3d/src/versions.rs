//! The versions of k3d and of the Docker engine.

use caproni_driver::{Request, Versions};
use caproni_engine::Engine;

use crate::k3d::K3D;

/// Asks both at once; one that is missing or does not answer has no version.
pub(crate) async fn versions(request: &Request) -> Versions {
    let (k3d, docker) = tokio::join!(K3D.program(request), Engine::program(request));
    Versions::new(vec![k3d, docker])
}
