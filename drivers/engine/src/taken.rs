//! Ports of the host that another container has already.

use caproni_driver::{Error, ErrorKind};

use crate::binding::Binding;
use crate::engine::Engine;
use crate::listed::Listed;

/// Refuses ports that a running container of anybody else publishes.
///
/// A backend finds out late: k3d when all nodes are up and it starts the load balancer.
/// `own` is the label of the cluster's own containers, `name=value`.
/// What a process of the host has cannot be known from here: the engine may be elsewhere.
///
/// # Errors
/// `ResourceConflict` with the container that has the port.
pub async fn check(engine: &Engine, own: &str, wanted: &[Binding]) -> Result<(), Error> {
    if wanted.iter().all(|binding| binding.host_port.is_none()) {
        return Ok(());
    }
    for container in engine.running().await?.iter().filter(|c| !is_of(c, own)) {
        let bindings = container.bindings();
        let taken = wanted.iter().find(|wanted| bindings.iter().any(|b| wanted.collides(b)));
        if let Some(port) = taken.and_then(|binding| binding.host_port) {
            return Err(conflict(port, container.name()));
        }
    }
    Ok(())
}

/// Adds to a failure for want of a port which container has that port.
pub async fn with_holder(engine: &Engine, own: &str, mut error: Error) -> Error {
    let port = error.data.resource.as_ref().and_then(|text| text.strip_prefix("port "));
    let Some(port) = port.and_then(|port| port.parse::<u16>().ok()) else { return error };
    let running = engine.running().await.unwrap_or_default();
    let holder = running
        .iter()
        .filter(|container| !is_of(container, own))
        .find(|container| container.bindings().iter().any(|b| b.host_port == Some(port)));
    if let Some(holder) = holder {
        error.data.holder = Some(format!("container `{}`", holder.name()));
    }
    error
}

fn conflict(port: u16, holder: &str) -> Error {
    let message = format!("port {port} of this machine is taken by container `{holder}`");
    let mut error = Error::new(ErrorKind::ResourceConflict, message)
        .with_hint(format!("stop it with `docker stop {holder}`, or choose another port"));
    error.data.resource = Some(format!("port {port}"));
    error.data.holder = Some(format!("container `{holder}`"));
    error
}

fn is_of(container: &Listed, own: &str) -> bool {
    own.split_once('=').is_some_and(|(name, value)| container.label(name) == Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conflict_names_the_port_and_who_has_it() {
        let error = conflict(80, "web");
        assert_eq!(error.kind(), &ErrorKind::ResourceConflict);
        assert_eq!(error.data.resource.as_deref(), Some("port 80"));
        assert_eq!(error.data.holder.as_deref(), Some("container `web`"));
    }
}
