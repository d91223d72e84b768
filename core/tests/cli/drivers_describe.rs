//! `drivers describe`: a driver's capabilities and the fields of its config.

use serde_json::json;
use snapbox::{assert_data_eq, str};

use crate::drivers_list::script;
use crate::sandbox::Sandbox;

const SCHEMA: &str = r##"methods='"restart","mine/compact"' features='"cancel"'
schema='{"type":"object","required":["name"],"properties":{
"name":{"type":"string","pattern":"^[a-z]+$","description":"What it is called"},
"servers":{"type":"integer","minimum":1,"default":1,"description":"How many nodes run the control plane. With more than one the state of the cluster is kept by a majority of them.","x-caproni-change":"restart"},
"mode":{"enum":["fast","safe"],"default":"safe"},
"token":{"type":["string","null"],"x-caproni-sensitive":true,"description":"The secret \u001b[31mthat nodes join with"},
"parts":{"$ref":"#/$defs/Parts","x-caproni-change":"live"}},
"$defs":{"Parts":{"type":"object","description":"What runs besides","properties":{
"leave_out":{"type":"array","items":{"type":"string"},"default":["the-first-of-them","the-second"]}}}}}'
schema=$(printf %s "$schema" | tr -d '\n')"##;

fn sandbox() -> Sandbox {
    Sandbox::with_driver("mine", &script("mine", SCHEMA))
}

#[test]
fn every_field_is_told_with_type_default_cost_and_limits() {
    assert_data_eq!(
        sandbox().run("drivers describe mine"),
        str![[r#"
driver      mine 1
path        [ROOT]/bin/caproni-driver-mine
protocol    1
methods     restart, mine/compact
features    cancel

FIELD            TYPE            DEFAULT     CHANGE
name             string          (required)  recreate
    What it is called (matches `^[a-z]+$`)
servers          integer         1           restart
    How many nodes run the control plane. With more than one the state of the
    cluster is kept by a majority of them. (at least 1)
mode             string          safe        recreate
    (one of `fast`, `safe`)
token            string, secret  -           recreate
    The secret that nodes join with
parts            section         -           live
    What runs besides
parts.leave_out  list of string  (below)     live
    (by default `the-first-of-them, the-second`)
[exit status: 0]

"#]]
    );
}

#[test]
fn json_has_the_whole_description() {
    let sandbox = sandbox();
    let told = sandbox.run("drivers describe mine -o json").json();
    let schema = &told["configSchema"];
    assert_eq!(told["path"], "[ROOT]/bin/caproni-driver-mine");
    assert_eq!((&told["name"], &told["version"]), (&json!("mine"), &json!("1")));
    assert_eq!(told["protocolVersion"], 1);
    assert_eq!(
        told["capabilities"],
        json!({"methods": ["restart", "mine/compact"], "features": ["cancel"]})
    );
    assert_eq!(told["shadowed"], json!([]));
    assert_eq!(
        schema["properties"]["parts"],
        json!({"$ref": "#/$defs/Parts", "x-caproni-change": "live"})
    );
}

#[test]
fn a_driver_is_described_by_its_path_too_and_one_without_fields_says_so() {
    let sandbox = Sandbox::new();
    sandbox.executable("project/anything", &script("plain", ""));
    assert_data_eq!(
        sandbox.run("drivers describe ./anything"),
        str![[r#"
driver      plain 1
path        [ROOT]/project/anything
protocol    1

It names no fields of its config.
[exit status: 0]

"#]]
    );
}

#[test]
fn the_failures_are_those_of_every_command() {
    let sandbox = Sandbox::with_driver("hang", &script("hang", "initialize() { forever; }"));
    assert_eq!(sandbox.run("drivers describe moc").code(), 10);
    let late = sandbox.run("drivers describe hang -o json --timeout 100ms");
    assert_eq!(late.json_error()["kind"], "DriverUnresponsive");
}

#[test]
fn the_mock_driver_tells_all_it_can() {
    let told = Sandbox::new().run("drivers describe mock");
    for part in ["simulate.fail.operation ", "labels ", "map of string", "token "] {
        assert!(told.stdout.contains(part), "{told:#?}");
    }
    assert!(told.stdout.lines().all(|line| line.chars().count() <= 80), "{told:#?}");
}
