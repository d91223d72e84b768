//! The documents for machines are those of the types, and say what is valid.

use std::collections::BTreeSet;
use std::path::Path;

use caproni_driver::schema;
use serde_json::{Value, json};

fn checked_in(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn validator_of(definition: &str) -> jsonschema::Validator {
    let mut schema = schema::messages();
    schema.as_object_mut().expect("an object").remove("anyOf");
    schema["$ref"] = format!("#/$defs/{definition}").into();
    jsonschema::draft202012::new(&schema).expect("a valid schema")
}

/// All values of a key, wherever it stands.
fn all<'a>(document: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    match document {
        Value::Object(fields) => {
            found.extend(fields.get(key));
            fields.values().for_each(|value| all(value, key, found));
        }
        Value::Array(items) => items.iter().for_each(|value| all(value, key, found)),
        _ => {}
    }
}

#[test]
fn the_checked_in_documents_are_those_of_the_types() {
    for (name, made) in
        [("protocol.schema.json", schema::messages()), ("openrpc.json", schema::openrpc())]
    {
        assert!(
            checked_in(name) == format!("{made:#}\n"),
            "`schema/{name}` is not current: run `cargo run -p caproni-driver --example schema`"
        );
    }
}

#[test]
fn the_schema_is_valid_by_its_own_metaschema() {
    jsonschema::draft202012::meta::validate(&schema::messages()).expect("valid");
}

#[test]
fn every_reference_leads_somewhere() {
    for document in [schema::messages(), schema::openrpc()] {
        let mut references = Vec::new();
        all(&document, "$ref", &mut references);
        assert!(references.len() > 50);
        // The keyword `$ref` is also a field of a config schema, and there no string.
        for reference in references.into_iter().filter_map(Value::as_str) {
            let pointer = reference.strip_prefix('#').expect("within the document");
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }
}

#[test]
fn every_definition_and_every_field_is_described() {
    let document = schema::messages();
    let definitions = document["$defs"].as_object().expect("definitions");
    for (name, definition) in definitions {
        let is_alias = definition.get("$ref").is_some();
        let is_choice = name == "Error";
        assert!(is_alias || is_choice || definition["description"].is_string(), "{name}");
        if name == "ConfigField" {
            continue; // most of its keywords are JSON Schema's, which describes them
        }
        for (field, schema) in definition["properties"].as_object().into_iter().flatten() {
            let says = ["description", "$ref", "const", "anyOf"];
            assert!(
                schema.is_boolean() || says.iter().any(|key| schema.get(*key).is_some()),
                "{name}.{field}"
            );
        }
    }
}

#[test]
fn both_documents_have_the_same_methods() {
    let openrpc = schema::openrpc();
    let methods = openrpc["methods"].as_array().expect("methods").iter();
    let mut in_openrpc: BTreeSet<_> = methods.filter_map(|m| m["name"].as_str()).collect();
    let notifications = openrpc["x-notifications"].as_array().expect("a list").iter();
    in_openrpc.extend(notifications.filter_map(|n| n["name"].as_str()));

    let messages = schema::messages();
    let definitions = messages["$defs"].as_object().expect("definitions").values();
    let methods = definitions.filter_map(|d| d.pointer("/properties/method/const")?.as_str());
    assert_eq!(methods.collect::<BTreeSet<_>>(), in_openrpc);
}

#[test]
fn words_and_fields_that_are_to_come_are_valid_today() {
    let status = validator_of("StatusReply");
    let reply = json!({"jsonrpc": "2.0", "id": "a", "result": {
        "state": "hibernating", "exists": true, "mood": "good",
        "nodes": [{"name": "a", "role": "witness", "state": "asleep"}],
    }});
    assert!(status.is_valid(&reply));
    let error =
        json!({"code": 1000, "message": "no", "data": {"kind": "QuotaExceeded", "quota": 3}});
    assert!(validator_of("Error").is_valid(&error));
    let progress = json!({"jsonrpc": "2.0", "method": "progress", "params": {
        "step": "a", "message": "b", "colour": "red"}});
    assert!(validator_of("DriverLine").is_valid(&progress));
}

#[test]
fn null_says_the_same_as_nothing() {
    let request = json!({"jsonrpc": "2.0", "id": 0, "method": "list", "params": null});
    assert!(validator_of("HostLine").is_valid(&request));
    let reply = json!({"jsonrpc": "2.0", "id": 0, "error": null, "result": {
        "state": "ready", "exists": true, "nodes": null, "conditions": null, "driver": null}});
    assert!(validator_of("DriverLine").is_valid(&reply));
}

#[test]
fn what_breaks_a_rule_is_not_valid() {
    let error =
        |code: i32, kind: &str| json!({"code": code, "message": "a", "data": {"kind": kind}});
    for (definition, value) in [
        ("StatusResult", json!({"state": "ready"})),
        ("StatusResult", json!({"state": 3, "exists": true})),
        ("ExecResult", json!({"argv": []})),
        ("Error", error(1000, "Busy")),
        ("Error", error(-32603, "Busy")),
        ("Error", error(1000, "DriverCrashed")),
        ("Error", json!({"code": 1000, "message": "no kind"})),
        ("Error", json!({"code": 1.5, "message": "no whole number"})),
        ("StartParams", json!({"profile": "demo"})),
        ("StartParams", json!({"profile": "Demo", "config": {}})),
        ("StopReply", json!({"jsonrpc": "2.0", "id": 1.5, "result": {"change": "none"}})),
        ("StopReply", json!({"jsonrpc": "2.0", "id": 1})),
        ("HostLine", json!({"jsonrpc": "2.0", "id": 1, "method": "status"})),
        ("HostLine", json!({"jsonrpc": "2.0", "id": 1, "method": "cancel"})),
        ("DriverLine", json!({"jsonrpc": "2.0", "id": null, "result": {"change": "none"}})),
        ("ConfigField", json!({"x-caproni-sensitive": "yes"})),
        ("ConfigSchema", json!({"properties": {"a": {"x-caproni-change": 3}}})),
        ("ConfigSchema", json!({"properties": {"a": {"$ref": "https://example.org/a"}}})),
        ("ConfigSchema", json!(true)),
    ] {
        let is_valid = validator_of(definition).is_valid(&value);
        // An error of JSON-RPC's own may carry anything, so a kind too; the rule for it is ERR-4.
        let expected = definition == "Error" && value["code"] == -32603;
        assert_eq!(is_valid, expected, "{definition}: {value}");
    }
}
