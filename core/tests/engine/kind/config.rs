//! The config: how it reaches kind, and how a cluster with another one is refused.

use std::net::TcpListener;

use serde_json::json;

use super::{ids, place};
use crate::support::docker;

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

#[test]
fn a_cluster_with_another_config_is_refused_and_not_touched() {
    let place = place("kind-mismatch");
    place.caproni(&["start"]).expect_code(0);
    let nodes = ids(&place);
    place.write_config(
        "nodes: {workers: 2}\nport_mappings: [\"127.0.0.1:18080:80\"]\nmounts: [\"/tmp:/mnt\"]\n\
         feature_gates: {SomeGate: true}\nkubeadm_patches: [\"kind: ClusterConfiguration\"]\n\
         config: {networking: {podSubnet: 10.1.0.0/16}}\nextra_args: [\"-v\", \"1\"]",
    );
    for verb in ["start", "restart"] {
        let refused = place.caproni(&[verb, "-o", "json"]).expect_code(5).error();
        assert_eq!(refused["kind"], "ConfigMismatch");
        let rows = refused["diff"].as_array().expect("rows");
        let paths: Vec<_> =
            rows.iter().map(|row| row["path"].as_str().unwrap_or_default()).collect();
        let fields = [
            "nodes.workers",
            "port_mappings",
            "mounts",
            "feature_gates",
            "kubeadm_patches",
            "config",
            "extra_args",
        ];
        assert_eq!(paths, fields);
        assert!(rows.iter().all(|row| row["change"] == "recreate"), "{refused:#}");
        assert_eq!(
            rows[0],
            json!({"path": "nodes.workers", "running": 0, "requested": 2, "change": "recreate"})
        );
    }
    assert_eq!(ids(&place), nodes, "the cluster was touched");
    place.write_config("");
    assert_eq!(place.caproni(&["start", "-o", "json"]).expect_code(0).json()["change"], "none");
}

#[test]
fn the_whole_config_reaches_the_cluster_as_it_is_written() {
    let place = place("kind-config");
    let (api, port) = (free_port(), free_port());
    let folder = place.path("work");
    let fields = |mapping: &str| {
        format!(
            "nodes: {{workers: 1}}\nport_mappings: [\"{mapping}\"]\n\
             mounts: [\"{}:/mnt/work:ro@worker\"]\nfeature_gates: {{SomeGate: false}}\n\
             kubeadm_patches:\n  - |\n    kind: ClusterConfiguration\n    clusterName: patched\n\
             config: {{networking: {{apiServerPort: {api}, podSubnet: 10.99.0.0/16}}}}\n\
             extra_args: [\"-v\", \"1\"]",
            folder.display()
        )
    };
    place.write_config(&fields(&format!("127.0.0.1:{port}:80@worker")));
    place.caproni(&["start"]).expect_code(0);
    let (control_plane, worker) = (place.node("control-plane"), place.node("worker"));
    let ports = |node: &str| docker(&["inspect", "-f", "{{json .HostConfig.PortBindings}}", node]);
    assert!(ports(&control_plane).contains(&api.to_string()), "{}", ports(&control_plane));
    assert!(ports(&worker).contains(&port.to_string()), "{}", ports(&worker));
    let binds = |node: &str| docker(&["inspect", "-f", "{{json .HostConfig.Binds}}", node]);
    assert!(binds(&worker).contains(":/mnt/work:ro"), "{}", binds(&worker));
    assert!(!binds(&control_plane).contains(":/mnt/work"), "{}", binds(&control_plane));
    let conf = docker(&["exec", &control_plane, "cat", "/kind/kubeadm.conf"]);
    for text in ["10.99.0.0/16", "SomeGate=false", "clusterName: patched"] {
        assert!(conf.contains(text), "{text}: {conf}");
    }
    // The same in other words, for the host and the driver.
    place.write_config(&fields(&format!("127.0.0.1:{port}-{port}:80-80/TCP@worker")));
    assert_eq!(place.caproni(&["start", "-o", "json"]).expect_code(0).json()["change"], "none");
}

#[test]
fn nodes_of_kinds_own_config_are_made_and_compared() {
    let place = place("kind-nodes-own");
    let nodes = "config: {nodes: [{role: control-plane}, {role: worker, labels: {a: b}}]}";
    place.write_config(nodes);
    place.caproni(&["start"]).expect_code(0);
    assert_eq!(place.status()["nodes"].as_array().map(Vec::len), Some(2));
    assert_eq!(place.caproni(&["start", "-o", "json"]).expect_code(0).json()["change"], "none");
    place.write_config("nodes: {workers: 2}");
    let refused = place.caproni(&["start", "-o", "json"]).expect_code(5).error();
    assert_eq!(refused["diff"][0]["path"], "nodes.workers", "{refused:#}");
}
