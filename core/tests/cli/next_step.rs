//! Whatever fails, the user is told what to do next.

use serde_json::{Value, json};

use crate::sandbox::{MOCK, Sandbox};

/// The names of all failures that the protocol knows.
fn kinds(sandbox: &Sandbox) -> Vec<String> {
    let schema = sandbox.run("drivers schema").json();
    let kinds = schema["$defs"]["ErrorKind"]["anyOf"].as_array().unwrap().iter();
    kinds.filter_map(|kind| kind["const"].as_str().map(str::to_owned)).collect()
}

#[test]
fn every_kind_of_failure_names_the_next_step() {
    let sandbox = Sandbox::with_config(MOCK);
    let kinds = kinds(&sandbox);
    assert!(kinds.len() >= 20, "{kinds:?}");
    for kind in kinds.into_iter().chain(["KindOfItsOwn".into()]) {
        let fail = json!({"fail": {"operation": "status", "kind": kind}});
        let error = sandbox.caproni("-o json status").simulate(&fail).run().json_error();
        assert_eq!(error["kind"], kind.as_str());
        // Who cancels knows what to do next.
        let is_expected = kind != "Cancelled";
        assert_eq!(error["hint"].is_string(), is_expected, "{error:#}");
    }
}

#[test]
fn a_hint_is_about_the_cluster_that_was_named() {
    let sandbox = Sandbox::with_config(MOCK);
    let fail = json!({"fail": {"operation": "status", "kind": "ClusterNotRunning"}});
    let hint = |words: &str| -> Value {
        sandbox.caproni(words).simulate(&fail).run().json_error()["hint"].clone()
    };
    assert_eq!(hint("-o json status"), "run `caproni start`");
    let named = hint("-p demo -o json status --driver mock");
    assert_eq!(named, "run `caproni --driver mock --profile demo start`");
}
