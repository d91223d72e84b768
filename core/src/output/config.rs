//! What the commands tell that are about the config file.

#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::config::Source;

/// A config file in which no mistake was found.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct ValidConfig {
    /// True: mistakes are an error.
    pub(crate) valid: bool,
    /// The files that it is made of.
    pub(crate) files: Vec<String>,
    /// The sections that were checked.
    pub(crate) checked: Vec<String>,
    /// The sections that were not.
    pub(crate) not_checked: Vec<UncheckedSection>,
}

/// A section of the config file that was not checked.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct UncheckedSection {
    /// The section, such as `cluster.k3d`.
    pub(crate) section: String,
    /// Why it was not checked.
    pub(crate) reason: String,
}

/// What the config comes to.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct EffectiveConfig {
    /// The files that it is made of.
    pub(crate) files: Vec<ConfigSource>,
    /// The cluster's name.
    pub(crate) profile: String,
    /// The driver in use.
    pub(crate) driver: String,
    /// The section `cluster`: `driver`, `name` and `network`, and the driver's own section with its
    /// defaults. Secrets are `(hidden)`.
    pub(crate) cluster: Map<String, Value>,
    /// Where each value is from, by its path such as `cluster.k3d.servers`.
    #[cfg_attr(test, schemars(with = "std::collections::BTreeMap<String, crate::config::Origin>"))]
    pub(crate) origins: Map<String, Value>,
}

/// One file that a config is made of.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConfigSource {
    /// Its path, or the address that it came from.
    pub(crate) name: String,
    /// What it is: `file`, a `fragment` that another one extends, or the `local` one beside the file.
    pub(crate) role: &'static str,
}

impl ConfigSource {
    pub(crate) fn of(source: &Source) -> Self {
        Self { name: source.name.clone(), role: source.role.name() }
    }
}

/// A config file that was written.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct WrittenConfig {
    /// The file.
    pub(crate) file: String,
    /// The driver whose fields are in it.
    pub(crate) driver: String,
}
