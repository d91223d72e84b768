//! Stopped clusters of minikube: what its program keeps of each, and a container.
//!
//! They are recordings of a real one with other names, which the real program lists: it asks the
//! engine for each of them by docker's own program.

use std::ffi::OsString;

use crate::engine::Engine;
use crate::sandbox::Sandbox;

/// What minikube keeps of a cluster, and of the machine that is its node.
const PROFILE: &str =
    include_str!("../../../../../drivers/minikube/tests/recorded/v1.38/profile-config.json");
const MACHINE: &str =
    include_str!("../../../../../drivers/minikube/tests/recorded/v1.38/machine-config.json");

/// The cluster's name and the home in them.
const RECORDED: &str = "demo";
const HOME: &str = "/home/you";

/// A PATH with minikube and what it runs.
///
/// # Errors
/// The name of a program that is not installed.
pub(super) fn path() -> Result<OsString, &'static str> {
    let mut folders = Vec::new();
    for program in ["minikube", "docker"] {
        let file = which::which(program).map_err(|_| program)?;
        folders.push(file.parent().expect("it is in a folder").to_owned());
    }
    let usual = ["/usr/bin", "/bin"].map(Into::into);
    Ok(std::env::join_paths(folders.into_iter().chain(usual)).expect("paths of PATH"))
}

/// Adds so many clusters.
pub(super) fn add(sandbox: &Sandbox, engine: &Engine, clusters: usize) {
    let home = sandbox.path("home").display().to_string();
    for cluster in (0..clusters).map(|number| format!("m{number}")) {
        for (folder, text) in [("profiles", PROFILE), ("machines", MACHINE)] {
            let text = text.replace(RECORDED, &cluster).replace(HOME, &home);
            sandbox.write(&format!("home/.minikube/{folder}/{cluster}/config.json"), &text);
        }
        engine.hold(|containers| containers.add_minikube(&cluster));
    }
}
