//! The life of a cluster, from nothing to nothing.

use std::process::Command;

use serde_json::{Value, json};

use super::{call, change, id, place};
use crate::support::{Backend, docker, docker_lines, minikube, until};
use crate::using::{commands_and_logs, usage, when_stopped};

const OTHER_CONTEXT: &str = "apiVersion: v1\nkind: Config\nclusters:\n- name: prod\n  cluster: {server: https://prod.example}\nusers:\n- name: me\n  user: {token: secret}\ncontexts:\n- name: prod\n  context: {cluster: prod, user: me}\ncurrent-context: prod\n";

#[test]
fn a_cluster_lives_from_start_to_destroy() {
    let place = place("mk-life");
    let created = place.caproni(&["start", "-o", "json"]).expect_code(0).json();
    assert_eq!(
        (&created["change"], &created["status"]["state"]),
        (&json!("created"), &json!("ready"))
    );
    let node = id(&place.profile);
    assert_eq!(change(&place, "start"), "none");

    let status = place.caproni(&["status", "-o", "json"]).expect_code(0).json();
    assert_eq!((&status["state"], &status["measured"]), (&json!("ready"), &json!(true)));
    assert_eq!(status["kubeContext"], place.profile);

    assert_eq!(change(&place, "stop"), "stopped");
    assert_eq!(change(&place, "stop"), "none");
    let stopped = place.caproni(&["status", "-o", "json"]).expect_code(3).json();
    assert_eq!((&stopped["state"], &stopped["exists"]), (&json!("stopped"), &json!(true)));
    assert_eq!(stopped["conditions"], json!([]));

    assert_eq!(change(&place, "start"), "started");
    assert_eq!(change(&place, "restart"), "restarted");
    assert_eq!(id(&place.profile), node, "the cluster was made anew");

    assert_eq!(change(&place, "destroy"), "destroyed");
    assert_eq!(place.left(), Vec::<String>::new());
    assert_eq!(change(&place, "destroy"), "none");
    let absent = place.caproni(&["status", "-o", "json"]).expect_code(3).json();
    assert_eq!((&absent["state"], &absent["exists"]), (&json!("stopped"), &json!(false)));
}

#[test]
fn minikubes_events_are_progress_with_numbers() {
    let place = place("mk-progress");
    let mut start = place.start_slowly(&["start"]);
    assert!(start.wait_for("creating-container: Creating docker container"));
    assert!(start.wait_for("verifying-kubernetes: Verifying Kubernetes components... (17/19)"));
    start.finish().expect_code(0);
}

#[test]
fn minikube_never_touches_the_users_kubeconfig_nor_the_chosen_profile() {
    let place = place("mk-context");
    let home = place.path("home");
    let file = home.join(".kube/config");
    std::fs::create_dir(file.parent().expect("in a folder")).expect("writable");
    std::fs::write(&file, OTHER_CONTEXT).expect("writable");
    let read = || std::fs::read_to_string(&file).expect("readable");
    minikube(&home, &["config", "set", "profile", "mine"]);

    place.caproni(&["start"]).expect_code(0);
    let with = read();
    assert!(with.contains("current-context: prod") && with.contains(&place.profile), "{with}");
    place.caproni(&["stop"]).expect_code(0);
    assert_eq!(read(), with, "a stop takes no context out");
    place.caproni(&["destroy"]).expect_code(0);
    let without = read();
    assert!(without.contains("current-context: prod"), "{without}");
    assert!(!without.contains(&place.profile), "{without}");
    assert_eq!(minikube(&home, &["config", "get", "profile"]).trim(), "mine");
}

#[test]
fn the_kubeconfig_holds_its_credentials() {
    let place = place("mk-credentials");
    place.caproni(&["start"]).expect_code(0);
    let file = place.path("own");
    let asked = json!({"profile": place.profile});
    let given = call(&place, "kubeconfig", &asked).expect("a kubeconfig");
    let text = given["kubeconfig"].as_str().expect("a text");
    assert!(!text.contains(&place.path("home").display().to_string()), "{text}");
    std::fs::write(&file, text).expect("writable");
    let kubectl = Command::new("kubectl")
        .args(["--kubeconfig".as_ref(), file.as_os_str()])
        .args(["get", "nodes", "-o", "name"])
        .output()
        .expect("kubectl runs");
    let nodes = String::from_utf8_lossy(&kubectl.stdout).trim().to_owned();
    assert_eq!(nodes, format!("node/{}", place.profile), "{kubectl:?}");

    place.caproni(&["stop"]).expect_code(0);
    let error = call(&place, "kubeconfig", &asked).expect_err("where its API is, nobody knows");
    assert_eq!(error["kind"], "ClusterNotRunning");
}

#[test]
fn a_cluster_in_use() {
    let place = place("mk-exec");
    place.caproni(&["start"]).expect_code(0);
    commands_and_logs(&place, &[&place.profile]);
    usage(&place, &[&place.profile]);
    when_stopped(&place);
}

#[test]
fn images_are_loaded_or_none_is() {
    let place = place("mk-images");
    place.caproni(&["start"]).expect_code(0);
    let (profile, tag) = (&place.profile, "caproni-test/minikube-image:1");
    docker(&["tag", &Backend::Minikube.image(), tag]);
    let load =
        |images: Value| call(&place, "loadImage", &json!({"profile": profile, "images": images}));
    let loaded = load(json!([tag])).expect("it is loaded");
    assert_eq!(loaded["change"], "loaded");
    let listed = docker(&["exec", profile, "crictl", "images", "-o", "json"]);
    assert!(listed.contains(tag), "{listed}");
    let error = load(json!([tag, "no/such:image"])).expect_err("one is missing");
    assert_eq!((&error["kind"], &error["resource"]), (&json!("NotFound"), &json!("no/such:image")));
    docker(&["rmi", tag]);
    place.caproni(&["stop"]).expect_code(0);
    let error = load(json!(["/no/such.tar"])).expect_err("it is stopped");
    assert_eq!(error["kind"], "ClusterNotRunning");
}

#[test]
fn a_cluster_of_plain_minikube_is_taken_as_it_is() {
    let place = place("mk-plain");
    let home = place.path("home");
    let image = format!("--base-image={}", Backend::Minikube.image());
    let args =
        ["start", "-p", &place.profile, "--driver=docker", "--memory=3000", "--force", &image];
    let quiet = ["--preload=false", "--cache-images=false", "--disable-optimizations"];
    let runtime = ["--container-runtime=containerd", "--wait=apiserver"];
    minikube(&home, &[&args[..], &quiet, &runtime].concat());

    // minikube is done before its node is Ready.
    until(|| (place.status()["state"] == "ready").then_some(()));
    place.write_config("memory: 2g");
    let refused = place.caproni(&["start", "-o", "json"]).expect_code(5).error();
    let row =
        json!({"path": "memory", "running": "3000m", "requested": "2g", "change": "recreate"});
    assert_eq!(refused["diff"], json!([row]));
    place.write_config("memory: \"3000\"");
    assert_eq!(change(&place, "start"), "none");

    minikube(&home, &["stop", "-p", &place.profile]);
    let status = place.caproni(&["status", "-o", "json"]).expect_code(3).json();
    assert_eq!((&status["state"], &status["exists"]), (&json!("stopped"), &json!(true)));
    let list = call(&place, "list", &json!({})).expect("a list");
    let row = json!({"profile": place.profile, "state": "stopped",
        "kubernetesVersion": "v1.35.1", "kubeContext": place.profile});
    let clusters = list["clusters"].as_array().expect("rows");
    assert!(clusters.contains(&row), "{list:#}");
    minikube(&home, &["delete", "-p", &place.profile]);
    assert_eq!(place.caproni(&["status", "-o", "json"]).expect_code(3).json()["exists"], false);
}

#[test]
fn no_volume_and_no_network_is_left_of_a_cluster() {
    let place = place("mk-volumes");
    place.caproni(&["start"]).expect_code(0);
    // All that this cluster has and no other one: those beside it come and go meanwhile.
    let format = "{{range .Mounts}}{{if eq .Type \"volume\"}}{{.Name}} {{end}}{{end}}\
                  {{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}";
    let its = docker(&["inspect", "--format", format, &place.profile]);
    let its: Vec<&str> = its.split_whitespace().collect();
    let there = || {
        let mut all = docker_lines(&["volume", "ls", "-q"]);
        all.extend(docker_lines(&["network", "ls", "--format", "{{.Name}}"]));
        its.iter().filter(|name| all.iter().any(|there| there == *name)).count()
    };
    assert!(its.len() >= 2 && there() == its.len(), "{its:?}");
    place.caproni(&["destroy"]).expect_code(0);
    assert_eq!(there(), 0, "{its:?}");
    assert_eq!(place.left(), Vec::<String>::new());
}
