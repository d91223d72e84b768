//! One container as an inspection tells it: of all that it tells, what is read.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use crate::labels::Labels;

/// What the engine answers to `inspect`, which [`Container::read`](crate::Container::read) takes.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Inspected {
    #[serde(deserialize_with = "null_is_none")]
    pub(crate) id: String,
    #[serde(deserialize_with = "null_is_none")]
    name: String,
    #[serde(deserialize_with = "null_is_none")]
    pub(crate) state: State,
    #[serde(deserialize_with = "null_is_none")]
    pub(crate) config: Config,
    #[serde(deserialize_with = "null_is_none")]
    pub(crate) host_config: HostConfig,
    #[serde(deserialize_with = "null_is_none")]
    pub(crate) network_settings: NetworkSettings,
    #[serde(deserialize_with = "null_is_none")]
    pub(crate) mounts: Vec<Mount>,
    pub(crate) size_rw: Option<i64>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct State {
    pub(crate) status: Option<String>,
    pub(crate) started_at: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Config {
    pub(crate) hostname: Option<String>,
    pub(crate) image: Option<String>,
    pub(crate) labels: Labels,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct HostConfig {
    #[serde(deserialize_with = "null_is_none")]
    pub(crate) binds: Vec<String>,
    #[serde(deserialize_with = "null_is_none")]
    pub(crate) port_bindings: BTreeMap<String, Option<Vec<HostPort>>>,
    pub(crate) nano_cpus: Option<i64>,
}

/// Where a port of a container is published.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct HostPort {
    #[serde(deserialize_with = "null_is_none")]
    pub(crate) host_ip: String,
    #[serde(deserialize_with = "null_is_none")]
    pub(crate) host_port: String,
}

/// The networks that a container is in, by their names.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct NetworkSettings {
    #[serde(deserialize_with = "null_is_none")]
    pub(crate) networks: BTreeMap<String, Endpoint>,
}

/// What a container has in a network.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Endpoint {
    #[serde(rename = "IPAddress", deserialize_with = "null_is_none")]
    pub(crate) ip_address: String,
    #[serde(deserialize_with = "null_is_none")]
    pub(crate) gateway: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Mount {
    pub(crate) r#type: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) destination: Option<String>,
}

impl Inspected {
    /// Its name, such as `k3d-demo-server-0`.
    pub(crate) fn name(&self) -> &str {
        self.name.trim_start_matches('/')
    }
}

impl NetworkSettings {
    /// The address in each network.
    pub(crate) fn into_addresses(self) -> BTreeMap<String, String> {
        self.networks.into_iter().map(|(name, endpoint)| (name, endpoint.ip_address)).collect()
    }
}

/// An engine writes `null` for nothing.
pub(crate) fn null_is_none<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_engine_may_leave_out_everything_and_write_null_for_nothing() {
        let null = json!({"Id": null, "Name": null, "State": null, "Config": {"Labels": null, "Image": null},
            "HostConfig": {"Binds": null, "PortBindings": {"80/tcp": null, "81/tcp": [{"HostIp": null}]}},
            "NetworkSettings": {"Networks": {"a": {"IPAddress": null}}}, "Mounts": null, "SizeRw": null});
        for told in
            [null, json!({}), json!({"Config": null, "HostConfig": null, "NetworkSettings": null})]
        {
            let inspected: Inspected = serde_json::from_value(told).unwrap();
            assert_eq!(
                (inspected.name(), inspected.mounts.len(), inspected.size_rw),
                ("", 0, None)
            );
        }
    }
}
