//! Where this process is, as seen from the engine, and so how it reaches what containers serve.
//!
//! What is published at "every address" of the engine's machine is at 127.0.0.1 only for those who
//! are on that machine: for a container beside the nodes 127.0.0.1 is the container itself.

use std::collections::BTreeMap;
use std::net::IpAddr;

use caproni_driver::backend::kubeconfig::Address;
use caproni_driver::{Action, Error, ErrorKind};

use crate::binding::Binding;
use crate::container::Container;
use crate::engine::Engine;
use crate::inspected::Inspected;

/// Where this process is, as seen from the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Vantage {
    /// On the engine's machine.
    SameMachine,
    /// On another machine, from which the engine's has this name or address.
    OtherMachine(String),
    /// In a container of the engine.
    Container {
        /// Its name.
        name: String,
        /// The networks it is in, each with the address there of the engine's machine.
        gateways: BTreeMap<String, String>,
    },
}

impl Engine {
    /// Finds out where this process is.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn vantage(&self) -> Result<Vantage, Error> {
        if let Some(host) = self.endpoint().host() {
            return Ok(match is_loopback(host) {
                true => Vantage::SameMachine,
                false => Vantage::OtherMachine(host.to_owned()),
            });
        }
        let Some(own) = own_container() else { return Ok(Vantage::SameMachine) };
        let inspected = self.inspect(&own, ()).await?;
        // A container of another engine, in which this one runs: then it is on the same machine.
        let inspected = inspected.filter(|found| is_it(found, &own));
        Ok(inspected.map_or(Vantage::SameMachine, |inspected| Vantage::of(&inspected)))
    }
}

impl Vantage {
    fn of(inspected: &Inspected) -> Self {
        let networks = inspected.network_settings.networks.iter();
        let gateways: BTreeMap<_, _> = networks
            .map(|(name, network)| (name.clone(), network.gateway.clone()))
            .filter(|(_, gateway)| !gateway.is_empty())
            .collect();
        // With the machine's own network there is none.
        if gateways.is_empty() {
            return Self::SameMachine;
        }
        Self::Container { name: inspected.name().to_owned(), gateways }
    }

    /// The host at which ports are reached that are published at every address.
    pub fn host(&self) -> &str {
        match self {
            Self::SameMachine => "127.0.0.1",
            Self::OtherMachine(host) => host,
            Self::Container { gateways, .. } => {
                gateways.values().next().map_or("127.0.0.1", String::as_str)
            }
        }
    }

    /// The address of what a node publishes by this binding: in a network that both are in, or
    /// where it is published. `None` when it cannot be reached from here.
    pub fn address(&self, node: &Container, binding: &Binding) -> Option<Address> {
        if let Self::Container { gateways, .. } = self {
            let shared = node
                .networks
                .iter()
                .find(|(name, ip)| !ip.is_empty() && gateways.contains_key(name.as_str()));
            if let Some((_, ip)) = shared {
                return Some(Address::new(ip, binding.container_port));
            }
        }
        let port = binding.host_port?;
        let bound = binding.address();
        match bound {
            "" | "::" => Some(Address::new(self.host(), port)),
            _ if is_loopback(bound) && *self != Self::SameMachine => None,
            _ => Some(Address::new(bound, port)),
        }
    }

    /// The failure for an API that cannot be reached from here; `field` is how the config publishes
    /// it at every address.
    pub fn unreachable(&self, cluster: &str, node: &Container, field: &str) -> Error {
        let what = format!("the API of cluster `{cluster}` is published at 127.0.0.1 alone");
        let network = node.networks.keys().next();
        match (self, network) {
            (Self::Container { name, .. }, Some(network)) => {
                let message = format!("{what}, which container `{name}` cannot reach");
                let title = format!("Connect this container to the network `{network}`");
                let argv = ["docker", "network", "connect", network, name];
                let action = Action::new(title, "the cluster's nodes are in it", argv);
                let hint = format!("run `{}`", action.command_line());
                Error::new(ErrorKind::ActionRequired, message)
                    .with_hint(hint)
                    .with_actions([action])
            }
            _ => Error::new(
                ErrorKind::InvalidDriverConfig,
                format!("{what}, and the engine is on `{}`", self.host()),
            )
            .with_hint(format!("set {field}, then make the cluster anew")),
        }
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The id of the container that this process is in, or its host name, which is the beginning of
/// the id unless somebody chose another.
fn own_container() -> Option<String> {
    let marks = ["/.dockerenv", "/run/.containerenv"];
    marks.iter().find(|mark| std::path::Path::new(mark).exists())?;
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let host_name = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let own = id_in_mounts(&mounts).or_else(host_name)?.trim().to_owned();
    // No container is called anything else, and what is part of a path must not be more than a part.
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    own.chars().all(is_name).then_some(own)
}

/// The engine mounts a few files of the container's folder, such as its `/etc/hostname`. What else is
/// mounted of such folders is that of other containers, where an engine runs in this one.
fn id_in_mounts(mounts: &str) -> Option<String> {
    let ids = mounts.lines().filter_map(|line| {
        // Number, parent, device, root, mount point: see proc(5).
        let mut fields = line.split_whitespace().skip(3);
        let (root, point) = (fields.next()?, fields.next()?);
        let is_own = ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"].contains(&point);
        root.split("/containers/").filter(|_| is_own).skip(1).find_map(|rest| rest.get(..64))
    });
    ids.filter(|id| id.chars().all(|c| c.is_ascii_hexdigit())).map(str::to_owned).next()
}

/// Whether a container that was found by an id or a host name is the one that has it.
fn is_it(found: &Inspected, own: &str) -> bool {
    (!found.id.is_empty() && found.id.starts_with(own))
        || found.config.hostname.as_deref() == Some(own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn node() -> Container {
        Container::read(
            serde_json::from_value(json!({
                "Id": "1", "Name": "/demo-server",
                "HostConfig": {"PortBindings": {"6443/tcp": [{"HostIp": "0.0.0.0", "HostPort": "6550"}]}},
                "NetworkSettings": {"Networks": {"nodes": {"IPAddress": "172.18.0.3"}}},
            }))
            .unwrap(),
        )
    }

    fn bound(host_ip: &str) -> Binding {
        Binding { host_ip: host_ip.into(), ..node().api.unwrap() }
    }

    fn inside(networks: serde_json::Value) -> Vantage {
        let inspected =
            json!({"Id": "2", "Name": "/me", "NetworkSettings": {"Networks": networks}});
        Vantage::of(&serde_json::from_value(inspected).unwrap())
    }

    fn url(vantage: &Vantage, binding: &Binding) -> Option<String> {
        vantage.address(&node(), binding).map(|address| address.url())
    }

    #[test]
    fn on_the_engine_s_machine_every_address_is_127_0_0_1() {
        let here = Vantage::SameMachine;
        for every in ["0.0.0.0", "", "::"] {
            assert_eq!(url(&here, &bound(every)).unwrap(), "https://127.0.0.1:6550");
        }
        assert_eq!(url(&here, &bound("127.0.0.1")).unwrap(), "https://127.0.0.1:6550");
        assert_eq!(url(&here, &bound("10.1.2.3")).unwrap(), "https://10.1.2.3:6550");
    }

    #[test]
    fn from_another_machine_it_is_the_engine_s_host() {
        let there = Vantage::OtherMachine("docker".into());
        assert_eq!(url(&there, &bound("0.0.0.0")).unwrap(), "https://docker:6550");
        assert_eq!(url(&there, &bound("127.0.0.1")), None);
        let error = there.unreachable("demo", &node(), "`api_port`");
        assert_eq!(error.kind(), &ErrorKind::InvalidDriverConfig);
        assert!(error.data.hint.unwrap().contains("`api_port`"));
    }

    #[test]
    fn a_container_goes_through_a_network_that_both_are_in_else_through_its_gateway() {
        let beside = inside(json!({"nodes": {"Gateway": "172.18.0.1"}}));
        assert_eq!(url(&beside, &bound("127.0.0.1")).unwrap(), "https://172.18.0.3:6443");
        let elsewhere = inside(json!({"bridge": {"Gateway": "172.17.0.1"}}));
        assert_eq!(url(&elsewhere, &bound("0.0.0.0")).unwrap(), "https://172.17.0.1:6550");
        assert_eq!(url(&elsewhere, &bound("127.0.0.1")), None);
        let error = elsewhere.unreachable("demo", &node(), "`api_port`");
        assert_eq!(error.data.actions[0].command_line(), "docker network connect nodes me");
        assert_eq!(inside(json!({"host": {"Gateway": ""}})), Vantage::SameMachine);
    }

    #[test]
    fn a_container_is_known_by_what_the_engine_mounts_into_it() {
        let id = "0f".repeat(32);
        let mounts = format!("1 2 8:1 /var/lib/docker/containers/{id}/hostname /etc/hostname rw\n");
        assert_eq!(id_in_mounts(&mounts), Some(id.clone()));
        let other = "1f".repeat(32);
        let inner = format!("3 2 0:5 / /var/lib/docker/containers/{other}/mounts/shm rw\n");
        assert_eq!(id_in_mounts(&inner), None, "an engine runs in here");
        assert_eq!(id_in_mounts(&format!("{inner}{mounts}")), Some(id.clone()));
        assert_eq!(id_in_mounts("1 2 8:1 /var/lib/containers/storage /x rw\n"), None);
        let found =
            serde_json::from_value(json!({"Id": id, "Config": {"Hostname": "web"}})).unwrap();
        assert!(is_it(&found, &id) && is_it(&found, "0f0f0f0f0f0f") && is_it(&found, "web"));
        assert!(!is_it(&found, "other"));
    }
}
