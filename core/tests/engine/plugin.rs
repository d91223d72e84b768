//! `kubectl caproni`, with the real kubectl.

use std::process::{Command, Output};

/// kubectl with caproni's folder before the others, as an installation has it.
fn kubectl(words: &str) -> Output {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plugin = folder.path().join("kubectl-caproni");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_caproni"), plugin).expect("a link");
    let path = std::env::var("PATH").expect("a search path");
    let mut kubectl = Command::new("kubectl");
    kubectl.args(words.split(' ')).env("PATH", format!("{}:{path}", folder.path().display()));
    kubectl.env("HOME", folder.path()).output().expect("kubectl is installed, see .ci/run")
}

#[test]
fn kubectl_runs_caproni_as_its_own_command() {
    let help = kubectl("caproni start --help");
    let text = String::from_utf8_lossy(&help.stdout).into_owned();
    assert!(text.contains("\nUsage: kubectl caproni start [OPTIONS]\n"), "{help:?}");
    let missing = kubectl("caproni --driver no-such-driver status");
    assert_eq!(missing.status.code(), Some(10), "{missing:?}");
    let listed = String::from_utf8(kubectl("plugin list").stdout).unwrap();
    assert!(listed.lines().any(|line| line.ends_with("/kubectl-caproni")), "{listed}");
}
