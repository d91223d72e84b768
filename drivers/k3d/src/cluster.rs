//! What the engine has of one cluster: pure data.

use serde_json::{Value, json};

use caproni_engine::Container;

use crate::config::MOST_NODES;
use crate::document::{self, CONFIG_LABEL};
use crate::extra_args::ExtraArgs;
use crate::mapping::{Mapping, Target};
use crate::ports::effective;
use crate::role::Role;

/// The label with the cluster's name on everything k3d makes for it.
pub(crate) const CLUSTER_LABEL: &str = "k3d.cluster";

/// What of a cluster exists, as it was at one moment.
#[derive(Debug, Default)]
pub(crate) struct Cluster {
    /// Its name, without k3d's prefix.
    pub(crate) name: String,
    /// All its containers, helpers too.
    pub(crate) containers: Vec<Container>,
    /// Whether its creation was finished; true as well when nobody can tell.
    pub(crate) finished: bool,
    /// Volumes and networks that are left though no node is.
    pub(crate) leftovers: bool,
}

/// The nodes a cluster should have.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// How many servers.
    pub(crate) servers: u32,
    /// How many agents.
    pub(crate) agents: u32,
    /// Whether there is a load balancer.
    pub(crate) load_balancer: bool,
}

impl Cluster {
    /// The nodes, in the order of their roles and names.
    pub(crate) fn nodes(&self) -> Vec<&Container> {
        let of_role = self.containers.iter().map(|container| (Role::of(container), container));
        let mut nodes: Vec<_> = of_role.filter(|(role, _)| role.node().is_some()).collect();
        nodes.sort_by_cached_key(|&(role, node)| (role, natural(&node.name)));
        nodes.into_iter().map(|(_, node)| node).collect()
    }

    /// The servers, the first one first.
    pub(crate) fn servers(&self) -> Vec<&Container> {
        self.nodes().into_iter().filter(|node| Role::of(node) == Role::Server).collect()
    }

    /// The load balancer, by its proper name.
    pub(crate) fn load_balancer(&self) -> Option<&Container> {
        let name = self.load_balancer_name();
        self.containers.iter().find(|container| container.name == name)
    }

    /// The load balancer's proper name: while k3d changes its ports there are two.
    pub(crate) fn load_balancer_name(&self) -> String {
        format!("k3d-{}-serverlb", self.name)
    }

    /// The config that was kept with the cluster; `None` for one that this driver did
    /// not make.
    pub(crate) fn kept_config(&self) -> Option<Value> {
        self.servers().iter().find_map(|server| document::read_label(server.label(CONFIG_LABEL)?))
    }

    /// Tells whether this driver began the cluster and was ended before it was done.
    ///
    /// Nobody was ever told that such a cluster exists.
    pub(crate) fn is_unfinished(&self) -> bool {
        match self.nodes().is_empty() {
            true => !self.containers.is_empty() || self.leftovers,
            false => !self.finished,
        }
    }

    /// A label's value on any of the nodes that has it.
    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        self.nodes().into_iter().find_map(|node| node.label(name))
    }

    /// The nodes there should be: by the config kept with the cluster, or by what k3d's
    /// labels and what exists tell.
    pub(crate) fn shape(&self) -> Shape {
        let count = |role| self.containers.iter().filter(|c| Role::of(c) == role).count() as u32;
        let kept = self.kept_config();
        let extra = ExtraArgs::read(&strings(kept.as_ref(), "extra_args"));
        let number = |field: &str| {
            let value = kept.as_ref().and_then(|config| config[field].as_u64());
            value.and_then(|value| u32::try_from(value).ok()).unwrap_or(0)
        };
        let load_balancer = match &kept {
            Some(config) => config["loadbalancer"] != false && !extra.no_load_balancer,
            // k3d puts the load balancer's name on each server.
            None => self.label("k3d.server.loadbalancer").is_some(),
        };
        // The label is there for anyone to write.
        let servers = extra.servers.unwrap_or(number("servers")).min(MOST_NODES);
        let agents = extra.agents.unwrap_or(number("agents")).min(MOST_NODES);
        Shape {
            servers: servers.max(count(Role::Server)).max(1),
            agents: agents.max(count(Role::Agent)),
            load_balancer: load_balancer || self.load_balancer().is_some(),
        }
    }

    /// Mappings that came with `extra_args` rather than with `port_mappings`.
    pub(crate) fn extra_ports(&self) -> Vec<Mapping> {
        ExtraArgs::read(&strings(self.kept_config().as_ref(), "extra_args")).ports
    }

    /// The config the cluster really runs with, as far as it is known.
    pub(crate) fn config(&self) -> Value {
        let Some(mut config) = self.kept_config() else { return self.config_by_sight() };
        let shape = self.shape();
        let extra = ExtraArgs::read(&strings(Some(&config), "extra_args"));
        // Nodes that were added by hand count; those that `extra_args` ask for are no change.
        if extra.servers.is_none() {
            config["servers"] = json!(shape.servers);
        }
        if extra.agents.is_none() {
            config["agents"] = json!(shape.agents);
        }
        let asked = strings(Some(&config), "port_mappings");
        match self.load_balancer() {
            Some(node) => {
                config["port_mappings"] = json!(effective(&asked, &extra.ports, &node.bindings));
            }
            // What it published at last went with it.
            None if shape.load_balancer => forget(&mut config, "port_mappings"),
            None => {}
        }
        // k3d's own choice of an image is no setting.
        if config["image"].is_null() {
            forget(&mut config, "image");
        }
        config
    }

    /// What can be seen of a cluster that plain k3d made.
    fn config_by_sight(&self) -> Value {
        let shape = self.shape();
        let mut mappings: Vec<String> = Vec::new();
        for node in self.nodes() {
            let kind = match Role::of(node) {
                Role::Server => "server",
                Role::Agent => "agent",
                _ => "",
            };
            let index = node.name.rsplit('-').next().unwrap_or_default();
            mappings.extend(node.bindings.iter().cloned().map(|binding| {
                let target = match kind {
                    "" => Target::AllNodes,
                    kind => Target::Direct(format!("{kind}:{index}")),
                };
                Mapping { binding, target }.to_string()
            }));
        }
        let mut config = json!({
            "servers": shape.servers,
            "agents": shape.agents,
            "port_mappings": mappings,
            "loadbalancer": shape.load_balancer,
        });
        if let Some(image) = self.image() {
            config["image"] = json!(image);
        }
        config
    }

    /// The name of the servers' image.
    pub(crate) fn image(&self) -> Option<&str> {
        self.servers().first().and_then(|server| server.image.as_deref())
    }
}

/// Leaves a field out, so that it is not compared.
fn forget(config: &mut Value, field: &str) {
    if let Some(fields) = config.as_object_mut() {
        fields.remove(field);
    }
}

/// A list of strings in a config; empty when it is not there.
pub(crate) fn strings(config: Option<&Value>, field: &str) -> Vec<String> {
    let items = config.and_then(|config| config[field].as_array());
    items.into_iter().flatten().filter_map(|item| item.as_str().map(Into::into)).collect()
}

/// Sorts `server-10` behind `server-9`.
fn natural(name: &str) -> (&str, u32) {
    match name.rsplit_once('-') {
        Some((stem, number)) => (stem, number.parse().unwrap_or(u32::MAX)),
        None => (name, 0),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::config::K3dConfig;
    use crate::mapping::parse_all;
    use crate::role::tests::recorded;

    /// The cluster of the recordings, of one server behind a load balancer.
    pub(crate) fn running() -> Cluster {
        Cluster {
            name: "demo".into(),
            containers: vec![
                recorded(include_str!("../tests/recorded/v5.9/inspect-running-serverlb.json")),
                recorded(include_str!("../tests/recorded/v5.9/inspect-running-server-0.json")),
            ],
            finished: true,
            leftovers: false,
        }
    }

    /// The same cluster as if this driver had made it of a config.
    pub(crate) fn made_of(config: Value) -> Cluster {
        let mut cluster = running();
        let config = K3dConfig::read(&config).unwrap();
        let text = document::write("demo", &config).unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        let label = document["options"]["runtime"]["labels"][0]["label"].as_str().unwrap();
        let label = label.strip_prefix("dev.caproni.config=").unwrap().to_owned();
        cluster.containers[1].labels.set(CONFIG_LABEL, &label);
        let mappings = parse_all(config.port_mappings.iter().map(String::as_str));
        cluster.containers[0].bindings =
            mappings.into_iter().filter(Mapping::is_at_load_balancer).map(|m| m.binding).collect();
        cluster
    }

    #[test]
    fn a_cluster_of_plain_k3d_is_known_by_what_is_seen() {
        let config = running().config();
        assert_eq!(config["servers"], 1);
        assert_eq!(config["agents"], 0);
        assert_eq!(config["loadbalancer"], true);
        assert_eq!(config["port_mappings"], json!([]));
        assert!(config["image"].is_string());
        assert_eq!(config.as_object().unwrap().len(), 5);
    }

    #[test]
    fn the_kept_config_is_what_the_cluster_was_made_of() {
        let cluster = made_of(json!({"port_mappings": ["80:80@loadbalancer"], "env": ["A=1"]}));
        let config = cluster.config();
        assert_eq!(config["port_mappings"], json!(["80:80@loadbalancer"]));
        assert!(config["env"].as_str().unwrap().starts_with("sha256:"));
        assert_eq!(config["api_port"], Value::Null);
        assert!(config.get("image").is_none(), "k3d chose it");
    }

    #[test]
    fn extra_arguments_change_the_nodes_there_should_be() {
        let shape = made_of(json!({"extra_args": ["--agents", "2", "--no-lb=false"]})).shape();
        assert_eq!(shape, Shape { servers: 1, agents: 2, load_balancer: true });
    }

    #[test]
    fn a_removed_load_balancer_is_known_to_be_missing() {
        let mut cluster = running();
        cluster.containers.remove(0);
        assert!(cluster.shape().load_balancer);
        assert!(cluster.load_balancer().is_none());
        let mut cluster = made_of(json!({"port_mappings": ["80:80"]}));
        cluster.containers.remove(0);
        assert!(cluster.config().get("port_mappings").is_none(), "it may have changed since");
    }

    #[test]
    fn the_tenth_node_stands_behind_the_ninth() {
        assert!(natural("k3d-demo-agent-9") < natural("k3d-demo-agent-10"));
    }
}
