//! Where the config comes from, what it may hold, and what a difference does.

use serde_json::json;
use snapbox::{assert_data_eq, str};

use crate::faults::driver;
use crate::sandbox::{MOCK, Sandbox};

#[test]
fn the_file_is_found_from_a_deeper_folder() {
    let sandbox = Sandbox::with_config(MOCK);
    let output = sandbox.caproni("status").within("project/a/b/c").run();
    assert_data_eq!(
        output,
        str![[r#"
cluster     caproni (mock)
state       stopped (it does not exist)
[exit status: 3]

"#]]
    );
}

#[test]
fn the_driver_on_the_command_line_comes_before_the_environment_s_and_that_before_the_file_s() {
    let sandbox = Sandbox::with_config("cluster:\n  driver: nowhere\n  mock: {}\n");
    assert_eq!(sandbox.run("status").code(), 10);
    let named = |words: &str, driver: &str| {
        sandbox.caproni(words).env("CAPRONI_DRIVER", driver).run().code()
    };
    assert_eq!(named("status", "mock"), 3);
    assert_eq!(named("--driver mock status", "neither"), 3);
    assert_eq!(named("status", ""), 10, "an empty variable is none");
}

#[test]
fn a_variable_that_is_empty_is_one_that_is_not_set() {
    let sandbox = Sandbox::with_config(MOCK);
    let names = ["DRIVER", "PROFILE", "CONFIG_FILE", "OUTPUT", "VERBOSE", "TIMEOUT", "YES"];
    let empty = names.iter().fold(sandbox.caproni("status"), |command, name| {
        command.env(&format!("CAPRONI_{name}"), "")
    });
    let empty = empty.run();
    assert_eq!((empty.code(), empty.stdout), (3, sandbox.run("status").stdout));
}

#[test]
fn a_time_of_nothing_is_refused() {
    let sandbox = Sandbox::with_config(MOCK);
    assert_data_eq!(
        sandbox.run("--timeout 0s status"),
        str![[r#"
------- stderr -------
error: invalid value '0s' for '--timeout <TIME>': it must be longer than nothing

For more information, try '--help'.
[exit status: 2]

"#]]
    );
}

#[test]
fn options_come_from_the_environment_as_well() {
    let sandbox = Sandbox::with_config("broken: [\n");
    let config = sandbox.write("elsewhere.yaml", MOCK);
    let output = sandbox
        .caproni("start")
        .env("CAPRONI_CONFIG_FILE", config)
        .env("CAPRONI_PROFILE", "demo")
        .env("CAPRONI_OUTPUT", "json")
        .run();
    let told = output.json();
    assert_eq!((&told["profile"], &told["driver"]), (&json!("demo"), &json!("mock")));
    let output = sandbox.caproni("status").env("CAPRONI_TIMEOUT", "soon").run();
    assert_data_eq!(
        output,
        str![[r#"
------- stderr -------
error: invalid value 'soon' for '--timeout <TIME>': expected number at 0

For more information, try '--help'.
[exit status: 2]

"#]]
    );
}

#[test]
fn no_file_at_all_means_the_driver_s_defaults() {
    let sandbox = Sandbox::new();
    assert_data_eq!(
        sandbox.run("--driver mock start"),
        str![[r#"
cluster `caproni` is up (created in [N] s)
driver      mock (its word alone: there is no API to ask)
kubernetes  v1.34.0, 1 node
note        a mock cluster is a file, and nothing runs
next        caproni --driver mock status
------- stderr -------
[TIME] create: creating the nodes
[TIME] boot: starting Kubernetes
[exit status: 0]

"#]]
    );
}

#[test]
fn no_driver_at_all_is_told_with_those_there_are() {
    assert_data_eq!(
        Sandbox::new().run("status"),
        str![[r#"
------- stderr -------
error: no driver was named
hint: pass `--driver mock`, or set `cluster.driver` in `caproni.yaml`; found: mock
[exit status: 2]

"#]]
    );
}

#[test]
fn a_difference_is_shown_field_by_field_and_nothing_is_touched() {
    let sandbox = Sandbox::with_config(MOCK);
    sandbox.run("start");
    let before = (sandbox.mock_cluster(), sandbox.run("-o json status").json());
    sandbox.write(
        "project/caproni.yaml",
        "cluster:\n  driver: mock\n  mock:\n    agents: 2\n    labels: {a: b}\n    token: hunter22\n",
    );
    assert_data_eq!(
        sandbox.run("start"),
        str![[r#"
------- stderr -------
error: cluster `caproni` exists with another config: 3 fields differ
  FIELD   RUNNING  REQUESTED  CHANGE
  agents  0        2          recreate
  labels  {}       {"a":"b"}  live
  token   -        (hidden)   recreate
hint: put the config back, or run `caproni start --recreate` to make the cluster anew, which loses its data
[exit status: 5]

"#]]
    );
    assert_data_eq!(
        sandbox.run("restart"),
        str![[r#"
------- stderr -------
error: cluster `caproni` exists with another config: 3 fields differ
  FIELD   RUNNING  REQUESTED  CHANGE
  agents  0        2          recreate
  labels  {}       {"a":"b"}  live
  token   -        (hidden)   recreate
hint: put the config back, or run `caproni start --recreate` to make the cluster anew, which loses its data
[exit status: 5]

"#]]
    );
    assert_data_eq!(
        sandbox.run("-o json start"),
        str![[r#"
------- stderr -------
{
  "error": {
    "kind": "ConfigMismatch",
    "message": "cluster `caproni` exists with another config: 3 fields differ",
    "hint": "put the config back, or run `caproni start --recreate` to make the cluster anew, which loses its data",
    "diff": [
      {
        "path": "agents",
        "running": 0,
        "requested": 2,
        "change": "recreate"
      },
      {
        "path": "labels",
        "running": {},
        "requested": {
          "a": "b"
        },
        "change": "live"
      },
      {
        "path": "token",
        "running": null,
        "requested": "(hidden)",
        "change": "recreate"
      }
    ],
    "exitCode": 5
  }
}
[exit status: 5]

"#]]
    );
    assert_eq!((sandbox.mock_cluster(), sandbox.run("-o json status").json()), before);
    assert!(before.0.is_some());
}

#[test]
fn a_difference_of_a_stopped_cluster_is_a_mismatch_as_well() {
    let sandbox = Sandbox::with_config(MOCK);
    sandbox.run("start");
    sandbox.run("stop");
    let before = sandbox.mock_cluster();
    sandbox.write("project/caproni.yaml", "cluster:\n  driver: mock\n  mock: {servers: 3}\n");
    assert_eq!(sandbox.run("start").code(), 5);
    assert_eq!(sandbox.mock_cluster(), before);
}

#[test]
fn a_difference_that_can_be_changed_live_is_applied() {
    let sandbox = Sandbox::with_config(MOCK);
    sandbox.run("start");
    sandbox.write("project/caproni.yaml", "cluster:\n  driver: mock\n  mock: {labels: {a: b}}\n");
    assert_data_eq!(
        sandbox.run("start"),
        str![[r#"
cluster `caproni` is up (updated in [N] s)
driver      mock (its word alone: there is no API to ask)
kubernetes  v1.34.0, 1 node
next        caproni status
[exit status: 0]

"#]]
    );
    let labels = sandbox.run("-o json status").json()["config"]["labels"].clone();
    assert_eq!(labels, json!({"a": "b"}));
}

#[test]
fn a_difference_that_needs_a_restart_is_left_to_restart() {
    let sandbox = driver(
        r#"
        schema='{"properties":{"mode":{"type":"string","x-caproni-change":"restart"}}}'
        status() { result '{"state":"ready","exists":true,"config":{"mode":"a"}}'; }"#,
    );
    sandbox.write("project/caproni.yaml", "cluster:\n  driver: odd\n  odd: {mode: b}\n");
    assert_data_eq!(
        sandbox.run("start"),
        str![[r#"
------- stderr -------
error: cluster `caproni` exists with another config: 1 field differs
  FIELD  RUNNING  REQUESTED  CHANGE
  mode   a        b          restart
hint: put the config back, or run `caproni start --restart` to apply it
[exit status: 5]

"#]]
    );
    assert_data_eq!(
        sandbox.run("restart"),
        str![[r#"
cluster `caproni` is up (created in [N] s)
driver      odd (its word alone: there is no API to ask)
next        caproni status
[exit status: 0]

"#]]
    );
}

#[test]
fn an_unknown_field_is_refused_with_its_place_and_the_nearest_name() {
    let sandbox =
        Sandbox::with_config("cluster:\n  driver: mock\n  mock:\n    servers: 1\n    agnets: 2\n");
    assert_data_eq!(
        sandbox.run("start"),
        str![[r#"
------- stderr -------
error: [ROOT]/project/caproni.yaml:5:5: unknown field `agnets`, did you mean `agents`?
   5 |     agnets: 2
     |     ^^^^^^
hint: mend the section `cluster.mock`
[exit status: 6]

"#]]
    );
    assert_data_eq!(
        sandbox.run("-o json start"),
        str![[r#"
------- stderr -------
{
  "error": {
    "kind": "InvalidDriverConfig",
    "message": "[ROOT]/project/caproni.yaml:5:5: unknown field `agnets`, did you mean `agents`?",
    "hint": "mend the section `cluster.mock`",
    "violations": [
      {
        "path": "agnets",
        "message": "unknown field `agnets`, did you mean `agents`?",
        "location": "[ROOT]/project/caproni.yaml:5:5"
      }
    ],
    "places": [
      {
        "message": "unknown field `agnets`, did you mean `agents`?",
        "file": "[ROOT]/project/caproni.yaml",
        "line": 5,
        "column": 5,
        "source": "    agnets: 2",
        "offset": 4,
        "length": 6
      }
    ],
    "exitCode": 6
  }
}
[exit status: 6]

"#]]
    );
    assert_eq!(sandbox.mock_cluster(), None);
}

#[test]
fn every_wrong_value_is_told_with_its_place() {
    let sandbox = Sandbox::with_config(
        "cluster:\n  driver: mock\n  mock:\n    servers: none\n    labels: {a: 1}\n    token: ${TOKEN}\n",
    );
    assert_data_eq!(
        sandbox.run("start"),
        str![[r#"
------- stderr -------
error: [ROOT]/project/caproni.yaml:4:5: `servers`: "none" is not of type "integer" (and 2 more)
  [ROOT]/project/caproni.yaml:4:5: `servers`: "none" is not of type "integer"
   4 |     servers: none
     |     ^^^^^^^
  [ROOT]/project/caproni.yaml:5:14: `labels.a`: 1 is not of type "string"
   5 |     labels: {a: 1}
     |              ^
  [ROOT]/project/caproni.yaml:6:5: `token`: `TOKEN` is not set
   6 |     token: (hidden)
     |     ^^^^^
hint: mend the section `cluster.mock`
[exit status: 6]

"#]]
    );
}

#[test]
fn a_file_without_the_driver_s_section_brings_the_lines_to_add() {
    let sandbox = Sandbox::with_config("deployers: []\n");
    assert_data_eq!(
        sandbox.run("--driver mock start"),
        str![[r#"
------- stderr -------
error: `[ROOT]/project/caproni.yaml` has no section `cluster.mock`
hint: add to `[ROOT]/project/caproni.yaml`:
cluster:
  mock: {}
[exit status: 6]

"#]]
    );
    let error = sandbox.run("--driver mock -o json start").json_error();
    assert_eq!(
        (&error["kind"], &error["section"]),
        (&json!("MissingDriverConfig"), &json!("cluster.mock"))
    );
    assert_eq!(sandbox.run("--driver mock status").code(), 3, "to look, no section is needed");
}

#[test]
fn sections_of_others_are_ignored_without_a_word() {
    let sandbox = Sandbox::with_config(
        "version: 2\ndeployers: [{name: x}]\nrepositories: {a: b}\ncluster:\n  driver: mock\n  network: {hostname: h}\n  k3d: 7\n  mock:\n",
    );
    assert_data_eq!(
        sandbox.run("status"),
        str![[r#"
cluster     caproni (mock)
state       stopped (it does not exist)
[exit status: 3]

"#]]
    );
}

#[test]
fn a_path_as_driver_is_refused_in_a_file() {
    let sandbox = Sandbox::with_config("cluster:\n  driver: ./evil\n  evil: {}\n");
    sandbox.executable("project/evil", "#!/bin/sh\ntouch ran\n");
    assert_data_eq!(
        sandbox.run("status"),
        str![[r#"
------- stderr -------
error: [ROOT]/project/caproni.yaml:2:3: `cluster.driver` must be a driver's name
   2 |   driver: ./evil
     |   ^^^^^^
hint: write a name such as `k3d`; a path is for `--driver` on the command line
[exit status: 6]

"#]]
    );
    assert!(!sandbox.path("project/ran").exists());
}

#[test]
fn yaml_that_is_broken_is_told_with_its_place() {
    let sandbox = Sandbox::with_config("cluster:\n  driver: mock\n  mock: [\n");
    assert_data_eq!(
        sandbox.run("start"),
        str![[r#"
------- stderr -------
error: [ROOT]/project/caproni.yaml:4:1: while parsing a node, did not find expected node content
   4 |
     | ^
hint: mend the YAML there
[exit status: 6]

"#]]
    );
}

#[test]
fn a_file_that_is_not_there_is_told_by_name() {
    assert_data_eq!(
        Sandbox::new().run("--config-file no.yaml start"),
        str![[r#"
------- stderr -------
error: cannot read `no.yaml`: No such file or directory (os error 2)
hint: name another file with `--config-file`
[exit status: 6]

"#]]
    );
}

#[test]
fn a_broken_section_keeps_nobody_from_looking_stopping_and_destroying() {
    let sandbox = Sandbox::with_config(MOCK);
    sandbox.run("start");
    sandbox.write("project/caproni.yaml", "cluster:\n  driver: mock\n  mock: {sevrers: 2}\n");
    assert_data_eq!(
        sandbox.run("status"),
        str![[r#"
cluster     caproni (mock)
state       ready (its driver's word; it has no API that could be asked)
kubernetes  v1.34.0

NODE                   ROLE    STATE    KUBERNETES
mock-caproni-server-0  server  running  -
------- stderr -------
warning: the config is not used: [ROOT]/project/caproni.yaml:3:10: unknown field `sevrers`, did you mean `servers`?
[exit status: 0]

"#]]
    );
    assert_data_eq!(
        sandbox.run("stop"),
        str![[r#"
cluster `caproni` is stopped
------- stderr -------
warning: the config is not used: [ROOT]/project/caproni.yaml:3:10: unknown field `sevrers`, did you mean `servers`?
[TIME] stop: stopping the nodes
[exit status: 0]

"#]]
    );
    assert_data_eq!(
        sandbox.run("destroy"),
        str![[r#"
cluster `caproni` is destroyed
------- stderr -------
warning: the config is not used: [ROOT]/project/caproni.yaml:3:10: unknown field `sevrers`, did you mean `servers`?
[TIME] destroy: removing the nodes
[exit status: 0]

"#]]
    );
    assert_eq!(sandbox.mock_cluster(), None);
}

#[test]
fn a_profile_that_cannot_be_a_name_is_refused() {
    let sandbox = Sandbox::with_config(MOCK);
    assert_data_eq!(
        sandbox.run("--profile ../up status"),
        str![[r#"
------- stderr -------
error: profile `../up` is not a valid name
hint: use 1 to 63 lowercase letters, digits and `-`, and no `-` at either end
[exit status: 2]

"#]]
    );
    assert_eq!(sandbox.run("--profile My_Cluster status").code(), 2);
}

#[test]
fn a_time_that_is_none_is_refused_in_either_format() {
    let sandbox = Sandbox::with_config(MOCK);
    assert_data_eq!(
        sandbox.run("--timeout soon status"),
        str![[r#"
------- stderr -------
error: invalid value 'soon' for '--timeout <TIME>': expected number at 0

For more information, try '--help'.
[exit status: 2]

"#]]
    );
    assert_data_eq!(
        sandbox.run("-o json --timeout soon status"),
        str![[r#"
------- stderr -------
{
  "error": {
    "kind": "Usage",
    "message": "invalid value 'soon' for '--timeout <TIME>': expected number at 0",
    "hint": "see `caproni --help`",
    "exitCode": 2
  }
}
[exit status: 2]

"#]]
    );
    let error = sandbox.caproni("explode").env("CAPRONI_OUTPUT", "json").run().json_error();
    assert_eq!(error["kind"], "Usage");
}
