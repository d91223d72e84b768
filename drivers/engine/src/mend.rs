//! What to run on this machine when no engine answers.

use caproni_driver::backend::Platform;
use caproni_driver::{Action, Error, ErrorKind};

use crate::endpoint::{Endpoint, Source, Transport};

/// Why an engine does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Silence {
    /// Nothing listens at its address.
    NotThere,
    /// This user may not talk to it.
    Forbidden,
    /// It took the connection, or the packets, and says nothing in time.
    Hangs,
}

/// The failure of a request whose engine does not answer.
pub(crate) fn engine_silent(platform: &Platform, endpoint: &Endpoint, silence: Silence) -> Error {
    let local = matches!(endpoint.transport, Transport::Unix(_));
    match (silence, &endpoint.source) {
        (Silence::Forbidden, _) => forbidden(platform, endpoint),
        (Silence::NotThere, Source::Default) if !is_installed(platform) => engine_missing(platform),
        (Silence::NotThere, Source::Default | Source::Context(_)) if local => {
            let hint = "start the Docker engine";
            with_actions(unavailable(endpoint, "does not run"), start(platform), hint)
        }
        (Silence::NotThere, source) => {
            unavailable(endpoint, "does not answer").with_hint(match &endpoint.transport {
                Transport::Ssh(destination) => format!(
                    "make `{}` work without a question, or correct {source}",
                    destination.command_line("version")
                ),
                _ => format!("start the engine, or correct {source}, which names this address"),
            })
        }
        (Silence::Hangs, source) => {
            unavailable(endpoint, "does not answer in time").with_hint(match source {
                Source::Default => "restart the Docker engine".into(),
                source => format!("check the engine, and {source}, which names this address"),
            })
        }
    }
}

fn unavailable(endpoint: &Endpoint, what: &str) -> Error {
    let message = format!("the Docker engine at `{endpoint}` {what}");
    Error::new(ErrorKind::BackendUnavailable, message)
}

fn with_actions(error: Error, actions: Vec<Action>, otherwise: &str) -> Error {
    let commands: Vec<_> =
        actions.iter().map(|action| format!("`{}`", action.command_line())).collect();
    let hint = match commands.as_slice() {
        [] => otherwise.to_owned(),
        commands => format!("run {}", commands.join(", then ")),
    };
    error.with_hint(hint).with_actions(actions)
}

fn forbidden(platform: &Platform, endpoint: &Endpoint) -> Error {
    let message = format!("you may not talk to the Docker engine at `{endpoint}`");
    let error = Error::new(ErrorKind::PermissionDenied, message);
    if platform.mac || platform.root {
        return error.with_hint("make the socket readable and writable for you");
    }
    let join = platform.privileged(
        "Join the group that may use Docker",
        "the engine's socket belongs to the group `docker`",
        &["usermod", "-aG", "docker", &platform.user],
    );
    let hint = format!("run `{}`, then log out and in again", join.command_line());
    error.with_hint(hint).with_actions([join])
}

/// Whether some program that is or starts an engine is there. The `docker` command
/// alone is not one.
fn is_installed(platform: &Platform) -> bool {
    ["dockerd", "colima", "Docker.app", "OrbStack.app"].iter().any(|name| platform.has(name))
}

fn engine_missing(platform: &Platform) -> Error {
    let mut error = Error::new(ErrorKind::BackendMissing, "no Docker engine is installed");
    error.data.program = Some("docker".into());
    let hint = "install a Docker engine as https://docs.docker.com/engine/install says";
    with_actions(error, install_engine(platform), hint)
}

fn install_engine(platform: &Platform) -> Vec<Action> {
    let reason = "a cluster's nodes run in a Docker engine, and none is installed";
    if platform.mac {
        if !platform.has("brew") {
            return Vec::new();
        }
        let argv = ["brew", "install", "colima", "docker"];
        return [Action::new("Install Colima and Docker with Homebrew", reason, argv)]
            .into_iter()
            .chain(start_colima())
            .collect();
    }
    let title = "Install a Docker engine";
    if platform.is_like(&["debian", "ubuntu"]) && platform.has("apt-get") {
        return vec![platform.privileged(
            title,
            reason,
            &["apt-get", "install", "-y", "docker.io"],
        )];
    }
    if platform.is_like(&["fedora"]) && platform.has("dnf") {
        let install = platform.privileged(title, reason, &["dnf", "install", "-y", "moby-engine"]);
        // Fedora starts no service on its own.
        return [install].into_iter().chain(start_service(platform)).collect();
    }
    if platform.has("curl") {
        // Not `curl … | sh`: a download that fails would count as an installation that worked.
        let line = "script=$(curl -fsSL https://get.docker.com) && sh -c \"$script\"";
        return vec![platform.privileged(title, reason, &["sh", "-c", line])];
    }
    Vec::new()
}

fn start(platform: &Platform) -> Vec<Action> {
    if !platform.mac {
        return if platform.has("dockerd") {
            start_service(platform)
        } else if platform.has("colima") {
            start_colima()
        } else {
            Vec::new()
        };
    }
    let open = |application: &str| {
        let title = format!("Start {application}");
        vec![Action::new(title, "the Docker engine does not run", ["open", "-a", application])]
    };
    if platform.has("colima") {
        start_colima()
    } else if platform.has("OrbStack.app") {
        open("OrbStack")
    } else if platform.has("Docker.app") {
        open("Docker")
    } else {
        Vec::new()
    }
}

fn start_colima() -> Vec<Action> {
    vec![Action::new("Start Colima", "the Docker engine does not run", ["colima", "start"])]
}

fn start_service(platform: &Platform) -> Vec<Action> {
    let argv: &[&str] = if platform.systemd {
        &["systemctl", "start", "docker"]
    } else {
        &["service", "docker", "start"]
    };
    vec![platform.privileged("Start the Docker engine", "the Docker engine does not run", argv)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ssh::Destination;

    fn platform(has: &[&str], os: &[&str]) -> Platform {
        let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        Platform { has: owned(has), os: owned(os), user: "me".into(), ..Platform::default() }
    }

    fn endpoint(source: Source) -> Endpoint {
        Endpoint { transport: Transport::Unix("/var/run/docker.sock".into()), source }
    }

    fn commands(error: &Error) -> Vec<String> {
        error.data.actions.iter().map(Action::command_line).collect()
    }

    fn silent(platform: &Platform, silence: Silence) -> Error {
        engine_silent(platform, &endpoint(Source::Default), silence)
    }

    #[test]
    fn a_missing_engine_is_installed_as_the_platform_does() {
        for (has, os, command) in [
            (&["apt-get"][..], &["debian"][..], "sudo apt-get install -y docker.io"),
            (&["apt-get"], &["linuxmint", "ubuntu", "debian"], "sudo apt-get install -y docker.io"),
            (&["dnf"], &["fedora"], "sudo dnf install -y moby-engine"),
            (
                &["curl"],
                &["alpine"],
                "sudo sh -c 'script=$(curl -fsSL https://get.docker.com) && sh -c \"$script\"'",
            ),
        ] {
            let error = silent(&platform(has, os), Silence::NotThere);
            assert_eq!(error.kind(), &ErrorKind::BackendMissing);
            assert_eq!(commands(&error)[0], command);
            assert!(error.data.actions[0].privileged);
        }
        let mac = Platform { mac: true, ..platform(&["brew"], &[]) };
        let error = silent(&mac, Silence::NotThere);
        assert_eq!(commands(&error), ["brew install colima docker", "colima start"]);
        assert!(silent(&platform(&[], &[]), Silence::NotThere).data.actions.is_empty());
    }

    #[test]
    fn root_needs_no_sudo() {
        let root = Platform { root: true, ..platform(&["apt-get"], &["debian"]) };
        let error = silent(&root, Silence::NotThere);
        assert_eq!(commands(&error), ["apt-get install -y docker.io"]);
        assert!(error.data.actions[0].privileged);
    }

    #[test]
    fn an_engine_that_does_not_run_is_started() {
        let systemd = Platform { systemd: true, ..platform(&["dockerd"], &[]) };
        let mac = |has: &[&str]| Platform { mac: true, ..platform(has, &[]) };
        for (platform, command) in [
            (systemd, "sudo systemctl start docker"),
            (platform(&["dockerd"], &[]), "sudo service docker start"),
            (platform(&["colima"], &[]), "colima start"),
            (mac(&["colima", "Docker.app"]), "colima start"),
            (mac(&["OrbStack.app"]), "open -a OrbStack"),
            (mac(&["Docker.app"]), "open -a Docker"),
        ] {
            let error = silent(&platform, Silence::NotThere);
            assert_eq!(error.kind(), &ErrorKind::BackendUnavailable);
            assert_eq!(commands(&error), [command]);
        }
    }

    #[test]
    fn an_engine_that_somebody_named_is_not_started_for_them() {
        let remote = Endpoint {
            transport: Transport::Tcp("far:2375".into()),
            source: Source::Context("far".into()),
        };
        for endpoint in [endpoint(Source::DockerHost), remote] {
            let error = engine_silent(&platform(&["dockerd"], &[]), &endpoint, Silence::NotThere);
            assert_eq!(error.kind(), &ErrorKind::BackendUnavailable);
            assert!(error.data.actions.is_empty());
            let hint = error.data.hint.unwrap();
            assert!(hint.contains("DOCKER_HOST") || hint.contains("context `far`"), "{hint}");
        }
    }

    #[test]
    fn an_engine_over_ssh_is_tried_as_the_driver_does() {
        let destination = Destination::parse("me@far:2222/run/my.sock").unwrap();
        let endpoint =
            Endpoint { transport: Transport::Ssh(destination), source: Source::DockerHost };
        let error = engine_silent(&platform(&[], &[]), &endpoint, Silence::NotThere);
        let hint = error.data.hint.unwrap();
        let line = "`ssh -l me -p 2222 far docker --host=unix:///run/my.sock version`";
        assert!(hint.contains(line) && hint.contains("DOCKER_HOST"), "{hint}");
    }

    #[test]
    fn a_forbidden_socket_names_the_group_to_join() {
        let error = silent(&platform(&["dockerd"], &[]), Silence::Forbidden);
        assert_eq!(error.kind(), &ErrorKind::PermissionDenied);
        assert_eq!(commands(&error), ["sudo usermod -aG docker me"]);
    }

    #[test]
    fn a_hanging_engine_is_unavailable() {
        let error = silent(&platform(&["dockerd"], &[]), Silence::Hangs);
        assert_eq!(error.kind(), &ErrorKind::BackendUnavailable);
        assert!(error.message.contains("in time"));
    }
}
