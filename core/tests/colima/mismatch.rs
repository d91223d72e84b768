//! Another config is refused with what it takes, and a restart applies what it can.

use serde_json::{Value, json};

use crate::support::Place;

const FIRST: &str = "memory: 2GiB\ncores: 2\ndisk: 10GiB\nk3s_args: [\"--disable=traefik,servicelb\", \"--node-label=a=b\"]";

fn diff(error: &Value) -> Vec<(String, String)> {
    let rows = error["diff"].as_array().unwrap_or_else(|| panic!("{error:#}")).iter();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    rows.map(|row| (word(&row["path"]), word(&row["change"]))).collect()
}

fn pairs(rows: &[(&str, &str)]) -> Vec<(String, String)> {
    rows.iter().map(|(path, change)| ((*path).to_owned(), (*change).to_owned())).collect()
}

#[test]
fn every_field_that_differs_is_told_and_nothing_is_touched() {
    let place = Place::new();
    place.write_config(FIRST);
    place.caproni(&["start"]).expect_code(0);
    assert_eq!(place.caproni(&["start", "-o", "json"]).expect_code(0).json()["change"], "none");
    let before = place.status();
    place.write_config(
        "memory: 3GiB\ncores: 3\ndisk: 11GiB\nruntime: containerd\nmounts: [\"/tmp\"]",
    );
    let refused = place.caproni(&["start", "-o", "json"]).expect_code(5).error();
    assert_eq!(
        diff(&refused),
        pairs(&[
            ("memory", "restart"),
            ("cores", "restart"),
            ("disk", "restart"),
            ("runtime", "recreate"),
            ("mounts", "restart"),
            ("k3s_args", "restart"),
        ])
    );
    assert_eq!(refused["diff"][0]["running"], "2GiB");
    assert_eq!(place.status(), before);
    // Stopped, it is no other cluster.
    place.caproni(&["stop"]).expect_code(0);
    assert_eq!(diff(&place.caproni(&["start", "-o", "json"]).expect_code(5).error()).len(), 6);
    assert_eq!(place.status()["state"], "stopped");
}

#[test]
fn a_restart_applies_memory_and_cores_and_refuses_what_takes_a_new_machine() {
    let place = Place::new();
    place.write_config(FIRST);
    place.caproni(&["start"]).expect_code(0);
    place.write_config(
        &FIRST.replace("2GiB", "3GiB").replace("cores: 2", "cores: 3").replace("10GiB", "12GiB"),
    );
    let told = place.caproni(&["restart", "-o", "json"]).expect_code(0).json();
    assert_eq!(told["change"], "restarted");
    let listed = place.colima(&["list", "--json"]).expect_code(0).json();
    assert_eq!(
        (&listed["memory"], &listed["cpus"], &listed["disk"]),
        (&json!(3_u64 << 30), &json!(3), &json!(12_u64 << 30))
    );
    let before = place.status();
    for (field, path) in [("runtime: containerd", "runtime"), ("disk: 9GiB", "disk")] {
        place.write_config(&format!("memory: 3GiB\ncores: 3\n{field}\nk3s_args: [\"--disable=traefik,servicelb\", \"--node-label=a=b\"]{}", if path == "disk" { "" } else { "\ndisk: 12GiB" }));
        let refused = place.caproni(&["restart", "-o", "json"]).expect_code(5).error();
        assert_eq!(diff(&refused), pairs(&[(path, "recreate")]), "{refused:#}");
        assert_eq!(place.status(), before);
    }
}

#[test]
fn a_wish_that_colima_has_written_down_and_not_fulfilled_is_not_believed() {
    let place = Place::new();
    place.write_config("memory: 2GiB");
    place.caproni(&["start"]).expect_code(0);
    // It overwrites the wish, and then says "already running, ignoring".
    place.colima(&["start", "--profile", "caproni", "--memory", "8"]).expect_code(0);
    assert_eq!(place.status()["config"]["memory"], "2GiB");
    assert_eq!(place.caproni(&["start", "-o", "json"]).expect_code(0).json()["change"], "none");
    place.write_config("memory: 8GiB");
    let refused = place.caproni(&["start", "-o", "json"]).expect_code(5).error();
    assert_eq!(diff(&refused), pairs(&[("memory", "restart")]));
}

#[test]
fn a_version_of_kubernetes_is_compared_when_one_is_asked_for() {
    let place = Place::new();
    place.caproni(&["start"]).expect_code(0);
    place.write_config("kubernetes_version: v1.34.9+k3s1");
    let refused = place.caproni(&["start", "-o", "json"]).expect_code(5).error();
    assert_eq!(diff(&refused), pairs(&[("kubernetes_version", "restart")]));
    let told = place.caproni(&["restart", "-o", "json"]).expect_code(0).json();
    assert_eq!(told["status"]["kubernetesVersion"], "v1.34.9+k3s1", "{told:#}");
    place.write_config("");
    assert_eq!(place.caproni(&["start", "-o", "json"]).expect_code(0).json()["change"], "none");
}
