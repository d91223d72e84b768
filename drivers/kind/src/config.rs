//! The driver's section in `caproni.yaml`.

use std::collections::BTreeMap;

use caproni_driver::{ConfigSchema, Error, ErrorKind, Violation};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::role::Role;
use crate::{mapping, mount};

/// The longest cluster name whose nodes' names are host names: kind adds up to
/// `-external-load-balancer`, and a host name has at most 63 characters.
const LONGEST_NAME: usize = 40;

/// The flags of `kind create cluster` that are the driver's to set.
const OWN_FLAGS: [&str; 5] = ["--name", "-n", "--config", "--kubeconfig", "--retain"];

/// The most nodes of a role: more than any machine runs.
const MOST_NODES: u32 = 1000;

/// The most port mappings, each of which may be a range of all ports there are.
const MOST_MAPPINGS: u32 = 1000;

/// A kind cluster: containers that kubeadm set up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KindConfig {
    /// The node image, such as `kindest/node:v1.36.1`. Without it kind chooses.
    #[schemars(length(min = 1), extend("x-caproni-change" = "recreate"))]
    pub(crate) image: Option<String>,
    /// How many nodes there are.
    #[serde(default)]
    #[schemars(extend("x-caproni-change" = "recreate"))]
    pub(crate) nodes: Nodes,
    /// Ports published on the host: `[HOST:][HOSTPORT:]CONTAINERPORT[/PROTOCOL][@NODE]`, such as `8080:80` or `53:53/udp@worker2`. Without a node at the first control plane.
    #[serde(default)]
    #[schemars(length(max = MOST_MAPPINGS), inner(length(min = 1)), extend("x-caproni-change" = "recreate"))]
    pub(crate) port_mappings: Vec<String>,
    /// Folders and files mounted into the nodes: `SOURCE:TARGET[:ro][@NODE]`. Without a node into every one.
    #[serde(default)]
    #[schemars(inner(length(min = 1)), extend("x-caproni-change" = "recreate"))]
    pub(crate) mounts: Vec<String>,
    /// Feature gates of Kubernetes, each on or off.
    #[serde(default)]
    #[schemars(extend("x-caproni-change" = "recreate"))]
    pub(crate) feature_gates: BTreeMap<String, bool>,
    /// Patches of what kubeadm is told, each a YAML text with a `kind`, such as `ClusterConfiguration`. They are kept with the cluster in the clear: no place for secrets.
    #[serde(default)]
    #[schemars(inner(length(min = 1)), extend("x-caproni-change" = "recreate"))]
    pub(crate) kubeadm_patches: Vec<String>,
    /// kind's own config (`kind.x-k8s.io/v1alpha4`), for all that has no field here, such as `networking`. Its `nodes` take the place of the field; the other fields are added to it. It is kept with the cluster in the clear: no place for secrets.
    #[serde(default)]
    #[schemars(extend("x-caproni-change" = "recreate"))]
    pub(crate) config: Map<String, Value>,
    /// More arguments for `kind create cluster`, each passed as it is and after all others. They are kept with the cluster in the clear: no place for secrets.
    #[serde(default)]
    #[schemars(inner(length(min = 1)), extend("x-caproni-change" = "recreate"))]
    pub(crate) extra_args: Vec<String>,
}

/// How many nodes there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nodes {
    /// Number of nodes that run the control plane. With more than one a load balancer is put before them; their state is kept in etcd, which wants an odd number.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = MOST_NODES), extend("x-caproni-change" = "recreate"))]
    pub(crate) control_planes: u32,
    /// Number of nodes that run workloads only.
    #[serde(default)]
    #[schemars(range(max = MOST_NODES), extend("x-caproni-change" = "recreate"))]
    pub(crate) workers: u32,
}

impl Default for Nodes {
    fn default() -> Self {
        Self { control_planes: 1, workers: 0 }
    }
}

impl Nodes {
    /// As many as are told at most: what is kept with a cluster is there for anyone to write.
    pub(crate) fn bounded(self) -> Self {
        let bounded = |count: u32| count.min(MOST_NODES);
        Self { control_planes: bounded(self.control_planes), workers: bounded(self.workers) }
    }

    /// The names of the nodes that run Kubernetes, without the cluster's.
    pub(crate) fn names(self) -> Vec<String> {
        let Self { control_planes, workers } = self.bounded();
        [Role::ControlPlane.names(control_planes), Role::Worker.names(workers)].concat()
    }
}

fn one() -> u32 {
    1
}

/// The JSON Schema of [`KindConfig`].
pub(crate) fn schema() -> &'static ConfigSchema {
    static SCHEMA: ConfigSchema = ConfigSchema::of_text(include_str!("../config.schema.json"));
    &SCHEMA
}

impl KindConfig {
    /// Reads the config of a request, and refuses what the schema cannot say.
    ///
    /// Nodes that stand in `config` are counted in `nodes`, where the rest looks for them.
    ///
    /// # Errors
    /// `InvalidDriverConfig` with each field that cannot work.
    pub(crate) fn read(config: &Value) -> Result<Self, Error> {
        let complete = caproni_driver::config::complete(schema(), config);
        let mut config: Self = serde_json::from_value(complete)
            .map_err(|error| Error::invalid_config(vec![Violation::new("", error.to_string())]))?;
        let mut violations = config.violations_of_nodes();
        if let Some(nodes) = config.own_nodes().filter(|_| violations.is_empty()) {
            config.nodes = nodes;
        }
        violations.extend(config.violations());
        if violations.is_empty() { Ok(config) } else { Err(Error::invalid_config(violations)) }
    }

    /// The nodes that stand in kind's own config, counted.
    fn own_nodes(&self) -> Option<Nodes> {
        let nodes = self.config.get("nodes")?.as_array()?;
        let workers = nodes.iter().filter(|node| node["role"] == Role::Worker.word()).count();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Some(Nodes { control_planes: count(nodes.len() - workers), workers: count(workers) })
    }

    fn violations_of_nodes(&self) -> Vec<Violation> {
        let Some(nodes) = self.config.get("nodes") else { return Vec::new() };
        let objects = nodes.as_array().filter(|nodes| nodes.iter().all(Value::is_object));
        let why = match (objects, self.own_nodes()) {
            (None, _) => "`nodes` is no list of nodes",
            (_, Some(Nodes { control_planes: 0, .. })) => "`nodes` has no control plane",
            // Counted already, where it is read again.
            (_, Some(own)) if self.nodes != own && self.nodes != Nodes::default() => {
                return vec![Violation::new("nodes", "the nodes stand in `config.nodes` already")];
            }
            _ => return Vec::new(),
        };
        vec![Violation::new("config", why)]
    }

    fn violations(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        let names = self.nodes.names();
        let mut check = |path: &str, text: &str, node: Result<Option<String>, String>| match node {
            Err(why) => found.push(Violation::new(path, why)),
            Ok(Some(node)) if !names.contains(&node) => {
                let why = format!("`{text}` is at `{node}`, and the nodes are {}", list(&names));
                found.push(Violation::new(path, why));
            }
            Ok(_) => {}
        };
        for text in &self.port_mappings {
            let node = mapping::parse(text).map(|all| all.into_iter().next().map(|one| one.node));
            check("port_mappings", text, node);
        }
        for text in &self.mounts {
            check("mounts", text, mount::parse(text).map(|mount| mount.node));
        }
        if self.config.contains_key("name") {
            found.push(Violation::new("config", "`name` is the profile's, and not to be set"));
        }
        let own = |arg: &&String| OWN_FLAGS.contains(&arg.split('=').next().unwrap_or_default());
        if let Some(arg) = self.extra_args.iter().find(own) {
            let why = format!("`{arg}` is the driver's own to set");
            found.push(Violation::new("extra_args", why));
        }
        found
    }

    /// The config as it is kept with the cluster: every field.
    pub(crate) fn sealed(&self) -> Value {
        let value = serde_json::to_value(self).unwrap_or_default();
        caproni_driver::config::seal(schema(), &value)
    }
}

fn list(names: &[String]) -> String {
    format!("`{}`", names.join("`, `"))
}

/// Refuses a profile whose nodes could not be called by it.
///
/// # Errors
/// `InvalidDriverConfig`.
pub(crate) fn check_profile(profile: &str) -> Result<(), Error> {
    caproni_driver::check_profile(profile)?;
    if profile.len() <= LONGEST_NAME {
        return Ok(());
    }
    let message = format!(
        "profile `{profile}` has {} characters, and a kind cluster's name at most {LONGEST_NAME}",
        profile.len()
    );
    Err(Error::new(ErrorKind::InvalidDriverConfig, message)
        .with_hint(format!("choose a profile of at most {LONGEST_NAME} characters")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(config: Value) -> Vec<String> {
        let error = KindConfig::read(&config).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::InvalidDriverConfig);
        error.data.violations.into_iter().map(|violation| violation.path).collect()
    }

    #[test]
    fn the_schema_that_is_told_is_that_of_the_type() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/config.schema.json");
        caproni_driver::testing::check_schema::<KindConfig>(file);
    }

    #[test]
    fn an_empty_section_is_a_whole_config() {
        let config = KindConfig::read(&json!({})).unwrap();
        assert_eq!((config.image, config.nodes), (None, Nodes { control_planes: 1, workers: 0 }));
    }

    #[test]
    fn nodes_of_kinds_own_config_are_counted() {
        let own = json!({"config": {"nodes": [{"role": "control-plane"}, {"role": "worker"}, {}]}});
        let config = KindConfig::read(&own).unwrap();
        assert_eq!(config.nodes, Nodes { control_planes: 2, workers: 1 });
        assert_eq!(KindConfig::read(&config.sealed()).unwrap(), config, "as it is kept");
    }

    #[test]
    fn what_cannot_work_is_refused_by_its_field() {
        assert_eq!(refused(json!({"port_mappings": ["http:80"]})), ["port_mappings"]);
        assert_eq!(refused(json!({"port_mappings": ["80:80@worker"]})), ["port_mappings"]);
        assert_eq!(refused(json!({"mounts": ["./a:/b"]})), ["mounts"]);
        assert_eq!(
            refused(json!({"mounts": ["/a:/b@worker2"], "nodes": {"workers": 1}})),
            ["mounts"]
        );
        assert_eq!(refused(json!({"extra_args": ["--config=x"]})), ["extra_args"]);
        assert_eq!(refused(json!({"config": {"name": "x"}})), ["config"]);
        assert_eq!(refused(json!({"config": {"nodes": 3}})), ["config"]);
        assert_eq!(refused(json!({"config": {"nodes": [{"role": "worker"}]}})), ["config"]);
        let twice = json!({"nodes": {"workers": 2}, "config": {"nodes": [{}]}});
        assert_eq!(refused(twice), ["nodes"]);
        assert_eq!(refused(json!({"node": {}})), [""]);
    }

    #[test]
    fn a_long_profile_is_refused_before_anything_is_done() {
        assert!(check_profile(&"a".repeat(40)).is_ok());
        let error = check_profile(&"a".repeat(41)).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::InvalidDriverConfig);
        assert!(error.data.hint.is_some());
    }

    #[test]
    fn every_field_says_what_it_is_and_what_its_change_costs() {
        for (name, property) in schema()["properties"].as_object().unwrap() {
            assert!(property["description"].is_string(), "{name} has no description");
            assert!(property["x-caproni-change"].is_string(), "{name} has no cost");
        }
        assert_eq!(schema()["additionalProperties"], false);
        let complete = caproni_driver::config::complete(schema(), &json!({}));
        assert_eq!(complete["nodes"], json!({"control_planes": 1, "workers": 0}));
    }
}
