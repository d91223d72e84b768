//! What every driver is put through.

use serde_json::{Value, json};

use crate::sandbox::Sandbox;

/// The driver breaks no rule as far as this level goes, and is warned of none.
#[track_caller]
pub(crate) fn breaks_no_rule(sandbox: &Sandbox, driver: &str, level: &str) {
    let output = sandbox.run(&format!("-o json drivers check --level {level} {driver}"));
    let report = output.json();
    let with = |wanted: &str| -> Vec<Value> {
        let rules = report["rules"].as_array().unwrap().iter();
        rules.filter(|rule| rule["verdict"] == wanted).cloned().collect()
    };
    assert_eq!((with("failed"), with("warning")), (vec![], vec![]), "{driver}: {output:#?}");
    assert_eq!((output.code(), &report["passed"]), (0, &json!(true)));
    assert!(with("passed").len() > 40, "{driver}: {report:#}");
}

/// A cluster of the driver lives from nothing to nothing.
#[track_caller]
pub(crate) fn lives(sandbox: &Sandbox, driver: &str) {
    let life = [
        ("status", 3, "exists", json!(false)),
        ("start", 0, "change", json!("created")),
        ("start", 0, "change", json!("none")),
        ("status", 0, "state", json!("ready")),
        ("stop", 0, "change", json!("stopped")),
        ("status", 3, "state", json!("stopped")),
        ("start", 0, "change", json!("started")),
        ("destroy", 0, "change", json!("destroyed")),
        ("status", 3, "exists", json!(false)),
    ];
    for (number, (command, code, field, value)) in life.into_iter().enumerate() {
        let output = sandbox.run(&format!("-o json --driver {driver} {command}"));
        let told = (output.code(), &output.json()[field]);
        assert_eq!(told, (code, &value), "{driver}, {command} ({number}): {output:#?}");
    }
}
