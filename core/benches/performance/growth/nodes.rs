//! More nodes of one cluster.

use crate::engine::Engine;
use crate::growth::curve::{Cost, curve};
use crate::programs::Programs;
use crate::sandbox::Sandbox;

pub(crate) fn measure(programs: &Programs, cost: Cost) {
    let sandbox = Sandbox::new(programs, &[("k3d", "caproni-driver-k3d")]);
    let engine = Engine::serve(&sandbox.path("docker.sock"));
    curve("nodes: `status` with k3d, recorded", cost, |size| {
        engine.hold(|containers| {
            containers.clear();
            containers.add_k3d("c0", size - 1);
        });
        || {
            let mut command = sandbox.caproni("--driver k3d --profile c0 status");
            command.env("DOCKER_HOST", engine.host());
            command
        }
    });
}
