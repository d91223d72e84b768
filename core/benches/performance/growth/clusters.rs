//! More clusters: listed, and one among them.

use crate::engine::Engine;
use crate::growth::curve::{Cost, curve};
use crate::programs::Programs;
use crate::sandbox::Sandbox;

pub(crate) fn measure(programs: &Programs, cost: Cost) {
    let sandbox = Sandbox::new(programs, &[("mock", "caproni-driver-mock")]);
    curve("clusters: `list` with the mock driver", cost, |size| {
        sandbox.hold_mock_clusters(size);
        || sandbox.caproni("list")
    });
    recorded(programs, cost);
}

fn recorded(programs: &Programs, cost: Cost) {
    let drivers = [("k3d", "caproni-driver-k3d"), ("kind", "caproni-driver-kind")];
    let sandbox = Sandbox::new(programs, &drivers);
    let engine = Engine::serve(&sandbox.path("docker.sock"));
    let run = |words: &str| {
        let mut command = sandbox.caproni(words);
        command.env("DOCKER_HOST", engine.host());
        command
    };
    for driver in ["k3d", "kind"] {
        let hold = |size: usize| {
            engine.hold(|containers| {
                containers.clear();
                for number in 0..size {
                    match driver {
                        "k3d" => containers.add_k3d(&format!("c{number}"), 0),
                        _ => containers.add_kind(&format!("c{number}")),
                    }
                }
            });
        };
        curve(&format!("clusters: `list` with {driver}, recorded"), cost, |size| {
            hold(size);
            || run(&format!("--driver {driver} list"))
        });
        curve(&format!("clusters: `status` of one with {driver}, recorded"), cost, |size| {
            hold(size);
            engine.tell_nodes_of("c0");
            || run(&format!("--driver {driver} --profile c0 status"))
        });
    }
}
