//! The driver's section in `caproni.yaml`.

use caproni_driver::{ConfigSchema, Error, ErrorKind, Violation};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::mapping;

/// The longest cluster name that k3d takes.
const LONGEST_NAME: usize = 32;

/// The most nodes of a role: more than any machine runs.
pub(crate) const MOST_NODES: u32 = 1000;

/// The most port mappings, each of which may be a range of all ports there are.
const MOST_MAPPINGS: u32 = 1000;

/// A k3d cluster: containers that run k3s.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct K3dConfig {
    /// Number of nodes that run the control plane. With more than one the cluster's state is kept in etcd, which wants an odd number.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = MOST_NODES), extend("x-caproni-change" = "recreate"))]
    pub(crate) servers: u32,
    /// Number of nodes that run workloads only.
    #[serde(default)]
    #[schemars(range(max = MOST_NODES), extend("x-caproni-change" = "recreate"))]
    pub(crate) agents: u32,
    /// The k3s image of the nodes, such as `rancher/k3s:v1.34.9-k3s1`. Without it k3d chooses.
    #[schemars(length(min = 1), extend("x-caproni-change" = "recreate"))]
    pub(crate) image: Option<String>,
    /// Where the Kubernetes API is published: `[HOST:]PORT`. Without it a free port is taken.
    #[schemars(regex(pattern = r"^(\S+:)?([0-9]{1,5}|random)$"), extend("x-caproni-change" = "recreate"))]
    pub(crate) api_port: Option<String>,
    /// Ports published on the host: `[HOST:][HOSTPORT:]CONTAINERPORT[/PROTOCOL][@NODEFILTER]`, such as `80:80@loadbalancer`. Those at the load balancer change while the cluster runs.
    #[serde(default)]
    #[schemars(length(max = MOST_MAPPINGS), inner(regex(pattern = r"^([^@\s]*:)?[0-9]+(-[0-9]+)?(/[A-Za-z]+)?(@\S+)?$")), extend("x-caproni-change" = "live"))]
    pub(crate) port_mappings: Vec<String>,
    /// Volumes mounted into the nodes: `[SOURCE:]DEST[@NODEFILTER]`. Without a filter into every node.
    #[serde(default)]
    #[schemars(inner(length(min = 1)), extend("x-caproni-change" = "recreate"))]
    pub(crate) volumes: Vec<String>,
    /// Environment variables of the nodes: `KEY=VALUE[@NODEFILTER]`. Without a filter on every node.
    #[serde(default)]
    #[schemars(inner(regex(pattern = r"^[^=\s]+=")), extend("x-caproni-change" = "recreate", "x-caproni-sensitive" = true))]
    pub(crate) env: Vec<String>,
    /// What k3s itself is told.
    #[serde(default)]
    #[schemars(extend("x-caproni-change" = "recreate"))]
    pub(crate) k3s: K3s,
    /// Memory limit of each server, such as `2g`.
    #[schemars(regex(pattern = r"^[0-9]+(\.[0-9]+)? ?([kKmMgGtT]([iI]?[bB])?|[bB])?$"), extend("x-caproni-change" = "recreate"))]
    pub(crate) servers_memory: Option<String>,
    /// Memory limit of each agent, such as `2g`.
    #[schemars(regex(pattern = r"^[0-9]+(\.[0-9]+)? ?([kKmMgGtT]([iI]?[bB])?|[bB])?$"), extend("x-caproni-change" = "recreate"))]
    pub(crate) agents_memory: Option<String>,
    /// Image registries the cluster pulls from.
    #[serde(default)]
    #[schemars(extend("x-caproni-change" = "recreate"))]
    pub(crate) registries: Registries,
    /// The Docker network to join. Without it the cluster gets its own.
    #[schemars(length(min = 1), extend("x-caproni-change" = "recreate"))]
    pub(crate) network: Option<String>,
    /// Whether a load balancer stands in front of the servers. Port mappings need it, unless they end in `:direct`.
    #[serde(default = "yes")]
    #[schemars(extend("x-caproni-change" = "recreate"))]
    pub(crate) loadbalancer: bool,
    /// More arguments for `k3d cluster create`, each passed as it is and after all others. They are kept with the cluster in the clear: no place for secrets.
    #[serde(default)]
    #[schemars(extend("x-caproni-change" = "recreate"))]
    pub(crate) extra_args: Vec<String>,
}

/// What k3s itself is told.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct K3s {
    /// Packaged components to leave out, such as `traefik`. Not `coredns`, which k3d needs.
    #[serde(default)]
    #[schemars(inner(regex(pattern = r"^[A-Za-z0-9.-]+$")), extend("x-caproni-change" = "recreate"))]
    pub(crate) disable: Vec<String>,
    /// Arguments for k3s: `ARG[@NODEFILTER]`. Without a filter for the servers.
    #[serde(default)]
    #[schemars(inner(length(min = 1)), extend("x-caproni-change" = "recreate"))]
    pub(crate) args: Vec<String>,
}

/// Image registries the cluster pulls from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Registries {
    /// A registry to make with the cluster, and to remove with it.
    #[schemars(extend("x-caproni-change" = "recreate"))]
    pub(crate) create: Option<CreateRegistry>,
    /// Registries made by k3d to connect to, such as `k3d-registry:5000`.
    #[serde(default, rename = "use")]
    #[schemars(inner(length(min = 1)), extend("x-caproni-change" = "recreate"))]
    pub(crate) connect: Vec<String>,
    /// The text of k3s' `registries.yaml`: mirrors, credentials.
    #[schemars(extend("x-caproni-change" = "recreate", "x-caproni-sensitive" = true))]
    pub(crate) config: Option<String>,
}

/// A registry to make with the cluster.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateRegistry {
    /// Its name, which is its host name inside the cluster.
    #[schemars(length(min = 1))]
    pub(crate) name: String,
    /// The host's address it is published at; every address without it.
    pub(crate) host: Option<String>,
    /// The host's port it is published at; a free one without it.
    #[schemars(range(min = 1))]
    pub(crate) host_port: Option<u16>,
    /// Its image.
    pub(crate) image: Option<String>,
}

fn one() -> u32 {
    1
}

fn yes() -> bool {
    true
}

/// The JSON Schema of [`K3dConfig`].
pub(crate) fn schema() -> &'static ConfigSchema {
    static SCHEMA: ConfigSchema = ConfigSchema::of_text(include_str!("../config.schema.json"));
    &SCHEMA
}

impl K3dConfig {
    /// Reads the config of a request, and refuses what the schema cannot say.
    ///
    /// # Errors
    /// `InvalidDriverConfig` with each field that cannot work.
    pub(crate) fn read(config: &Value) -> Result<Self, Error> {
        let complete = caproni_driver::config::complete(schema(), config);
        let config: Self = serde_json::from_value(complete)
            .map_err(|error| Error::invalid_config(vec![Violation::new("", error.to_string())]))?;
        let violations = config.violations();
        if violations.is_empty() { Ok(config) } else { Err(Error::invalid_config(violations)) }
    }

    fn violations(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        if self.servers == 0 {
            found.push(Violation::new("servers", "a cluster has at least one server"));
        }
        if self.k3s.disable.iter().any(|name| name == "coredns") {
            let why = "`coredns` cannot be disabled: k3d waits for it when it makes a cluster";
            found.push(Violation::new("k3s.disable", why));
        }
        for text in &self.port_mappings {
            match mapping::parse(text) {
                Err(why) => found.push(Violation::new("port_mappings", why)),
                Ok(mappings) if !self.loadbalancer && mappings[0].is_at_load_balancer() => {
                    let why = format!(
                        "`{text}` needs the load balancer: set `loadbalancer: true`, or end it in \
                         `@server:0:direct`"
                    );
                    found.push(Violation::new("port_mappings", why));
                }
                Ok(_) => {}
            }
        }
        found
    }

    /// The config as it is kept with the cluster: every field, secrets sealed.
    pub(crate) fn sealed(&self) -> Value {
        let value = serde_json::to_value(self).unwrap_or_default();
        caproni_driver::config::seal(schema(), &value)
    }
}

/// Refuses a profile that k3d would not take as a cluster's name.
///
/// # Errors
/// `InvalidDriverConfig`.
pub(crate) fn check_profile(profile: &str) -> Result<(), Error> {
    caproni_driver::check_profile(profile)?;
    if profile.len() <= LONGEST_NAME {
        return Ok(());
    }
    let message = format!(
        "profile `{profile}` has {} characters, and a k3d cluster's name at most {LONGEST_NAME}",
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
        let error = K3dConfig::read(&config).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::InvalidDriverConfig);
        error.data.violations.into_iter().map(|violation| violation.path).collect()
    }

    #[test]
    fn the_schema_that_is_told_is_that_of_the_type() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/config.schema.json");
        caproni_driver::testing::check_schema::<K3dConfig>(file);
    }

    #[test]
    fn an_empty_section_is_a_whole_config() {
        let config = K3dConfig::read(&json!({})).unwrap();
        assert_eq!((config.servers, config.agents, config.loadbalancer), (1, 0, true));
        assert_eq!(config.image, None);
    }

    #[test]
    fn the_section_of_a_real_file_is_read() {
        let config = K3dConfig::read(&json!({
            "servers": 1, "agents": 0, "image": "rancher/k3s:v1.34.9-k3s1",
            "port_mappings": ["80:80@loadbalancer"], "k3s": {"disable": ["traefik"]},
            "extra_args": ["--api-port", "1.2.3.4:6443", "--wait", "--timeout", "120s"],
        }))
        .unwrap();
        assert_eq!(config.k3s.disable, ["traefik"]);
        assert_eq!(config.extra_args.len(), 5);
    }

    #[test]
    fn what_cannot_work_is_refused_by_its_field() {
        assert_eq!(refused(json!({"k3s": {"disable": ["coredns"]}})), ["k3s.disable"]);
        assert_eq!(refused(json!({"port_mappings": ["http:80"]})), ["port_mappings"]);
        assert_eq!(
            refused(json!({"loadbalancer": false, "port_mappings": ["80:80"]})),
            ["port_mappings"]
        );
        assert_eq!(refused(json!({"servers": 0})), ["servers"]);
        assert_eq!(refused(json!({"server": 1})), [""]);
    }

    #[test]
    fn a_long_profile_is_refused_before_anything_is_done() {
        assert!(check_profile(&"a".repeat(32)).is_ok());
        let error = check_profile(&"a".repeat(33)).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::InvalidDriverConfig);
        assert!(error.data.hint.is_some());
    }

    #[test]
    fn every_field_says_what_it_is_and_what_its_change_costs() {
        fn walk(root: &Value, section: &Value) {
            for (name, property) in section["properties"].as_object().unwrap() {
                assert!(property["description"].is_string(), "{name} has no description");
                let reference = property["$ref"].as_str().unwrap_or_default();
                if let Some(target) = reference.strip_prefix("#/$defs/") {
                    walk(root, &root["$defs"][target]);
                }
                if section == root {
                    assert!(property["x-caproni-change"].is_string(), "{name} has no cost");
                }
            }
            assert_eq!(section["additionalProperties"], false);
        }
        walk(schema(), schema());
        assert_eq!(schema()["properties"]["servers"]["default"], 1);
        assert_eq!(schema()["properties"]["loadbalancer"]["default"], true);
    }

    #[test]
    fn secrets_are_sealed_in_what_is_kept() {
        let config =
            json!({"env": ["TOKEN=hunter2"], "registries": {"config": "password: hunter2"}});
        let kept = K3dConfig::read(&config).unwrap().sealed();
        assert!(!kept.to_string().contains("hunter2"), "{kept}");
        assert_eq!(kept["image"], Value::Null);
    }
}
