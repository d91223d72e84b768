//! What a start would do, seen before it is done, and the prices that are paid on demand.

use serde_json::json;
use snapbox::{assert_data_eq, str};

use crate::faults::driver;
use crate::sandbox::{MOCK, Sandbox};

/// A `caproni.yaml` with this section for the mock driver.
fn mock(section: &str) -> String {
    format!("cluster:\n  driver: mock\n  mock: {section}\n")
}

/// A cluster that runs, and a `caproni.yaml` that asks for another one.
fn started_with(before: &str, after: &str) -> Sandbox {
    let sandbox = Sandbox::with_config(&mock(before));
    assert_eq!(sandbox.run("start").code(), 0);
    sandbox.write("project/caproni.yaml", &mock(after));
    sandbox
}

#[test]
fn diff_tells_what_a_start_would_do_in_each_state_of_the_cluster() {
    let sandbox = Sandbox::with_config(MOCK);
    assert_data_eq!(
        sandbox.run("diff"),
        str![[r#"
cluster `caproni` (mock) does not exist: would be created

run `caproni start` to do so
[exit status: 5]

"#]]
    );
    sandbox.run("start");
    assert_data_eq!(
        sandbox.run("diff"),
        str![[r#"
cluster `caproni` (mock) has no difference
[exit status: 0]

"#]]
    );
    sandbox.run("stop");
    assert_data_eq!(
        sandbox.run("diff"),
        str![[r#"
cluster `caproni` (mock) is stopped: would be started

run `caproni start` to do so
[exit status: 5]

"#]]
    );
}

#[test]
fn diff_shows_each_field_with_its_price_and_no_secret() {
    let sandbox =
        started_with("{token: hunter2}", "{agents: 1, labels: {team: web}, token: correct-horse}");
    let before = sandbox.mock_cluster();
    let output = sandbox.run("diff");
    assert_data_eq!(
        output,
        str![[r#"
cluster `caproni` (mock) would have to be destroyed and made anew: 3 fields differ

FIELD   RUNNING   REQUESTED       CHANGE
agents  0         1               recreate
labels  {}        {"team":"web"}  live
token   (hidden)  (hidden)        recreate

put the config back, or run `caproni start --recreate` to make the cluster anew,
which loses its data
[exit status: 5]

"#]]
    );
    assert_eq!(sandbox.mock_cluster(), before);
    let json = sandbox.run("-o json diff");
    assert_eq!((&json.json()["needs"], json.code()), (&json!("recreate"), 5));
    assert_eq!(json.json()["differences"][0]["change"], "recreate");
    assert!(!json.stdout.contains("hunter2") && !json.stdout.contains("correct-horse"));
}

#[test]
fn diff_of_a_driver_that_tells_no_config_says_so() {
    assert_data_eq!(
        driver("").run("--driver odd diff"),
        str![[r#"
------- stderr -------
error: driver `odd` does not tell what its clusters run with
hint: run `caproni --driver odd start`, which refuses what would lose data
[exit status: 2]

"#]]
    );
}

#[test]
fn a_dry_run_shows_the_plan_and_changes_nothing() {
    let sandbox = Sandbox::with_config(MOCK);
    assert_data_eq!(
        sandbox.run("start --dry-run"),
        str![[r#"
cluster `caproni` (mock) does not exist: would be created
[exit status: 5]

"#]]
    );
    assert_eq!(sandbox.mock_cluster(), None);
    sandbox.run("start");
    let before = sandbox.mock_cluster();
    sandbox.write("project/caproni.yaml", &mock("{agents: 1}"));
    assert_data_eq!(
        sandbox.run("start --dry-run"),
        str![[r#"
cluster `caproni` (mock) would be refused, and not touched: 1 field differs

FIELD   RUNNING  REQUESTED  CHANGE
agents  0        1          recreate

put the config back, or run `caproni start --recreate` to make the cluster anew,
which loses its data
[exit status: 5]

"#]]
    );
    assert_data_eq!(
        sandbox.run("start --dry-run --recreate"),
        str![[r#"
cluster `caproni` (mock) would be destroyed with all its data and made anew: 1 field differs

FIELD   RUNNING  REQUESTED  CHANGE
agents  0        1          recreate
[exit status: 5]

"#]]
    );
    assert_eq!(sandbox.mock_cluster(), before);
    for (words, does) in [("", "refuse"), ("--restart", "refuse"), ("--recreate", "recreate")] {
        let plan = sandbox.run(&format!("-o json start --dry-run {words}")).json();
        assert_eq!((&plan["does"], &plan["needs"]), (&json!(does), &json!("recreate")), "{words}");
    }
}

#[test]
fn a_field_that_is_changed_live_needs_no_permission() {
    let sandbox = started_with("{}", "{labels: {team: web}}");
    let plan = sandbox.run("-o json start --dry-run").json();
    assert_eq!((&plan["does"], &plan["needs"]), (&json!("update"), &json!("update")));
    for words in ["--recreate", "--restart", ""] {
        let output = sandbox.run(&format!("-o json start {words}"));
        let change = if words == "--recreate" { "updated" } else { "none" };
        assert_eq!(output.json()["change"], change, "{words}");
    }
}

#[test]
fn recreate_makes_the_cluster_anew_only_where_a_difference_needs_it() {
    let sandbox = started_with("{}", "{agents: 1}");
    let refused = sandbox.run("start --restart");
    assert_eq!(refused.code(), 5, "{refused:#?}");
    let output = sandbox.run("start --recreate");
    assert_data_eq!(
        output,
        str![[r#"
cluster `caproni` is up (recreated in [N] s)
driver      mock (its word alone: there is no API to ask)
kubernetes  v1.34.0, 2 nodes
note        a mock cluster is a file, and nothing runs
next        caproni status
------- stderr -------
[TIME] destroy: removing the nodes
[TIME] create: creating the nodes
[TIME] boot: starting Kubernetes
[exit status: 0]

"#]]
    );
    assert_eq!(sandbox.run("-o json status").json()["config"]["agents"], 1);
    assert_eq!(sandbox.run("-o json start --recreate").json()["change"], "none");
}

#[test]
fn a_person_is_asked_before_a_cluster_is_made_anew() {
    let sandbox = started_with("{}", "{agents: 1}");
    let before = sandbox.mock_cluster();
    for (answer, code) in [("n", 130), ("y", 0)] {
        let mut start = sandbox.caproni("start --recreate").spawn_at_terminal();
        start.until("Destroy cluster `caproni` and all its data, to make it anew? [y/N] ");
        assert_eq!(sandbox.mock_cluster(), before);
        start.type_line(answer);
        let output = start.end();
        assert_eq!(output.code(), code, "{output:#?}");
    }
    assert_ne!(sandbox.mock_cluster(), before);
}

#[test]
fn a_creation_that_fails_after_the_destruction_says_what_is_lost() {
    let sandbox = started_with("{}", "{agents: 1}");
    let fail = json!({"fail": {"operation": "start", "kind": "BackendFailed", "message": "no"}});
    let output = sandbox.caproni("start --recreate").simulate(&fail).run();
    assert_data_eq!(
        output,
        str![[r#"
------- stderr -------
[TIME] destroy: removing the nodes
[TIME] create: creating the nodes
[TIME] boot: starting Kubernetes
error: no
  caused by: the cluster as it was is destroyed, as `--recreate` says
  the cluster is left stopped
hint: run it again with `-v` to see all that the backend said
[exit status: 1]

"#]]
    );
    assert_eq!(sandbox.mock_cluster(), None);
}

/// A driver with a field that costs a restart, which says in a file what it was asked to do.
const WITH_RESTART: &str = r#"
    methods='"restart"'
    schema='{"type":"object","properties":{"cpu":{"type":"integer","default":2,"x-caproni-change":"restart"}}}'
    running=1
    status() { result "{\"state\":\"ready\",\"exists\":true,\"config\":{\"cpu\":$running}}"; }
    start() { echo start >>asked; result '{"change":"none"}'; }
    restart() { echo restart >>asked; running=2; result '{"change":"restarted"}'; }"#;

#[test]
fn restart_applies_what_a_restart_can_change() {
    let sandbox = driver(WITH_RESTART);
    let refused = sandbox.run("--driver odd start");
    let hint =
        "hint: put the config back, or run `caproni --driver odd start --restart` to apply it\n";
    assert!(refused.stderr.ends_with(hint), "{refused:#?}");
    let json = sandbox.run("-o json --driver odd diff").json();
    assert_eq!(json["needs"], "restart");
    assert!(!sandbox.path("project/asked").exists());
    for words in ["--restart", "--recreate"] {
        let output = sandbox.run(&format!("-o json --driver odd start {words}"));
        assert_eq!(output.json()["change"], "restarted", "{words}");
    }
    let asked = std::fs::read_to_string(sandbox.path("project/asked")).unwrap();
    assert_eq!(asked, "restart\nrestart\n");
}

#[test]
fn restart_does_not_restart_where_nothing_needs_it() {
    let sandbox = driver(&WITH_RESTART.replace("running=1", "running=2"));
    let output = sandbox.run("-o json --driver odd start --restart");
    assert_eq!(output.json()["change"], "none");
}

#[test]
fn what_only_the_driver_finds_is_paid_for_as_well() {
    let fault = WITH_RESTART.replace("running=1", "running=2").replace(
        "    start() {",
        r#"    start() { say "{\"jsonrpc\":\"2.0\",\"id\":$id,\"error\":{\"code\":1003,\"message\":\"it differs\",\"data\":{\"kind\":\"ConfigMismatch\",\"diff\":[{\"path\":\"cpu\",\"running\":1,\"requested\":2,\"change\":\"restart\"}]}}}"; return;"#,
    );
    let refused = driver(&fault).run("--driver odd start");
    assert_eq!(refused.code(), 5, "{refused:#?}");
    assert!(refused.stderr.contains("`caproni --driver odd start --restart`"), "{refused:#?}");
    let output = driver(&fault).run("-o json --driver odd start --restart");
    assert_eq!(output.json()["change"], "restarted");
}
