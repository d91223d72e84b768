//! What the engine has of one cluster: pure data.

use std::collections::BTreeMap;

use caproni_driver::Error;
use caproni_engine::Container;
use serde_json::{Value, json};

use crate::config::{KindConfig, Nodes};
use crate::document;
use crate::kept::Kept;
use crate::mapping::Mapping;
use crate::role::Role;

/// The label with the cluster's name on every container of a cluster.
pub(crate) const CLUSTER_LABEL: &str = "io.x-k8s.kind.cluster";

/// What every node has mounted, beside what was asked for.
const OWN_MOUNTS: [&str; 2] = ["/lib/modules:/lib/modules:ro", "/dev/mapper:/dev/mapper"];

/// What of a cluster exists, as it was at one moment.
#[derive(Debug, Default)]
pub(crate) struct Cluster {
    /// Its name.
    pub(crate) name: String,
    /// Its containers.
    pub(crate) containers: Vec<Container>,
    /// What was kept with it; `None` for one of plain kind, and one that was not finished.
    pub(crate) kept: Option<Kept>,
    /// Why what was kept with it cannot be read.
    pub(crate) unreadable: Option<Error>,
    /// The Kubernetes version, as its first node's image says.
    pub(crate) version: Option<String>,
}

impl Cluster {
    /// The nodes, in the order of their roles and names.
    pub(crate) fn nodes(&self) -> Vec<&Container> {
        let mut nodes: Vec<_> = self.containers.iter().collect();
        nodes.sort_by_key(|node| (Role::of(node), node.name.len(), &node.name));
        nodes
    }

    /// The nodes of a role, the first one first.
    pub(crate) fn of_role(&self, role: Role) -> Vec<&Container> {
        self.nodes().into_iter().filter(|node| Role::of(node) == Some(role)).collect()
    }

    /// The load balancer before several control planes.
    pub(crate) fn load_balancer(&self) -> Option<&Container> {
        self.of_role(Role::LoadBalancer).into_iter().next()
    }

    /// A node's name without the cluster's, such as `worker2`.
    pub(crate) fn short_name<'a>(&self, node: &'a Container) -> &'a str {
        let rest = node.name.strip_prefix(&self.name).and_then(|rest| rest.strip_prefix('-'));
        rest.unwrap_or(&node.name)
    }

    /// Tells whether this driver began the cluster and was ended before it was done.
    ///
    /// Nobody was ever told that such a cluster exists.
    pub(crate) fn is_unfinished(&self) -> bool {
        let mark = document::mark();
        let nothing_kept = self.kept.is_none() && self.unreadable.is_none();
        nothing_kept && self.containers.iter().any(|node| node.binds.contains(&mark))
    }

    /// How many nodes there should be: by the config that was kept, or by what is there.
    pub(crate) fn shape(&self) -> Nodes {
        let kept = self.kept.as_ref().and_then(|kept| KindConfig::read(&kept.config).ok());
        let there = |role| u32::try_from(self.of_role(role).len()).unwrap_or(u32::MAX);
        match kept {
            Some(config) => config.nodes,
            // kind puts a load balancer before two of them, and not before one.
            None => {
                Nodes {
                    control_planes: there(Role::ControlPlane)
                        .max(if self.load_balancer().is_some() { 2 } else { 1 }),
                    workers: there(Role::Worker),
                }
            }
        }
    }

    /// Every container there should be, by its full name.
    pub(crate) fn expected(&self) -> Vec<(String, Role)> {
        let Nodes { control_planes, workers } = self.shape().bounded();
        let balancers = u32::from(control_planes > 1);
        let of_role = |role: Role, count| {
            let names = role.names(count).into_iter();
            names.map(move |name| (format!("{}-{name}", self.name), role))
        };
        of_role(Role::ControlPlane, control_planes)
            .chain(of_role(Role::Worker, workers))
            .chain(of_role(Role::LoadBalancer, balancers))
            .collect()
    }

    /// The address of each container that runs.
    pub(crate) fn addresses(&self) -> BTreeMap<String, String> {
        let address = |node: &Container| node.networks.values().find(|ip| !ip.is_empty()).cloned();
        let nodes = self.containers.iter();
        nodes.filter_map(|node| Some((node.name.clone(), address(node)?))).collect()
    }

    /// The config the cluster really runs with, as far as it is known.
    pub(crate) fn config(&self) -> Value {
        let Some(kept) = &self.kept else { return self.config_by_sight() };
        let mut config = kept.config.clone();
        // kind's own choice of an image is no setting.
        if config["image"].is_null()
            && let Some(fields) = config.as_object_mut()
        {
            fields.remove("image");
        }
        config
    }

    /// What can be seen of a cluster that plain kind made; the rest is not compared.
    fn config_by_sight(&self) -> Value {
        let nodes = self.nodes();
        let nodes = nodes.iter().filter(|node| Role::of(node) != Some(Role::LoadBalancer));
        let (mut mappings, mut mounts) = (Vec::new(), Vec::new());
        for node in nodes {
            let name = self.short_name(node);
            mappings.extend(node.bindings.iter().map(|binding| {
                Mapping { node: name.into(), binding: binding.clone() }.to_string()
            }));
            let binds = node.binds.iter().filter(|bind| !OWN_MOUNTS.contains(&bind.as_str()));
            mounts.extend(binds.map(|bind| format!("{bind}@{name}")));
        }
        let mut config = json!({
            "nodes": self.shape(),
            "port_mappings": mappings,
            "mounts": mounts,
        });
        if let Some(image) = self.image() {
            config["image"] = json!(image);
        }
        config
    }

    /// The name of the control planes' image.
    pub(crate) fn image(&self) -> Option<&str> {
        self.of_role(Role::ControlPlane).first().and_then(|node| node.image.as_deref())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::role::tests::recorded;

    /// The cluster of the recordings, of a control plane and a worker, made by plain kind.
    pub(crate) fn running() -> Cluster {
        Cluster {
            name: "demo".into(),
            containers: vec![
                recorded(include_str!("../tests/recorded/v0.32/inspect-running-worker.json")),
                recorded(include_str!(
                    "../tests/recorded/v0.32/inspect-running-control-plane.json"
                )),
            ],
            kept: None,
            unreadable: None,
            version: Some("v1.36.1".into()),
        }
    }

    /// The same cluster as if this driver had made it of a config.
    pub(crate) fn made_of(config: Value) -> Cluster {
        let mut cluster = running();
        for node in &mut cluster.containers {
            node.binds.push(document::mark());
        }
        let config = KindConfig::read(&config).unwrap().sealed();
        cluster.kept = Some(Kept { config, addresses: cluster.addresses(), ..Kept::default() });
        cluster
    }

    #[test]
    fn a_cluster_of_plain_kind_is_known_by_what_is_seen() {
        let config = running().config();
        assert_eq!(config["nodes"], json!({"control_planes": 1, "workers": 1}));
        assert_eq!((&config["port_mappings"], &config["mounts"]), (&json!([]), &json!([])));
        assert!(config["image"].is_string());
        assert_eq!(config.as_object().unwrap().len(), 4);
        assert!(!running().is_unfinished());
    }

    #[test]
    fn the_kept_config_is_what_the_cluster_was_made_of() {
        let config = made_of(json!({"nodes": {"workers": 1}, "mounts": ["/a:/b"]})).config();
        assert_eq!(config["mounts"], json!(["/a:/b"]));
        assert!(config.get("image").is_none(), "kind chose it");
    }

    #[test]
    fn a_creation_that_left_its_mark_and_no_config_was_not_finished() {
        let mut cluster = made_of(json!({}));
        assert!(!cluster.is_unfinished());
        cluster.kept = None;
        assert!(cluster.is_unfinished());
    }

    #[test]
    fn several_control_planes_have_a_load_balancer() {
        let cluster = made_of(json!({"nodes": {"control_planes": 2, "workers": 1}}));
        let names: Vec<_> = cluster.expected().into_iter().map(|(name, _)| name).collect();
        assert_eq!(
            names,
            [
                "demo-control-plane",
                "demo-control-plane2",
                "demo-worker",
                "demo-external-load-balancer"
            ]
        );
    }
}
