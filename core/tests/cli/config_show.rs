//! What a config comes to: fragments, the local file, variables, the strategy of names.

use serde_json::json;
use snapbox::{assert_data_eq, str};

use crate::sandbox::{MOCK, Sandbox};

/// A config of four files.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_config(
        "\
version: 2
variables: {VERSION: v1.33.1, HOST: \"app.${DOMAIN:-test}\"}
extends: [base.yaml]
cluster:
  driver: mock
  network: {hostname: \"${HOST}\"}
  mock:
    kubernetes_version: ${VERSION}
    agents: ${AGENTS:-0}
    token: hunter22
    labels: {team: a}
",
    );
    sandbox.write(
        "project/base.yaml",
        "cluster: {mock: {servers: 3, labels: {from: base, gone: x}, simulate: {slow: x}}}\n",
    );
    sandbox.write("project/caproni.local.yaml", "extends: [mine/local.yaml]\n");
    sandbox.write(
        "project/mine/local.yaml",
        "cluster: {mock: {labels: {gone: null, me: yes}, simulate: null}}\n",
    );
    sandbox
}

#[test]
fn each_value_is_shown_with_where_it_comes_from() {
    assert_data_eq!(
        sandbox().caproni("config show").env("AGENTS", "2").run(),
        str![[r#"
file      [ROOT]/project/caproni.yaml
fragment  [ROOT]/project/base.yaml
local     [ROOT]/project/caproni.local.yaml
fragment  [ROOT]/project/mine/local.yaml
profile   caproni

FIELD                            VALUE     FROM
cluster.driver                   mock      caproni.yaml:5:3
cluster.network.hostname         app.test  caproni.yaml:6:13, variable HOST
                                           (caproni.yaml:2:31)
cluster.mock.servers             3         base.yaml:1:18
cluster.mock.labels.from         base      base.yaml:1:39
cluster.mock.labels.team         a         caproni.yaml:11:14
cluster.mock.labels.me           yes       mine/local.yaml:1:39
cluster.mock.kubernetes_version  v1.33.1   caproni.yaml:8:5, variable VERSION
                                           (caproni.yaml:2:13)
cluster.mock.agents              2         caproni.yaml:9:5, AGENTS of the
                                           environment
cluster.mock.token               (hidden)  caproni.yaml:10:5
[exit status: 0]

"#]]
    );
}

#[test]
fn json_has_the_config_and_the_origins() {
    let told = sandbox().caproni("-o json config show").env("AGENTS", "2").run().json();
    assert_eq!(told["cluster"]["mock"]["agents"], 2);
    assert_eq!(told["cluster"]["mock"]["token"], "(hidden)");
    assert_eq!(
        told["cluster"]["mock"]["labels"],
        json!({"from": "base", "team": "a", "me": "yes"})
    );
    assert_eq!(
        told["origins"]["cluster.mock.agents"],
        json!({"from": "file", "location": "caproni.yaml:9:5", "variables": ["AGENTS of the environment"]})
    );
    assert_eq!(told["origins"]["cluster.mock.labels.from"]["location"], "base.yaml:1:39");
    assert_eq!(told["files"][3]["role"], "fragment");
    assert!(!told.to_string().contains("hunter2"));
}

#[test]
fn what_is_shown_is_what_start_uses() {
    let sandbox = sandbox();
    assert_eq!(sandbox.caproni("start").env("AGENTS", "2").run().code(), 0);
    let running = sandbox.run("-o json status").json()["config"].clone();
    assert_eq!((&running["agents"], &running["servers"]), (&json!(2), &json!(3)));
    assert_eq!(running["kubernetes_version"], "v1.33.1");
    assert_eq!(sandbox.run("start").code(), 5, "the environment is part of the config");
}

#[test]
fn without_a_file_it_is_the_driver_s_defaults() {
    let told = Sandbox::new().run("--driver mock -o json config show").json();
    assert_eq!(told["cluster"]["mock"]["servers"], 1);
    assert_eq!(told["origins"]["cluster.mock.servers"], json!({"from": "default"}));
    assert_eq!(told["origins"]["cluster.driver"], json!({"from": "option", "option": "--driver"}));
    assert_eq!(Sandbox::new().run("config validate").code(), 6);
}

#[test]
fn a_variable_that_is_not_set_keeps_nobody_from_looking_and_stopping() {
    let sandbox = Sandbox::with_config(MOCK);
    sandbox.run("start");
    sandbox.write(
        "project/caproni.yaml",
        "cluster: {driver: mock, mock: {kubernetes_version: \"${NONE}\"}, k3d: {image: \"${NONE}\"}}\n",
    );
    assert_data_eq!(
        sandbox.run("start"),
        str![[r#"
------- stderr -------
error: [ROOT]/project/caproni.yaml:1:32: `kubernetes_version`: `NONE` is not set
   1 | …uster: {driver: mock, mock: {kubernetes_version: "${NONE}"}, k3d: …
     |                               ^^^^^^^^^^^^^^^^^^
hint: set the variable, give it a default such as `${NAME:-default}`, or write `$${` for a plain `${`
[exit status: 6]

"#]]
    );
    assert_eq!(sandbox.run("status").code(), 0);
    assert_eq!(sandbox.run("stop").code(), 0);
}

#[test]
fn each_checkout_has_a_cluster_of_its_own_with_the_strategy_directory() {
    let sandbox = Sandbox::new();
    let config = "cluster: {driver: mock, name: {strategy: directory}, mock: {}}\n";
    for folder in ["one/shop", "two/shop"] {
        sandbox.write(&format!("project/{folder}/caproni.yaml"), config);
        assert_eq!(sandbox.caproni("start").within(&format!("project/{folder}")).run().code(), 0);
    }
    let profiles: Vec<String> = sandbox.run("-o json list").json()["clusters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|cluster| cluster["profile"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(profiles.len(), 2, "{profiles:?}");
    assert!(profiles.iter().all(|profile| profile.starts_with("shop-")), "{profiles:?}");
    let within = |words: &str| sandbox.caproni(words).within("project/one/shop/src").run();
    assert!(
        profiles.contains(&within("-o json status").json()["profile"].as_str().unwrap().into())
    );
    assert_eq!(within("--profile other status").code(), 3, "what is said comes first");
    let named =
        sandbox.caproni("status").within("project/one/shop").env("CAPRONI_PROFILE", "other");
    assert_eq!(named.run().code(), 3);
    assert_eq!(within("destroy --yes").code(), 0);
    assert_eq!(sandbox.run("-o json list").json()["clusters"].as_array().unwrap().len(), 1);
}

#[test]
fn validate_tells_what_was_checked_and_what_could_not_be() {
    let sandbox = Sandbox::with_driver("broken", "#!/bin/sh\nexit 1\n");
    sandbox.write(
        "project/caproni.yaml",
        "deployers: []\ncluster: {driver: mock, mock: {}, broken: {}, elsewhere: {a: b}, network: {}}\n",
    );
    assert_data_eq!(
        sandbox.run("config validate"),
        str![[r#"
`[ROOT]/project/caproni.yaml` is valid
  checked      cluster.driver
  checked      cluster.network
  checked      cluster.mock
  not checked  cluster.broken: driver `broken` is broken: exited with 1 during `initialize`
  not checked  cluster.elsewhere: there is no driver `elsewhere` here
[exit status: 0]

"#]]
    );
    assert_data_eq!(
        sandbox.run("-o json config validate"),
        str![[r#"
{
  "valid": true,
  "files": [
    "[ROOT]/project/caproni.yaml"
  ],
  "checked": [
    "cluster.driver",
    "cluster.network",
    "cluster.mock"
  ],
  "notChecked": [
    {
      "section": "cluster.broken",
      "reason": "driver `broken` is broken: exited with 1 during `initialize`"
    },
    {
      "section": "cluster.elsewhere",
      "reason": "there is no driver `elsewhere` here"
    }
  ]
}
[exit status: 0]

"#]]
    );
    assert_data_eq!(
        sandbox.run("--driver elsewhere config show"),
        str![[r#"
------- stderr -------
error: no driver `elsewhere`: `caproni-driver-elsewhere` was not found
hint: put an executable `caproni-driver-elsewhere` on PATH; there is `broken`, `mock`
[exit status: 10]

"#]]
    );
}
