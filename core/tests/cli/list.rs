//! `caproni list`: the clusters of all drivers, each driver in its own time.

use serde_json::{Value, json};
use snapbox::{assert_data_eq, str};

use crate::drivers_list::script;
use crate::sandbox::{MOCK, Sandbox};

/// Never answers `list`, which it says it has.
const HANGS: &str = "methods='\"list\"'; list() { while :; do sleep 1; done; }";

/// Tells its cluster, and runs on when its stdin ends.
const STAYS: &str = r#"methods='"list"'
list() { result '{"clusters":[{"profile":"lasting","state":"ready"}]}'; }
trap forever EXIT"#;

fn started(profiles: &[&str]) -> Sandbox {
    let sandbox = Sandbox::with_config(MOCK);
    for profile in profiles {
        let output = sandbox.run(&format!("--profile {profile} start"));
        assert_eq!(output.code(), 0, "{output:#?}");
    }
    sandbox
}

fn listed(sandbox: &Sandbox, words: &str) -> Value {
    let output = sandbox.run(&format!("-o json {words} list"));
    assert_eq!(output.code(), 0, "{output:#?}");
    output.json()
}

/// The page's smallest driver, whose clusters are files, and which has no `list`.
fn with_smallest(sandbox: &Sandbox) {
    let page = caproni_driver::PROTOCOL_TEXT;
    let (_, rest) = page.split_once("```sh\n").unwrap();
    sandbox.executable("bin/caproni-driver-mine", rest.split_once("```\n").unwrap().0);
}

#[test]
fn every_cluster_of_every_driver_is_a_row() {
    let sandbox = started(&["one", "two"]);
    with_smallest(&sandbox);
    sandbox.write("project/caproni.yaml", &format!("{MOCK}  mine: {{}}\n"));
    assert_eq!(sandbox.run("--profile two stop").code(), 0);
    assert_eq!(sandbox.run("--driver mine --profile three start").code(), 0);
    assert_data_eq!(
        sandbox.caproni("list").env("COLUMNS", "200").run(),
        str![[r#"
DRIVER  PROFILE  STATE    VERSION  CONTEXT  CONFIG FILE
mine    three    ready    -        -        [ROOT]/project/caproni.yaml
mock    one      ready    v1.34.0  -        [ROOT]/project/caproni.yaml
mock    two      stopped  v1.34.0  -        [ROOT]/project/caproni.yaml
[exit status: 0]

"#]]
    );
}

#[test]
fn as_json_a_row_tells_all_that_is_known() {
    let sandbox = started(&["one"]);
    let expected = json!([{
        "driver": "mock",
        "profile": "one",
        "state": "ready",
        "kubernetesVersion": "v1.34.0",
        "kubeContext": null,
        "configFile": "[ROOT]/project/caproni.yaml",
    }]);
    assert_eq!(listed(&sandbox, ""), json!({"clusters": expected, "problems": []}));
}

#[test]
fn no_cluster_is_no_failure() {
    let sandbox = Sandbox::new();
    assert_eq!(listed(&sandbox, ""), json!({"clusters": [], "problems": []}));
    assert_eq!(sandbox.run("list").stdout, "no clusters\n");
}

#[test]
fn a_driver_that_hangs_or_is_broken_is_named_and_holds_nobody_up() {
    let sandbox = started(&["one"]);
    sandbox.executable("bin/caproni-driver-slow", &script("slow", HANGS));
    sandbox.executable("bin/caproni-driver-dies", "#!/bin/sh\necho no wish >&2\nexit 3\n");
    sandbox.write("bin/caproni-driver-flat", "#!/bin/sh\n");
    let told = listed(&sandbox, "--timeout 2s");
    assert_eq!(told["clusters"].as_array().unwrap().len(), 1, "{told:#}");
    let problems = told["problems"].as_array().unwrap();
    let kinds: Vec<_> = problems.iter().map(|it| (&it["driver"], &it["error"]["kind"])).collect();
    let expected = json!([
        ["dies", "DriverCrashed"],
        ["flat", "DriverNotExecutable"],
        ["slow", "DriverUnresponsive"]
    ]);
    assert_eq!(json!(kinds), expected, "{told:#}");
    let text = sandbox.caproni("--timeout 2s list").env("COLUMNS", "200").run().stdout;
    assert!(text.contains("\nmock    one "), "{text}");
    assert!(
        text.contains("\nslow    -        -      -        -        unknown: did not"),
        "{text}"
    );
    assert!(text.contains("exited with 3 during `initialize`: no wish\n"), "{text}");
}

#[test]
fn a_driver_that_does_not_end_has_told_its_clusters_and_is_ended() {
    let sandbox = started(&["one"]);
    sandbox.executable("bin/caproni-driver-stays", &script("stays", STAYS));
    // A driver that closes may take longer than that; and it is waited for until nothing is left of
    // all that was started.
    let told = listed(&sandbox, "--timeout 4s");
    let clusters = told["clusters"].as_array().unwrap();
    let names: Vec<_> = clusters.iter().map(|row| &row["profile"]).collect();
    assert_eq!((json!(names), &told["problems"]), (json!(["one", "lasting"]), &json!([])));
}

#[test]
fn a_backend_that_does_not_answer_is_never_no_cluster() {
    let sandbox = started(&["one"]);
    let told = sandbox.caproni("-o json list").simulate(&json!({
        "fail": {"operation": "list", "kind": "BackendUnavailable"}
    }));
    let told = told.run().json();
    assert_eq!(told["clusters"], json!([]));
    assert_eq!(told["problems"][0]["error"]["kind"], "BackendUnavailable", "{told:#}");
}

#[test]
fn one_driver_can_be_asked_alone_also_by_its_path() {
    let sandbox = started(&["one"]);
    sandbox.write("bin/caproni-driver-flat", "#!/bin/sh\n");
    let path = sandbox.path("drivers/caproni-driver-mock").display().to_string();
    for driver in ["mock", &path] {
        let told = listed(&sandbox, &format!("--driver {driver}"));
        assert_eq!(told["clusters"][0]["profile"], "one", "{told:#}");
        assert_eq!(told["problems"], json!([]));
    }
}

#[test]
fn a_driver_that_becomes_another_adds_no_rows_of_its_own() {
    let sandbox = started(&["one"]);
    let path = sandbox.path("drivers/caproni-driver-mock");
    let script = format!("#!/bin/sh\nexec {}\n", path.display());
    sandbox.executable("bin/caproni-driver-choice", &script);
    let told = listed(&sandbox, "");
    assert_eq!(told["clusters"].as_array().unwrap().len(), 1, "{told:#}");
    assert_eq!(told["problems"], json!([]));
}

#[test]
fn a_cluster_that_was_started_without_a_file_has_none() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.run("--driver mock start").code(), 0);
    assert_eq!(listed(&sandbox, "")["clusters"][0]["configFile"], Value::Null);
}
