//! Each state of `status`, produced with the real programs, and the way out of it.

use std::os::unix::fs::MetadataExt;

use crate::support::Place;

fn not_ready(condition: &str) -> (String, Vec<String>) {
    ("not-ready".into(), vec![condition.into()])
}

fn ready() -> (String, Vec<String>) {
    ("ready".into(), vec![])
}

fn started(place: &Place) {
    let told = place.caproni(&["start", "-o", "json"]).expect_code(0).json();
    assert_eq!(told["change"], "started");
    assert_eq!(place.state(), ready());
}

#[test]
fn a_machine_that_lima_calls_broken_is_not_ready_until_it_is_started() {
    let place = Place::new();
    place.caproni(&["start"]).expect_code(0);
    // As after a crash: lima's agent is there and the machine is not.
    std::fs::remove_file(place.machine().join("qemu.pid")).unwrap();
    assert_eq!(place.state(), not_ready("machine"));
    let told = place.status()["conditions"][0]["message"].to_string();
    assert!(told.contains("host agent is running but driver is not"), "{told}");
    started(&place);
}

#[test]
fn a_broken_machine_is_stopped_and_destroyed_as_well() {
    let place = Place::new();
    for (verb, change) in [("stop", "stopped"), ("destroy", "destroyed")] {
        place.caproni(&["start"]).expect_code(0);
        std::fs::remove_file(place.machine().join("qemu.pid")).unwrap();
        let told = place.caproni(&[verb, "--yes", "-o", "json"]).expect_code(0).json();
        assert_eq!(told["change"], change);
    }
}

#[test]
fn a_machine_in_which_k3s_does_not_run_is_not_ready_until_it_is_started() {
    let place = Place::new();
    place.caproni(&["start"]).expect_code(0);
    assert_eq!(place.guest(&["sudo", "systemctl", "stop", "k3s"]).code, Some(0));
    assert_eq!(place.state(), not_ready("kubernetes"));
    started(&place);
}

#[test]
fn a_machine_whose_network_is_gone_is_not_ready_until_it_is_started() {
    let place = Place::new();
    place.caproni(&["start"]).expect_code(0);
    place.guest(&["sh", "-c", "mkdir -p /stand-in && touch /stand-in/api-down"]);
    let gone = || place.state() == not_ready("network");
    // k3s looks at that ten times a second.
    assert!((0..20).any(|_| gone()), "{:?}", place.state());
    let listed = place.colima(&["list", "--json"]).expect_code(0).json();
    assert_eq!(listed["status"], "Running", "colima itself sees nothing of it");
    std::fs::remove_file(place.machine().join("guest/stand-in/api-down")).unwrap();
    std::fs::write(place.machine().join("guest/stand-in/unready"), "").unwrap();
    // Now it is the host that measures: the driver has no more to say.
    let measured = || place.state() == ("not-ready".into(), vec!["api".into()]);
    assert!((0..20).any(|_| measured()), "{:?}", place.state());
}

#[test]
fn a_machine_that_hangs_is_not_ready_and_is_stopped_by_force() {
    let place = Place::new();
    place.caproni(&["start"]).expect_code(0);
    place.misbehave("guest-hangs");
    assert_eq!(place.state(), not_ready("machine"));
    let stopped = place.caproni(&["stop", "-o", "json"]).expect_code(0).json();
    assert_eq!(stopped["change"], "stopped");
    place.behave("guest-hangs");
    assert_eq!(place.state(), ("stopped".into(), vec![]));
    started(&place);
}

#[test]
fn a_stop_that_hangs_is_forced_after_its_deadline() {
    let place = Place::new();
    place.caproni(&["start"]).expect_code(0);
    place.misbehave("stop-hangs");
    let stopped = place.caproni(&["--timeout", "16s", "stop", "-o", "json"]).expect_code(0).json();
    assert_eq!(stopped["change"], "stopped");
    let told = stopped["message"].as_str().unwrap();
    assert!(told.contains("was ended by force"), "{told}");
    assert_eq!(place.state(), ("stopped".into(), vec![]));
    assert_eq!(place.processes(), []);
}

#[test]
fn a_cluster_whose_saved_config_is_damaged_is_not_started_anew_and_can_be_destroyed() {
    let place = Place::new();
    place.caproni(&["start"]).expect_code(0);
    std::fs::write(place.machine().join("colima.yaml"), "cpu: [").unwrap();
    assert_eq!(place.status()["conditions"][0]["name"], "kept");
    let error = place.caproni(&["start", "-o", "json"]).expect_code(1).error();
    assert!(error["message"].as_str().unwrap().contains("colima.yaml"), "{error}");
    let told = place.caproni(&["destroy", "--yes", "-o", "json"]).expect_code(0).json();
    assert_eq!(told["change"], "destroyed");
    assert_eq!(place.status()["exists"], false);
}

#[test]
fn a_disk_that_a_deleted_machine_left_is_told_and_destroyed() {
    let place = Place::new();
    place.caproni(&["start"]).expect_code(0);
    place.colima(&["delete", "--profile", "caproni", "--force"]).expect_code(0);
    assert_eq!(place.state(), ("stopped".into(), vec!["creation".into()]));
    assert_eq!(place.status()["exists"], true);
    let told = place.caproni(&["destroy", "--yes", "-o", "json"]).expect_code(0).json();
    assert_eq!(told["change"], "destroyed");
    assert_eq!(place.status()["exists"], false);
}

#[test]
fn a_folder_without_a_machine_is_half_a_cluster_and_hides_no_other() {
    let place = Place::new();
    place.caproni(&["--profile", "second", "start"]).expect_code(0);
    // As a creation leaves that is killed at its first step; from here on limactl lists nothing.
    std::fs::create_dir(place.machine()).unwrap();
    assert_ne!(place.colima(&["list", "--json"]).code, Some(0));
    assert_eq!(place.state(), ("stopped".into(), vec!["creation".into()]));
    place.caproni(&["--profile", "second", "status"]).expect_code(0);
    let told = place.caproni(&["destroy", "--yes", "-o", "json"]).expect_code(0).json();
    assert_eq!(told["change"], "destroyed");
    place.colima(&["list", "--json"]).expect_code(0);
    place.caproni(&["--profile", "second", "--yes", "destroy"]).expect_code(0);
}

#[test]
fn a_machine_that_plain_colima_has_not_finished_is_completed_and_its_disk_is_kept() {
    let place = Place::new();
    place.misbehave("fail-start");
    let plain = ["start", "--profile", "caproni", "--kubernetes", "--disk", "100"];
    assert_ne!(place.colima(&plain).code, Some(0));
    place.behave("fail-start");
    assert_eq!(place.state(), ("stopped".into(), vec!["creation".into()]));
    // Its disk, and nothing else, was made.
    let made = || std::fs::metadata(place.lima().join("_disks/colima-caproni")).unwrap().ino();
    let before = made();
    let told = place.caproni(&["start", "-o", "json"]).expect_code(0).json();
    assert_eq!((&told["change"], made()), (&"created".into(), before));
}
