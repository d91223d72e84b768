//! More clusters: listed, and one among them.

use crate::engine::Engine;
use crate::growth::curve::curve;
use crate::programs::Programs;
use crate::sandbox::Sandbox;
use crate::time::{output, to_end};

pub(crate) fn measure(programs: &Programs, runs: usize) {
    let sandbox = Sandbox::new(programs, &[("mock", "caproni-driver-mock")]);
    output(sandbox.caproni("--driver mock --profile c0 start"));
    let one = std::fs::read_to_string(sandbox.path("state/mock/c0.json")).expect("the cluster");
    curve("clusters: `list` with the mock driver", runs, |size| {
        (0..size).for_each(|n| sandbox.write(&format!("state/mock/c{n}.json"), &one));
        || to_end(sandbox.caproni("list"), &[0])
    });
    recorded(programs, runs);
}

fn recorded(programs: &Programs, runs: usize) {
    let drivers = [("k3d", "caproni-driver-k3d"), ("kind", "caproni-driver-kind")];
    let sandbox = Sandbox::new(programs, &drivers);
    let engine = Engine::serve(&sandbox.path("docker.sock"));
    let run = |words: &str| {
        let mut command = sandbox.caproni(words);
        command.env("DOCKER_HOST", engine.host());
        to_end(command, &[0])
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
        curve(&format!("clusters: `list` with {driver}, recorded"), runs, |size| {
            hold(size);
            || run(&format!("--driver {driver} list"))
        });
        curve(&format!("clusters: `status` of one with {driver}, recorded"), runs, |size| {
            hold(size);
            engine.tell_nodes_of("c0");
            || run(&format!("--driver {driver} --profile c0 status"))
        });
    }
}
