//! A Docker engine of recordings: it serves what real ones said of nodes, as often as is wanted.
//!
//! It costs less than a real engine and always the same, so that what a driver makes of the
//! answers is what grows. Cluster and API are its own too: a status comes to `ready`.

mod api;
mod containers;
mod http;

use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::engine::api::Api;
use crate::engine::containers::Containers;
use crate::engine::http::{Asked, Response};

/// An engine that listens on a socket until this program ends.
pub(crate) struct Engine {
    socket: PathBuf,
    api: Api,
    containers: Arc<Mutex<Containers>>,
}

impl Engine {
    /// Listens, with no container.
    pub(crate) fn serve(socket: &Path) -> Self {
        let listener = UnixListener::bind(socket).expect("a new socket");
        let api = Api::serve();
        let containers = Arc::new(Mutex::new(Containers::new(api.port)));
        let (held, kubeconfig) = (containers.clone(), api.kubeconfig());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (held, kubeconfig) = (held.clone(), kubeconfig.clone());
                std::thread::spawn(move || {
                    http::serve(stream, |asked| {
                        let held = held.lock().expect("nobody panics with it");
                        answer(asked, &held, &kubeconfig)
                    })
                });
            }
        });
        Self { socket: socket.to_path_buf(), api, containers }
    }

    /// As `DOCKER_HOST` names it.
    pub(crate) fn host(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// Changes what containers there are.
    pub(crate) fn hold(&self, change: impl FnOnce(&mut Containers)) {
        let mut held = self.containers.lock().expect("nobody panics with it");
        change(&mut held);
        self.api.set_nodes(held.nodes(""));
    }

    /// Lets the API tell the nodes of one cluster only: all clusters have the same.
    pub(crate) fn tell_nodes_of(&self, cluster: &str) {
        let held = self.containers.lock().expect("nobody panics with it");
        self.api.set_nodes(held.nodes(&format!("{cluster}-")));
    }
}

fn answer(asked: &Asked, held: &Containers, kubeconfig: &str) -> Response {
    let path = without_version(&asked.path);
    match path.trim_start_matches('/').split('/').collect::<Vec<_>>()[..] {
        ["_ping"] => Response::text("OK"),
        ["version"] => Response::json(&json!({"Version": "28.0.0", "ApiVersion": "1.48"})),
        ["containers", "json"] => Response::of_json(held.list(asked.label().as_deref())),
        ["containers", id, "json"] => held.inspect(id).map_or_else(gone, Response::of_json),
        ["containers", _, "archive"] => archive(asked, kubeconfig),
        ["volumes"] => Response::json(&json!({"Volumes": [], "Warnings": null})),
        ["networks"] => Response::json(&json!([])),
        _ => gone(),
    }
}

fn without_version(path: &str) -> &str {
    match path.strip_prefix("/v1.") {
        Some(rest) => rest.find('/').map_or(path, |slash| &rest[slash..]),
        None => path,
    }
}

/// A file in a container, in the archive that the engine makes of it, or only its name.
fn archive(asked: &Asked, kubeconfig: &str) -> Response {
    let path = asked.query("path").unwrap_or_default();
    let text = match path.as_str() {
        "/output/kubeconfig.yaml" | "/etc/kubernetes/admin.conf" => kubeconfig,
        "/kind/version" => "v1.36.1",
        _ => return gone(),
    };
    let stat: Value = json!({"name": "file", "size": text.len(), "mode": 420,
        "mtime": "2026-01-01T00:00:00Z", "linkTarget": ""});
    let mut header = tar::Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_data(&mut header, "file", text.as_bytes()).expect("memory");
    Response::new("application/x-tar", archive.into_inner().expect("memory"))
        .with("X-Docker-Container-Path-Stat", &STANDARD.encode(stat.to_string()))
}

fn gone() -> Response {
    Response::json(&json!({"message": "no such thing"})).failed("404 Not Found")
}
