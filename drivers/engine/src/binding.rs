//! One published port, in the words of the Docker engine.

use std::fmt;
use std::net::IpAddr;

/// One published port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Binding {
    /// The host's address; empty is every address, as is `0.0.0.0`.
    pub host_ip: String,
    /// The host's port; `None` lets the engine choose one.
    pub host_port: Option<u16>,
    /// The port inside the container.
    pub container_port: u16,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: String,
}

impl Binding {
    /// The port of the Kubernetes API inside a node.
    pub const API_PORT: u16 = 6443;

    /// Takes `[HOST:][HOSTPORT:]CONTAINERPORT[/PROTOCOL]` apart; ranges of ports give several.
    /// `text` is what the user wrote, and `form` what it should look like.
    ///
    /// # Errors
    /// One lowercase line that says what is wrong with it.
    pub fn parse(ports: &str, text: &str, form: &str) -> Result<Vec<Self>, String> {
        let (ports, protocol) = ports.rsplit_once('/').unwrap_or((ports, "tcp"));
        let protocol = protocol.to_ascii_lowercase();
        if !["tcp", "udp", "sctp"].contains(&protocol.as_str()) {
            return Err(format!("`{text}` has the unknown protocol `{protocol}`"));
        }
        let (host_ip, host_ports, container_ports) = parts(ports);
        let bad = || format!("`{text}` is not {form}");
        if !host_ip.is_empty() && host_ip.parse::<IpAddr>().is_err() {
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
        let binding = |(host_port, container_port)| Self {
            host_ip: host_ip.to_owned(),
            host_port,
            container_port,
            protocol: protocol.clone(),
        };
        Ok(host_ports.into_iter().zip(container_ports).map(binding).collect())
    }

    /// The API at this port of the host.
    pub fn of_api(host: Option<IpAddr>, port: u16) -> Self {
        Self {
            host_ip: host.map(|host| host.to_string()).unwrap_or_default(),
            host_port: Some(port),
            container_port: Self::API_PORT,
            protocol: "tcp".into(),
        }
    }

    /// Tells whether it publishes the Kubernetes API.
    pub fn is_api(&self) -> bool {
        (self.container_port, self.protocol.as_str()) == (Self::API_PORT, "tcp")
    }

    /// The host's address, with `0.0.0.0` as the empty string that means the same.
    pub fn address(&self) -> &str {
        if self.host_ip == "0.0.0.0" { "" } else { &self.host_ip }
    }

    /// Tells whether it is what is wanted, any port of the host being one that is.
    pub fn satisfies(&self, wanted: &Self) -> bool {
        self.same_container_port(wanted)
            && self.address() == wanted.address()
            && (wanted.host_port.is_none() || wanted.host_port == self.host_port)
    }

    /// Tells whether both take the same port of the host.
    pub fn collides(&self, other: &Self) -> bool {
        let (one, two) = (self.address(), other.address());
        self.host_port.is_some()
            && self.host_port == other.host_port
            && self.protocol == other.protocol
            && (one == two || one.is_empty() || two.is_empty())
    }

    /// Tells whether it leads to the same port inside the container.
    pub fn same_container_port(&self, other: &Self) -> bool {
        self.container_port == other.container_port && self.protocol == other.protocol
    }
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

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ip = self.address();
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

#[cfg(test)]
mod tests {
    use super::*;

    fn binding(host_ip: &str, host_port: Option<u16>, protocol: &str) -> Binding {
        Binding {
            host_ip: host_ip.into(),
            host_port,
            container_port: 80,
            protocol: protocol.into(),
        }
    }

    #[test]
    fn two_bindings_collide_when_they_take_the_same_port_of_one_address() {
        let every = binding("", Some(80), "tcp");
        assert!(every.collides(&binding("127.0.0.1", Some(80), "tcp")));
        assert!(!binding("127.0.0.2", Some(80), "tcp").collides(&binding(
            "127.0.0.1",
            Some(80),
            "tcp"
        )));
        assert!(!every.collides(&binding("", Some(80), "udp")));
        assert!(!binding("", None, "tcp").collides(&binding("", None, "tcp")));
    }

    #[test]
    fn a_binding_is_written_as_docker_takes_it() {
        assert_eq!(binding("0.0.0.0", Some(8080), "tcp").to_string(), "8080:80");
        assert_eq!(binding("127.0.0.1", None, "udp").to_string(), "127.0.0.1::80/udp");
        assert_eq!(binding("::1", Some(1), "tcp").to_string(), "[::1]:1:80");
    }
}
