//! What the engine's words mean when a backend's program hands them on.

use caproni_driver::{Error, ErrorKind};

/// A failure that the engine tells in words of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// A port of the host is taken, by nobody knows whom.
    PortTaken(String),
    /// Another container has the name.
    NameTaken(String),
    /// The engine is not there.
    NoEngine,
}

impl Refusal {
    /// Finds the engine's words in what a program printed.
    pub fn read(output: &str) -> Option<Self> {
        if output.contains("port is already allocated") || output.contains("address already in use")
        {
            let port = taken_port(output).unwrap_or_else(|| "unknown".into());
            return Some(Self::PortTaken(port));
        }
        // Older engines write `docker.sock. Is the docker daemon running?` behind either.
        let no_engine =
            ["Cannot connect to the Docker daemon", "failed to connect to the docker API"];
        between(output, "The container name \"/", "\"")
            .map(|name| Self::NameTaken(name.into()))
            .or_else(|| {
                no_engine.iter().any(|text| output.contains(text)).then_some(Self::NoEngine)
            })
    }

    /// The failure of a request; `fields` are those of the config that choose ports, such as
    /// "`port_mappings`".
    pub fn into_error(self, program: &str, fields: &str) -> Error {
        match self {
            Self::PortTaken(port) => {
                let message = format!("port {port} of this machine is taken");
                let mut error = Error::new(ErrorKind::ResourceConflict, message).with_hint(
                    format!("stop what uses port {port}, or choose another in {fields}"),
                );
                error.data.resource = Some(format!("port {port}"));
                error
            }
            Self::NameTaken(name) => {
                let message = format!("a container is already called `{name}`");
                let mut error = Error::new(ErrorKind::ResourceConflict, message).with_hint(
                    format!("remove it with `docker rm -f {name}`, or choose another profile"),
                );
                error.data.resource = Some(format!("container {name}"));
                error
            }
            Self::NoEngine => {
                let message = format!("the Docker engine does not answer {program}");
                Error::new(ErrorKind::BackendUnavailable, message)
                    .with_hint("start the Docker engine, then run it again")
            }
        }
    }
}

/// The port in `Bind for 0.0.0.0:80 failed: …` and `listen tcp4 0.0.0.0:80: bind: …`.
fn taken_port(output: &str) -> Option<String> {
    let address = between(output, "Bind for ", " failed")
        .or_else(|| between(output, "listen tcp4 ", ": bind"))
        .or_else(|| between(output, "listen tcp ", ": bind"))
        .or_else(|| between(output, "listen udp4 ", ": bind"))
        .or_else(|| between(output, "failed to bind host port for ", ":"))
        .or_else(|| between(output, "failed to bind host port ", "/"))?;
    address.rsplit(':').next().map(str::to_owned)
}

/// What stands between two pieces of a text, the first time.
pub fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let rest = &text[text.find(before)? + before.len()..];
    Some(&rest[..rest.find(after)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_found_in_newer_engines_words_too() {
        let text = "failed to set up container networking: driver failed programming external \
                    connectivity on endpoint x: failed to bind host port for 0.0.0.0:80:172.18.0.3:80/tcp: \
                    address already in use";
        assert!(matches!(Refusal::read(text), Some(Refusal::PortTaken(_))));
        let text = "failed to bind host port 0.0.0.0:80/tcp: address already in use";
        assert_eq!(Refusal::read(text), Some(Refusal::PortTaken("80".into())));
    }
}
