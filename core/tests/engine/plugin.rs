//! `kubectl caproni`, with the real kubectl.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

/// kubectl with what an installation has before the others on its search path.
fn kubectl(words: &str) -> Output {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let complete = Path::new(env!("CARGO_MANIFEST_DIR")).join("dist/kubectl_complete-caproni");
    let caproni = Path::new(env!("CARGO_BIN_EXE_caproni"));
    for program in [caproni, &complete] {
        let name = program.file_name().expect("a file");
        symlink(program, folder.path().join(name)).expect("a link");
    }
    symlink(caproni, folder.path().join("kubectl-caproni")).expect("a link");
    let path = std::env::var("PATH").expect("a search path");
    let mut kubectl = Command::new("kubectl");
    kubectl.args(words.split(' ')).env("PATH", format!("{}:{path}", folder.path().display()));
    kubectl.env("HOME", folder.path()).output().expect("kubectl is installed, see .ci/run")
}

fn said(words: &str) -> String {
    String::from_utf8_lossy(&kubectl(words).stdout).into_owned()
}

#[test]
fn kubectl_runs_caproni_as_its_own_command() {
    let help = said("caproni start --help");
    assert!(help.contains("\nUsage: kubectl caproni start [OPTIONS]\n"), "{help}");
    let missing = kubectl("caproni --driver no-such-driver status");
    assert_eq!(missing.status.code(), Some(10), "{missing:?}");
    let listed = said("plugin list");
    assert!(listed.lines().any(|line| line.ends_with("/kubectl-caproni")), "{listed}");
}

/// `__complete` is what the scripts of `kubectl completion` call.
#[test]
fn kubectl_completes_the_commands_of_caproni() {
    let told = said("__complete caproni destr");
    assert_eq!(told, "destroy\tRemove the cluster and all its data, half-created ones too\n:4\n");
}
