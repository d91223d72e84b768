//! One driver, what it is tried with, and where.

use std::path::Path;
use std::time::Duration;

use caproni_driver::config::{SENSITIVE, complete, resolve};
use caproni_driver::{Description, PROTOCOL_VERSION};
use serde_json::{Value, json};

use super::Plan;
use super::judge::Judge;
use super::probe::{Answer, Probe};
use crate::discovery::{Driver, SearchPath};
use crate::error::Error;
use crate::process::Surroundings;

/// How long `initialize` may take.
const HANDSHAKE: Duration = Duration::from_secs(20);

/// One driver on trial.
pub(super) struct Trial<'a> {
    pub(super) driver: &'a Driver,
    /// Where others are looked for.
    pub(super) search: SearchPath,
    pub(super) judge: Judge,
    /// How long a question may take.
    pub(super) to_ask: Duration,
    /// How long a change of a cluster may take.
    pub(super) to_change: Duration,
    /// The name of the cluster that is asked about, and that nobody else can have.
    pub(super) profile: String,
    /// What the user's file says of this driver.
    pub(super) given: Value,
    /// Folders of the trial's own, which go with it.
    folder: tempfile::TempDir,
    /// What the driver says of itself, once it has.
    pub(super) known: Option<Known>,
}

/// What follows from a driver's description.
pub(super) struct Known {
    pub(super) description: Description,
    /// A complete config, with a secret in each sensitive field that takes one.
    pub(super) config: Value,
    /// The secrets.
    pub(super) secrets: Vec<String>,
}

impl<'a> Trial<'a> {
    /// # Errors
    /// The temporary folder cannot be made.
    pub(super) fn new(driver: &'a Driver, plan: &Plan) -> Result<Self, Error> {
        let folder = tempfile::tempdir()
            .map_err(|error| Error::internal("cannot make a temporary folder", error))?;
        for name in ["home", "a state", "a folder"] {
            std::fs::create_dir(folder.path().join(name))
                .map_err(|error| Error::internal("cannot make a temporary folder", error))?;
        }
        Ok(Self {
            driver,
            search: plan.search.clone(),
            judge: Judge::default(),
            to_ask: plan.limit.unwrap_or(Duration::from_secs(30)),
            to_change: plan.limit.unwrap_or(Duration::from_secs(600)),
            profile: format!("check-{}", std::process::id()),
            given: plan.config.clone(),
            folder,
            known: None,
        })
    }

    /// A folder of the trial: `home` and `a folder` are empty, `a state` is the state folder.
    pub(super) fn folder(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// The host's own surroundings, but for the folder of locks and the like.
    pub(super) fn surroundings(&self) -> Surroundings {
        let state = self.folder("a state");
        Surroundings {
            env: vec![("CAPRONI_STATE_DIR".into(), Some(state.into_os_string()))],
            folder: None,
        }
    }

    /// Starts the driver.
    ///
    /// # Errors
    /// `DriverNotExecutable`.
    pub(super) async fn start(&self) -> Result<Probe, Error> {
        self.start_in(&self.surroundings()).await
    }

    /// Starts the driver in other surroundings.
    ///
    /// # Errors
    /// `DriverNotExecutable`.
    pub(super) async fn start_in(&self, surroundings: &Surroundings) -> Result<Probe, Error> {
        let secrets = self.known.as_ref().map_or(&[][..], |known| &known.secrets);
        Probe::open(self.driver, surroundings, &self.judge, secrets).await
    }

    /// Starts the driver and shakes hands.
    ///
    /// # Errors
    /// `DriverNotExecutable`.
    pub(super) async fn session(&self) -> Result<Probe, Error> {
        let mut probe = self.start().await?;
        self.initialize(&mut probe, &[PROTOCOL_VERSION]).await;
        Ok(probe)
    }

    pub(super) async fn initialize(&self, probe: &mut Probe, offered: &[u32]) -> Answer {
        self.initialize_for(probe, "INIT-1", offered).await
    }

    /// As [`Trial::initialize`]; without an answer it is `rule` that is broken.
    pub(super) async fn initialize_for(
        &self,
        probe: &mut Probe,
        rule: &'static str,
        offered: &[u32],
    ) -> Answer {
        let host = json!({"name": "caproni", "version": env!("CARGO_PKG_VERSION")});
        let params = json!({"protocolVersions": offered, "host": host});
        probe.ask(rule, "initialize", &params, HANDSHAKE.min(self.to_ask)).await
    }

    /// Asks for the status of a cluster.
    pub(super) async fn status(&self, probe: &mut Probe, profile: &str) -> Answer {
        probe.ask("CALL-1", "status", &self.about(profile, self.to_ask), self.to_ask).await
    }

    /// As [`Trial::status`] of the trial's own cluster; without an answer it is `rule` that is broken.
    pub(super) async fn status_for(&self, probe: &mut Probe, rule: &'static str) -> Answer {
        let params = self.about(&self.profile, self.to_ask);
        probe.ask(rule, "status", &params, self.to_ask).await
    }

    /// Asks for a change of the trial's cluster.
    pub(super) async fn change(&self, probe: &mut Probe, method: &str) -> Answer {
        let params = self.about(&self.profile, self.to_change);
        probe.ask("CALL-1", method, &params, self.to_change).await
    }

    /// The params of a request about a cluster, with the config.
    pub(super) fn about(&self, profile: &str, limit: Duration) -> Value {
        let timeout = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        json!({"profile": profile, "config": self.config(), "timeoutMs": timeout})
    }

    pub(super) fn config(&self) -> Value {
        self.known.as_ref().map_or_else(|| json!({}), |known| known.config.clone())
    }

    pub(super) fn schema(&self) -> Value {
        let known = self.known.as_ref();
        known.map_or_else(|| json!({}), |known| known.description.config_schema.clone())
    }

    /// Tells whether the driver lists an optional method.
    pub(super) fn has_method(&self, name: &str) -> bool {
        self.known.as_ref().is_some_and(|known| known.description.capabilities.has_method(name))
    }

    /// Tells whether the driver lists a feature.
    pub(super) fn has_feature(&self, name: &str) -> bool {
        self.known.as_ref().is_some_and(|known| known.description.capabilities.has_feature(name))
    }

    /// Keeps what the driver says of itself, and makes a config by its schema.
    pub(super) fn learn(&mut self, description: Description) {
        let schema = &description.config_schema;
        let complete = complete(schema, &self.given);
        let (config, secrets) = with_secrets(schema, complete);
        self.known = Some(Known { description, config, secrets });
    }

    /// The driver by another path, in a folder with a space in its name.
    pub(super) fn elsewhere(&self) -> Driver {
        let name = self.driver.path.file_name().unwrap_or_default();
        let path = self.folder("a folder").join(name);
        let linked = std::os::unix::fs::symlink(&self.driver.path, &path);
        // Made before, by another check.
        let path =
            if linked.is_ok() || path.is_symlink() { path } else { self.driver.path.clone() };
        Driver { path, ..self.driver.clone() }
    }
}

/// Puts a secret into each sensitive field at the top that takes one.
fn with_secrets(schema: &Value, config: Value) -> (Value, Vec<String>) {
    let mut config = config;
    let mut secrets = Vec::new();
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, property) in properties.into_iter().flatten() {
        let resolved = resolve(schema, property);
        let sensitive =
            [property, resolved].iter().any(|at| at.get(SENSITIVE) == Some(&true.into()));
        if !sensitive || config.get(name).is_some_and(is_something) {
            continue;
        }
        let secret = format!("secret{}", std::process::id());
        let forms = [
            json!(secret),
            json!([format!("CAPRONI_CHECK={secret}")]),
            json!({ "CAPRONI_CHECK": secret }),
        ];
        let fitting = forms.into_iter().find_map(|value| {
            let mut tried = config.clone();
            tried.as_object_mut()?.insert(name.clone(), value);
            is_valid(schema, &tried).then_some(tried)
        });
        if let Some(fitting) = fitting {
            config = fitting;
            secrets.push(secret);
        }
    }
    (config, secrets)
}

/// Tells whether a config fits a schema; none fits one that is not valid itself.
fn is_valid(schema: &Value, config: &Value) -> bool {
    crate::config::fits(schema, config)
}

fn is_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    }
}

/// A config that differs in one field whose change needs a new cluster, and the field's name.
pub(super) fn changed(schema: &Value, config: &Value) -> Option<(String, Value)> {
    let properties = schema.get("properties")?.as_object()?;
    properties.iter().find_map(|(name, property)| {
        let cost = caproni_driver::config::change_cost(schema, name);
        if cost != caproni_driver::ChangeCost::Recreate {
            return None;
        }
        let resolved = resolve(schema, property);
        let other = other_value(resolved, config.get(name))?;
        let mut changed = config.clone();
        changed.as_object_mut()?.insert(name.clone(), other);
        is_valid(schema, &changed).then_some((name.clone(), changed))
    })
}

fn other_value(schema: &Value, value: Option<&Value>) -> Option<Value> {
    match value? {
        Value::Bool(value) => Some(json!(!value)),
        Value::Number(number) => number.as_i64().map(|number| json!(number + 1)),
        Value::String(word) => {
            let words = schema.get("enum")?.as_array()?;
            words.iter().find(|other| other.as_str() != Some(word)).cloned()
        }
        _ => None,
    }
}

/// Whether a folder is empty; what cannot be read is not.
pub(super) fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Value {
        json!({"type": "object", "properties": {
            "image": {"type": "string", "default": "a"},
            "ports": {"type": "array", "x-caproni-change": "live", "default": []},
            "servers": {"type": "integer", "default": 1, "maximum": 1},
            "agents": {"type": "integer", "default": 0},
            "token": {"type": "string", "x-caproni-sensitive": true},
            "env": {"type": "array", "items": {"type": "string", "pattern": "^[A-Z_]+="},
                "x-caproni-sensitive": true, "default": []},
        }})
    }

    #[test]
    fn every_sensitive_field_gets_a_secret_that_fits() {
        let (config, secrets) = with_secrets(&schema(), complete(&schema(), &json!({})));
        assert_eq!(secrets.len(), 2);
        assert_eq!(config["token"], secrets[0]);
        assert_eq!(config["env"][0], format!("CAPRONI_CHECK={}", secrets[1]));
    }

    #[test]
    fn the_changed_config_is_valid_and_needs_a_new_cluster() {
        let config = complete(&schema(), &json!({}));
        let (field, changed) = changed(&schema(), &config).unwrap();
        assert_eq!((field.as_str(), &changed["agents"]), ("agents", &json!(1)));
    }

    #[test]
    fn a_schema_without_such_a_field_has_no_changed_config() {
        assert_eq!(changed(&json!({"type": "object"}), &json!({})), None);
    }
}
