//! `caproni --driver minikube`: the real minikube, whose nodes are containers of a stand-in image.

mod check;
mod config;
mod failures;
mod interrupts;
mod life;
mod states;
mod table;

use serde_json::Value;

use crate::support::{Backend, Place, docker};

fn place(profile: &str) -> Place {
    Place::of(Backend::Minikube, profile)
}

/// The id of a node's container.
fn id(node: &str) -> String {
    docker(&["inspect", "-f", "{{.Id}}", node]).trim().to_owned()
}

/// What a verb changed.
#[track_caller]
fn change(place: &Place, verb: &str) -> Value {
    place.caproni(&[verb, "-o", "json"]).expect_code(0).json()["change"].clone()
}

/// The answer of a driver's method, called by hand.
fn call(place: &Place, method: &str, params: &Value) -> Result<Value, Value> {
    let params = params.to_string();
    let run = place.caproni(&["drivers", "call", "minikube", method, &params, "-o", "json"]);
    match run.code {
        Some(0) => Ok(run.json()),
        _ => Err(run.error()),
    }
}
