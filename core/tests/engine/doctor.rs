//! What a start would do to a real cluster, its being made anew, and what `doctor` says of it.

use serde_json::{Value, json};

use crate::support::{Place, docker, docker_lines};

/// The verdict of the driver's check of this name.
fn verdict(told: &Value, name: &str) -> String {
    let checks = told["checks"].as_array().expect("checks");
    let found = checks.iter().find(|check| check["of"] == "k3d" && check["name"] == name);
    let found = found.unwrap_or_else(|| panic!("no `{name}`: {told:#}"));
    found["verdict"].as_str().expect("text").to_owned()
}

#[test]
fn a_cluster_is_seen_before_it_is_made_anew_and_examined_in_between() {
    let place = Place::new("doctor");
    let doctor = ["--driver", "k3d", "doctor", "-o", "json"];
    let plan = place.caproni(&["start", "--dry-run", "-o", "json"]).expect_code(5).json();
    assert_eq!(plan["does"], "create");
    assert_eq!(place.left(), Vec::<String>::new());

    // The one that the cluster will have is free now, and its own later.
    place.write_config("port_mappings: [\"127.0.0.1:28437:80@loadbalancer\"]");
    let told = place.caproni(&doctor).json();
    for name in ["program", "engine", "memory", "ports", "cluster"] {
        assert_ne!(verdict(&told, name), "failed", "{name}: {told:#}");
    }
    place.caproni(&["start"]).expect_code(0);
    place.caproni(&["diff"]).expect_code(0);
    let told = place.caproni(&doctor).expect_code(0).json();
    for name in ["ports", "cluster", "api"] {
        assert_eq!(verdict(&told, name), "ok", "{name}: {told:#}");
    }

    let nodes =
        || docker_lines(&["ps", "-q", "--filter", &format!("name=k3d-{}-server", place.profile)]);
    let before = nodes();
    place.write_config("agents: 1");
    let found = place.caproni(&["diff", "-o", "json"]).expect_code(5).json();
    assert_eq!(found["needs"], "recreate", "{found:#}");
    assert_eq!(nodes(), before, "a look changed something");
    let made = place.caproni(&["start", "--recreate", "-o", "json"]).expect_code(0).json();
    assert_eq!(made["change"], json!("recreated"));
    assert_ne!(nodes(), before);
    place.caproni(&["diff"]).expect_code(0);

    docker(&["pause", &place.node("server-0")]);
    let told = place.caproni(&doctor).expect_code(7).json();
    assert_eq!(verdict(&told, "cluster"), "failed");
}
