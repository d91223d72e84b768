//! The API of the recorded clusters, over TLS: it is ready, and so is each of its nodes.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use crate::engine::http::{self, Asked, Response};

/// A server that listens until this program ends.
pub(super) struct Api {
    pub(super) port: u16,
    certificate: String,
    nodes: Arc<Mutex<String>>,
}

impl Api {
    pub(super) fn serve() -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]);
        let made = made.expect("a certificate");
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("our key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|config| {
                config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key)
            });
        let config = Arc::new(config.expect("our certificate"));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("our port").port();
        let nodes = Arc::new(Mutex::new(list_of(&[])));
        let told = nodes.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (config, told) = (config.clone(), told.clone());
                let _ = client.set_nodelay(true);
                std::thread::spawn(move || {
                    let connection = ServerConnection::new(config).expect("our config");
                    let stream = StreamOwned::new(connection, client);
                    http::serve(stream, |asked| answer(asked, &told));
                });
            }
        });
        Self { port, certificate: made.cert.pem(), nodes }
    }

    /// What k3s and kubeadm write in their nodes: names and address are changed by the driver.
    pub(super) fn kubeconfig(&self) -> String {
        let authority = STANDARD.encode(&self.certificate);
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "default", "cluster": {
                "certificate-authority-data": authority, "server": "https://127.0.0.1:6443"}}],
            "contexts": [{"name": "default", "context": {"cluster": "default", "user": "default"}}],
            "current-context": "default",
            "users": [{"name": "default", "user": {"token": "recorded"}}],
        });
        config.to_string()
    }

    pub(super) fn set_nodes(&self, names: Vec<String>) {
        *self.nodes.lock().expect("nobody panics with it") = list_of(&names);
    }
}

fn answer(asked: &Asked, nodes: &Mutex<String>) -> Response {
    match asked.path.as_str() {
        "/readyz" => Response::text("ok"),
        "/version" => Response::json(&json!({"major": "1", "minor": "34", "gitVersion": "v1.34.9",
            "gitCommit": "", "gitTreeState": "clean", "buildDate": "", "goVersion": "",
            "compiler": "gc", "platform": "linux/amd64"})),
        "/api/v1/nodes" => Response::of_json(nodes.lock().expect("nobody panics with it").clone()),
        _ => Response::json(&json!({"kind": "Status", "apiVersion": "v1", "status": "Failure",
            "message": "not here", "reason": "NotFound", "code": 404}))
        .failed("404 Not Found"),
    }
}

fn list_of(names: &[String]) -> String {
    let items: Vec<Value> = names.iter().map(|name| node(name)).collect();
    json!({"kind": "NodeList", "apiVersion": "v1", "metadata": {"resourceVersion": "1"},
        "items": items})
    .to_string()
}

/// A node with the fields that those of k3s have.
fn node(name: &str) -> Value {
    let condition = |kind: &str, status: &str| {
        json!({"type": kind, "status": status, "reason": "Kubelet", "message": "kubelet says so",
            "lastHeartbeatTime": "2026-01-01T00:00:00Z", "lastTransitionTime": "2026-01-01T00:00:00Z"})
    };
    json!({
        "metadata": {
            "name": name,
            "uid": "00000000-0000-0000-0000-000000000000",
            "resourceVersion": "400",
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": {"kubernetes.io/arch": "amd64", "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux", "node.kubernetes.io/instance-type": "k3s"},
            "annotations": {"flannel.alpha.coreos.com/backend-type": "vxlan",
                "node.alpha.kubernetes.io/ttl": "0", "k3s.io/hostname": name},
        },
        "spec": {"podCIDR": "10.42.0.0/24", "providerID": format!("k3s://{name}")},
        "status": {
            "capacity": {"cpu": "2", "memory": "8000000Ki", "pods": "110"},
            "allocatable": {"cpu": "2", "memory": "8000000Ki", "pods": "110"},
            "conditions": [condition("MemoryPressure", "False"), condition("DiskPressure", "False"),
                condition("PIDPressure", "False"), condition("Ready", "True")],
            "addresses": [{"type": "InternalIP", "address": "172.18.0.2"},
                {"type": "Hostname", "address": name}],
            "nodeInfo": {"machineID": "", "systemUUID": "", "bootID": "", "kernelVersion": "6.1.0",
                "osImage": "K3s v1.34.9+k3s1", "containerRuntimeVersion": "containerd://2.0.0",
                "kubeletVersion": "v1.34.9+k3s1", "kubeProxyVersion": "", "operatingSystem": "linux",
                "architecture": "amd64"},
        },
    })
}
