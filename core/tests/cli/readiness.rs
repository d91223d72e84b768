//! A driver's word against what the host measures, and the user's kubeconfig.

use serde_json::json;
use snapbox::{assert_data_eq, str};

use crate::faults::driver;
use crate::sandbox::Sandbox;

/// A driver that calls a cluster ready whose API nobody serves; port 1 is never open.
///
/// Its cluster is the file `cluster` in the project folder.
pub(crate) fn boaster() -> Sandbox {
    driver(
        r#"
        methods='"kubeconfig"'
        status() {
            if [ -e cluster ]; then result '{"state":"ready","exists":true}'
            else result '{"state":"stopped","exists":false}'; fi
        }
        start() { touch cluster; result '{"change":"created"}'; }
        destroy() { rm cluster; result '{"change":"destroyed"}'; }
        kubeconfig() {
            result '{"context":"odd","kubeconfig":"{current-context: odd, contexts: [{name: odd, context: {cluster: odd, user: odd}}], clusters: [{name: odd, cluster: {server: \"http://127.0.0.1:1\"}}], users: [{name: odd, user: {}}]}"}'
        }"#,
    )
}

#[test]
fn a_cluster_that_only_its_driver_calls_ready_is_not_ready() {
    let sandbox = boaster();
    sandbox.write("project/cluster", "");
    assert_data_eq!(
        sandbox.run("--driver odd status"),
        str![[r#"
cluster     caproni (odd)
state       not-ready

api: http://127.0.0.1:1 does not answer: Connection refused (os error [..])
[exit status: 4]

"#]]
    );
}

#[test]
fn a_new_cluster_that_does_not_become_ready_is_removed_again() {
    let sandbox = boaster();
    let output = sandbox.run("--driver odd --timeout 2s -o json start");
    let error = output.json_error();
    assert_eq!((&error["kind"], output.code()), (&json!("ClusterNotReady"), 4));
    assert_eq!(error["conditions"][0]["name"], "api");
    assert_eq!(error["state"], "stopped");
    assert!(!sandbox.path("project/cluster").exists());
    assert!(!sandbox.path("home/.kube").exists(), "the user's kubeconfig is not touched");
}

#[test]
fn a_new_cluster_that_does_not_become_ready_can_be_kept() {
    let sandbox = boaster();
    let output = sandbox.run("--driver odd --timeout 2s start --no-rollback");
    assert_eq!(output.code(), 4, "{output:#?}");
    assert!(sandbox.path("project/cluster").exists());
}

#[test]
fn ctrl_c_while_waiting_for_a_new_cluster_removes_it_again() {
    let sandbox = boaster();
    let mut start = sandbox.caproni("--driver odd start").spawn();
    start.until("waiting for api: ");
    start.signal(rustix::process::Signal::INT);
    let output = start.end();
    assert_eq!(output.code(), 130, "{output:#?}");
    assert!(!sandbox.path("project/cluster").exists());
}

#[test]
fn a_kubeconfig_that_is_broken_stops_a_start_before_anything_is_made() {
    let sandbox = boaster();
    let file = sandbox.write("home/.kube/config", "clusters: [\n");
    let output = sandbox.run("--driver odd -o json start");
    assert_eq!((&output.json_error()["kind"], output.code()), (&json!("InvalidKubeconfig"), 6));
    assert!(!sandbox.path("project/cluster").exists());
    assert_eq!(std::fs::read_to_string(file).unwrap(), "clusters: [\n");
}
