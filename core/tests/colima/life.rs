//! A cluster's whole life, and what of the user's is not touched by it.

use serde_json::{Value, json};

use crate::support::Place;

fn change(place: &Place, verb: &str) -> Value {
    place.caproni(&[verb, "--yes", "-o", "json"]).expect_code(0).json()["change"].clone()
}

#[test]
fn a_cluster_is_made_stopped_started_restarted_and_destroyed() {
    let place = Place::new();
    place.caproni(&["status"]).expect_code(3);
    let started = place.caproni(&["start", "-o", "json"]).expect_code(0).json();
    assert_eq!(started["change"], "created");
    // The API was asked, and its node, at the address in the kubeconfig.
    assert_eq!(started["status"]["measured"], true, "{started:#}");
    assert_eq!(started["status"]["kubernetesVersion"], "v1.35.0+k3s1");
    assert_eq!(
        started["status"]["nodes"],
        json!([{"name": "colima-caproni", "role": "server", "state": "running"}])
    );
    for (verb, expected, code) in [
        ("start", "none", 0),
        ("stop", "stopped", 3),
        ("stop", "none", 3),
        ("start", "started", 0),
        ("restart", "restarted", 0),
        ("destroy", "destroyed", 3),
        ("destroy", "none", 3),
    ] {
        assert_eq!(change(&place, verb), expected, "{verb}");
        place.caproni(&["status"]).expect_code(code);
    }
    let listed = place.colima(&["list", "--json"]).expect_code(0);
    assert_eq!(listed.stdout, "", "{listed:#?}");
    let disks: Vec<_> = place.lima().join("_disks").read_dir().unwrap().collect();
    assert!(disks.is_empty(), "its data is gone with it: {disks:?}");
}

#[test]
fn what_is_the_user_s_is_not_touched() {
    let place = Place::new();
    let own = "apiVersion: v1\nkind: Config\ncurrent-context: mine\ncontexts:\n- name: mine\n  context: {cluster: mine, user: mine}\n";
    std::fs::write(place.path("work/kubeconfig"), own).unwrap();
    if crate::support::is_root() {
        std::os::unix::fs::chown(place.path("work/kubeconfig"), Some(65534), Some(65534)).unwrap();
    }
    place.caproni(&["start"]).expect_code(0);
    let kubectl = |args: &[&str]| {
        let output = place.command("kubectl", args).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    assert_eq!(kubectl(&["config", "current-context"]), "mine");
    // The host has put it there, with an address that answers.
    let nodes = kubectl(&["--context", "colima-caproni", "get", "nodes", "-o", "name"]);
    assert_eq!(nodes, "node/colima-caproni");
    let docker = place.command("docker", &["context", "show"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&docker.stdout).trim(), "default");
    // colima would leave the cluster's credentials there, readable for everybody.
    assert!(!place.path("home/.kube/.colima-caproni").exists());
    assert!(!place.path("home/.ssh").exists());
    assert_eq!(change(&place, "destroy"), "destroyed");
    assert_eq!(kubectl(&["config", "get-contexts", "-o", "name"]), "mine");
}

#[test]
fn each_profile_is_a_machine_of_its_own() {
    let place = Place::new();
    place.caproni(&["start"]).expect_code(0);
    let second = ["--profile", "second", "-o", "json"];
    let started = place.caproni(&[&second[..], &["start"]].concat()).expect_code(0).json();
    assert_eq!(started["status"]["kubeContext"], "colima-second");
    place.caproni(&["stop"]).expect_code(0);
    let listed = place.caproni(&["drivers", "call", "colima", "list"]);
    assert_eq!(
        listed.json()["clusters"],
        json!([
            {"profile": "caproni", "state": "stopped", "kubernetesVersion": "v1.35.0+k3s1", "kubeContext": "colima-caproni"},
            {"profile": "second", "state": "ready", "kubernetesVersion": "v1.35.0+k3s1", "kubeContext": "colima-second"},
        ]),
        "{listed:#?}"
    );
    place.caproni(&[&second[..], &["--yes", "destroy"]].concat()).expect_code(0);
    assert_eq!(place.state().0, "stopped");
    for taken in ["colima", "colima-caproni"] {
        let refused = place.caproni(&["--profile", taken, "-o", "json", "status"]).expect_code(6);
        assert_eq!(refused.error()["kind"], "InvalidDriverConfig");
    }
}

#[test]
fn a_machine_for_containers_only_is_not_taken_for_a_cluster() {
    let place = Place::new();
    let mine = ["start", "--profile", "caproni", "--activate=false", "--ssh-config=false"];
    place.colima(&mine).expect_code(0);
    let status = place.status();
    assert_eq!((&status["exists"], &status["state"]), (&json!(false), &json!("stopped")));
    let refused = place.caproni(&["start", "-o", "json"]).expect_code(8).error();
    assert_eq!(refused["kind"], "ResourceConflict", "{refused:#}");
    for verb in ["stop", "destroy"] {
        assert_eq!(change(&place, verb), "none");
    }
    let listed = place.colima(&["list", "--json"]).expect_code(0).json();
    assert_eq!((&listed["name"], &listed["status"]), (&json!("caproni"), &json!("Running")));
    place.colima(&["delete", "--profile", "caproni", "--force", "--data"]).expect_code(0);
}

#[test]
fn a_cluster_of_plain_colima_is_taken_over() {
    let place = Place::new();
    let plain = [
        "start",
        "--profile",
        "caproni",
        "--kubernetes",
        "--activate=false",
        "--ssh-config=false",
        "--memory",
        "4",
    ];
    place.colima(&plain).expect_code(0);
    assert_eq!(place.state().0, "ready");
    assert_eq!(change(&place, "start"), "none");
    assert_eq!(change(&place, "stop"), "stopped");
    assert_eq!(change(&place, "start"), "started");
    assert_eq!(change(&place, "destroy"), "destroyed");
}

#[test]
fn the_versions_are_those_of_colima_and_lima() {
    let place = Place::new();
    let told = place.caproni(&["version", "-o", "json"]).expect_code(0).json();
    let programs = told["driver"]["programs"].as_array().unwrap();
    let names: Vec<_> = programs.iter().map(|one| (&one["name"], &one["version"])).collect();
    assert_eq!(
        names,
        [(&json!("colima"), &json!("v0.10.3")), (&json!("limactl"), &json!("2.1.4"))]
    );
}
