//! Port mappings: what their strings mean, and what a cluster really publishes.
//!
//! k3d writes a mapping as `[HOST:][HOSTPORT:]CONTAINERPORT[/PROTOCOL][@NODEFILTER]`. One
//! mapping has many spellings, so two lists are compared by what they mean.

use std::fmt;

use crate::filter;

/// The port of the Kubernetes API inside a node; its publication is no port mapping.
pub(crate) const API_PORT: u16 = 6443;

/// One published port, in the words of the Docker engine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Binding {
    /// The host's address; empty is every address, as is `0.0.0.0`.
    pub(crate) host_ip: String,
    /// The host's port; `None` lets the engine choose one.
    pub(crate) host_port: Option<u16>,
    /// The port inside the container.
    pub(crate) container_port: u16,
    /// `tcp`, `udp` or `sctp`.
    pub(crate) protocol: String,
}

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

impl Binding {
    /// Tells whether both mean the same, `any` host port being any.
    fn satisfies(&self, wanted: &Self) -> bool {
        self.container_port == wanted.container_port
            && self.protocol == wanted.protocol
            && every_address(&self.host_ip) == every_address(&wanted.host_ip)
            && (wanted.host_port.is_none() || wanted.host_port == self.host_port)
    }

    /// Tells whether both take the same port of the host.
    pub(crate) fn collides(&self, other: &Self) -> bool {
        let (one, two) = (every_address(&self.host_ip), every_address(&other.host_ip));
        self.host_port.is_some()
            && self.host_port == other.host_port
            && self.protocol == other.protocol
            && (one == two || one.is_empty() || two.is_empty())
    }

    /// Spells it as the engine does. k3d deletes a mapping only by the very address it
    /// was made with: `0.0.0.0` and none are not the same to it.
    pub(crate) fn exact(&self) -> String {
        match self.host_ip.as_str() {
            "0.0.0.0" => {
                let port = self.host_port.map(|port| port.to_string()).unwrap_or_default();
                format!("0.0.0.0:{port}:{}/{}", self.container_port, self.protocol)
            }
            _ => self.to_string(),
        }
    }

    /// Tells whether it leads to the same port inside the container.
    pub(crate) fn same_container_port(&self, other: &Self) -> bool {
        self.container_port == other.container_port && self.protocol == other.protocol
    }
}

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ip = every_address(&self.host_ip);
        match ip {
            "" => {}
            ip if ip.contains(':') => write!(f, "[{ip}]:")?,
            ip => write!(f, "{ip}:")?,
        }
        match self.host_port {
            Some(port) => write!(f, "{port}:")?,
            None if !ip.is_empty() => f.write_str(":")?,
            None => {}
        }
        write!(f, "{}", self.container_port)?;
        if self.protocol == "tcp" { Ok(()) } else { write!(f, "/{}", self.protocol) }
    }
}

impl fmt::Display for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.target {
            Target::AllNodes => write!(f, "{}@loadbalancer", self.binding),
            Target::SomeNodes(filter) => write!(f, "{}@{filter}", self.binding),
            Target::Direct(filter) => write!(f, "{}@{filter}:direct", self.binding),
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

    fn satisfies(&self, wanted: &Self) -> bool {
        self.target == wanted.target && self.binding.satisfies(&wanted.binding)
    }
}

/// The engine's spelling of "every address" as the empty string.
fn every_address(ip: &str) -> &str {
    if ip == "0.0.0.0" { "" } else { ip }
}

/// Takes a mapping's string apart; a range of ports gives several mappings.
///
/// # Errors
/// One lowercase line that says what is wrong with it.
pub(crate) fn parse(text: &str) -> Result<Vec<Mapping>, String> {
    let (ports, filters) = filter::split(text);
    let target = target(&filters)?;
    let (ports, protocol) = ports.rsplit_once('/').unwrap_or((&ports, "tcp"));
    let protocol = protocol.to_ascii_lowercase();
    if !["tcp", "udp", "sctp"].contains(&protocol.as_str()) {
        return Err(format!("`{text}` has the unknown protocol `{protocol}`"));
    }
    let (host_ip, host_ports, container_ports) = parts(ports);
    let bad = || format!("`{text}` is not [HOST:][HOSTPORT:]CONTAINERPORT[/PROTOCOL][@NODEFILTER]");
    if !host_ip.is_empty() && host_ip.parse::<std::net::IpAddr>().is_err() {
        return Err(format!("`{text}` names the host `{host_ip}`, which is no IP address"));
    }
    let container_ports = range(container_ports).ok_or_else(bad)?;
    let host_ports: Vec<Option<u16>> = match host_ports {
        "" | "0" => vec![None; container_ports.len()],
        ports => range(ports).ok_or_else(bad)?.map(Some).collect(),
    };
    if host_ports.len() != container_ports.len() {
        return Err(format!("`{text}` maps ranges of different length"));
    }
    let mapping = |(host_port, container_port)| Mapping {
        binding: Binding {
            host_ip: host_ip.to_owned(),
            host_port,
            container_port,
            protocol: protocol.clone(),
        },
        target: target.clone(),
    };
    Ok(host_ports.into_iter().zip(container_ports).map(mapping).collect())
}

/// Host address, host ports and container ports; the first two may be empty.
fn parts(ports: &str) -> (&str, &str, &str) {
    let Some((rest, container)) = ports.rsplit_once(':') else { return ("", "", ports) };
    let Some((ip, host)) = rest.rsplit_once(':') else { return ("", rest, container) };
    (ip.trim_start_matches('[').trim_end_matches(']'), host, container)
}

fn range(text: &str) -> Option<std::ops::RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last): (u16, u16) = (first.parse().ok()?, last.parse().ok()?);
    (first > 0 && first <= last).then_some(first..=last)
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

/// Reads a list of mappings, leaving out what cannot be read.
pub(crate) fn parse_all<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<Mapping> {
    texts.into_iter().filter_map(|text| parse(text).ok()).flatten().collect()
}

/// Takes from `have` one match for each of `wanted`; returns those of `wanted` without one.
///
/// Exact host ports go first, so that a mapping that takes any port leaves them alone.
fn take_matches(have: &mut Vec<Mapping>, wanted: &[Mapping]) -> Vec<Mapping> {
    let mut unmatched = Vec::new();
    let (any, exact): (Vec<_>, Vec<_>) =
        wanted.iter().partition(|mapping| mapping.binding.host_port.is_none());
    for mapping in exact.into_iter().chain(any) {
        match have.iter().position(|candidate| candidate.satisfies(mapping)) {
            Some(index) => drop(have.remove(index)),
            None => unmatched.push(mapping.clone()),
        }
    }
    unmatched
}

/// The mappings a cluster really has, in the strings it was asked for where they still hold.
///
/// `asked` are the strings kept with the cluster, `extra` the mappings that came another
/// way (`extra_args`), `published` what the load balancer publishes now. Mappings that
/// lead past the load balancer cannot change, so they are as asked.
pub(crate) fn effective(asked: &[String], extra: &[Mapping], published: &[Binding]) -> Vec<String> {
    let mut found: Vec<Mapping> =
        published.iter().cloned().map(Mapping::at_load_balancer).collect();
    let at_load_balancer = |mapping: &Mapping| Mapping::at_load_balancer(mapping.binding.clone());
    let mut kept = Vec::new();
    // Strings with a host port first: one without takes whatever is left.
    let mut order: Vec<&String> = asked.iter().collect();
    order.sort_by_key(|text| {
        parse_all([text.as_str()]).iter().any(|m| m.binding.host_port.is_none())
    });
    for text in order {
        let meant: Vec<Mapping> = parse_all([text.as_str()])
            .iter()
            .filter(|mapping| mapping.is_at_load_balancer())
            .map(at_load_balancer)
            .collect();
        let mut rest = found.clone();
        if take_matches(&mut rest, &meant).is_empty() {
            found = rest;
            kept.push(text);
        }
    }
    let extra: Vec<_> =
        extra.iter().filter(|m| m.is_at_load_balancer()).map(at_load_balancer).collect();
    take_matches(&mut found, &extra);
    let mut strings: Vec<String> =
        asked.iter().filter(|text| kept.contains(text)).cloned().collect();
    let mut news: Vec<Mapping> = found;
    news.sort_by(|a, b| a.binding.cmp(&b.binding));
    strings.extend(news.iter().map(Mapping::to_string));
    strings
}

/// What it takes to come from the running mappings to the requested ones.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// They mean the same.
    None,
    /// The load balancer can be told.
    Live(Edit),
    /// The cluster must be made anew.
    Recreate,
}

/// What the load balancer must no longer, and what it must newly publish.
///
/// The deletions come first: k3d cannot do both at once.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Edit {
    /// Bindings to take away, as the engine spells them.
    pub(crate) delete: Vec<Binding>,
    /// Mappings to add.
    pub(crate) add: Vec<Mapping>,
}

/// Compares what runs with what is requested. `published` is what the load balancer
/// publishes, `None` when there is none; `extra` is published in any case.
pub(crate) fn compare(
    running: &[String],
    requested: &[String],
    extra: &[Mapping],
    published: Option<&[Binding]>,
) -> Change {
    let mut surplus = parse_all(running.iter().map(String::as_str));
    let wanted = parse_all(requested.iter().map(String::as_str));
    let add = take_matches(&mut surplus, &wanted);
    if add.is_empty() && surplus.is_empty() {
        return Change::None;
    }
    let live = |mapping: &Mapping| mapping.target == Target::AllNodes;
    match published {
        Some(published) if add.iter().chain(&surplus).all(live) => {
            Change::Live(edit(&surplus, add, &wanted, extra, published))
        }
        _ => Change::Recreate,
    }
}

/// Deleting one of two bindings of a container port, k3d 5.9 also takes the port out of
/// the load balancer's own config, so that the other binding leads nowhere. So all
/// bindings of such a port are deleted, and those that are to stay are added again.
fn edit(
    surplus: &[Mapping],
    mut add: Vec<Mapping>,
    wanted: &[Mapping],
    extra: &[Mapping],
    published: &[Binding],
) -> Edit {
    let touched = |binding: &Binding| {
        surplus.iter().any(|mapping| mapping.binding.same_container_port(binding))
    };
    let delete: Vec<Binding> = published.iter().filter(|b| touched(b)).cloned().collect();
    for mapping in wanted.iter().chain(extra) {
        if mapping.is_at_load_balancer() && touched(&mapping.binding) && !add.contains(mapping) {
            add.push(mapping.clone());
        }
    }
    Edit { delete, add }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Mapping {
        parse(text).unwrap().remove(0)
    }

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.into()).collect()
    }

    fn published(texts: &[&str]) -> Vec<Binding> {
        texts.iter().map(|text| one(text).binding).collect()
    }

    #[test]
    fn every_spelling_of_a_mapping_means_the_same() {
        for other in
            ["80:80", "80:80/tcp", "0.0.0.0:80:80@loadbalancer", "80:80@loadbalancer:proxy"]
        {
            let change = compare(&strings(&["80:80@loadbalancer"]), &strings(&[other]), &[], None);
            assert_eq!(change, Change::None, "{other}");
        }
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
    fn what_was_asked_for_is_told_in_its_own_words_while_it_holds() {
        let asked = strings(&["80:80@loadbalancer", "8443:443/tcp"]);
        let found = published(&["0.0.0.0:8443:443", "80:80"]);
        assert_eq!(effective(&asked, &[], &found), asked);
    }

    #[test]
    fn a_mapping_without_a_host_port_holds_with_any() {
        let asked = strings(&["80@loadbalancer", "8080:80"]);
        let found = published(&["8080:80", "32768:80"]);
        assert_eq!(effective(&asked, &[], &found), asked);
    }

    #[test]
    fn ports_changed_since_are_told_as_they_are() {
        let asked = strings(&["80:80@loadbalancer", "443:443@loadbalancer", "9:9@server:0:direct"]);
        let found = published(&["80:80", "8080:8080"]);
        assert_eq!(
            effective(&asked, &[], &found),
            ["80:80@loadbalancer", "9:9@server:0:direct", "8080:8080@loadbalancer"]
        );
    }

    #[test]
    fn ports_of_extra_arguments_are_no_difference() {
        let extra = vec![one("9000:9000@loadbalancer")];
        assert_eq!(effective(&[], &extra, &published(&["9000:9000"])), Vec::<String>::new());
    }

    #[test]
    fn the_load_balancers_ports_change_live() {
        let found = published(&["80:80"]);
        let change =
            compare(&strings(&["80:80"]), &strings(&["80:80", "443:443"]), &[], Some(&found));
        let Change::Live(edit) = change else { panic!("{change:?}") };
        assert_eq!(edit, Edit { delete: vec![], add: vec![one("443:443")] });
    }

    #[test]
    fn a_port_that_keeps_another_binding_is_deleted_whole_and_added_again() {
        let found = published(&["80:80", "8080:80", "443:443"]);
        let running = strings(&["80:80", "8080:80", "443:443"]);
        let change = compare(&running, &strings(&["80:80", "443:443"]), &[], Some(&found));
        let Change::Live(edit) = change else { panic!("{change:?}") };
        assert_eq!(edit.delete, published(&["80:80", "8080:80"]));
        assert_eq!(edit.add, [one("80:80")]);
    }

    #[test]
    fn ports_of_single_nodes_need_a_new_cluster() {
        let found = published(&[]);
        for requested in ["80:80@server:0", "80:80@server:0:direct"] {
            let change = compare(&[], &strings(&[requested]), &[], Some(&found));
            assert_eq!(change, Change::Recreate, "{requested}");
        }
        assert_eq!(compare(&[], &strings(&["80:80"]), &[], None), Change::Recreate);
    }

    #[test]
    fn two_bindings_collide_when_they_take_the_same_port_of_one_address() {
        let collide = |a: &str, b: &str| one(a).binding.collides(&one(b).binding);
        assert!(collide("80:80", "127.0.0.1:80:8080"));
        assert!(!collide("127.0.0.2:80:80", "127.0.0.1:80:80"));
        assert!(!collide("80:80/udp", "80:80/tcp"));
        assert!(!collide("80", "80"));
    }
}
