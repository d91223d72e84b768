//! `caproni usage` and `caproni image load`: what is told of nodes, and what is put onto them.

use serde_json::json;
use snapbox::{assert_data_eq, str};

use crate::faults::driver;
use crate::sandbox::{MOCK, Sandbox};

fn started() -> Sandbox {
    let sandbox = Sandbox::with_config(MOCK);
    assert_eq!(sandbox.run("start").code(), 0);
    sandbox
}

#[test]
fn usage_is_a_table_and_json_in_cores_and_bytes() {
    let sandbox = started();
    let said = json!({"usage": {"cpu_cores": 0.25, "cpu_cores_limit": 2.0, "memory_bytes": 536_870_912,
        "disk_bytes_limit": 21_474_836_480_u64}});
    std::fs::write(sandbox.path("state/mock/caproni.logs/mock-caproni-server-0.log"), "x\n")
        .unwrap();
    assert_data_eq!(
        sandbox.caproni("usage").simulate(&said).run(),
        str![[r#"
NODE                   CPU        MEMORY   DISK
mock-caproni-server-0  0.25 of 2  512 MiB  2 B of 20.0 GiB
[exit status: 0]

"#]]
    );
    let told = sandbox.caproni("-o json usage").simulate(&said).run().json();
    let node = json!({"name": "mock-caproni-server-0", "cpuCores": 0.25, "cpuCoresLimit": 2.0,
        "memoryBytes": 536_870_912, "diskBytes": 2, "diskBytesLimit": 21_474_836_480_u64});
    assert_eq!(told, json!({"profile": "caproni", "driver": "mock", "nodes": [node]}));
}

#[test]
fn a_cluster_that_does_not_run_uses_nothing_that_could_be_told() {
    let sandbox = started();
    sandbox.run("stop");
    let output = sandbox.run("-o json usage");
    assert_eq!((&output.json_error()["kind"], output.code()), (&json!("ClusterNotRunning"), 3));
}

#[test]
fn a_driver_that_does_not_answer_does_not_hold_usage_up() {
    let sandbox = driver("methods='\"usage\"'\nusage() { forever; }");
    let output = sandbox.run("--driver odd -o json --timeout 1s usage");
    let error = output.json_error();
    assert_eq!((&error["kind"], output.code()), (&json!("DriverUnresponsive"), 20), "{error}");
}

#[test]
fn images_and_archives_are_loaded_all_or_none() {
    let sandbox = started();
    sandbox.write("project/app.tar", "");
    assert_data_eq!(
        sandbox.run("image load app:1 app.tar"),
        str![[r#"
cluster `caproni` has now `app:1`, `[ROOT]/project/app.tar`
------- stderr -------
[TIME] load: loading the images
[exit status: 0]

"#]]
    );
    let again = sandbox.run("-o json image load app:1").json();
    assert_eq!((&again["change"], &again["images"]), (&json!("none"), &json!(["app:1"])));
    assert_data_eq!(
        sandbox.run("image load web:1 ./none.tar"),
        str![[r#"
------- stderr -------
error: there is no archive `[ROOT]/project/none.tar`
hint: run `caproni status` to see what there is of the cluster
[exit status: 2]

"#]]
    );
    assert!(!sandbox.mock_cluster().unwrap().contains("web:1"));
    assert_eq!(sandbox.run("image load").code(), 2);
}
