//! The drivers whose nodes are containers, held against every rule with clusters that are really made.

use serde_json::Value;

use crate::support::{Backend, Place};

/// The driver breaks no rule, is warned of none, and what the check has made is gone.
#[track_caller]
fn breaks_no_rule(place: &Place, driver: &str) {
    let check =
        place.start_slowly(&["-o", "json", "drivers", "check", "--level", "destructive", driver]);
    // As the check names its cluster.
    let profile = format!("check-{}", check.child.id());
    let report = check.finish().expect_code(0).json();
    let rules = report["rules"].as_array().cloned().unwrap_or_default();
    let broken = |rule: &&Value| rule["verdict"] == "failed" || rule["verdict"] == "warning";
    assert_eq!(rules.iter().filter(broken).collect::<Vec<_>>(), Vec::<&Value>::new());
    let verdict = |id: &str| rules.iter().find(|rule| rule["id"] == id).map(|it| &it["verdict"]);
    // Those that only a cluster shows, so that one was made.
    for id in ["START-1", "START-4", "START-5", "STOP-1", "DESTROY-1", "KUBE-1"] {
        assert_eq!(verdict(id), Some(&"passed".into()), "{id}: {report:#}");
    }
    assert_eq!(place.left_of(&profile), Vec::<String>::new());
    // A kubeconfig that is to be nobody's must not be that: k3d renames a file to its name.
    let device = std::fs::metadata("/dev/null").expect("it is there");
    assert!(!device.is_file(), "`/dev/null` was replaced by a file");
}

#[test]
fn the_k3d_driver_breaks_no_rule() {
    breaks_no_rule(&Place::new("rules"), "k3d");
}

#[test]
fn the_kind_driver_breaks_no_rule() {
    breaks_no_rule(&Place::of(Backend::Kind, "kind-rules"), "kind");
}

#[test]
fn the_bash_example_breaks_no_rule() {
    let place = Place::new("bash-rules");
    place.write_config_of("bash", "");
    breaks_no_rule(&place, "bash");
}

#[test]
fn a_cluster_of_the_bash_example_lives_from_start_to_destroy() {
    let place = Place::new("bash-life");
    place.write_config_of("bash", "");
    for (command, code, field, value) in [
        ("start", 0, "change", Value::from("created")),
        ("start", 0, "change", "none".into()),
        ("status", 0, "measured", true.into()),
        ("stop", 0, "change", "stopped".into()),
        ("status", 3, "state", "stopped".into()),
        ("start", 0, "change", "started".into()),
        ("destroy", 0, "change", "destroyed".into()),
        ("status", 3, "exists", false.into()),
    ] {
        let told = place.caproni(&[command, "-o", "json"]).expect_code(code).json();
        assert_eq!(told[field], value, "{command}: {told:#}");
    }
    assert_eq!(place.left(), Vec::<String>::new());
}
