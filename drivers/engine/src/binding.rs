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
