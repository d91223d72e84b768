//! The life of a cluster, from nothing to nothing.

use serde_json::Value;

use crate::support::{Place, docker, docker_lines};

const OTHER_CONTEXT: &str = "apiVersion: v1\nkind: Config\nclusters:\n- name: prod\n  cluster: {server: https://prod.example}\nusers:\n- name: me\n  user: {token: secret}\ncontexts:\n- name: prod\n  context: {cluster: prod, user: me}\ncurrent-context: prod\n";

fn ids(place: &Place) -> Vec<String> {
    let filter = format!("label=k3d.cluster={}", place.profile);
    let mut ids = docker_lines(&["ps", "-a", "--no-trunc", "-q", "--filter", &filter]);
    ids.sort();
    ids
}

#[test]
fn a_cluster_lives_from_start_to_destroy() {
    let place = Place::new("life");
    let created = place.caproni(&["start", "-o", "json"]).expect_code(0).json();
    assert_eq!(created["change"], "created");
    assert_eq!(created["status"]["state"], "ready");
    let nodes = ids(&place);

    let again = place.caproni(&["start", "-o", "json"]).expect_code(0).json();
    assert_eq!(again["change"], "none");

    place.write_config("agents: 1");
    let refused = place.caproni(&["start", "-o", "json"]).expect_code(5).error();
    assert_eq!(refused["kind"], "ConfigMismatch");
    let row =
        serde_json::json!({"path": "agents", "running": 0, "requested": 1, "change": "recreate"});
    assert_eq!(refused["diff"], serde_json::json!([row]));
    assert_eq!(ids(&place), nodes, "the cluster was touched");
    place.write_config("");

    let status = place.caproni(&["status", "-o", "json"]).expect_code(0).json();
    assert_eq!(status["state"], "ready");
    assert_eq!(status["measured"], true);
    assert_eq!(status["kubeContext"], format!("k3d-{}", place.profile));

    assert_eq!(place.caproni(&["stop", "-o", "json"]).expect_code(0).json()["change"], "stopped");
    assert_eq!(place.caproni(&["stop", "-o", "json"]).expect_code(0).json()["change"], "none");
    let stopped = place.caproni(&["status", "-o", "json"]).expect_code(3).json();
    assert_eq!((&stopped["state"], &stopped["exists"]), (&"stopped".into(), &true.into()));

    assert_eq!(place.caproni(&["start", "-o", "json"]).expect_code(0).json()["change"], "started");
    assert_eq!(ids(&place), nodes, "the cluster was made anew");
    assert_eq!(
        place.caproni(&["restart", "-o", "json"]).expect_code(0).json()["change"],
        "restarted"
    );

    assert_eq!(
        place.caproni(&["destroy", "-o", "json"]).expect_code(0).json()["change"],
        "destroyed"
    );
    assert_eq!(place.left(), Vec::<String>::new());
    assert_eq!(place.caproni(&["destroy", "-o", "json"]).expect_code(0).json()["change"], "none");
    let absent = place.caproni(&["status", "-o", "json"]).expect_code(3).json();
    assert_eq!((&absent["state"], &absent["exists"]), (&"stopped".into(), &false.into()));
}

#[test]
fn no_volume_is_left_of_a_cluster() {
    let before = docker_lines(&["volume", "ls", "-q"]);
    let place = Place::new("volumes");
    place.caproni(&["start"]).expect_code(0);
    assert!(docker_lines(&["volume", "ls", "-q"]).len() > before.len());
    place.caproni(&["destroy"]).expect_code(0);
    assert_eq!(docker_lines(&["volume", "ls", "-q"]), before);
}

#[test]
fn the_context_comes_and_goes_and_the_current_one_stays() {
    let place = Place::new("context");
    let file = place.path("home/.kube/config");
    std::fs::create_dir(file.parent().expect("in a folder")).expect("writable");
    std::fs::write(&file, OTHER_CONTEXT).expect("writable");
    let kubectl = |args: &[&str]| {
        let output =
            std::process::Command::new("kubectl").args(args).env("KUBECONFIG", &file).output();
        let output = output.expect("kubectl runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let current = || kubectl(&["config", "current-context"]);

    place.caproni(&["start"]).expect_code(0);
    assert_eq!(current(), "prod");
    let context = format!("k3d-{}", place.profile);
    let nodes = kubectl(&["--context", &context, "get", "nodes", "-o", "name"]);
    assert_eq!(nodes, format!("node/{}", place.node("server-0")));

    place.caproni(&["start", "--switch-context"]).expect_code(0);
    assert_eq!(current(), context);
    kubectl(&["config", "use-context", "prod"]);
    place.caproni(&["destroy"]).expect_code(0);
    assert_eq!(kubectl(&["config", "get-contexts", "-o", "name"]), "prod");
    assert_eq!(current(), "prod");
}

#[test]
fn the_private_kubeconfig_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new("private");
    place.caproni(&["start"]).expect_code(0);
    let file = place.path(&format!("state/clusters/k3d-{}/kubeconfig", place.profile));
    assert_eq!(file.metadata().expect("it exists").permissions().mode() & 0o777, 0o600);
}

#[test]
fn the_clusters_token_is_never_shown() {
    let place = Place::new("token");
    let shown = [
        place.caproni(&["start", "-v", "-o", "json"]),
        place.caproni(&["status", "-v", "-o", "json"]),
        place.caproni(&["version", "-v", "-o", "json"]),
    ];
    let server = place.node("server-0");
    let token =
        docker(&["inspect", "-f", "{{index .Config.Labels \"k3d.cluster.token\"}}", &server]);
    assert!(token.trim().len() > 8, "no token to look for: {token}");
    for run in shown {
        assert!(
            !run.stdout.contains(token.trim()) && !run.stderr.contains(token.trim()),
            "{run:#?}"
        );
    }
}

#[test]
fn version_tells_k3d_and_the_engine() {
    let place = Place::new("version");
    let version = place.caproni(&["version", "-o", "json"]).expect_code(0).json();
    let programs = version["driver"]["programs"].as_array().cloned().unwrap_or_default();
    let of = |name: &str| {
        programs.iter().find(|one| one["name"] == name).map(|one| one["version"].clone())
    };
    let is_told = |version: Option<Value>| version.is_some_and(|version| version.is_string());
    assert!(is_told(of("k3d")), "{version:#}");
    assert!(programs.len() >= 2, "{version:#}");
}

#[test]
fn two_starts_at_once_make_one_cluster() {
    let place = Place::new("twice");
    let first = place.start_slowly(&["start", "-o", "json"]);
    let second = place.start_slowly(&["start", "-o", "json"]);
    let runs = [first.finish().expect_code(0), second.finish().expect_code(0)];
    let mut changes = runs.map(|run| run.json()["change"].as_str().unwrap_or_default().to_owned());
    changes.sort();
    assert_eq!(changes, ["created", "none"]);
}

#[test]
fn a_cluster_of_plain_k3d_is_taken_over_and_compared() {
    let place = Place::new("plain");
    crate::support::k3d(
        &place.path("home"),
        &["cluster", "create", &place.profile, "--image", &crate::support::Backend::K3d.image()],
    );
    // k3d is done before its nodes are Ready, `start` is not.
    assert_eq!(place.caproni(&["start", "-o", "json"]).expect_code(0).json()["change"], "none");
    let status = place.caproni(&["status", "-o", "json"]).expect_code(0).json();
    assert_eq!(status["state"], "ready");
    place.write_config("servers: 3");
    let refused = place.caproni(&["start", "-o", "json"]).expect_code(5).error();
    assert_eq!(refused["diff"][0]["path"], "servers");
}
