//! The document that tells k3d what cluster to make: `k3d.io/v1alpha5`, `kind: Simple`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use caproni_driver::{Error, Violation};
use serde_json::{Value, json};

use crate::config::K3dConfig;
use crate::filter::{NODES, split, split_or};

/// The label on the servers that keeps the config the cluster was made with.
pub(crate) const CONFIG_LABEL: &str = "dev.caproni.config";

/// The variable that stands for `$` in the document.
pub(crate) const DOLLAR: &str = "CAPRONI_DOLLAR";

/// The longest config that is kept, in bytes of its label. The engine sends all labels
/// with every list of containers, so that a long one slows down everybody's `docker ps`.
const LONGEST_LABEL: usize = 64 * 1024;

/// Writes the document for k3d's stdin.
///
/// k3d replaces `$NAME` in it by its environment before it reads it, so each `$` is
/// written as a variable that holds one: see [`DOLLAR`].
///
/// # Errors
/// `InvalidDriverConfig` when the config is too long to be kept with the cluster.
pub(crate) fn write(profile: &str, config: &K3dConfig) -> Result<String, Error> {
    let label = label(config)?;
    let document = json!({
        "apiVersion": "k3d.io/v1alpha5",
        "kind": "Simple",
        "metadata": {"name": profile},
        "servers": config.servers,
        "agents": config.agents,
        "image": config.image,
        "network": config.network,
        "ports": config.port_mappings.iter().map(|text| {
            let (port, filters) = split_or(text, &["loadbalancer"]);
            json!({"port": port, "nodeFilters": filters})
        }).collect::<Vec<_>>(),
        "volumes": config.volumes.iter().map(|text| {
            let (volume, filters) = split_or(text, &NODES);
            json!({"volume": volume, "nodeFilters": filters})
        }).collect::<Vec<_>>(),
        "env": config.env.iter().map(|text| {
            let (variable, filters) = split_or(text, &NODES);
            json!({"envVar": variable, "nodeFilters": filters})
        }).collect::<Vec<_>>(),
        "registries": registries(config),
        "options": {
            "k3d": {
                "wait": true,
                "disableLoadbalancer": !config.loadbalancer,
                // The driver rolls back itself: k3d does not when it is ended, and its own
                // rollback takes the logs away that say what went wrong.
                "disableRollback": true,
            },
            "k3s": {"extraArgs": k3s_arguments(config)},
            "runtime": {
                "serversMemory": config.servers_memory,
                "agentsMemory": config.agents_memory,
                "labels": [{
                    "label": format!("{CONFIG_LABEL}={label}"),
                    "nodeFilters": ["server:*"],
                }],
            },
        },
    });
    let document = without_nulls(document);
    Ok(document.to_string().replace('$', &format!("${{{DOLLAR}}}")))
}

fn label(config: &K3dConfig) -> Result<String, Error> {
    let label = URL_SAFE_NO_PAD.encode(config.sealed().to_string());
    if label.len() <= LONGEST_LABEL {
        return Ok(label);
    }
    let why = format!(
        "the config takes {} bytes, and at most {LONGEST_LABEL} are kept with a cluster",
        label.len()
    );
    Err(Error::invalid_config(vec![Violation::new("", why)]))
}

/// Reads the label that [`write()`] put on the servers; `None` when it is not ours.
pub(crate) fn read_label(label: &str) -> Option<Value> {
    let text = URL_SAFE_NO_PAD.decode(label).ok()?;
    serde_json::from_slice(&text).ok().filter(Value::is_object)
}

fn k3s_arguments(config: &K3dConfig) -> Vec<Value> {
    let disable = config
        .k3s
        .disable
        .iter()
        .map(|name| json!({"arg": format!("--disable={name}"), "nodeFilters": ["server:*"]}));
    let others = config.k3s.args.iter().map(|text| {
        let (argument, filters) = split_or(text, &["server:*"]);
        json!({"arg": argument, "nodeFilters": filters})
    });
    disable.chain(others).collect()
}

fn registries(config: &K3dConfig) -> Value {
    let registries = &config.registries;
    let create = registries.create.as_ref().map(|create| {
        json!({
            "name": create.name,
            "host": create.host,
            "hostPort": create.host_port.map(|port| port.to_string()),
            "image": create.image,
        })
    });
    let used: Vec<_> = registries.connect.iter().map(|name| split(name).0).collect();
    json!({"create": create, "use": used, "config": registries.config})
}

/// k3d's schema takes no `null`, and no empty list where it wants an item.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(key, value)| (key, without_nulls(value)))
                .filter(|(_, value)| !is_nothing(value))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(config: Value) -> Value {
        let config = K3dConfig::read(&config).unwrap();
        serde_json::from_str(&write("demo", &config).unwrap()).unwrap()
    }

    #[test]
    fn a_default_cluster_is_a_small_document() {
        let mut document = document(json!({}));
        let labels = document["options"]["runtime"]["labels"].take();
        assert_eq!(
            document,
            json!({
                "apiVersion": "k3d.io/v1alpha5",
                "kind": "Simple",
                "metadata": {"name": "demo"},
                "servers": 1,
                "agents": 0,
                "options": {
                    "k3d": {"wait": true, "disableLoadbalancer": false, "disableRollback": true},
                    "runtime": {"labels": null},
                },
            })
        );
        let label = labels[0]["label"].as_str().unwrap();
        let kept = read_label(label.strip_prefix("dev.caproni.config=").unwrap()).unwrap();
        assert_eq!(kept["servers"], 1);
        assert_eq!(labels[0]["nodeFilters"], json!(["server:*"]));
    }

    #[test]
    fn each_field_is_where_k3d_looks_for_it() {
        let document = document(json!({
            "port_mappings": ["80:80", "9:9@server:0:direct"],
            "volumes": ["/a:/b"],
            "env": ["A=1@server:0"],
            "k3s": {"disable": ["traefik"], "args": ["--v=1@all"]},
            "registries": {"create": {"name": "r", "host_port": 5000}, "use": ["k3d-other:5000"]},
            "servers_memory": "2g", "network": "shared",
        }));
        assert_eq!(
            document["ports"],
            json!([
                {"port": "80:80", "nodeFilters": ["loadbalancer"]},
                {"port": "9:9", "nodeFilters": ["server:0:direct"]},
            ])
        );
        assert_eq!(document["volumes"][0]["nodeFilters"], json!(["server:*", "agent:*"]));
        assert_eq!(document["env"], json!([{"envVar": "A=1", "nodeFilters": ["server:0"]}]));
        assert_eq!(
            document["options"]["k3s"]["extraArgs"],
            json!([
                {"arg": "--disable=traefik", "nodeFilters": ["server:*"]},
                {"arg": "--v=1", "nodeFilters": ["all"]},
            ])
        );
        assert_eq!(
            document["registries"],
            json!({"create": {"name": "r", "hostPort": "5000"}, "use": ["k3d-other:5000"]})
        );
        assert_eq!(document["options"]["runtime"]["serversMemory"], "2g");
        assert_eq!(document["network"], "shared");
    }

    #[test]
    fn a_dollar_survives_the_expansion_that_k3d_does() {
        let config = K3dConfig::read(&json!({"env": ["PASSWORD=a$HOME${X}$$"]})).unwrap();
        let text = write("demo", &config).unwrap();
        assert!(text.contains("a${CAPRONI_DOLLAR}HOME${CAPRONI_DOLLAR}{X}"), "{text}");
        // What os.ExpandEnv makes of it, when the variable holds a dollar.
        let expanded = text.replace("${CAPRONI_DOLLAR}", "$");
        let document: Value = serde_json::from_str(&expanded).unwrap();
        assert_eq!(document["env"][0]["envVar"], "PASSWORD=a$HOME${X}$$");
    }

    #[test]
    fn a_config_too_long_to_keep_is_refused() {
        let config = K3dConfig::read(&json!({"extra_args": ["x".repeat(100_000)]})).unwrap();
        assert!(write("demo", &config).is_err());
    }
}
