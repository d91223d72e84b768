//! The config: its schema, its seal, and how two of them differ.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::request::{Failure, Request};

/// What a cluster is made with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Config {
    pub(crate) servers: u64,
    pub(crate) ports: Vec<String>,
    pub(crate) token: Option<String>,
    /// How long a creation takes. It makes no difference to the cluster, so it is not kept.
    pub(crate) work_ms: u64,
}

pub(super) fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "servers": {"type": "integer", "minimum": 1, "default": 1,
                "description": "How many nodes run the control plane", "x-caproni-change": "recreate"},
            "ports": {"type": "array", "items": {"type": "string"}, "default": [],
                "description": "Ports to publish, `host:node`", "x-caproni-change": "live"},
            "token": {"type": "string", "description": "The secret that nodes join with",
                "x-caproni-change": "recreate", "x-caproni-sensitive": true},
            "work_ms": {"type": "integer", "minimum": 0, "maximum": 3_600_000, "default": 300,
                "description": "How long a creation takes, in milliseconds", "x-caproni-change": "live"},
        }
    })
}

impl Config {
    /// The config of a request, completed.
    pub(crate) fn of(request: &Request) -> Result<Self, Failure> {
        let given = request.param("config").and_then(Value::as_object);
        let given = given.ok_or_else(|| Failure::of_rpc(-32602, "`config` is missing"))?;
        let config = Self {
            servers: number(given, "servers", 1)?,
            ports: ports(given)?,
            token: text(given, "token")?,
            work_ms: number(given, "work_ms", 300)?,
        };
        if config.servers == 0 {
            return Err(wrong("servers", "0 is less than 1"));
        }
        Ok(config)
    }

    /// As it is kept and told: with the secret sealed.
    pub(crate) fn sealed(&self) -> Value {
        let token = self.token.as_deref().map(seal);
        json!({"servers": self.servers, "ports": self.ports, "token": token})
    }

    /// The fields in which a cluster differs from this.
    pub(crate) fn differences(&self, running: &Value) -> Vec<Value> {
        let requested = self.sealed();
        let differing = ["servers", "ports", "token"].into_iter().filter(|&field| {
            running.get(field).is_some_and(|running| running != &requested[field])
        });
        let shown = |field: &str, value: &Value| match field {
            "token" if !value.is_null() => json!("(hidden)"),
            _ => value.clone(),
        };
        let row = |field: &str| {
            json!({
                "path": field,
                "running": shown(field, &running[field]),
                "requested": shown(field, &requested[field]),
                "change": if field == "ports" { "live" } else { "recreate" },
            })
        };
        differing.map(row).collect()
    }
}

/// Says what is wrong with a field.
pub(super) fn wrong(path: &str, what: &str) -> Failure {
    let violations = json!([{"path": path, "message": what}]);
    Failure::new(1007, "InvalidDriverConfig", format!("`{path}`: {what}"))
        .with("violations", violations)
}

/// The port of the host in `host:node`.
pub(super) fn host_port(port: &str) -> Option<u16> {
    let (host, node) = port.split_once(':')?;
    node.parse::<u16>().ok()?;
    host.parse().ok()
}

fn ports(given: &Map<String, Value>) -> Result<Vec<String>, Failure> {
    let Some(value) = given.get("ports").filter(|ports| !ports.is_null()) else {
        return Ok(Vec::new());
    };
    let items = value.as_array().ok_or_else(|| wrong("ports", "it is no list"))?;
    let numbered = items.iter().enumerate();
    let port = |(index, item): (usize, &Value)| {
        let text = item.as_str().filter(|text| host_port(text).is_some());
        text.map(str::to_owned)
            .ok_or_else(|| wrong(&format!("ports.{index}"), &format!("{item} is no `host:node`")))
    };
    numbered.map(port).collect()
}

fn number(given: &Map<String, Value>, field: &str, default: u64) -> Result<u64, Failure> {
    match given.get(field) {
        None | Some(Value::Null) => Ok(default),
        Some(value) => value.as_u64().ok_or_else(|| wrong(field, "it is no whole number")),
    }
}

fn text(given: &Map<String, Value>, field: &str) -> Result<Option<String>, Failure> {
    match given.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        // Not shown: it may be a secret that was written in the wrong way.
        Some(_) => Err(wrong(field, "it is no text")),
    }
}

fn seal(secret: &str) -> String {
    if secret.starts_with("sha256:") {
        return secret.into();
    }
    let digest = Sha256::digest(Value::from(secret).to_string());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_sealed_as_the_protocol_shows_it() {
        let sealed = seal("s3cret");
        let page = include_str!("../../../../protocol.md");
        assert!(page.contains("\"token\": \"s3cret\"") && page.contains(&sealed), "{sealed}");
        assert_eq!(seal(&sealed), sealed);
    }
}
