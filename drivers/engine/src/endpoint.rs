//! Which Docker engine is meant: the one that a backend itself would talk to.
//!
//! k3d uses the docker command's own library and kind that command, so the order is its:
//! `DOCKER_HOST`, then the context in `DOCKER_CONTEXT` or in docker's config file, then
//! the default socket.

use std::fmt;
use std::path::{Path, PathBuf};

use caproni_driver::{Error, ErrorKind};
use serde::Deserialize;

use crate::ssh::Destination;

/// Where an engine listens when nobody says otherwise.
const DEFAULT_SOCKET: &str = "/var/run/docker.sock";

/// An engine's address, and who named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// How to reach it.
    pub transport: Transport,
    /// Who named it.
    pub source: Source,
}

/// How to reach an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// A socket on this machine.
    Unix(PathBuf),
    /// `host:port` in the clear.
    Tcp(String),
    /// `host:port` over TLS, with the folder of `ca.pem`, `cert.pem` and `key.pem`.
    Tls(String, PathBuf),
    /// Over ssh, through the docker command of that machine.
    Ssh(Destination),
}

/// Who named an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Nobody: it is the default socket.
    Default,
    /// `DOCKER_HOST`.
    DockerHost,
    /// A docker context of this name.
    Context(String),
}

/// What of the environment decides; a value so that tests need no environment.
pub struct Environment<'a> {
    /// Looks a variable up.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// The user's home.
    pub home: PathBuf,
}

impl Endpoint {
    /// Finds the engine by this process's environment.
    ///
    /// # Errors
    /// As [`Endpoint::resolve`].
    pub fn of_environment() -> Result<Self, Error> {
        let variable = |name: &str| std::env::var(name).ok();
        let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
        Self::resolve(&Environment { variable: &variable, home })
    }

    /// Finds the engine by the given environment.
    ///
    /// # Errors
    /// `Unsupported` for an address of an unknown kind or form, `BackendUnavailable` for a context
    /// that is not there.
    pub fn resolve(environment: &Environment<'_>) -> Result<Self, Error> {
        if let Some(host) = environment.get("DOCKER_HOST") {
            let certificates = environment.certificates();
            return Self::parse(&host, certificates, Source::DockerHost);
        }
        let Some(name) = environment.context() else {
            return Ok(Self {
                transport: Transport::Unix(DEFAULT_SOCKET.into()),
                source: Source::Default,
            });
        };
        let (host, certificates) = environment.read_context(&name)?;
        Self::parse(&host, certificates, Source::Context(name))
    }

    fn parse(host: &str, certificates: Option<PathBuf>, source: Source) -> Result<Self, Error> {
        let (scheme, rest) = host.split_once("://").unwrap_or(("tcp", host));
        let address = rest.trim_end_matches('/').to_owned();
        let transport = match (scheme, certificates) {
            ("unix", _) => Transport::Unix(rest.into()),
            ("tcp" | "http" | "https", Some(folder)) => {
                Transport::Tls(with_port(address, 2376), folder)
            }
            ("tcp" | "http", None) => Transport::Tcp(with_port(address, 2375)),
            ("ssh", _) => match Destination::parse(rest) {
                Ok(destination) => Transport::Ssh(destination),
                Err(wrong) => return Err(malformed(wrong, &source)),
            },
            _ => return Err(unsupported(scheme, &source)),
        };
        Ok(Self { transport, source })
    }

    /// The host on which published ports are reached, when that is not this machine.
    pub fn host(&self) -> Option<&str> {
        let address = match &self.transport {
            Transport::Unix(_) => return None,
            Transport::Ssh(destination) => return Some(&destination.host),
            Transport::Tcp(address) | Transport::Tls(address, _) => address,
        };
        let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host);
        Some(host.trim_start_matches('[').trim_end_matches(']'))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.transport {
            Transport::Unix(path) => write!(f, "unix://{}", path.display()),
            Transport::Tcp(address) | Transport::Tls(address, _) => write!(f, "tcp://{address}"),
            Transport::Ssh(destination) => destination.fmt(f),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the default socket"),
            Self::DockerHost => f.write_str("DOCKER_HOST"),
            Self::Context(name) => write!(f, "the docker context `{name}`"),
        }
    }
}

fn with_port(address: String, port: u16) -> String {
    let has_port = address.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    if has_port { address } else { format!("{address}:{port}") }
}

fn unsupported(scheme: &str, source: &Source) -> Error {
    let message = format!("cannot reach a Docker engine over `{scheme}://`, which {source} names");
    Error::new(ErrorKind::Unsupported, message)
        .with_hint("set DOCKER_HOST to `unix://PATH`, `tcp://HOST:PORT` or `ssh://USER@HOST`")
}

fn malformed(wrong: &str, source: &Source) -> Error {
    let message = format!("cannot reach a Docker engine over `ssh://`: {source} {wrong}");
    Error::new(ErrorKind::Unsupported, message)
        .with_hint(format!("write `ssh://USER@HOST:PORT` in {source}"))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConfigFile {
    current_context: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Context {
    name: String,
    endpoints: Endpoints,
}

#[derive(Deserialize)]
struct Endpoints {
    docker: Option<DockerEndpoint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DockerEndpoint {
    host: Option<String>,
}

impl Environment<'_> {
    fn get(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }

    fn config_folder(&self) -> PathBuf {
        self.get("DOCKER_CONFIG").map_or_else(|| self.home.join(".docker"), PathBuf::from)
    }

    fn certificates(&self) -> Option<PathBuf> {
        self.get("DOCKER_TLS_VERIFY").or_else(|| self.get("DOCKER_TLS"))?;
        Some(self.get("DOCKER_CERT_PATH").map_or_else(|| self.config_folder(), PathBuf::from))
    }

    /// The context in use, unless it is the one that means "the default socket".
    fn context(&self) -> Option<String> {
        let from_file = || {
            let text = std::fs::read(self.config_folder().join("config.json")).ok()?;
            serde_json::from_slice::<ConfigFile>(&text).ok()?.current_context
        };
        let name = self.get("DOCKER_CONTEXT").or_else(from_file)?;
        (!name.is_empty() && name != "default").then_some(name)
    }

    /// Address and certificates of a context.
    fn read_context(&self, name: &str) -> Result<(String, Option<PathBuf>), Error> {
        let contexts = self.config_folder().join("contexts");
        let missing = || {
            let message = format!("the docker context `{name}` does not exist");
            Error::new(ErrorKind::BackendUnavailable, message)
                .with_hint("choose one of `docker context ls` with `docker context use`")
        };
        let folders = std::fs::read_dir(contexts.join("meta")).map_err(|_| missing())?;
        for folder in folders.flatten() {
            let Some(context) = read_meta(&folder.path()).filter(|c| c.name == name) else {
                continue;
            };
            let host = context.endpoints.docker.and_then(|docker| docker.host);
            let certificates = contexts.join("tls").join(folder.file_name()).join("docker");
            let certificates = certificates.join("ca.pem").exists().then_some(certificates);
            let host = host.filter(|host| !host.is_empty());
            return Ok((host.unwrap_or_else(|| format!("unix://{DEFAULT_SOCKET}")), certificates));
        }
        Err(missing())
    }
}

fn read_meta(folder: &Path) -> Option<Context> {
    let text = std::fs::read(folder.join("meta.json")).ok()?;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(home: &Path, variables: &[(&str, &str)]) -> Result<Endpoint, Error> {
        let variable = |name: &str| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        Endpoint::resolve(&Environment { variable: &variable, home: home.into() })
    }

    fn home_with_context() -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        let docker = home.path().join(".docker");
        let (meta, tls) =
            (docker.join("contexts/meta/abc"), docker.join("contexts/tls/abc/docker"));
        std::fs::create_dir_all(&meta).unwrap();
        std::fs::create_dir_all(&tls).unwrap();
        std::fs::write(docker.join("config.json"), r#"{"currentContext": "far"}"#).unwrap();
        let text = r#"{"Name":"far","Metadata":{},"Endpoints":{"docker":{"Host":"tcp://10.0.0.1:2376","SkipTLSVerify":false}}}"#;
        std::fs::write(meta.join("meta.json"), text).unwrap();
        std::fs::write(tls.join("ca.pem"), "").unwrap();
        home
    }

    #[test]
    fn the_default_is_the_usual_socket() {
        let home = tempfile::tempdir().unwrap();
        let endpoint = resolve(home.path(), &[]).unwrap();
        assert_eq!(endpoint.to_string(), "unix:///var/run/docker.sock");
        assert_eq!((endpoint.source.clone(), endpoint.host()), (Source::Default, None));
    }

    #[test]
    fn docker_host_wins_over_a_context() {
        let home = home_with_context();
        let variables = [("DOCKER_HOST", "tcp://docker:2375"), ("DOCKER_CONTEXT", "far")];
        let endpoint = resolve(home.path(), &variables).unwrap();
        assert_eq!(endpoint.transport, Transport::Tcp("docker:2375".into()));
        assert_eq!(endpoint.host(), Some("docker"));
    }

    #[test]
    fn a_context_is_found_by_its_name_with_its_certificates() {
        let home = home_with_context();
        let endpoint = resolve(home.path(), &[]).unwrap();
        let folder = home.path().join(".docker/contexts/tls/abc/docker");
        assert_eq!(endpoint.transport, Transport::Tls("10.0.0.1:2376".into(), folder));
        assert_eq!(endpoint.source, Source::Context("far".into()));
        let endpoint = resolve(home.path(), &[("DOCKER_CONTEXT", "default")]).unwrap();
        assert_eq!(endpoint.source, Source::Default);
    }

    #[test]
    fn a_context_that_is_not_there_is_an_error_and_not_the_default() {
        let home = home_with_context();
        let error = resolve(home.path(), &[("DOCKER_CONTEXT", "gone")]).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::BackendUnavailable);
        assert!(error.message.contains("`gone`"), "{error}");
    }

    #[test]
    fn tls_is_used_when_docker_is_told_to_verify() {
        let home = tempfile::tempdir().unwrap();
        let variables = [
            ("DOCKER_HOST", "tcp://docker"),
            ("DOCKER_TLS_VERIFY", "1"),
            ("DOCKER_CERT_PATH", "/certs/client"),
        ];
        let endpoint = resolve(home.path(), &variables).unwrap();
        let expected = Transport::Tls("docker:2376".into(), "/certs/client".into());
        assert_eq!(endpoint.transport, expected);
    }

    #[test]
    fn ssh_goes_where_it_says_and_ports_are_reached_there() {
        let home = tempfile::tempdir().unwrap();
        let endpoint = resolve(home.path(), &[("DOCKER_HOST", "ssh://me@far:2222")]).unwrap();
        assert_eq!(endpoint.to_string(), "ssh://me@far:2222");
        assert_eq!(endpoint.host(), Some("far"));
    }

    #[test]
    fn what_is_no_address_is_an_error_without_the_password_in_it() {
        let home = tempfile::tempdir().unwrap();
        for host in ["ssh://me:secret@far", "ssh://", "npipe:////./pipe/docker_engine"] {
            let error = resolve(home.path(), &[("DOCKER_HOST", host)]).unwrap_err();
            assert_eq!(error.kind(), &ErrorKind::Unsupported);
            let hint = error.data.hint.as_deref().unwrap_or_default();
            assert!(hint.contains("ssh://USER@HOST"), "{hint}");
            assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        }
    }
}
