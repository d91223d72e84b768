//! One port mapping: what its string means.
//!
//! k3d writes it as `[HOST:][HOSTPORT:]CONTAINERPORT[/PROTOCOL][@NODEFILTER]`.

use std::fmt;

use caproni_engine::Binding;

use crate::filter;

/// What a mapping looks like.
const FORM: &str = "[HOST:][HOSTPORT:]CONTAINERPORT[/PROTOCOL][@NODEFILTER]";

/// Where the container end of a mapping is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// At the load balancer, which hands on to every node: the usual one.
    AllNodes,
    /// At the load balancer, which hands on to the nodes of this filter.
    SomeNodes(String),
    /// At one node itself, past the load balancer.
    Direct(String),
}

/// One mapping of one port; a string with a range of ports is several of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mapping {
    /// What is published.
    pub(crate) binding: Binding,
    /// Where it leads.
    pub(crate) target: Target,
}

/// Spells a binding as the engine does. k3d deletes a mapping only by the very address it
/// was made with: `0.0.0.0` and none are not the same to it.
pub(crate) fn exact(binding: &Binding) -> String {
    match binding.host_ip.as_str() {
        "0.0.0.0" => {
            let port = binding.host_port.map(|port| port.to_string()).unwrap_or_default();
            format!("0.0.0.0:{port}:{}/{}", binding.container_port, binding.protocol)
        }
        _ => binding.to_string(),
    }
}

/// The host's port of an API address, `[host:]port`, as a binding to look for.
pub(crate) fn api_binding(api_port: &str) -> Option<Binding> {
    let (host, port) = api_port.rsplit_once(':').unwrap_or(("", api_port));
    Some(Binding::of_api(host.parse().ok(), port.parse().ok()?))
}

impl fmt::Display for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.target {
            Target::AllNodes => write!(f, "{}@loadbalancer", self.binding),
            Target::SomeNodes(filter) => write!(f, "{}@{filter}", self.binding),
            Target::Direct(filters) => {
                write!(f, "{}@{}:direct", self.binding, filters.replace(';', ":direct;"))
            }
        }
    }
}

impl Mapping {
    /// A mapping at the load balancer, to every node.
    pub(crate) fn at_load_balancer(binding: Binding) -> Self {
        Self { binding, target: Target::AllNodes }
    }

    /// Tells whether the load balancer's container is what publishes it.
    pub(crate) fn is_at_load_balancer(&self) -> bool {
        !matches!(self.target, Target::Direct(_))
    }

    /// Tells whether it is what is wanted, any port of the host being one that is.
    pub(crate) fn satisfies(&self, wanted: &Self) -> bool {
        self.target == wanted.target && self.binding.satisfies(&wanted.binding)
    }
}

/// Takes a mapping's string apart; a range of ports gives several mappings.
///
/// # Errors
/// One lowercase line that says what is wrong with it.
pub(crate) fn parse(text: &str) -> Result<Vec<Mapping>, String> {
    let (ports, filters) = filter::split(text);
    let target = target(&filters)?;
    let bindings = Binding::parse(&ports, text, FORM)?;
    Ok(bindings.into_iter().map(|binding| Mapping { binding, target: target.clone() }).collect())
}

/// k3d's reading of a node filter: without one, and for the load balancer, every node
/// behind it; `:direct` alone leads past it.
fn target(filters: &[String]) -> Result<Target, String> {
    if filters.is_empty() || filters.iter().any(|filter| filter.starts_with("loadbalancer")) {
        return Ok(Target::AllNodes);
    }
    let direct: Vec<_> = filters.iter().filter_map(|f| f.strip_suffix(":direct")).collect();
    if direct.is_empty() {
        let nodes: Vec<_> = filters.iter().map(|f| f.trim_end_matches(":proxy")).collect();
        return Ok(Target::SomeNodes(nodes.join(";")));
    }
    if direct.len() < filters.len() {
        return Err("node filters with and without `:direct` cannot be mixed".into());
    }
    Ok(Target::Direct(direct.join(";")))
}

/// How many ports are told: as many as there are at an address.
const MOST_PORTS: usize = 65_535;

/// Reads a list of mappings, leaving out what cannot be read.
pub(crate) fn parse_all<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<Mapping> {
    texts.into_iter().filter_map(|text| parse(text).ok()).flatten().take(MOST_PORTS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Mapping {
        parse(text).unwrap().remove(0)
    }

    #[test]
    fn a_mapping_has_host_port_protocol_and_target() {
        let mapping = one("127.0.0.1:8080:80/udp@server:0:direct");
        assert_eq!(mapping.binding.host_ip, "127.0.0.1");
        assert_eq!(mapping.binding.host_port, Some(8080));
        assert_eq!(mapping.binding.protocol, "udp");
        assert_eq!(mapping.target, Target::Direct("server:0".into()));
        assert_eq!(mapping.to_string(), "127.0.0.1:8080:80/udp@server:0:direct");
        assert_eq!(one("[::1]::80").binding.host_ip, "::1");
        assert_eq!(one("[::1]::80").to_string(), "[::1]::80@loadbalancer");
    }

    #[test]
    fn several_filters_past_the_load_balancer_are_written_as_k3d_takes_them() {
        let text = "80:80@server:0:direct;agent:1:direct";
        assert_eq!(one(text).to_string(), text);
    }

    #[test]
    fn a_range_is_one_mapping_for_each_port() {
        let ports: Vec<_> =
            parse("8000-8002:80-82").unwrap().iter().map(Mapping::to_string).collect();
        assert_eq!(ports, ["8000:80@loadbalancer", "8001:81@loadbalancer", "8002:82@loadbalancer"]);
    }

    #[test]
    fn nonsense_is_refused_with_its_reason() {
        for text in ["", "http", "80:", "0:0", "70000:80", "80-82:80", "host:80:80", "80/icmp"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_apis_port_is_looked_for_when_it_is_fixed() {
        let binding = api_binding("127.0.0.1:6550").unwrap();
        assert_eq!((binding.host_ip.as_str(), binding.host_port), ("127.0.0.1", Some(6550)));
        assert_eq!(api_binding("6550").unwrap().host_ip, "");
        assert_eq!(api_binding("random"), None);
    }
}
