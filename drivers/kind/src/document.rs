//! The document that tells kind what cluster to make: `kind.x-k8s.io/v1alpha4`.

use serde_json::{Value, json};

use crate::config::KindConfig;
use crate::mapping;
use crate::mount;
use crate::role::Role;

/// What is mounted into each node that this driver makes, so that it is known as ours from its
/// first moment on: kind can put no label on a container. There is nothing in it.
const MARK: (&str, &str) = ("/dev/null", "/etc/caproni/driver");

/// The mark as the engine writes it.
pub(crate) fn mark() -> String {
    format!("{}:{}:ro", MARK.0, MARK.1)
}

/// Tells whether what is mounted at this path is the mark.
pub(crate) fn is_mark(target: &str) -> bool {
    target == MARK.1
}

/// Writes the document for kind's stdin.
pub(crate) fn write(config: &KindConfig) -> String {
    let mut document = config.config.clone();
    document.insert("kind".into(), json!("Cluster"));
    document.insert("apiVersion".into(), json!("kind.x-k8s.io/v1alpha4"));
    document.insert("nodes".into(), nodes(config));
    if !config.feature_gates.is_empty() {
        let gates = document.entry("featureGates").or_insert_with(|| json!({}));
        for (gate, on) in &config.feature_gates {
            gates[gate] = json!(on);
        }
    }
    if !config.kubeadm_patches.is_empty() {
        let patches = document.entry("kubeadmConfigPatches").or_insert_with(|| json!([]));
        append(patches, config.kubeadm_patches.iter().map(|patch| json!(patch)));
    }
    Value::Object(document).to_string()
}

/// The nodes of kind's own config, or as many as there shall be, with what the fields add.
fn nodes(config: &KindConfig) -> Value {
    let own = config.config.get("nodes").and_then(Value::as_array).cloned();
    let mut nodes = own.unwrap_or_else(|| {
        let of = |role: Role, count| (0..count).map(move |_| json!({"role": role.word()}));
        let control_planes = of(Role::ControlPlane, config.nodes.control_planes);
        control_planes.chain(of(Role::Worker, config.nodes.workers)).collect()
    });
    let names = names(&nodes);
    for (node, name) in nodes.iter_mut().zip(&names) {
        add(node, name, config);
    }
    Value::Array(nodes)
}

/// The names kind gives to nodes, in their order, without the cluster's.
fn names(nodes: &[Value]) -> Vec<String> {
    let mut control_planes = Role::ControlPlane.names(nodes.len() as u32).into_iter();
    let mut workers = Role::Worker.names(nodes.len() as u32).into_iter();
    let name = |node: &Value| match node["role"] == Role::Worker.word() {
        true => workers.next(),
        false => control_planes.next(),
    };
    nodes.iter().filter_map(name).collect()
}

fn add(node: &mut Value, name: &str, config: &KindConfig) {
    if let Some(image) = config.image.as_ref().filter(|_| node["image"].is_null()) {
        node["image"] = json!(image);
    }
    let mounts = config.mounts.iter().filter_map(|text| mount::parse(text).ok());
    let mounts = mounts.filter(|mount| mount.is_into(name)).map(|mount| mount.document());
    let mark = json!({"hostPath": MARK.0, "containerPath": MARK.1, "readOnly": true});
    append(&mut node["extraMounts"], mounts.chain([mark]));
    let mappings = mapping::parse_all(config.port_mappings.iter().map(String::as_str));
    let here = mappings.iter().filter(|mapping| mapping.node == name);
    let here: Vec<_> = here.map(mapping::Mapping::document).collect();
    if !here.is_empty() {
        append(&mut node["extraPortMappings"], here.into_iter());
    }
}

/// Adds to a list; what is no list is left to kind to complain about.
fn append(list: &mut Value, items: impl Iterator<Item = Value>) {
    if list.is_null() {
        *list = json!([]);
    }
    if let Some(list) = list.as_array_mut() {
        list.extend(items);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(config: Value) -> Value {
        let config = KindConfig::read(&config).unwrap();
        serde_json::from_str(&write(&config)).unwrap()
    }

    #[test]
    fn a_default_cluster_is_a_small_document() {
        let mark = json!({"hostPath": "/dev/null", "containerPath": "/etc/caproni/driver", "readOnly": true});
        assert_eq!(
            document(json!({})),
            json!({
                "kind": "Cluster",
                "apiVersion": "kind.x-k8s.io/v1alpha4",
                "nodes": [{"role": "control-plane", "extraMounts": [mark]}],
            })
        );
    }

    #[test]
    fn each_field_is_where_kind_looks_for_it() {
        let document = document(json!({
            "image": "kindest/node:v1.36.1",
            "nodes": {"control_planes": 1, "workers": 2},
            "port_mappings": ["8080:80", "53:53/udp@worker2"],
            "mounts": ["/a:/b:ro", "/c:/d@worker"],
            "feature_gates": {"A": true, "B": false},
            "kubeadm_patches": ["kind: ClusterConfiguration"],
            "config": {"networking": {"apiServerPort": 6550}, "featureGates": {"C": true}},
        }));
        let nodes = document["nodes"].as_array().unwrap();
        assert_eq!(nodes.len(), 3);
        assert!(nodes.iter().all(|node| node["image"] == "kindest/node:v1.36.1"));
        assert_eq!(nodes[0]["extraPortMappings"][0]["hostPort"], 8080);
        assert_eq!(nodes[2]["extraPortMappings"][0]["protocol"], "UDP");
        assert!(nodes[1].get("extraPortMappings").is_none());
        let mounts = |node: usize| nodes[node]["extraMounts"].as_array().unwrap().len();
        assert_eq!((mounts(0), mounts(1), mounts(2)), (2, 3, 2));
        assert_eq!(document["featureGates"], json!({"A": true, "B": false, "C": true}));
        assert_eq!(document["kubeadmConfigPatches"], json!(["kind: ClusterConfiguration"]));
        assert_eq!(document["networking"]["apiServerPort"], 6550);
    }

    #[test]
    fn nodes_of_kinds_own_config_keep_what_they_have() {
        let document = document(json!({
            "image": "one",
            "mounts": ["/a:/b@worker"],
            "config": {"nodes": [
                {"role": "worker", "image": "other", "extraMounts": [{"hostPath": "/x"}]},
                {"role": "control-plane", "labels": {"a": "b"}},
            ]},
        }));
        let nodes = &document["nodes"];
        assert_eq!((&nodes[0]["image"], &nodes[1]["image"]), (&json!("other"), &json!("one")));
        assert_eq!(nodes[0]["extraMounts"].as_array().unwrap().len(), 3);
        assert_eq!(nodes[1]["labels"]["a"], "b");
    }
}
