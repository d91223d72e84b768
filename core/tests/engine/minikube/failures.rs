//! What goes wrong, and what is told of it.

use super::{id, place};
use crate::support::{Backend, docker, is_stand_in_of};

const VERBS: [&[&str]; 5] =
    [&["start"], &["stop"], &["status"], &["restart"], &["destroy", "--yes"]];

#[test]
fn an_engine_that_is_gone_is_unavailable_and_no_verb_loses_the_cluster() {
    let place = place("mk-noengine");
    place.caproni(&["start"]).expect_code(0);
    let node = id(&place.profile);
    let host = format!("unix://{}", place.path("nothing.sock").display());
    for verb in VERBS {
        let args = [verb, &["-o", "json", "--timeout", "60s"]].concat();
        let run = place.caproni_with(&args, &[("DOCKER_HOST", &host)]);
        let error = run.expect_code(7).error();
        assert_eq!(error["kind"], "BackendUnavailable", "{verb:?}: {error:#}");
    }
    assert_eq!(place.caproni(&["status"]).expect_code(0).code, Some(0));
    assert_eq!(id(&place.profile), node);
}

#[test]
fn an_engine_that_is_not_there_is_never_no_cluster() {
    let place = place("mk-nocluster");
    let host = format!("unix://{}", place.path("nothing.sock").display());
    let args = ["status", "-o", "json"];
    let error = place.caproni_with(&args, &[("DOCKER_HOST", &host)]).expect_code(7).error();
    assert_eq!(error["kind"], "BackendUnavailable", "{error:#}");
}

#[test]
fn a_creation_that_fails_is_removed_again() {
    let place = place("mk-broken");
    let cases: [(&str, i32, &str); 4] = [
        ("- --no-such-flag", 6, "InvalidDriverConfig"),
        ("- --cni=/no/such/file.yaml", 1, "BackendFailed"),
        ("- --extra-config=nonsense", 6, "InvalidDriverConfig"),
        ("- --static-ip=1.2.3.4", 6, "InvalidDriverConfig"),
    ];
    for (line, code, kind) in cases {
        // The list of arguments is the last of the fields that every config has.
        place.write_config(line);
        let run = place.caproni(&["start", "-o", "json"]);
        assert_eq!(run.code, Some(code), "{line}: {run:#?}");
        let error = run.error();
        assert_eq!(error["kind"], kind, "{line}: {error:#}");
        assert_eq!(place.left(), Vec::<String>::new(), "{line}");
        assert_eq!(place.caproni(&["status", "-o", "json"]).json()["exists"], false, "{line}");
    }
    place.write_config("");
}

#[test]
fn more_memory_than_there_is_is_refused_and_leaves_nothing() {
    let place = place("mk-small");
    place.write_config("memory: 900g");
    let error = place.caproni(&["start", "-o", "json"]).expect_code(6).error();
    assert!(error["message"].as_str().is_some_and(|why| why.contains("memory")), "{error:#}");
    assert_eq!(place.left(), Vec::<String>::new());
}

#[test]
fn a_port_that_is_taken_is_a_conflict_with_its_holder() {
    let place = place("mk-port");
    let image = Backend::Minikube.image();
    let name = format!("{}-holder", place.profile);
    let shell = ["--entrypoint", "/bin/sleep", &image, "600"];
    let args = [&["run", "-d", "--rm", "--name", &name, "-p", "80"][..], &shell].concat();
    docker(&args);
    let published = docker(&["port", &name, "80"]);
    let port = published.lines().next().and_then(|line| line.rsplit(':').next()).expect("a port");
    place.write_config(&format!("ports: [\"{port}:80\"]"));
    let run = place.caproni(&["start", "-o", "json"]);
    docker(&["rm", "-f", &name]);
    let error = run.expect_code(8).error();
    assert_eq!(error["kind"], "ResourceConflict", "{error:#}");
    assert!(error["holder"].as_str().is_some_and(|holder| holder.contains(&name)), "{error:#}");
    assert_eq!(place.left(), Vec::<String>::new());
}

#[test]
fn a_port_of_a_process_is_a_conflict_too() {
    let place = place("mk-portproc");
    let taken = std::net::TcpListener::bind("0.0.0.0:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    place.write_config(&format!("ports: [\"{port}:80\"]"));
    let error = place.caproni(&["start", "-o", "json"]).expect_code(8).error();
    assert_eq!(error["kind"], "ResourceConflict", "{error:#}");
    assert_eq!(place.left(), Vec::<String>::new());
}

#[test]
fn a_container_of_somebody_else_with_the_name_is_left_alone() {
    let place = place("mk-name");
    let image = Backend::Minikube.image();
    docker(&["run", "-d", "--name", &place.profile, "--entrypoint", "/bin/sleep", &image, "600"]);
    let theirs = id(&place.profile);
    let run = place.caproni(&["start", "-o", "json"]);
    assert_eq!(id(&place.profile), theirs, "{run:#?}");
    docker(&["rm", "-f", &place.profile]);
    let error = run.expect_code(8).error();
    assert_eq!(error["resource"], format!("container {}", place.profile));
}

#[test]
fn a_cluster_that_does_not_become_ready_is_an_error_and_is_removed_again() {
    if !is_stand_in_of(Backend::Minikube) {
        let place = place("mk-unready");
        place.caproni(&["start", "--timeout", "3s", "-o", "json"]).expect_code(4);
        return assert_eq!(place.left(), Vec::<String>::new());
    }
    let place = place("mk-unready");
    place.write_config("- --feature-gates=StandInNeverReady=true");
    let error = place.caproni(&["start", "--timeout", "25s", "-o", "json"]).expect_code(4).error();
    assert_eq!(error["kind"], "ClusterNotReady", "{error:#}");
    assert_eq!(place.left(), Vec::<String>::new());
    place.write_config("");
}
