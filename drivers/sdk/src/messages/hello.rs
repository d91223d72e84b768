//! The handshake: who calls, and what a driver says of itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConfigSchema, null_is_absent};

/// Who calls: sent with `initialize`, for a driver's log only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Peer {
    /// The program's name, `caproni` for the usual host.
    pub name: String,
    /// Its version, as it prints it.
    pub version: String,
}

impl Peer {
    /// Names a program and its version.
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Self {
        Self { name: name.into(), version: version.into() }
    }
}

/// What a driver says of itself in answer to `initialize`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Description {
    /// The one version, of those the host offered, that both ends use from here on.
    pub protocol_version: u32,
    /// The `<name>` of `caproni-driver-<name>`.
    pub name: String,
    /// The driver's own version.
    pub version: String,
    /// What the driver can do beyond start, stop, destroy and status.
    #[serde(default, deserialize_with = "null_is_absent")]
    #[schemars(with = "Option<Capabilities>")]
    pub capabilities: Capabilities,
    /// JSON Schema (2020-12) of the driver's section in `caproni.yaml`.
    pub config_schema: ConfigSchema,
}

/// The optional parts of the protocol that a driver has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Capabilities {
    /// Optional methods it answers, such as `restart` or `kubeconfig`.
    #[serde(deserialize_with = "null_is_absent")]
    #[schemars(with = "Option<Vec<String>>")]
    pub methods: Vec<String>,
    /// Features that are no methods, such as `cancel`.
    #[serde(deserialize_with = "null_is_absent")]
    #[schemars(with = "Option<Vec<String>>")]
    pub features: Vec<String>,
}

impl Capabilities {
    /// Tells whether the driver answers the optional method `name`.
    pub fn has_method(&self, name: &str) -> bool {
        self.methods.iter().any(|method| method == name)
    }

    /// Tells whether the driver lists the feature `name`.
    pub fn has_feature(&self, name: &str) -> bool {
        self.features.iter().any(|feature| feature == name)
    }
}
