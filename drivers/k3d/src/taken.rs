//! Ports of the host that another container has already.

use bollard::models::ContainerSummary;
use caproni_driver::{Error, ErrorKind};

use crate::cluster::CLUSTER_LABEL;
use crate::engine::Engine;
use crate::mapping::Binding;

/// Refuses ports that a running container of anybody else publishes.
///
/// k3d would find out only when it starts the load balancer, after all nodes are up.
/// What a process of the host has cannot be known from here: the engine may be elsewhere.
///
/// # Errors
/// `ResourceConflict` with the container that has the port.
pub(crate) async fn check(engine: &Engine, cluster: &str, wanted: &[Binding]) -> Result<(), Error> {
    if wanted.iter().all(|binding| binding.host_port.is_none()) {
        return Ok(());
    }
    for container in engine.running().await?.iter().filter(|c| !is_of(c, cluster)) {
        let bindings = bindings(container);
        let taken = wanted.iter().find(|wanted| bindings.iter().any(|b| wanted.collides(b)));
        if let Some(port) = taken.and_then(|binding| binding.host_port) {
            return Err(conflict(port, &name(container)));
        }
    }
    Ok(())
}

/// Adds to a failure for want of a port which container has that port.
pub(crate) async fn with_holder(engine: &Engine, cluster: &str, mut error: Error) -> Error {
    let port = error.data.resource.as_ref().and_then(|text| text.strip_prefix("port "));
    let Some(port) = port.and_then(|port| port.parse::<u16>().ok()) else { return error };
    let running = engine.running().await.unwrap_or_default();
    let holder = running
        .iter()
        .filter(|container| !is_of(container, cluster))
        .find(|container| bindings(container).iter().any(|b| b.host_port == Some(port)));
    if let Some(holder) = holder {
        error.data.holder = Some(format!("container `{}`", name(holder)));
    }
    error
}

fn conflict(port: u16, holder: &str) -> Error {
    let message = format!("port {port} of the host is taken by container `{holder}`");
    let mut error = Error::new(ErrorKind::ResourceConflict, message)
        .with_hint(format!("stop it with `docker stop {holder}`, or choose another port"));
    error.data.resource = Some(format!("port {port}"));
    error.data.holder = Some(format!("container `{holder}`"));
    error
}

fn is_of(container: &ContainerSummary, cluster: &str) -> bool {
    let labels = container.labels.as_ref();
    labels.and_then(|labels| labels.get(CLUSTER_LABEL)).is_some_and(|name| name == cluster)
}

fn name(container: &ContainerSummary) -> String {
    let name = container.names.as_ref().and_then(|names| names.first());
    name.map(|name| name.trim_start_matches('/').to_owned()).unwrap_or_default()
}

fn bindings(container: &ContainerSummary) -> Vec<Binding> {
    let ports = container.ports.iter().flatten();
    let binding = |port: &bollard::models::PortSummary| Binding {
        host_ip: port.ip.clone().unwrap_or_default(),
        host_port: port.public_port,
        container_port: port.private_port,
        protocol: port.typ.as_ref().map_or_else(|| "tcp".into(), ToString::to_string),
    };
    ports.map(binding).collect()
}

/// The host's port of an API address, `[host:]port`, as a binding to look for.
pub(crate) fn api_binding(api_port: &str) -> Option<Binding> {
    let (host, port) = api_port.rsplit_once(':').unwrap_or(("", api_port));
    let host_ip = host.parse::<std::net::IpAddr>().map_or(String::new(), |ip| ip.to_string());
    let host_port = Some(port.parse().ok()?);
    Some(Binding { host_ip, host_port, container_port: 6443, protocol: "tcp".into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_apis_port_is_looked_for_when_it_is_fixed() {
        let binding = api_binding("127.0.0.1:6550").unwrap();
        assert_eq!((binding.host_ip.as_str(), binding.host_port), ("127.0.0.1", Some(6550)));
        assert_eq!(api_binding("6550").unwrap().host_ip, "");
        assert_eq!(api_binding("random"), None);
    }

    #[test]
    fn a_conflict_names_the_port_and_who_has_it() {
        let error = conflict(80, "web");
        assert_eq!(error.kind(), &ErrorKind::ResourceConflict);
        assert_eq!(error.data.resource.as_deref(), Some("port 80"));
        assert_eq!(error.data.holder.as_deref(), Some("container `web`"));
    }
}
