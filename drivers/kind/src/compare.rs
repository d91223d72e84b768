//! What of a cluster differs from what is asked for, however either is written.

use caproni_driver::Difference;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::config::{KindConfig, schema};
use crate::{mapping, mount};

/// Lists the fields in which a cluster differs from a config.
pub(crate) fn differences(cluster: &Cluster, requested: &KindConfig) -> Vec<Difference> {
    let wanted = serde_json::to_value(requested).unwrap_or_default();
    let running = as_asked(cluster, requested, &wanted);
    caproni_driver::config::differences(schema(), &running, &wanted)
}

/// What a cluster runs with, with those fields as `wanted` spells them that mean the same in
/// `requested`: the host compares by spelling alone.
pub(crate) fn as_asked(cluster: &Cluster, requested: &KindConfig, wanted: &Value) -> Value {
    let mut running = cluster.config();
    let mut echo = |field: &str, same: bool| {
        if same && running.get(field).is_some() {
            running[field] = wanted[field].clone();
        }
    };
    let config = cluster.config();
    let nodes = requested.nodes.names();
    echo("nodes", cluster.shape() == requested.nodes);
    echo("port_mappings", {
        let have = strings(&config, "port_mappings");
        let have = mapping::parse_all(have.iter().map(String::as_str));
        let wanted = mapping::parse_all(requested.port_mappings.iter().map(String::as_str));
        mapping::mean_the_same(&have, &wanted)
    });
    echo("mounts", {
        let have = strings(&config, "mounts");
        mount::binds(&have, &nodes) == mount::binds(&requested.mounts, &nodes)
    });
    // An image is compared only when one is asked for, then with what the cluster has.
    match (&requested.image, cluster.image()) {
        (None, _) => running["image"] = Value::Null,
        (Some(_), Some(image)) if running.get("image").is_none() => running["image"] = json!(image),
        _ => {}
    }
    running
}

fn strings(config: &Value, field: &str) -> Vec<String> {
    let items = config[field].as_array().into_iter().flatten();
    items.filter_map(|item| item.as_str().map(Into::into)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::tests::{made_of, running};
    use caproni_driver::ChangeCost;

    fn paths(cluster: &Cluster, requested: Value) -> Vec<String> {
        let found = differences(cluster, &KindConfig::read(&requested).unwrap());
        assert!(found.iter().all(|row| row.change == ChangeCost::Recreate));
        found.into_iter().map(|row| row.path).collect()
    }

    #[test]
    fn the_config_a_cluster_was_made_of_is_no_difference() {
        for config in [
            json!({"nodes": {"workers": 1}}),
            json!({"nodes": {"workers": 1}, "image": "kindest/node:v1.36.1", "extra_args": ["-v", "1"]}),
            json!({"port_mappings": ["80:80"], "mounts": ["/a:/b"], "feature_gates": {"A": true}}),
            json!({"config": {"nodes": [{"role": "control-plane"}, {"role": "worker"}]}}),
        ] {
            assert_eq!(paths(&made_of(config.clone()), config.clone()), [""; 0], "{config}");
        }
    }

    #[test]
    fn another_spelling_is_no_difference_to_the_driver_and_not_to_the_host() {
        let cluster = made_of(json!({"nodes": {"workers": 1}, "port_mappings": ["80:80"],
            "mounts": ["/a:/b@worker", "/a:/b@control-plane"]}));
        let other = json!({"nodes": {"workers": 1}, "port_mappings": ["0.0.0.0:80:80/tcp"],
            "mounts": ["/a:/b"]});
        assert_eq!(paths(&cluster, other.clone()), [""; 0]);
        let told = as_asked(&cluster, &KindConfig::read(&other).unwrap(), &other);
        assert_eq!(caproni_driver::config::differences(schema(), &told, &other), []);
    }

    #[test]
    fn every_field_that_differs_is_told() {
        let cluster = made_of(json!({"nodes": {"workers": 1}, "feature_gates": {"A": true}}));
        let requested = json!({
            "nodes": {"control_planes": 3, "workers": 1}, "image": "other", "port_mappings": ["80:80"],
            "mounts": ["/a:/b"], "feature_gates": {"A": false}, "kubeadm_patches": ["x"],
            "config": {"networking": {}}, "extra_args": ["-v"],
        });
        let all = [
            "image",
            "nodes.control_planes",
            "port_mappings",
            "mounts",
            "feature_gates",
            "kubeadm_patches",
            "config",
            "extra_args",
        ];
        assert_eq!(paths(&cluster, requested), all);
    }

    #[test]
    fn a_cluster_of_plain_kind_is_compared_in_what_can_be_seen() {
        assert_eq!(paths(&running(), json!({"nodes": {"workers": 1}})), [""; 0]);
        let gates = json!({"nodes": {"workers": 1}, "feature_gates": {"A": true}});
        assert_eq!(paths(&running(), gates), [""; 0]);
        assert_eq!(paths(&running(), json!({})), ["nodes.workers"]);
    }
}
