//! The default driver, which becomes k3d here.

use std::path::PathBuf;
use std::sync::LazyLock;

use serde_json::json;

use crate::cargo;
use crate::support::{Backend, Place};

static AUTO: LazyLock<PathBuf> = LazyLock::new(|| {
    let built = cargo::build().package("caproni-driver-auto").bin("caproni-driver-auto").run();
    built.expect("the driver `auto` builds").path().to_path_buf()
});

#[test]
fn one_file_with_the_sections_of_both_platforms_makes_a_cluster() {
    let place = Place::new("auto");
    assert!(AUTO.exists());
    let text = format!(
        "cluster:\n  driver: auto\n  colima: {{memory: 12GiB, cores: 6}}\n  k3d: {{image: {}}}\n",
        Backend::K3d.image()
    );
    std::fs::write(place.path("work/caproni.yaml"), text).expect("writable");
    let started = place.caproni(&["start", "-o", "json"]).expect_code(0).json();
    assert_eq!((&started["driver"], &started["change"]), (&json!("k3d"), &json!("created")));
    let status = place.status();
    assert_eq!((&status["driver"], &status["state"]), (&json!("k3d"), &json!("ready")));
    assert_eq!(status["config"]["image"], Backend::K3d.image());
    // By whatever name it is asked for, it is the same cluster.
    let named = place.caproni(&["--driver", "k3d", "start", "-o", "json"]).expect_code(0).json();
    assert_eq!(named["change"], "none");
}
