//! Images that are put onto the nodes of a cluster that runs.

use std::process::Command;

use serde_json::{Value, json};

use super::place;
use crate::support::{Backend, Place, docker};

/// The answer of a driver's method, called by hand.
fn call(place: &Place, method: &str, params: &Value) -> Result<Value, Value> {
    let params = params.to_string();
    let run = place.caproni(&["drivers", "call", "kind", method, &params, "-o", "json"]);
    match run.code {
        Some(0) => Ok(run.json()),
        _ => Err(run.error()),
    }
}

#[test]
fn images_are_loaded_onto_every_node_or_none_is() {
    let place = place("kind-images");
    place.write_config("nodes: {workers: 1}");
    place.caproni(&["start"]).expect_code(0);
    let (profile, tag) = (&place.profile, "caproni-test/image:1");
    docker(&["tag", &Backend::Kind.image(), tag]);
    let archive = place.path("image.tar").display().to_string();
    docker(&["save", "-o", &archive, tag]);
    let has = |node: &str| {
        let found = Command::new("docker").args(["exec", node, "crictl", "inspecti", tag]).output();
        found.expect("docker runs").status.success()
    };
    let nodes = [place.node("control-plane"), place.node("worker")];

    let missing = json!({"profile": profile, "images": [tag, "no-such-image:1"]});
    let error = call(&place, "loadImage", &missing).expect_err("one is not there");
    assert_eq!(error["resource"], "no-such-image:1", "{error:#}");
    assert!(!nodes.iter().any(|node| has(node)));

    let wanted = json!({"profile": profile, "images": [tag, archive]});
    for _ in 0..2 {
        let loaded = call(&place, "loadImage", &wanted).expect("they are there");
        assert_eq!(loaded["change"], "loaded", "{loaded:#}");
        assert!(nodes.iter().all(|node| has(node)));
    }
    docker(&["rmi", tag]);
}
