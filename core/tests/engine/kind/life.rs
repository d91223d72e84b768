//! The life of a cluster, from nothing to nothing.

use serde_json::json;

use super::{ids, place};
use crate::support::{docker_lines, kind};

const OTHER_CONTEXT: &str = "apiVersion: v1\nkind: Config\nclusters:\n- name: prod\n  cluster: {server: https://prod.example}\nusers:\n- name: me\n  user: {token: secret}\ncontexts:\n- name: prod\n  context: {cluster: prod, user: me}\ncurrent-context: prod\n";

#[test]
fn a_cluster_lives_from_start_to_destroy() {
    let place = place("kind-life");
    let change = |args: &[&str]| {
        let run = place.caproni(&[args, &["-o", "json"]].concat()).expect_code(0);
        run.json()["change"].as_str().unwrap_or_default().to_owned()
    };
    let created = place.caproni(&["start", "-o", "json"]).expect_code(0).json();
    assert_eq!(
        (&created["change"], &created["status"]["state"]),
        (&json!("created"), &json!("ready"))
    );
    let nodes = ids(&place);
    assert_eq!(change(&["start"]), "none");

    let status = place.caproni(&["status", "-o", "json"]).expect_code(0).json();
    assert_eq!((&status["state"], &status["measured"]), (&json!("ready"), &json!(true)));
    assert_eq!(status["kubeContext"], format!("kind-{}", place.profile));

    assert_eq!(change(&["stop"]), "stopped");
    assert_eq!(change(&["stop"]), "none");
    let stopped = place.caproni(&["status", "-o", "json"]).expect_code(3).json();
    assert_eq!((&stopped["state"], &stopped["exists"]), (&json!("stopped"), &json!(true)));

    assert_eq!(change(&["start"]), "started");
    assert_eq!(change(&["restart"]), "restarted");
    assert_eq!(ids(&place), nodes, "the cluster was made anew");

    assert_eq!(change(&["destroy"]), "destroyed");
    assert_eq!(place.left(), Vec::<String>::new());
    assert_eq!(change(&["destroy"]), "none");
    let absent = place.caproni(&["status", "-o", "json"]).expect_code(3).json();
    assert_eq!((&absent["state"], &absent["exists"]), (&json!("stopped"), &json!(false)));
}

#[test]
fn no_volume_is_left_of_a_cluster() {
    let before = docker_lines(&["volume", "ls", "-q"]);
    let place = place("kind-volumes");
    place.caproni(&["start"]).expect_code(0);
    assert!(docker_lines(&["volume", "ls", "-q"]).len() > before.len());
    place.caproni(&["destroy"]).expect_code(0);
    assert_eq!(docker_lines(&["volume", "ls", "-q"]), before);
}

#[test]
fn kind_never_touches_the_users_kubeconfig() {
    let place = place("kind-context");
    let file = place.path("home/.kube/config");
    std::fs::create_dir(file.parent().expect("in a folder")).expect("writable");
    std::fs::write(&file, OTHER_CONTEXT).expect("writable");
    let read = || std::fs::read_to_string(&file).expect("readable");
    let context = format!("kind-{}", place.profile);

    place.caproni(&["start"]).expect_code(0);
    let with = read();
    assert!(with.contains("current-context: prod") && with.contains(&context), "{with}");
    place.caproni(&["destroy"]).expect_code(0);
    let without = read();
    assert!(without.contains("current-context: prod") && !without.contains(&context), "{without}");
    let private = place.path("state/kind");
    let left: Vec<_> = std::fs::read_dir(private).into_iter().flatten().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_cluster_is_one_of_kinds_own() {
    let place = place("kind-own");
    place.caproni(&["start"]).expect_code(0);
    let home = place.path("home");
    let clusters = kind(&home, &["get", "clusters"]);
    assert!(clusters.lines().any(|name| name == place.profile), "{clusters}");
    let kubeconfig = kind(&home, &["get", "kubeconfig", "--name", &place.profile]);
    let ours = place.path(&format!("state/clusters/kind-{}/kubeconfig", place.profile));
    let ours = std::fs::read_to_string(ours).expect("readable");
    let server = |text: &str| {
        let line = text.lines().find(|line| line.trim_start().starts_with("server:"));
        line.map(|line| line.trim().to_owned())
    };
    assert_eq!(server(&ours), server(&kubeconfig));
    kind(&home, &["delete", "cluster", "--name", &place.profile]);
    let absent = place.caproni(&["status", "-o", "json"]).expect_code(3).json();
    assert_eq!(absent["exists"], false);
}
