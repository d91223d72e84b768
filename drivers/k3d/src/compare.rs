//! What of a cluster differs from what is asked for, and what can be changed as it runs.

use caproni_driver::{ChangeCost, Difference};
use serde_json::{Value, json};

use crate::cluster::{Cluster, strings};
use crate::config::{K3dConfig, schema};
use crate::ports::{self, Change, Edit};

/// How a cluster differs from a config.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    /// The fields that differ.
    pub(crate) differences: Vec<Difference>,
    /// What of the load balancer's ports is to be changed, when nothing else differs.
    pub(crate) edit: Option<Edit>,
}

/// Compares a cluster with a config.
pub(crate) fn compare(cluster: &Cluster, requested: &K3dConfig) -> Comparison {
    let mut running = cluster.config();
    // An image is compared only when one is asked for; then with what the cluster was
    // asked for, since k3d takes words such as `latest` too, else with what it has.
    match (&requested.image, running.get("image"), cluster.image()) {
        (None, ..) => running["image"] = Value::Null,
        (Some(_), None, Some(image)) => running["image"] = json!(image),
        _ => {}
    }
    let wanted = serde_json::to_value(requested).unwrap_or_default();
    let mut differences = caproni_driver::config::differences(schema(), &running, &wanted);
    let extra = cluster.extra_ports();
    let published = cluster.load_balancer().map(|node| node.bindings.as_slice());
    let mapped = strings(Some(&running), "port_mappings");
    let change = match running.get("port_mappings") {
        Some(_) => ports::compare(&mapped, &requested.port_mappings, &extra, published),
        None => Change::None,
    };
    let cost = match change {
        Change::Live(_) => ChangeCost::Live,
        _ => ChangeCost::Recreate,
    };
    // Two spellings of one mapping are no difference.
    differences.retain(|row| row.path != "port_mappings" || change != Change::None);
    for row in differences.iter_mut().filter(|row| row.path == "port_mappings") {
        row.change = cost.clone();
    }
    let only_live = differences.iter().all(|row| row.change == ChangeCost::Live);
    let edit = match change {
        Change::Live(edit) if only_live => Some(edit),
        _ => None,
    };
    Comparison { differences, edit }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::tests::{made_of, running};

    fn rows(cluster: &Cluster, requested: Value) -> Vec<(String, ChangeCost)> {
        let requested = K3dConfig::read(&requested).unwrap();
        let found = compare(cluster, &requested).differences;
        found.into_iter().map(|row| (row.path, row.change)).collect()
    }

    #[test]
    fn the_config_a_cluster_was_made_of_is_no_difference() {
        for config in [
            json!({}),
            json!({"servers": 1, "env": ["A=1"], "api_port": "6443", "image": "latest"}),
            json!({"port_mappings": ["80:80", "443:443@loadbalancer"], "k3s": {"disable": ["traefik"]}}),
            json!({"registries": {"config": "mirrors: {}"}, "extra_args": ["--agents", "2"]}),
        ] {
            assert_eq!(rows(&made_of(config.clone()), config.clone()), [], "{config}");
        }
    }

    #[test]
    fn a_field_that_was_not_set_before_is_a_difference() {
        let cluster = made_of(json!({}));
        let requested = json!({"agents": 1, "api_port": "6443", "registries": {"config": "x: {}"}});
        assert_eq!(
            rows(&cluster, requested),
            [
                ("agents".into(), ChangeCost::Recreate),
                ("api_port".into(), ChangeCost::Recreate),
                ("registries.config".into(), ChangeCost::Recreate),
            ]
        );
    }

    #[test]
    fn a_field_that_is_no_longer_set_is_a_difference() {
        let cluster = made_of(json!({"network": "shared", "env": ["A=1"]}));
        let paths: Vec<_> = rows(&cluster, json!({})).into_iter().map(|row| row.0).collect();
        assert_eq!(paths, ["env", "network"]);
    }

    #[test]
    fn an_image_is_compared_only_when_one_is_asked_for() {
        let cluster = running();
        assert_eq!(rows(&cluster, json!({})), []);
        let image = cluster.image().unwrap().to_owned();
        assert_eq!(rows(&cluster, json!({"image": image})), []);
        assert_eq!(rows(&cluster, json!({"image": "other"})).len(), 1);
        assert_eq!(rows(&made_of(json!({})), json!({"image": image})), []);
    }

    #[test]
    fn ports_alone_change_live_and_else_with_the_rest() {
        let cluster = made_of(json!({"port_mappings": ["80:80"]}));
        let live =
            K3dConfig::read(&json!({"port_mappings": ["0.0.0.0:80:80/tcp", "81:81"]})).unwrap();
        let found = compare(&cluster, &live);
        assert_eq!(found.differences.len(), 1);
        assert_eq!(found.edit.unwrap().add.len(), 1);
        let both = K3dConfig::read(&json!({"port_mappings": ["81:81"], "agents": 1})).unwrap();
        let found = compare(&cluster, &both);
        assert_eq!(found.differences.len(), 2);
        assert!(found.edit.is_none());
    }
}
