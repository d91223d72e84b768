//! One port mapping: what its string means.

use std::fmt;

use caproni_engine::Binding;
use serde_json::{Value, json};

use crate::role::Role;

const FORM: &str = "[HOST:][HOSTPORT:]CONTAINERPORT[/PROTOCOL][@NODE]";

/// One mapping of one port at one node; a string with a range of ports is several of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mapping {
    /// The node without the cluster's name, such as `worker2`.
    pub(crate) node: String,
    /// What is published.
    pub(crate) binding: Binding,
}

/// Takes a mapping's string apart. Without a node it is at the first control plane.
///
/// # Errors
/// One lowercase line that says what is wrong with it.
pub(crate) fn parse(text: &str) -> Result<Vec<Mapping>, String> {
    let (ports, node) = text.split_once('@').unwrap_or((text, Role::ControlPlane.word()));
    let bindings = Binding::parse(ports, text, FORM)?;
    Ok(bindings.into_iter().map(|binding| Mapping { node: node.into(), binding }).collect())
}

/// How many ports are told: as many as there are at an address.
const MOST_PORTS: usize = 65_535;

/// Reads a list of mappings, leaving out what cannot be read.
pub(crate) fn parse_all<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<Mapping> {
    texts.into_iter().filter_map(|text| parse(text).ok()).flatten().take(MOST_PORTS).collect()
}

/// Tells whether the mappings that a cluster has are what is wanted, however either is written.
pub(crate) fn mean_the_same(have: &[Mapping], wanted: &[Mapping]) -> bool {
    let mut left = have.to_vec();
    // Those that take any port of the host last, so that they leave the others theirs.
    let (any, exact): (Vec<_>, Vec<_>) =
        wanted.iter().partition(|mapping| mapping.binding.host_port.is_none());
    let all_found = exact.into_iter().chain(any).all(|wanted| {
        let fits =
            |have: &Mapping| have.node == wanted.node && have.binding.satisfies(&wanted.binding);
        left.iter().position(fits).map(|index| left.remove(index)).is_some()
    });
    all_found && left.is_empty()
}

impl Mapping {
    /// The mapping as kind's config has it.
    pub(crate) fn document(&self) -> Value {
        let Binding { host_ip, host_port, container_port, protocol } = &self.binding;
        let mut mapping = json!({
            "containerPort": container_port,
            "protocol": protocol.to_ascii_uppercase(),
        });
        if !host_ip.is_empty() {
            mapping["listenAddress"] = json!(host_ip);
        }
        if let Some(port) = host_port {
            mapping["hostPort"] = json!(port);
        }
        mapping
    }
}

impl fmt::Display for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.node == Role::ControlPlane.word() {
            true => self.binding.fmt(f),
            false => write!(f, "{}@{}", self.binding, self.node),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(have: &[&str], wanted: &[&str]) -> bool {
        let all = |texts: &[&str]| parse_all(texts.iter().copied());
        mean_the_same(&all(have), &all(wanted))
    }

    #[test]
    fn every_spelling_of_a_mapping_means_the_same() {
        for other in ["80:80/tcp", "0.0.0.0:80:80", "80:80@control-plane", "80-80:80-80"] {
            assert!(same(&["80:80"], &[other]), "{other}");
        }
        for other in ["80:80@worker", "81:80", "80:80/udp", "127.0.0.1:80:80"] {
            assert!(!same(&["80:80"], &[other]), "{other}");
        }
    }

    #[test]
    fn a_mapping_without_a_host_port_holds_with_any() {
        assert!(same(&["32768:80", "8080:80"], &["80", "8080:80"]));
        assert!(!same(&["32768:80"], &[]));
        assert!(!same(&[], &["80"]));
    }

    #[test]
    fn kind_gets_only_what_was_said() {
        let mapping = parse("53/udp@worker2").unwrap().remove(0);
        assert_eq!(mapping.document(), json!({"containerPort": 53, "protocol": "UDP"}));
        assert_eq!(mapping.to_string(), "53/udp@worker2");
        let mapping = parse("127.0.0.1:8080:80").unwrap().remove(0);
        assert_eq!(mapping.document()["listenAddress"], "127.0.0.1");
        assert_eq!(mapping.document()["hostPort"], 8080);
    }

    #[test]
    fn nonsense_is_refused_with_its_reason() {
        for text in ["", "http", "80:", "0:0", "70000:80", "host:80:80", "80/icmp"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
