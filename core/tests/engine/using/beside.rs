//! A container beside the nodes, on the same engine, in which `caproni` runs.

use std::path::Path;
use std::process::Command;

use crate::support::{Place, Run, driver_path};

/// Asks the cluster's API for its nodes from a container in this network, the engine's own default one
/// without it, by the kubeconfig that `caproni` prints there.
///
/// The container has this machine's programs and libraries, so that what was built here runs there.
pub(super) fn reaches_the_api(place: &Place, network: Option<&str>, node: &str) -> Run {
    let socket = std::env::var("DOCKER_HOST").expect("the suite has an engine");
    let socket = socket.strip_prefix("unix://").expect("on this machine").to_owned();
    let caproni = Path::new(env!("CARGO_BIN_EXE_caproni"));
    let built = caproni.parent().expect("in a folder").display().to_string();
    let drivers = driver_path();
    let first = std::env::split_paths(&drivers).next().expect("that of the drivers");
    let script = format!(
        "{kubectl} --kubeconfig <(/built/caproni --driver {driver} --profile {profile} kubeconfig) \
         get nodes -o name | grep node/{node}",
        kubectl = super::kubectl_program().display(),
        driver = place.driver(),
        profile = place.profile,
    );
    let mut run = Command::new("docker");
    run.args(["run", "--rm", "--network", network.unwrap_or("bridge")]);
    for (from, to) in [
        (built.as_str(), "/built"),
        (&first.display().to_string(), "/drivers"),
        ("/usr", "/usr"),
        ("/lib", "/lib"),
        ("/lib64", "/lib64"),
    ] {
        run.args(["--volume", &format!("{from}:{to}:ro")]);
    }
    run.args(["--volume", &format!("{socket}:/var/run/docker.sock")]);
    for variable in ["HOME=/tmp", "CAPRONI_STATE_DIR=/tmp/state", "CAPRONI_DRIVER_PATH=/drivers"] {
        run.args(["--env", variable]);
    }
    run.args(["--entrypoint", "/usr/bin/bash", &place.image(), "-o", "pipefail", "-c", &script]);
    Run::of(&run.output().expect("docker runs"))
}
