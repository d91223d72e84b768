//! What of the config reaches the cluster, and what a change of it does.

use serde_json::{Value, json};

use super::{change, id, place};
use crate::support::docker;

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

#[test]
fn a_changed_config_is_a_mismatch_by_field_and_nothing_is_touched() {
    let place = place("mk-mismatch");
    place.write_config("cpus: 2\nmemory: 2500m");
    place.caproni(&["start"]).expect_code(0);
    let node = id(&place.profile);
    place.write_config("cpus: 4\nmemory: 4g\nnodes: 2\nports: [\"8080:80\"]");
    let rows = json!([
        {"path": "cpus", "running": 2, "requested": 4, "change": "recreate"},
        {"path": "memory", "running": "2500m", "requested": "4g", "change": "recreate"},
        {"path": "nodes", "running": 1, "requested": 2, "change": "recreate"},
        {"path": "ports", "running": [], "requested": ["8080:80"], "change": "recreate"},
    ]);
    for verb in ["start", "restart"] {
        let refused = place.caproni(&[verb, "-o", "json"]).expect_code(5).error();
        assert_eq!(refused["diff"], rows, "{verb}");
    }
    place.caproni(&["stop"]).expect_code(0);
    let refused = place.caproni(&["start", "-o", "json"]).expect_code(5).error();
    assert_eq!(refused["diff"], rows, "stopped");
    assert_eq!(id(&place.profile), node, "the cluster was touched");
    // What nobody asks for any more is minikube's to choose, and it has chosen.
    place.write_config("");
    assert_eq!(change(&place, "start"), "started");
}

#[test]
fn the_config_reaches_the_container() {
    let place = place("mk-config");
    let port = free_port();
    place.write_config(&format!(
        "memory: 2300m\nports: [\"127.0.0.1:{port}:80\"]\nkubernetes_version: v1.35.1"
    ));
    place.caproni(&["start"]).expect_code(0);
    let memory = docker(&["inspect", "-f", "{{.HostConfig.Memory}}", &place.profile]);
    assert_eq!(memory.trim(), (2300_u64 * 1024 * 1024).to_string());
    let published = docker(&["port", &place.profile, "80"]);
    assert_eq!(published.trim(), format!("127.0.0.1:{port}"));
    let status = place.status();
    assert_eq!(status["config"]["ports"], json!([format!("127.0.0.1:{port}:80")]));
    assert_eq!(status["kubernetesVersion"], "v1.35.1");
    assert_eq!(change(&place, "start"), "none");
}

#[test]
fn addons_change_while_the_cluster_runs() {
    let place = place("mk-addons");
    place.caproni(&["start"]).expect_code(0);
    let node = id(&place.profile);
    let addons = || place.status()["config"]["addons"].clone();
    place.write_config("addons: [metrics-server, storage-provisioner]");
    assert_eq!(change(&place, "start"), "updated");
    assert_eq!(addons(), json!(["metrics-server", "storage-provisioner"]));
    assert_eq!(change(&place, "start"), "none");
    place.write_config("");
    assert_eq!(change(&place, "start"), "updated");
    assert_eq!(addons(), Value::from(Vec::<Value>::new()));
    assert_eq!(id(&place.profile), node);
}

#[test]
fn a_cluster_of_two_nodes_becomes_ready_and_comes_back() {
    let place = place("mk-two");
    place.write_config("nodes: 2");
    place.caproni(&["start"]).expect_code(0);
    let nodes = || {
        let status = place.caproni(&["status", "-o", "json"]).expect_code(0).json();
        let nodes = status["nodes"].as_array().cloned().unwrap_or_default();
        nodes
            .iter()
            .map(|n| format!("{} {} {}", n["name"], n["role"], n["state"]))
            .collect::<Vec<_>>()
    };
    let name = &place.profile;
    let both = [
        format!("\"{name}\" \"server\" \"running\""),
        format!("\"{name}-m02\" \"agent\" \"running\""),
    ];
    assert_eq!(nodes(), both);
    docker(&["stop", "-t", "1", &format!("{name}-m02")]);
    let status = place.caproni(&["status", "-o", "json"]).expect_code(4).json();
    assert_eq!(status["state"], "not-ready", "{status:#}");
    assert_eq!(change(&place, "start"), "started");
    assert_eq!(nodes(), both);
}
