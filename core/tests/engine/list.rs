//! `caproni list` with clusters of several drivers on one engine.

use serde_json::{Value, json};

use crate::support::{Backend, Place, docker};

/// Says that it can list, and never does.
const HANGS: &str = r#"#!/bin/sh
while read -r line; do
  case $line in *'"initialize"'*) echo '{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":1,"name":"hangs","version":"1","capabilities":{"methods":["list"]},"configSchema":{}}}' ;; esac
done
"#;

fn listed(place: &Place, args: &[&str]) -> Value {
    place.caproni(&[args, &["list", "-o", "json"]].concat()).expect_code(0).json()
}

/// The rows of this test's clusters, by driver and state.
fn rows(place: &Place, told: &Value) -> Vec<(String, String)> {
    let clusters = told["clusters"].as_array().expect("rows").iter();
    let ours = clusters.filter(|row| row["profile"] == place.profile.as_str());
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    ours.map(|row| (text(&row["driver"]), text(&row["state"]))).collect()
}

fn row(driver: &str, state: &str) -> (String, String) {
    (driver.into(), state.into())
}

#[test]
fn clusters_of_all_drivers_are_listed_while_one_driver_hangs() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new("list");
    place.caproni(&["start"]).expect_code(0);
    let kind = place.path("kind.yaml").display().to_string();
    let image = Backend::Kind.image();
    std::fs::write(&kind, format!("cluster: {{driver: kind, kind: {{image: {image}}}}}\n"))
        .expect("writable");
    place.caproni(&["-c", &kind, "start"]).expect_code(0);
    place.caproni(&["-c", &kind, "stop"]).expect_code(0);
    let bin = place.path("bin");
    std::fs::create_dir(&bin).expect("writable");
    let hangs = bin.join("caproni-driver-hangs");
    std::fs::write(&hangs, HANGS).expect("writable");
    std::fs::set_permissions(&hangs, PermissionsExt::from_mode(0o755)).expect("ours");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").expect("a path"));

    let run = place.caproni_with(&["--timeout", "5s", "list", "-o", "json"], &[("PATH", &path)]);
    let told = run.expect_code(0).json();
    // The example in bash drives k3d as well, so its clusters are the same ones.
    let expected = vec![row("bash", "ready"), row("k3d", "ready"), row("kind", "stopped")];
    assert_eq!(rows(&place, &told), expected, "{told:#}");
    let ours = |driver: &str| {
        let clusters = told["clusters"].as_array().expect("rows").iter();
        let mut ours = clusters.filter(|row| row["profile"] == place.profile.as_str());
        ours.find(|row| row["driver"] == driver).cloned().expect("a row")
    };
    assert_eq!(ours("k3d")["kubeContext"], format!("k3d-{}", place.profile));
    assert_eq!(ours("k3d")["configFile"], place.path("work/caproni.yaml").display().to_string());
    assert_eq!(ours("kind")["configFile"], kind);
    let problems = told["problems"].as_array().expect("rows");
    let hanging = problems.iter().find(|row| row["driver"] == "hangs").expect("a row");
    assert_eq!(hanging["error"]["kind"], "DriverUnresponsive", "{told:#}");

    place.caproni(&["-c", &kind, "destroy", "--yes"]).expect_code(0);
    place.caproni(&["destroy", "--yes"]).expect_code(0);
}

#[test]
fn what_a_killed_creation_has_left_is_listed_until_it_is_destroyed() {
    let place = Place::new("list-half");
    let (network, volume) =
        (format!("k3d-{}", place.profile), format!("k3d-{}-images", place.profile));
    for kind in [["network", "create", &network], ["volume", "create", &volume]] {
        docker(&[kind[0], kind[1], "--label", "app=k3d", kind[2]]);
        let told = listed(&place, &["--driver", "k3d"]);
        assert_eq!(rows(&place, &told), [row("k3d", "stopped")], "{told:#}");
        place.caproni(&["destroy", "--yes"]).expect_code(0);
        let told = listed(&place, &["--driver", "k3d"]);
        assert_eq!(rows(&place, &told), [], "{told:#}");
    }
}

#[test]
fn an_engine_that_is_down_is_a_problem_and_never_an_empty_list() {
    let place = Place::new("list-down");
    let down = [("DOCKER_HOST", "unix:///nowhere/docker.sock")];
    for driver in ["k3d", "kind"] {
        let told =
            place.caproni_with(&["--driver", driver, "list", "-o", "json"], &down).expect_code(0);
        let told = told.json();
        assert_eq!(told["clusters"], json!([]));
        assert_eq!(told["problems"][0]["error"]["kind"], "BackendUnavailable", "{told:#}");
    }
}

#[test]
fn a_creation_of_kind_that_was_ended_is_told_from_a_cluster_that_plain_kind_made() {
    let place = Place::new("list-mark");
    let name = format!("{}-control-plane", place.profile);
    let cluster = format!("io.x-k8s.kind.cluster={}", place.profile);
    let image = Backend::Kind.image();
    for (mark, state) in [("/dev/null:/etc/caproni/driver:ro", "not-ready"), ("/var", "ready")] {
        let role = "io.x-k8s.kind.role=control-plane";
        let labels = ["--label", &cluster, "--label", role, "--volume", mark];
        let node = ["--entrypoint", "tail", &image, "-f", "/dev/null"];
        docker(&[&["run", "-d", "--name", &name][..], &labels, &node].concat());
        let told = listed(&place, &["--driver", "kind"]);
        docker(&["rm", "-f", &name]);
        assert_eq!(rows(&place, &told), [row("kind", state)], "{told:#}");
    }
}
