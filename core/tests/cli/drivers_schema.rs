//! `caproni drivers schema`: the protocol for machines.

use serde_json::Value;

use crate::sandbox::Sandbox;

/// A document as it is checked in with the SDK.
fn checked_in(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../drivers/sdk/schema");
    std::fs::read_to_string(format!("{folder}/{name}")).unwrap()
}

#[test]
fn the_documents_are_printed_as_they_are_checked_in_and_need_no_driver() {
    let sandbox = Sandbox::new();
    for (words, name) in
        [("drivers schema", "protocol.schema.json"), ("drivers schema --openrpc", "openrpc.json")]
    {
        for format in ["", "-o json "] {
            let output = sandbox.run(&format!("{format}{words}"));
            assert_eq!(output.code(), 0, "{output:?}");
            assert_eq!(output.stderr, "");
            assert!(output.stdout == checked_in(name), "{format}{words}");
        }
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let output = Sandbox::new().caproni("drivers schema").run_unread();
    assert_eq!(output.code(), 0, "{output:?}");
}

#[test]
fn what_is_printed_is_the_schema_of_this_protocol_version() {
    let document = Sandbox::new().run("drivers schema").json();
    assert_eq!(document["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(document["$id"], "urn:caproni:driver-protocol:1");
    assert!(
        document["$defs"]["HostLine"].is_object() && document["$defs"]["DriverLine"] != Value::Null
    );
}
