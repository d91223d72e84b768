//! What is done with the nodes of a cluster that runs: `exec`, `logs`, `loadImage`.

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

/// Runs a plan as the host would, without a terminal.
fn run(plan: &Value) -> (Option<i32>, String) {
    let argv = plan["argv"].as_array().into_iter().flatten();
    let argv: Vec<_> = argv.filter_map(Value::as_str).collect();
    let output = Command::new(argv[0]).args(&argv[1..]).output().expect("it runs");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn commands_run_on_nodes_and_logs_are_theirs() {
    let place = place("kind-exec");
    place.write_config("nodes: {workers: 1}");
    place.caproni(&["start"]).expect_code(0);
    let profile = &place.profile;
    let script = "echo \"$1\"; cat /etc/hostname; exit 7";
    let asked = json!({"profile": profile, "node": place.node("worker"),
        "argv": ["sh", "-c", script, "x", "a  $HOME\n"]});
    let plan = call(&place, "exec", &asked).expect("a plan");
    let said = format!("a  $HOME\n\n{}\n", place.node("worker"));
    assert_eq!(run(&plan), (Some(7), said));

    let missing = json!({"profile": profile, "node": "other"});
    let error = call(&place, "exec", &missing).expect_err("no such node");
    assert_eq!((&error["kind"], &error["resource"]), (&json!("NotFound"), &json!("other")));

    place.caproni(&["stop"]).expect_code(0);
    let error = call(&place, "exec", &json!({"profile": profile})).expect_err("it is stopped");
    assert_eq!(error["kind"], "ClusterNotRunning");
    let plan = call(&place, "logs", &json!({"profile": profile, "tail": 3})).expect("a plan");
    let (code, log) = run(&plan);
    assert_eq!((code, log.lines().count()), (Some(0), 3), "{log}");
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
