//! What goes wrong, and what is told of it.

use std::net::TcpListener;
use std::path::Path;

use serde_json::json;

use super::place;
use crate::support::{Backend, Place, is_stand_in_of};

const VERBS: [&[&str]; 5] =
    [&["start"], &["stop"], &["status"], &["restart"], &["destroy", "--yes"]];

/// A folder with one program of `PATH` and nothing else, in the place.
fn only(place: &Place, program: &str) -> String {
    let folder = place.path("bin");
    std::fs::create_dir(&folder).expect("writable");
    link(&folder, program);
    folder.display().to_string()
}

fn link(folder: &Path, program: &str) {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut there = std::env::split_paths(&path).map(|folder| folder.join(program));
    let found = there.find(|file| file.exists()).expect("it is on PATH");
    std::os::unix::fs::symlink(found, folder.join(program)).expect("writable");
}

#[test]
fn kind_gets_the_docker_command_from_where_installers_put_it() {
    let place = place("kind-nodocker");
    let path = only(&place, "kind");
    let folder = place.path("home/.local/bin");
    std::fs::create_dir_all(&folder).expect("writable");
    link(&folder, "docker");
    place.caproni_with(&["start"], &[("PATH", &path)]).expect_code(0);
}

#[test]
fn an_engine_that_is_not_there_is_unavailable_and_never_no_cluster() {
    let place = place("kind-noengine");
    let host = format!("unix://{}", place.path("nothing.sock").display());
    for verb in VERBS {
        let args = [verb, &["-o", "json"]].concat();
        let error = place.caproni_with(&args, &[("DOCKER_HOST", &host)]).expect_code(7).error();
        assert_eq!(error["kind"], "BackendUnavailable", "{verb:?}: {error:#}");
    }
}

#[test]
fn without_kind_start_says_how_to_install_it_and_status_still_answers() {
    let place = place("kind-nokind");
    let path = only(&place, "docker");
    let without = |args: &[&str]| place.caproni_with(args, &[("PATH", &path)]);
    let error = without(&["start", "-o", "json"]).expect_code(7).error();
    assert_eq!((&error["kind"], &error["program"]), (&json!("BackendMissing"), &json!("kind")));
    assert!(error["hint"].is_string(), "{error:#}");
    without(&["status"]).expect_code(3);
}

#[test]
fn a_cluster_that_does_not_become_ready_is_an_error_and_is_removed_again() {
    let place = place("kind-unready");
    let limit = match is_stand_in_of(Backend::Kind) {
        true => "15s",
        false => "5s",
    };
    place.write_config("feature_gates: {StandInNeverReady: true}");
    let error = place.caproni(&["start", "--timeout", limit, "-o", "json"]).expect_code(4).error();
    assert_ne!(error["kind"], "BackendFailed", "{error:#}");
    assert_eq!(place.left(), Vec::<String>::new());
}

#[test]
fn a_creation_that_fails_is_removed_again_and_tells_why() {
    let place = place("kind-broken");
    // The real thing does not know this gate either.
    place.write_config("feature_gates: {StandInCrashes: true}");
    let error = place.caproni(&["start", "-o", "json"]).expect_code(1).error();
    assert_eq!(error["kind"], "BackendFailed", "{error:#}");
    assert!(
        error["command"].as_str().is_some_and(|line| line.contains("kind create cluster")),
        "{error:#}"
    );
    assert!(error["message"].as_str().is_some_and(|text| text.contains("kubeadm")), "{error:#}");
    let causes = error["causes"].to_string();
    assert!(causes.contains(&place.node("control-plane")), "no log: {error:#}");
    assert_eq!(place.left(), Vec::<String>::new());
}

#[test]
fn a_config_that_kind_refuses_is_an_invalid_config() {
    let place = place("kind-refused");
    place.write_config("config: {networking: {podSubnet: nonsense}}");
    let error = place.caproni(&["start", "-o", "json"]).expect_code(6).error();
    assert_eq!(error["kind"], "InvalidDriverConfig", "{error:#}");
    assert!(error.to_string().contains("nonsense"), "{error:#}");
    assert_eq!(place.left(), Vec::<String>::new());
}

#[test]
fn a_port_that_is_taken_is_a_conflict() {
    let place = place("kind-port");
    let taken = TcpListener::bind("0.0.0.0:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    place.write_config(&format!("port_mappings: [\"{port}:80\"]"));
    let error = place.caproni(&["start", "-o", "json"]).expect_code(8).error();
    assert_eq!(error["kind"], "ResourceConflict", "{error:#}");
    assert_eq!(error["resource"], format!("port {port}"));
    assert_eq!(place.left(), Vec::<String>::new());
}

#[test]
fn a_kind_that_is_too_old_is_refused_with_both_versions() {
    use std::os::unix::fs::PermissionsExt;
    let place = place("kind-old");
    let folder = only(&place, "docker");
    let program = Path::new(&folder).join("kind");
    std::fs::write(&program, "#!/bin/sh\necho 0.11.1\n").expect("writable");
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&program, mode).expect("it is ours");
    let path = format!("{folder}:/usr/bin:/bin");
    let run = place.caproni_with(&["start", "-o", "json"], &[("PATH", &path)]).expect_code(7);
    let error = run.error();
    assert_eq!(error["kind"], "BackendMissing", "{error:#}");
    assert_eq!((&error["required"], &error["found"]), (&json!("0.20"), &json!("0.11.1")));
}
