//! The driver's section in `caproni.yaml`.

use std::collections::BTreeMap;

use caproni_driver::{ConfigSchema, Error, Violation, config};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::simulate::Simulate;

/// The schema of the section.
pub(crate) static SCHEMA: ConfigSchema =
    ConfigSchema::of_text(include_str!("../config.schema.json"));

/// A cluster that is a file: nothing runs, and nothing serves an API
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// How many nodes run the control plane
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 100), extend("x-caproni-change" = "recreate"))]
    pub(crate) servers: u64,

    /// How many nodes run workloads only
    #[serde(default)]
    #[schemars(range(max = 100), extend("x-caproni-change" = "recreate"))]
    pub(crate) agents: u64,

    /// The version of Kubernetes that `status` reports
    #[serde(default = "kubernetes_version")]
    #[schemars(extend("x-caproni-change" = "recreate"))]
    pub(crate) kubernetes_version: String,

    /// Labels of the cluster, which a running one takes over
    #[serde(default)]
    #[schemars(extend("x-caproni-change" = "live"))]
    pub(crate) labels: BTreeMap<String, String>,

    /// A secret that does nothing, kept only as its digest
    #[schemars(extend("x-caproni-change" = "recreate", "x-caproni-sensitive" = true))]
    pub(crate) token: Option<String>,

    /// How the driver misbehaves; remembered with the cluster, never compared
    #[schemars(extend("x-caproni-change" = "live"))]
    pub(crate) simulate: Option<Simulate>,
}

fn one() -> u64 {
    1
}

fn kubernetes_version() -> String {
    "v1.34.0".into()
}

impl Config {
    /// Reads a request's config; what it leaves out gets its default.
    pub(crate) fn parse(config: &Value) -> Result<Self, Error> {
        serde_json::from_value(config::complete(&SCHEMA, config))
            .map_err(|wrong| Error::invalid_config(vec![Violation::new("", wrong.to_string())]))
    }

    /// As it is kept and reported: every field, secrets sealed, nothing of `simulate`.
    pub(crate) fn sealed(&self) -> Value {
        let mut sealed = config::seal(&SCHEMA, &self.clone().into_value());
        if let Some(fields) = sealed.as_object_mut() {
            fields.remove("simulate");
        }
        sealed
    }

    pub(crate) fn into_value(self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The fields in which a cluster with the `running` config differs from this one.
    pub(crate) fn differences(&self, running: &Value) -> Vec<caproni_driver::Difference> {
        config::differences(&SCHEMA, running, &self.clone().into_value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use caproni_driver::{ChangeCost, ErrorKind};
    use serde_json::json;

    #[test]
    fn the_schema_that_is_told_is_that_of_the_type() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/config.schema.json");
        caproni_driver::testing::check_schema::<Config>(file);
    }

    #[test]
    fn no_config_at_all_is_one_server() {
        let config = Config::parse(&json!({})).unwrap();
        assert_eq!((config.servers, config.agents), (1, 0));
        assert_eq!(config.kubernetes_version, "v1.34.0");
    }

    #[test]
    fn an_unknown_field_is_refused_by_name() {
        let error = Config::parse(&json!({"server": 1})).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::InvalidDriverConfig);
        assert!(error.message.contains("`server`"), "{error}");
    }

    #[test]
    fn what_is_kept_has_no_secret_and_no_simulation() {
        let config = json!({"token": "hunter2", "simulate": {"delay_ms": 1}});
        let sealed = Config::parse(&config).unwrap().sealed();
        assert!(sealed["token"].as_str().unwrap().starts_with("sha256:"), "{sealed}");
        assert!(sealed.get("simulate").is_none(), "{sealed}");
    }

    #[test]
    fn a_secret_that_was_not_there_before_is_a_difference() {
        let running = Config::parse(&json!({})).unwrap().sealed();
        let found = Config::parse(&json!({"token": "new"})).unwrap().differences(&running);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].path.as_str(), &found[0].requested), ("token", &json!("(hidden)")));
    }

    #[test]
    fn every_field_says_what_it_is_and_what_a_change_costs() {
        for (name, field) in SCHEMA["properties"].as_object().unwrap() {
            assert!(field["description"].is_string(), "{name}");
            assert!(field[config::CHANGE].is_string(), "{name}");
        }
        assert_eq!(config::change_cost(&SCHEMA, "labels"), ChangeCost::Live);
        assert_eq!(config::change_cost(&SCHEMA, "servers"), ChangeCost::Recreate);
    }
}
