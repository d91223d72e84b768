//! What goes wrong, and what is told of it.

use std::os::unix::net::UnixListener;
use std::time::Instant;

use crate::support::{Place, Run, docker, is_stand_in};

const VERBS: [&[&str]; 5] =
    [&["start"], &["stop"], &["status"], &["restart"], &["destroy", "--yes"]];

fn on_engine(place: &Place, host: &str, args: &[&str]) -> Run {
    let mut command = place.command(args);
    command.args(["-o", "json", "--timeout", "20s"]).env("DOCKER_HOST", host);
    let output = command.output().expect("caproni runs");
    Run {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[test]
fn an_engine_that_is_not_there_is_unavailable_and_never_no_cluster() {
    let place = Place::new("noengine");
    let host = format!("unix://{}", place.path("nothing.sock").display());
    for verb in VERBS {
        let error = on_engine(&place, &host, verb).expect_code(7).error();
        assert_eq!(error["kind"], "BackendUnavailable", "{verb:?}: {error:#}");
    }
}

#[test]
fn an_engine_that_accepts_and_never_answers_is_unavailable_in_time() {
    let place = Place::new("silent");
    let socket = place.path("silent.sock");
    let _listener = UnixListener::bind(&socket).expect("a socket");
    for verb in VERBS {
        let begun = Instant::now();
        let error =
            on_engine(&place, &format!("unix://{}", socket.display()), verb).expect_code(7).error();
        assert_eq!(error["kind"], "BackendUnavailable", "{verb:?}: {error:#}");
        assert!(begun.elapsed().as_secs() < 25, "{verb:?} took {:?}", begun.elapsed());
    }
}

#[test]
fn without_k3d_start_says_how_to_install_it_and_status_still_answers() {
    let place = Place::new("nok3d");
    let without_k3d = |args: &[&str]| {
        let mut command = place.command(args);
        command.env("PATH", "/usr/bin:/bin");
        let output = command.output().expect("caproni runs");
        Run {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    };
    let error = without_k3d(&["start", "-o", "json"]).expect_code(7).error();
    assert_eq!((&error["kind"], &error["program"]), (&"BackendMissing".into(), &"k3d".into()));
    assert!(error["actions"][0]["argv"][0].is_string() || error["hint"].is_string(), "{error:#}");
    without_k3d(&["status"]).expect_code(3);
}

#[test]
fn a_cluster_that_does_not_become_ready_is_an_error_and_is_removed_again() {
    if !is_stand_in() {
        return the_same_on_a_real_image();
    }
    let place = Place::new("unready");
    place.write_config("env: [\"STAND_IN_READY_AFTER=never@server:*\"]");
    let error = place.caproni(&["start", "--timeout", "15s", "-o", "json"]).expect_code(4).error();
    assert_eq!(error["kind"], "ClusterNotReady", "{error:#}");
    assert_eq!(error["conditions"][0]["name"], place.node("server-0"));
    assert_eq!(place.left(), Vec::<String>::new());

    let kept =
        place.caproni(&["start", "--timeout", "15s", "--no-rollback", "-o", "json"]).expect_code(4);
    assert_eq!(kept.error()["state"], "not-ready");
    assert_eq!(place.status()["state"], "not-ready");
}

/// A real k3s cannot be told never to be ready: here the time is too short for it.
fn the_same_on_a_real_image() {
    let place = Place::new("unready");
    place.caproni(&["start", "--timeout", "3s", "-o", "json"]).expect_code(4);
    assert_eq!(place.left(), Vec::<String>::new());
}

#[test]
fn a_creation_that_fails_is_removed_again() {
    let place = Place::new("broken");
    place.write_config("extra_args: [\"--no-such-flag\"]");
    let error = place.caproni(&["start", "-o", "json"]).expect_code(1).error();
    assert_eq!(error["kind"], "BackendFailed");
    assert!(
        error["command"].as_str().is_some_and(|line| line.contains("k3d cluster create")),
        "{error:#}"
    );
    assert!(
        error["output"].as_str().is_some_and(|said| said.contains("--no-such-flag")),
        "{error:#}"
    );
    assert_eq!(place.left(), Vec::<String>::new());
}

#[test]
fn a_port_that_is_taken_is_a_conflict() {
    let place = Place::new("port");
    let taken = std::net::TcpListener::bind("0.0.0.0:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    place.write_config(&format!("port_mappings: [\"{port}:80@loadbalancer\"]"));
    let error = place.caproni(&["start", "-o", "json"]).expect_code(8).error();
    assert_eq!(error["kind"], "ResourceConflict", "{error:#}");
    assert!(
        error["resource"].as_str().is_some_and(|what| what.contains(&port.to_string())),
        "{error:#}"
    );
    assert_eq!(place.left(), Vec::<String>::new());
}

#[test]
fn a_broken_kubeconfig_is_found_before_anything_is_made() {
    let place = Place::new("kubeconfig");
    std::fs::create_dir(place.path("home/.kube")).expect("writable");
    std::fs::write(place.path("home/.kube/config"), "clusters: 3\n").expect("writable");
    let error = place.caproni(&["start", "-o", "json"]).expect_code(6).error();
    assert_eq!(error["kind"], "InvalidKubeconfig");
    assert_eq!(place.left(), Vec::<String>::new());
}

#[test]
fn a_cluster_whose_container_ignores_sigterm_is_destroyed_all_the_same() {
    let place = Place::new("stubborn");
    place.caproni(&["start"]).expect_code(0);
    docker(&["pause", &place.node("server-0")]);
    place.caproni(&["destroy"]).expect_code(0);
    assert_eq!(place.left(), Vec::<String>::new());
}

#[test]
fn a_context_that_could_not_be_taken_out_is_taken_out_by_the_next_destroy() {
    let place = Place::new("leftover");
    place.caproni(&["start"]).expect_code(0);
    let file = place.path("home/.kube/config");
    let whole = std::fs::read_to_string(&file).expect("readable");
    assert!(whole.contains("k3d-t-leftover"), "{whole}");
    std::fs::write(&file, "clusters: 3\n").expect("writable");
    let error = place.caproni(&["destroy", "-o", "json"]).expect_code(6).error();
    assert_eq!(error["kind"], "InvalidKubeconfig");
    assert_eq!(place.left(), Vec::<String>::new(), "the cluster itself is destroyed");
    std::fs::write(&file, whole).expect("writable");
    place.caproni(&["destroy"]).expect_code(0);
    let after = std::fs::read_to_string(&file).expect("readable");
    assert!(!after.contains("k3d-t-leftover"), "{after}");
}
