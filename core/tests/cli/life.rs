//! A cluster's life with the mock driver, as text and as JSON.

use serde_json::json;
use snapbox::{assert_data_eq, str};

use crate::sandbox::{MOCK, Sandbox};

#[test]
fn start_creates_the_cluster_and_start_again_finds_nothing_to_do() {
    let sandbox = Sandbox::with_config(MOCK);
    assert_data_eq!(
        sandbox.run("start"),
        str![[r#"
cluster `caproni` is up (created in [N] s)
driver      mock (its word alone: there is no API to ask)
kubernetes  v1.34.0, 1 node
note        a mock cluster is a file, and nothing runs
next        caproni status
------- stderr -------
[TIME] create: creating the nodes
[TIME] boot: starting Kubernetes
[exit status: 0]

"#]]
    );
    assert_data_eq!(
        sandbox.run("start"),
        str![[r#"
cluster `caproni` is up (nothing to do)
driver      mock (its word alone: there is no API to ask)
kubernetes  v1.34.0, 1 node
next        caproni status
[exit status: 0]

"#]]
    );
}

#[test]
fn status_tells_each_state_with_its_exit_code() {
    let sandbox = Sandbox::with_config("cluster:\n  driver: mock\n  mock: {agents: 1}\n");
    assert_data_eq!(
        sandbox.run("status"),
        str![[r#"
cluster     caproni (mock)
state       stopped (it does not exist)
[exit status: 3]

"#]]
    );
    sandbox.run("start");
    assert_data_eq!(
        sandbox.run("status"),
        str![[r#"
cluster     caproni (mock)
state       ready (its driver's word; it has no API that could be asked)
kubernetes  v1.34.0

NODE                   ROLE    STATE    KUBERNETES
mock-caproni-server-0  server  running  -
mock-caproni-agent-0   agent   running  -
[exit status: 0]

"#]]
    );
    sandbox.run("stop");
    assert_data_eq!(
        sandbox.run("status"),
        str![[r#"
cluster     caproni (mock)
state       stopped
kubernetes  v1.34.0

NODE                   ROLE    STATE    KUBERNETES
mock-caproni-server-0  server  stopped  -
mock-caproni-agent-0   agent   stopped  -
[exit status: 3]

"#]]
    );
}

#[test]
fn stop_and_destroy_do_their_work_once() {
    let sandbox = Sandbox::with_config(MOCK);
    sandbox.run("start");
    assert_data_eq!(
        sandbox.run("stop"),
        str![[r#"
cluster `caproni` is stopped
------- stderr -------
[TIME] stop: stopping the nodes
[exit status: 0]

"#]]
    );
    assert_data_eq!(
        sandbox.run("stop"),
        str![[r#"
cluster `caproni`: nothing to do
[exit status: 0]

"#]]
    );
    assert_data_eq!(
        sandbox.run("destroy"),
        str![[r#"
cluster `caproni` is destroyed
------- stderr -------
[TIME] destroy: removing the nodes
[exit status: 0]

"#]]
    );
    assert_data_eq!(
        sandbox.run("destroy"),
        str![[r#"
cluster `caproni`: nothing to do
[exit status: 0]

"#]]
    );
    assert_data_eq!(
        sandbox.run("stop"),
        str![[r#"
cluster `caproni`: nothing to do
[exit status: 0]

"#]]
    );
}

#[test]
fn a_stopped_cluster_is_started_and_a_running_one_restarted() {
    let sandbox = Sandbox::with_config(MOCK);
    sandbox.run("start");
    sandbox.run("stop");
    assert_data_eq!(
        sandbox.run("start"),
        str![[r#"
cluster `caproni` is up (started in [N] s)
driver      mock (its word alone: there is no API to ask)
kubernetes  v1.34.0, 1 node
next        caproni status
------- stderr -------
[TIME] start: starting the nodes
[exit status: 0]

"#]]
    );
    assert_data_eq!(
        sandbox.run("restart"),
        str![[r#"
cluster `caproni` is up (restarted in [N] s)
driver      mock (its word alone: there is no API to ask)
kubernetes  v1.34.0, 1 node
next        caproni status
------- stderr -------
[TIME] stop: stopping the nodes
[TIME] start: starting the nodes
[exit status: 0]

"#]]
    );
}

#[test]
fn profiles_are_clusters_of_their_own() {
    let sandbox = Sandbox::with_config(MOCK);
    sandbox.run("--profile one start");
    assert_eq!(sandbox.run("--profile one status").code(), 0);
    assert_eq!(sandbox.run("--profile two status").code(), 3);
    sandbox.run("--profile two destroy");
    assert_eq!(sandbox.run("--profile one status").code(), 0);
}

#[test]
fn status_as_json_tells_everything_that_is_known() {
    let sandbox = Sandbox::with_config(MOCK);
    sandbox.run("start");
    assert_data_eq!(
        sandbox.run("-o json status"),
        str![[r#"
{
  "profile": "caproni",
  "driver": "mock",
  "state": "ready",
  "exists": true,
  "kubernetesVersion": "v1.34.0",
  "config": {
    "servers": 1,
    "agents": 0,
    "kubernetes_version": "v1.34.0",
    "labels": {},
    "token": null
  },
  "nodes": [
    {
      "name": "mock-caproni-server-0",
      "role": "server",
      "state": "running"
    }
  ],
  "conditions": [
    {
      "name": "mock",
      "ok": true,
      "message": "nothing runs and nothing serves an API: the state is the driver's word"
    }
  ],
  "measured": false
}
[exit status: 0]

"#]]
    );
}

#[test]
fn every_verb_prints_one_json_value_and_nothing_else_on_stdout() {
    let sandbox = Sandbox::with_config(MOCK);
    for (verb, told) in [
        ("start", json!("created")),
        ("start", json!("none")),
        ("restart", json!("restarted")),
        ("stop", json!("stopped")),
        ("start", json!("started")),
        ("destroy", json!("destroyed")),
        ("destroy", json!("none")),
    ] {
        let output = sandbox.run(&format!("-o json {verb}"));
        assert_eq!((&output.json()["change"], output.code()), (&told, 0), "{verb}");
    }
    let absent = sandbox.run("-o json status");
    assert_eq!((&absent.json()["exists"], absent.code()), (&json!(false), 3));
    let version = sandbox.run("-o json version").json();
    assert_eq!(version["driver"]["name"], "mock");
}

#[test]
fn the_result_of_a_start_holds_the_status_of_its_end() {
    let sandbox = Sandbox::with_config(MOCK);
    let started = sandbox.run("-o json start").json();
    let status = sandbox.run("-o json status").json();
    assert_eq!(started["status"], status);
}

#[test]
fn a_failure_is_told_on_stderr_in_either_format() {
    let sandbox = Sandbox::with_config(MOCK);
    let fail = json!({"fail": {
        "operation": "start", "kind": "ResourceConflict", "message": "port 80 is taken",
        "hint": "free it", "data": {"resource": "port 80", "holder": "nginx"},
    }});
    let start = |words: &str| sandbox.caproni(words).simulate(&fail).run();
    assert_data_eq!(
        start("start"),
        str![[r#"
------- stderr -------
[TIME] create: creating the nodes
[TIME] boot: starting Kubernetes
error: port 80 is taken
  the cluster is left stopped
hint: free it
[exit status: 8]

"#]]
    );
    assert_data_eq!(
        start("-o json start"),
        str![[r#"
------- stderr -------
{
  "error": {
    "kind": "ResourceConflict",
    "message": "port 80 is taken",
    "hint": "free it",
    "state": "stopped",
    "resource": "port 80",
    "holder": "nginx",
    "driver": "mock",
    "method": "start",
    "exitCode": 8
  }
}
[exit status: 8]

"#]]
    );
    assert_eq!(sandbox.mock_cluster(), None);
}

#[test]
fn every_kind_of_failure_has_its_exit_code() {
    let sandbox = Sandbox::with_config(MOCK);
    for (kind, code) in [
        ("ClusterNotRunning", 3),
        ("ConfigMismatch", 5),
        ("ClusterNotReady", 4),
        ("InvalidDriverConfig", 6),
        ("BackendMissing", 7),
        ("BackendUnavailable", 7),
        ("BackendFailed", 1),
        ("ResourceConflict", 8),
        ("InsufficientResources", 8),
        ("PermissionDenied", 8),
        ("ActionRequired", 8),
        ("Cancelled", 130),
        ("TimedOut", 4),
        ("Unsupported", 2),
        ("Busy", 9),
        ("NeverHeardOf", 1),
    ] {
        let fail = json!({"fail": {"operation": "stop", "kind": kind}});
        let output = sandbox.caproni("-o json stop").simulate(&fail).run();
        assert_eq!((&output.json_error()["kind"], output.code()), (&json!(kind), code));
    }
}

#[test]
fn a_cluster_that_runs_already_is_a_success_of_start() {
    let sandbox = Sandbox::with_config(MOCK);
    sandbox.run("start");
    let fail = json!({"fail": {"operation": "start", "kind": "ClusterAlreadyRunning"}});
    assert_data_eq!(
        sandbox.caproni("start").simulate(&fail).run(),
        str![[r#"
cluster `caproni` is up (nothing to do)
driver      mock (its word alone: there is no API to ask)
kubernetes  v1.34.0, 1 node
next        caproni status
[exit status: 0]

"#]]
    );
}

#[test]
fn a_node_that_is_down_makes_the_cluster_not_ready() {
    let sandbox = Sandbox::with_config("cluster:\n  driver: mock\n  mock: {agents: 1}\n");
    sandbox.run("start");
    let down = json!({"nodes_not_ready": 1});
    assert_data_eq!(
        sandbox.caproni("status").simulate(&down).run(),
        str![[r#"
cluster     caproni (mock)
state       not-ready
kubernetes  v1.34.0

NODE                   ROLE    STATE    KUBERNETES
mock-caproni-server-0  server  running  -
mock-caproni-agent-0   agent   stopped  -

mock-caproni-agent-0: stopped, as simulated
[exit status: 4]

"#]]
    );
}

#[test]
fn a_cluster_that_starts_is_told_to_be_starting() {
    let sandbox = Sandbox::with_config(MOCK);
    let starting = json!({"state": "starting"});
    let output = sandbox.caproni("-o json status").simulate(&starting).run();
    assert_eq!((&output.json()["state"], output.code()), (&json!("starting"), 4));
}

#[test]
fn version_tells_of_caproni_the_driver_and_the_cluster() {
    let sandbox = Sandbox::with_config(MOCK);
    sandbox.run("start");
    let output = sandbox.run("version");
    assert_eq!((output.stderr.as_str(), output.code()), ("", 0));
    for part in [
        concat!("caproni ", env!("CARGO_PKG_VERSION"), " (protocol 1)\n"),
        " at [ROOT]/drivers/caproni-driver-mock\n",
        "cluster caproni: Kubernetes v1.34.0\n",
    ] {
        assert!(output.stdout.contains(part), "{output:#?}");
    }
}

#[test]
fn version_without_a_driver_is_caproni_s_own() {
    assert_data_eq!(
        Sandbox::new().run("version"),
        str![[r#"
caproni [..] (protocol 1)
[exit status: 0]

"#]]
    );
}

#[test]
fn output_that_nobody_reads_is_no_failure() {
    let sandbox = Sandbox::with_config(MOCK);
    assert_data_eq!(
        sandbox.caproni("status").run_unread(),
        str![[r#"
[exit status: 3]

"#]]
    );
}

/// `/dev/full` is Linux's.
#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_written_is_a_failure() {
    let sandbox = Sandbox::with_config(MOCK);
    assert_data_eq!(
        sandbox.caproni("status").run_on_full_disk(),
        str![[r#"
------- stderr -------
error: it worked, but the result cannot be written: No space left on device (os error 28)
hint: make room on the disk
[exit status: 8]

"#]]
    );
}
