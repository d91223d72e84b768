//! An engine over ssh, with the real ssh and the real sshd: only that the other machine is this one
//! is made up, for which ssh is told to start an sshd in the place of a connection.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Backend, Place, Run};

/// What makes `ssh` on PATH reach an sshd of the test's own, with a key that it takes or one that it
/// does not.
struct Login {
    folder: PathBuf,
}

impl Login {
    fn new(place: &Place) -> Self {
        let login = Self { folder: place.path("ssh") };
        std::fs::create_dir_all(login.folder.join("bin")).expect("writable");
        // sshd keeps what it lets go of its rights in there; a service would have made it.
        std::fs::create_dir_all("/run/sshd").expect("run by root");
        for key in ["host", "user", "other"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(login.folder.join(key))
                .status();
            assert!(made.expect("ssh-keygen runs").success());
        }
        let folder = login.folder.display();
        let server = format!(
            "HostKey {folder}/host\nAuthorizedKeysFile {folder}/user.pub\nStrictModes no\nUsePAM no\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        );
        login.write("server", &server);
        let wrapper =
            format!("#!/bin/sh\nexec {} -F {folder}/client \"$@\"\n", real_ssh().display());
        login.write("bin/ssh", &wrapper);
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(login.folder.join("bin/ssh"), executable).expect("writable");
        login.take_key("user");
        login
    }

    fn take_key(&self, key: &str) {
        let folder = self.folder.display();
        let client = format!(
            "ProxyCommand /usr/sbin/sshd -i -f {folder}/server\nIdentityFile {folder}/{key}\n\
             IdentitiesOnly yes\nStrictHostKeyChecking no\nUserKnownHostsFile /dev/null\nLogLevel ERROR\n"
        );
        self.write("client", &client);
    }

    fn write(&self, name: &str, content: &str) {
        std::fs::write(self.folder.join(name), content).expect("writable");
    }

    /// Runs `caproni` with the engine of this suite by way of ssh.
    fn caproni(&self, place: &Place, args: &[&str]) -> Run {
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{path}", self.folder.join("bin").display());
        place.caproni_with(args, &[("DOCKER_HOST", &address()), ("PATH", &path)])
    }
}

fn real_ssh() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("ssh"));
    found.into_iter().find(|file| file.exists()).expect("ssh is on PATH")
}

/// The engine of this suite, as it is reached from another machine.
fn address() -> String {
    let local = std::env::var("DOCKER_HOST").expect("the engine of this suite");
    let socket = local.strip_prefix("unix://").expect("a socket");
    assert!(Path::new(socket).exists(), "{socket}");
    format!("ssh://root@localhost{socket}")
}

fn lives(place: &Place, node: &str) {
    let login = Login::new(place);
    let run = |args: &[&str]| login.caproni(place, args);
    let told = run(&["start", "-o", "json"]).expect_code(0).json();
    assert_eq!(told["change"], "created", "{told:#}");
    assert_eq!(run(&["status", "-o", "json"]).expect_code(0).json()["state"], "ready");
    // It is the same cluster as without ssh.
    assert_eq!(place.status()["state"], "ready");
    let rows = run(&["list", "-o", "json"]).expect_code(0).json();
    let rows = rows["clusters"].as_array().expect("rows").clone();
    assert!(rows.iter().any(|row| row["profile"] == place.profile.as_str()), "{rows:#?}");
    let host = run(&["exec", "--", "hostname"]).expect_code(0).stdout;
    assert_eq!(host.trim(), node);
    run(&["stop"]).expect_code(0);
    assert_eq!(run(&["status", "-o", "json"]).expect_code(3).json()["state"], "stopped");
    run(&["start"]).expect_code(0);
    run(&["destroy"]).expect_code(0);
    assert_eq!(place.left(), Vec::<String>::new());
    place.expect_no_process();
}

#[test]
fn a_k3d_cluster_lives_on_an_engine_over_ssh() {
    let place = Place::new("far");
    lives(&place, "k3d-t-far-server-0");
}

#[test]
fn a_kind_cluster_lives_on_an_engine_over_ssh() {
    let place = Place::of(Backend::Kind, "far-kind");
    lives(&place, "t-far-kind-control-plane");
}

#[test]
fn a_login_that_fails_is_told_in_the_words_of_ssh() {
    let place = Place::new("far-off");
    let login = Login::new(&place);
    login.take_key("other");
    for verb in ["status", "start"] {
        let error = login.caproni(&place, &[verb, "-o", "json"]).expect_code(7).error();
        assert_eq!(error["kind"], "BackendUnavailable");
        let cause = error["causes"].to_string();
        assert!(cause.contains("Permission denied (publickey)"), "{error:#}");
        let hint = error["hint"].as_str().unwrap_or_default();
        assert!(hint.contains("ssh -l root localhost docker --host=unix:///"), "{error:#}");
    }
    place.expect_no_process();
}
