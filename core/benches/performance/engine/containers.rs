//! Containers as real engines told them, with other names.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

const K3D_SERVER: &str =
    include_str!("../../../../drivers/k3d/tests/recorded/v5.9/inspect-running-server-0.json");
const K3D_AGENT: &str =
    include_str!("../../../../drivers/k3d/tests/recorded/v5.9/inspect-running-agent-0.json");
const K3D_BALANCER: &str =
    include_str!("../../../../drivers/k3d/tests/recorded/v5.9/inspect-running-serverlb.json");
const KIND_NODE: &str = include_str!(
    "../../../../drivers/kind/tests/recorded/v0.32/inspect-running-control-plane.json"
);

const MINIKUBE_NODE: &str =
    include_str!("../../../../drivers/minikube/tests/recorded/v1.38/inspect-stopped.json");

/// The name of the cluster in all recordings, and the ports at which the API was published.
const RECORDED: &str = "demo";
const RECORDED_PORTS: [&str; 2] = ["39201", "43129"];

/// What there is, ready to be sent.
pub(crate) struct Containers {
    api_port: u16,
    /// By id, and by name.
    inspected: HashMap<String, Arc<str>>,
    /// Summaries by label, with and without its value.
    listed: HashMap<String, Vec<String>>,
    nodes: Vec<String>,
}

impl Containers {
    pub(super) fn new(api_port: u16) -> Self {
        let (inspected, listed) = (HashMap::new(), HashMap::new());
        Self { api_port, inspected, listed, nodes: Vec::new() }
    }

    /// Removes all.
    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.api_port);
    }

    /// Adds a cluster of k3d with one server and its load balancer, and so many agents.
    pub(crate) fn add_k3d(&mut self, name: &str, agents: usize) {
        self.add(K3D_SERVER, name, |text| text);
        self.add(K3D_BALANCER, name, |text| text);
        for number in 0..agents {
            self.add(K3D_AGENT, name, |text| text.replace("agent-0", &format!("agent-{number}")));
        }
    }

    /// Adds a cluster of kind with one node.
    pub(crate) fn add_kind(&mut self, name: &str) {
        self.add(KIND_NODE, name, |text| text);
    }

    /// Adds a cluster of minikube with one node, which is stopped.
    pub(crate) fn add_minikube(&mut self, name: &str) {
        self.add(MINIKUBE_NODE, name, |text| text);
    }

    fn add(&mut self, recorded: &str, cluster: &str, change: impl FnOnce(String) -> String) {
        let mut text = change(recorded.replace(RECORDED, cluster));
        for port in RECORDED_PORTS {
            text = text.replace(port, &self.api_port.to_string());
        }
        let told: Value = serde_json::from_str(&text).expect("a recording");
        let mut container = told[0].clone();
        let id = format!("{:064x}", self.inspected.len() + 1);
        container["Id"] = json!(id);
        let summary = summary(&container).to_string();
        for (label, value) in container["Config"]["Labels"].as_object().into_iter().flatten() {
            let value = value.as_str().unwrap_or_default();
            for key in [label.clone(), format!("{label}={value}")] {
                self.listed.entry(key).or_default().push(summary.clone());
            }
        }
        self.listed.entry(String::new()).or_default().push(summary);
        let name = container["Name"].as_str().unwrap_or_default().trim_start_matches('/');
        if container["Config"]["Labels"]["k3d.role"] != "loadbalancer" {
            self.nodes.push(name.to_owned());
        }
        let text: Arc<str> = container.to_string().into();
        self.inspected.insert(name.to_owned(), text.clone());
        self.inspected.insert(id, text);
    }

    pub(super) fn list(&self, label: Option<&str>) -> String {
        let summaries = self.listed.get(label.unwrap_or_default());
        format!("[{}]", summaries.map(|all| all.join(",")).unwrap_or_default())
    }

    pub(super) fn inspect(&self, id_or_name: &str) -> Option<String> {
        self.inspected.get(id_or_name).map(|text| text.to_string())
    }

    /// The names of those that are nodes of Kubernetes, and have this in them.
    pub(super) fn nodes(&self, part: &str) -> Vec<String> {
        self.nodes.iter().filter(|name| name.contains(part)).cloned().collect()
    }
}

/// A container as the engine lists it, of what it tells of it when asked for it alone.
fn summary(container: &Value) -> Value {
    let bindings = container["HostConfig"]["PortBindings"].as_object();
    let ports = bindings.into_iter().flatten().map(|(port, hosts)| {
        let number: u64 = port.split('/').next().and_then(|port| port.parse().ok()).unwrap_or(0);
        let host_port = hosts[0]["HostPort"].as_str().and_then(|port| port.parse::<u64>().ok());
        json!({"IP": hosts[0]["HostIp"], "PrivatePort": number, "PublicPort": host_port, "Type": "tcp"})
    });
    json!({
        "Id": container["Id"],
        "Names": [container["Name"]],
        "Image": container["Config"]["Image"],
        "ImageID": container["Image"],
        "Command": container["Path"],
        "Created": 1_763_800_000,
        "Ports": ports.collect::<Vec<_>>(),
        "Labels": container["Config"]["Labels"],
        "State": container["State"]["Status"],
        "Status": "Up 2 hours",
        "HostConfig": {"NetworkMode": container["HostConfig"]["NetworkMode"]},
        "NetworkSettings": {"Networks": container["NetworkSettings"]["Networks"]},
        "Mounts": container["Mounts"],
    })
}
