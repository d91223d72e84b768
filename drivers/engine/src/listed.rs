//! One container as the engine's list tells it: of all that it tells, what is read.

use serde::Deserialize;

use crate::binding::Binding;
use crate::container::{Container, node_state};
use crate::inspected::{NetworkSettings, null_is_none};
use crate::labels::Labels;

/// One container as the engine lists it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Listed {
    /// The engine's id.
    pub id: String,
    #[serde(deserialize_with = "null_is_none")]
    names: Vec<String>,
    image: Option<String>,
    /// The id of the image it was made of.
    #[serde(rename = "ImageID")]
    pub image_id: Option<String>,
    /// When it was made, in seconds of Unix time.
    pub created: Option<i64>,
    #[serde(deserialize_with = "null_is_none")]
    ports: Vec<Port>,
    labels: Labels,
    state: Option<String>,
    #[serde(deserialize_with = "null_is_none")]
    network_settings: NetworkSettings,
    #[serde(deserialize_with = "null_is_none")]
    mounts: Vec<Mount>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Mount {
    destination: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Port {
    #[serde(rename = "IP")]
    ip: Option<String>,
    private_port: u16,
    public_port: Option<u16>,
    r#type: Option<String>,
}

impl Port {
    fn protocol(&self) -> &str {
        self.r#type.as_deref().filter(|word| !word.is_empty()).unwrap_or("tcp")
    }
}

impl Listed {
    /// Its name, such as `k3d-demo-server-0`.
    pub fn name(&self) -> &str {
        self.names.first().map_or("", |name| name.trim_start_matches('/'))
    }

    /// The name of the image it was made of; its id where another image has that name by now.
    pub fn image(&self) -> Option<&str> {
        self.image.as_deref()
    }

    /// A label's value, an empty one too.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name)
    }

    /// The names of the networks that it is in.
    pub fn networks(&self) -> impl Iterator<Item = &str> {
        self.network_settings.networks.keys().map(String::as_str)
    }

    /// Where something is mounted in it; nothing where this engine does not list that.
    pub fn mounted(&self) -> impl Iterator<Item = &str> {
        self.mounts.iter().filter_map(|mount| mount.destination.as_deref())
    }

    /// What it publishes while it runs.
    pub fn bindings(&self) -> Vec<Binding> {
        let binding = |port: &Port| Binding {
            host_ip: port.ip.clone().unwrap_or_default(),
            host_port: port.public_port,
            container_port: port.private_port,
            protocol: port.protocol().to_owned(),
        };
        self.ports.iter().map(binding).collect()
    }

    /// What an inspection would tell, but for what is published and mounted, and when it was started.
    pub fn into_container(self) -> Container {
        let name = self.name().to_owned();
        Container {
            id: self.id,
            name,
            state: node_state(self.state.as_deref()),
            image: self.image,
            bindings: Vec::new(),
            api: None,
            binds: Vec::new(),
            networks: self.network_settings.into_addresses(),
            created: self.created,
            started: None,
            labels: self.labels,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: serde_json::Value) -> Listed {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn the_list_tells_of_a_container_what_an_inspection_tells() {
        let networks = json!({"Networks": {"nodes": {"IPAddress": "172.18.0.3"}}});
        let labels = json!({"k3d.role": "server"});
        let inspected = Container::read(
            serde_json::from_value(json!({
                "Id": "1", "Name": "/a", "State": {"Status": "paused"},
                "Config": {"Image": "k3s:1", "Labels": labels}, "NetworkSettings": networks,
            }))
            .unwrap(),
        );
        let listed = read(json!({
            "Id": "1", "Names": ["/a"], "State": "paused", "Image": "k3s:1", "Labels": labels,
            "NetworkSettings": networks,
        }));
        assert_eq!(listed.into_container(), inspected);
    }

    #[test]
    fn an_engine_may_leave_out_everything_and_write_null_for_nothing() {
        let null = json!({"Names": null, "Image": null, "ImageID": null, "Created": null, "Ports": null,
            "Labels": null, "State": null, "NetworkSettings": {"Networks": null}, "Mounts": null});
        for listed in [read(null), read(json!({})), read(json!({"NetworkSettings": null}))] {
            assert_eq!((listed.name(), listed.image(), listed.networks().count()), ("", None, 0));
            assert_eq!((listed.bindings(), listed.mounted().count()), (vec![], 0));
        }
    }

    #[test]
    fn what_is_published_has_a_host_s_port_where_it_has_one() {
        let listed = read(json!({"Ports": [
            {"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
            {"PrivatePort": 53, "Type": "udp"},
            {"PrivatePort": 81, "Type": ""},
        ]}));
        let texts: Vec<_> = listed.bindings().iter().map(Binding::to_string).collect();
        assert_eq!(texts, ["8080:80", "53/udp", "81"]);
    }

    #[test]
    fn what_is_no_container_is_refused() {
        for wrong in [json!(1), json!({"Id": 1}), json!({"Ports": [{}]}), json!({"Labels": ["a"]})]
        {
            assert!(serde_json::from_value::<Listed>(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
