//! One container: pure data, read from `docker inspect`.

use std::collections::BTreeMap;

use caproni_driver::NodeState;

use crate::binding::Binding;
use crate::inspected::{HostConfig, Inspected};
use crate::labels::Labels;

/// One container.
#[derive(Debug, Clone, PartialEq)]
pub struct Container {
    /// The engine's id.
    pub id: String,
    /// Its name, such as `k3d-demo-server-0`.
    pub name: String,
    /// What the engine says of it.
    pub state: NodeState,
    /// The name of the image it was made of.
    pub image: Option<String>,
    /// Its labels.
    pub labels: Labels,
    /// What it publishes, the Kubernetes API left out.
    pub bindings: Vec<Binding>,
    /// Where it publishes the Kubernetes API.
    pub api: Option<Binding>,
    /// What is mounted into it, as `source:target[:options]`; its own volumes left out.
    pub binds: Vec<String>,
    /// Its address in each network that it is in; empty while it does not run.
    pub networks: BTreeMap<String, String>,
    /// When it was made, in seconds of Unix time, where the engine's list told.
    pub created: Option<i64>,
    /// When it was started last, where it ever was.
    pub started: Option<String>,
}

impl Container {
    /// Reads what the engine answers to `inspect`.
    pub fn read(inspected: Inspected) -> Self {
        let name = inspected.name().to_owned();
        let Inspected { id, state, config, host_config: host, network_settings, .. } = inspected;
        let (api, bindings) = bindings(&host).into_iter().partition::<Vec<_>, _>(Binding::is_api);
        Self {
            id,
            name,
            state: node_state(state.status.as_deref()),
            image: config.image,
            bindings,
            api: api.into_iter().next(),
            binds: host.binds,
            networks: network_settings.into_addresses(),
            created: None,
            started: state.started_at,
            labels: config.labels,
        }
    }

    /// Tells whether it runs, or is about to.
    pub fn is_up(&self) -> bool {
        matches!(self.state, NodeState::Running | NodeState::Restarting)
    }

    /// Tells whether it has anything to be stopped.
    pub fn is_alive(&self) -> bool {
        !matches!(self.state, NodeState::Stopped | NodeState::Created)
    }

    /// A label's value; an empty one is none.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).filter(|value| !value.is_empty())
    }
}

/// The engine's word in an inspection, or in its list, which has the same ones.
pub(crate) fn node_state(status: Option<&str>) -> NodeState {
    let Some(status) = status else { return NodeState::Stopped };
    match status {
        "running" => NodeState::Running,
        "created" => NodeState::Created,
        "restarting" => NodeState::Restarting,
        "paused" => NodeState::Paused,
        "exited" | "dead" => NodeState::Stopped,
        other => NodeState::Other(other.to_owned()),
    }
}

/// Reads what a container was told to publish. Unlike what it publishes now, that is
/// known of a stopped one too. k3d writes the API's port without a protocol.
fn bindings(host: &HostConfig) -> Vec<Binding> {
    let mut found = Vec::new();
    for (port, hosts) in &host.port_bindings {
        let (number, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
        let Ok(container_port) = number.parse() else { continue };
        for host in hosts.iter().flatten() {
            found.push(Binding {
                host_ip: host.host_ip.clone(),
                host_port: host.host_port.parse().ok().filter(|port| *port != 0),
                container_port,
                protocol: protocol.to_owned(),
            });
        }
    }
    found.sort();
    found
}

/// Tells which cluster it is, by the nodes that serve its API and the address at which that is reached:
/// another one when a node was made anew or started again.
pub fn identity<'a>(nodes: impl IntoIterator<Item = &'a Container>, address: String) -> String {
    let of_node = |node: &Container| [node.id.clone(), node.started.clone().unwrap_or_default()];
    let parts: Vec<String> = nodes.into_iter().flat_map(of_node).chain([address]).collect();
    caproni_driver::identity(parts.iter().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(inspected: serde_json::Value) -> Container {
        Container::read(serde_json::from_value(inspected).unwrap())
    }

    #[test]
    fn the_api_is_no_port_mapping() {
        let container = read(json!({"HostConfig": {"PortBindings": {
            "6443": [{"HostIp": "127.0.0.1", "HostPort": "40000"}],
            "80/tcp": [{"HostIp": "", "HostPort": "8080"}],
            "6443/udp": [{"HostIp": "", "HostPort": "0"}],
        }}}));
        let texts: Vec<_> = container.bindings.iter().map(Binding::to_string).collect();
        assert_eq!(texts, ["6443/udp", "8080:80"]);
        assert_eq!(container.api.unwrap().to_string(), "127.0.0.1:40000:6443");
    }

    #[test]
    fn a_container_that_is_dead_or_of_no_known_state_does_not_run() {
        for status in ["exited", "dead"] {
            let container = read(json!({"Name": "/a", "State": {"Status": status}}));
            assert_eq!((container.name.as_str(), container.is_alive()), ("a", false));
        }
        assert_eq!(read(json!({})).state, NodeState::Stopped);
        assert_eq!(read(json!({"State": {"Status": "paused"}})).state, NodeState::Paused);
    }
}
