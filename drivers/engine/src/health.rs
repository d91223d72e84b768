//! What every cluster in containers needs, as `diagnose` looks at it: the backend's program, the
//! engine, its memory and disk, ports that are free, and an API that answers.

use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::Duration;

use caproni_driver::backend::Backend;
use caproni_driver::{Condition, Error, HealthCheck, Kubeconfig, Request, State, Status, Verdict};
use rustix::fs::statvfs;
use serde::Deserialize;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::ask::ask;
use crate::binding::Binding;
use crate::endpoint::Transport;
use crate::engine::Engine;
use crate::listed::Listed;
use crate::taken;
use crate::vantage::Vantage;

/// With less memory than this the nodes of Kubernetes do not come up, in bytes.
const LEAST_MEMORY: i64 = 512 * MIB as i64;

/// With less than this they come up slowly, and little runs on them.
const LITTLE_MEMORY: i64 = 2048 * MIB as i64;

/// With less disk space than this an image does not fit.
const LEAST_DISK: u64 = 1024 * MIB;

/// Kubernetes lets nothing run on a node whose disk has less of its space free, in percent.
const LITTLE_DISK: u64 = 10;

const MIB: u64 = 1024 * 1024;

/// How long an API may take to take a connection.
const CONNECT: Duration = Duration::from_secs(3);

/// Tells whether a backend's program is there, and new enough.
pub async fn program(request: &Request, backend: &Backend) -> HealthCheck {
    let checked = async {
        let found = backend.find()?;
        found.check_version(request).await?;
        let version = found.version(request).await?;
        Ok(format!("{} {version} at `{}`", backend.name(), found.path().display()))
    };
    match checked.await {
        Ok(message) => HealthCheck::new("program", Verdict::Ok, message),
        Err(error) => failed("program", Verdict::Failed, &error),
    }
}

/// Tells whether an engine answers, and whether it has memory and disk space enough. `silent` is
/// the verdict on one that does not answer.
pub async fn engine(request: &Request, silent: Verdict) -> (Option<Engine>, Vec<HealthCheck>) {
    let asked = async {
        let engine = Engine::connect(request).await?;
        let info = engine.answer(ask(engine.docker.clone(), "/info", ())).await?;
        Ok((engine, info))
    };
    match asked.await {
        Ok((engine, info)) => {
            let checks = of_engine(&engine, &info);
            (Some(engine), checks)
        }
        Err(error) => (None, vec![failed("engine", silent, &error)]),
    }
}

/// What an engine says of itself and of its machine, as far as it is read.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Info {
    server_version: Option<String>,
    docker_root_dir: Option<String>,
    mem_total: Option<i64>,
}

fn of_engine(engine: &Engine, info: &Info) -> Vec<HealthCheck> {
    let version = info.server_version.as_deref().unwrap_or("of unknown version");
    let message = format!("the engine {version} at `{}` answers", engine.endpoint());
    let local = matches!(engine.endpoint().transport, Transport::Unix(_));
    let root = info.docker_root_dir.as_deref().map(Path::new);
    let disk = root.filter(|_| local).and_then(disk_at);
    let checks =
        [Some(HealthCheck::new("engine", Verdict::Ok, message)), info.mem_total.map(memory), disk];
    checks.into_iter().flatten().collect()
}

fn memory(bytes: i64) -> HealthCheck {
    let message = format!("the engine has {} MiB of memory", bytes.max(0) as u64 / MIB);
    let hint = "give the engine's machine more memory";
    match bytes {
        ..LEAST_MEMORY => HealthCheck::new("memory", Verdict::Failed, message).with_hint(hint),
        LEAST_MEMORY..LITTLE_MEMORY => {
            HealthCheck::new("memory", Verdict::Warning, message).with_hint(hint)
        }
        _ => HealthCheck::new("memory", Verdict::Ok, message),
    }
}

/// `None` where the engine's folder is not of this machine, or is not to be seen.
fn disk_at(root: &Path) -> Option<HealthCheck> {
    let space = statvfs(root).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(space.f_frsize);
    Some(disk(root, bytes(space.f_bavail), bytes(space.f_blocks)))
}

fn disk(root: &Path, free: u64, all: u64) -> HealthCheck {
    let percent = free.saturating_mul(100).checked_div(all).unwrap_or_default();
    let shown = root.display();
    let message = format!("{} MiB ({percent} %) are free at `{shown}`, of the engine", free / MIB);
    let hint = "make room, such as with `docker system prune`, which removes what is not in use";
    let verdict = match free {
        ..LEAST_DISK => Verdict::Failed,
        _ if percent < LITTLE_DISK => Verdict::Warning,
        _ => return HealthCheck::new("disk", Verdict::Ok, message),
    };
    HealthCheck::new("disk", verdict, message).with_hint(hint)
}

/// Tells whether the ports that a config publishes are free, or are those of its own cluster, whose
/// containers have this label.
pub async fn ports(engine: &Engine, own: &str, wanted: &[Binding]) -> Vec<HealthCheck> {
    let fixed: Vec<&Binding> = wanted.iter().filter(|it| it.host_port.is_some()).collect();
    if fixed.is_empty() {
        return Vec::new();
    }
    if let Err(error) = taken::check(engine, own, wanted).await {
        return vec![failed("ports", Verdict::Failed, &error)];
    }
    let is_here = matches!(engine.vantage().await, Ok(Vantage::SameMachine));
    let have = have(engine, own).await;
    let others = fixed.iter().filter(|it| !have.iter().any(|had| it.collides(had)));
    let taken: Vec<_> = others.filter(|it| is_here && is_taken(it)).collect();
    if taken.is_empty() {
        let message = format!("free or its own: {}", listed(&fixed));
        return vec![HealthCheck::new("ports", Verdict::Ok, message)];
    }
    let told = taken.iter().filter_map(|it| it.host_port).map(|port| {
        let message = format!("port {port} of this machine is taken by a program");
        let hint = format!("see which with `ss -ltnp 'sport = :{port}'`, or choose another port");
        HealthCheck::new("ports", Verdict::Failed, message).with_hint(hint)
    });
    told.collect()
}

/// What the cluster itself publishes now.
async fn have(engine: &Engine, own: &str) -> Vec<Binding> {
    let Some((name, value)) = own.split_once('=') else { return Vec::new() };
    let running = engine.running().await.unwrap_or_default();
    let its = running.iter().filter(|container| container.label(name) == Some(value));
    its.flat_map(Listed::bindings).collect()
}

/// Takes the port for a moment. That it may not be taken by this user says nothing: the engine
/// has rights of its own.
fn is_taken(binding: &Binding) -> bool {
    let host = binding.address().parse().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let Some(port) = binding.host_port.filter(|_| binding.protocol == "tcp") else { return false };
    let bound = TcpListener::bind((host, port));
    bound.is_err_and(|error| error.kind() == std::io::ErrorKind::AddrInUse)
}

fn listed(bindings: &[&Binding]) -> String {
    let mut ports: Vec<u16> = bindings.iter().filter_map(|it| it.host_port).collect();
    ports.dedup();
    ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
}

/// Tells whether a cluster is well that is there, by its status.
pub fn cluster(profile: &str, status: Result<&Status, &Error>) -> Vec<HealthCheck> {
    let status = match status {
        Ok(status) => status,
        Err(error) => return vec![failed("cluster", Verdict::Failed, error)],
    };
    let bad: Vec<&Condition> = status.conditions.iter().filter(|it| !it.ok).collect();
    if bad.is_empty() {
        let what = match status.exists {
            false => format!("there is no cluster `{profile}`"),
            true => format!("cluster `{profile}` is {}", status.state),
        };
        return vec![HealthCheck::new("cluster", Verdict::Ok, what)];
    }
    let verdict = if status.state == State::Starting { Verdict::Warning } else { Verdict::Failed };
    let check = |condition: &Condition| {
        let message = format!("`{}` {}", condition.name, condition.message);
        let hint = condition.hint.as_deref().unwrap_or("run `caproni status` to see why");
        HealthCheck::new("cluster", verdict.clone(), message).with_hint(hint)
    };
    bad.into_iter().map(check).collect()
}

/// Tells whether something takes connections at a cluster's address.
pub async fn api(told: Result<Kubeconfig, Error>) -> HealthCheck {
    let kubeconfig = match told {
        Ok(kubeconfig) => kubeconfig,
        Err(error) => return failed("api", Verdict::Failed, &error),
    };
    let Some((host, port)) = address(&kubeconfig.kubeconfig) else {
        return HealthCheck::new("api", Verdict::Failed, "the kubeconfig names no address")
            .with_hint("make the cluster anew with `caproni destroy` and `caproni start`");
    };
    let connected = TcpStream::connect((host.as_str(), port));
    let why = match tokio::time::timeout(CONNECT, connected).await {
        Ok(Ok(_)) => {
            let message = format!("the API takes connections at `{host}:{port}`");
            return HealthCheck::new("api", Verdict::Ok, message);
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {} s", CONNECT.as_secs()),
    };
    let message = format!("the API cannot be reached at `{host}:{port}`: {why}");
    HealthCheck::new("api", Verdict::Failed, message).with_hint("run `caproni restart`")
}

/// The host and port of `https://host:port` in a kubeconfig.
fn address(kubeconfig: &str) -> Option<(String, u16)> {
    let document: Value = serde_saphyr::from_str(kubeconfig).ok()?;
    let server = document.pointer("/clusters/0/cluster/server")?.as_str()?;
    let (host, port) = server.strip_prefix("https://")?.trim_end_matches('/').rsplit_once(':')?;
    Some((host.trim_matches(['[', ']']).to_owned(), port.parse().ok()?))
}

/// A failure as a check, with what mends it.
pub fn failed(name: &str, verdict: Verdict, error: &Error) -> HealthCheck {
    let hint = error.data.hint.as_deref().unwrap_or("run `caproni status -v` to see why");
    HealthCheck::new(name, verdict, &error.message)
        .with_hint(hint)
        .with_actions(error.data.actions.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_is_a_warning_and_too_little_a_failure() {
        let gib = 1024 * MIB;
        for (free, verdict) in [
            (50 * gib, Verdict::Ok),
            (9 * gib, Verdict::Warning),
            (MIB, Verdict::Failed),
            (0, Verdict::Failed),
        ] {
            let check = disk(Path::new("/var/lib/docker"), free, 100 * gib);
            assert_eq!(check.verdict, verdict, "{free}");
            assert_eq!(check.hint.is_some(), verdict != Verdict::Ok);
        }
        for (bytes, verdict) in
            [(8 * gib, Verdict::Ok), (gib, Verdict::Warning), (MIB, Verdict::Failed)]
        {
            assert_eq!(memory(bytes as i64).verdict, verdict, "{bytes}");
        }
        assert_eq!(memory(-1).verdict, Verdict::Failed);
    }

    #[test]
    fn a_port_that_a_program_has_is_taken_and_another_is_not() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let binding = Binding {
            host_ip: "127.0.0.1".into(),
            host_port: Some(port),
            container_port: 80,
            protocol: "tcp".into(),
        };
        assert!(is_taken(&binding));
        assert!(!is_taken(&Binding { protocol: "udp".into(), ..binding.clone() }));
        drop(listener);
        assert!(!is_taken(&binding));
    }

    #[test]
    fn the_address_of_a_kubeconfig_is_found() {
        let of =
            |server: &str| address(&format!("clusters: [{{cluster: {{server: '{server}'}}}}]"));
        assert_eq!(of("https://127.0.0.1:6443"), Some(("127.0.0.1".into(), 6443)));
        assert_eq!(of("https://[fd00::1]:1/"), Some(("fd00::1".into(), 1)));
        assert_eq!(of("ftp://a:1"), None);
        assert_eq!(address(""), None);
    }

    #[tokio::test]
    async fn an_api_that_nobody_serves_is_a_failure_with_what_mends_it() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let text = format!("clusters: [{{cluster: {{server: 'https://127.0.0.1:{port}'}}}}]");
        let told = || Ok(Kubeconfig::new(text.clone(), "demo"));
        assert_eq!(api(told()).await.verdict, Verdict::Ok);
        drop(listener);
        let check = api(told()).await;
        assert_eq!((check.verdict, check.hint.is_some()), (Verdict::Failed, true));
    }

    #[test]
    fn each_condition_of_a_cluster_is_a_check_and_none_is_well() {
        let mut status = Status::new(State::NotReady);
        status.exists = true;
        status.conditions = vec![Condition::failed("server-0", "is paused")];
        let checks = cluster("demo", Ok(&status));
        assert_eq!(checks.len(), 1);
        assert_eq!(checks[0].message, "`server-0` is paused");
        status.conditions.clear();
        assert_eq!(cluster("demo", Ok(&status))[0].verdict, Verdict::Ok);
    }
}
