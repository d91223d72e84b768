//! What fails, how it is told, and that it leaves nothing.

use std::io::{BufRead, BufReader};
use std::process::Command;

use crate::support::{Place, Run, is_root};

fn without(place: &Place, program: &str, verb: &str) -> Run {
    let mut command = place.caproni_command(&["-o", "json", verb]);
    command.env("PATH", place.path_without(program));
    let output = command.output().unwrap();
    let run = Run {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    run.expect_code(7)
}

#[test]
fn a_missing_colima_or_lima_is_told_by_every_request() {
    for (program, verb) in
        [("colima", "status"), ("colima", "start"), ("limactl", "status"), ("limactl", "stop")]
    {
        let place = Place::new();
        let error = without(&place, program, verb).error();
        assert_eq!(
            (error["kind"].as_str(), error["program"].as_str()),
            (Some("BackendMissing"), Some(program))
        );
        assert!(error["hint"].is_string(), "{error:#}");
    }
}

#[test]
fn a_program_that_colima_would_miss_in_the_middle_is_told_before_anything_is_made() {
    // The others are where the driver looks too, whatever PATH says.
    for program in ["lima", "qemu-img"] {
        let place = Place::new();
        let error = without(&place, program, "start").error();
        assert_eq!(
            (error["kind"].as_str(), error["program"].as_str()),
            (Some("BackendMissing"), Some(program))
        );
        assert!(!place.machine().exists());
    }
}

#[test]
fn root_is_told_to_be_someone_else() {
    if !is_root() {
        return;
    }
    let place = Place::new();
    let mut command = place.caproni_command(&["-o", "json", "status"]);
    std::os::unix::process::CommandExt::uid(&mut command, 0);
    // To root the driver is another user's, which is told before all else.
    command.env("CAPRONI_ALLOW_WRITABLE_DRIVERS", "1");
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(7), "{told}");
    assert!(told.contains("does not work for root"), "{told}");
}

#[test]
fn a_machine_that_does_not_come_up_is_told_with_lima_s_reason_and_leaves_nothing() {
    let place = Place::new();
    place.misbehave("fail-start");
    std::fs::write(
        place.lima().join("_stand-in/fail-start"),
        "time=\"2026-11-25T17:41:07Z\" level=fatal msg=\"did not receive an event with the \\\"running\\\" status\"\n",
    )
    .unwrap();
    let error = place.caproni(&["start", "-o", "json"]).expect_code(1).error();
    assert_eq!((&error["kind"], &error["state"]), (&"BackendFailed".into(), &"stopped".into()));
    assert!(
        error["message"].as_str().unwrap().starts_with("colima failed: error starting vm"),
        "{error:#}"
    );
    assert_eq!(error["causes"][0], "did not receive an event with the \"running\" status");
    assert_eq!(place.status()["exists"], false);
}

#[test]
fn a_version_that_cannot_be_downloaded_leaves_nothing() {
    let place = Place::new();
    place.write_config("kubernetes_version: v9.9.9+k3s1");
    let error = place.caproni(&["start", "-o", "json"]).expect_code(1).error();
    assert!(error["hint"].as_str().unwrap().contains("`kubernetes_version`"), "{error:#}");
    assert_eq!(place.status()["exists"], false);
    assert_eq!(place.processes(), []);
}

#[test]
#[cfg(target_os = "linux")]
fn what_linux_does_not_have_is_refused_with_its_field() {
    let place = Place::new();
    place.write_config("vm_type: vz\nnetwork_address: true");
    let error = place.caproni(&["start", "-o", "json"]).expect_code(6).error();
    let paths: Vec<_> =
        error["violations"].as_array().unwrap().iter().map(|one| &one["path"]).collect();
    assert_eq!(paths, ["vm_type", "network_address"]);
}

#[test]
fn a_creation_that_takes_too_long_is_undone() {
    let place = Place::new();
    place.misbehave("boot-hangs");
    let error = place.caproni(&["--timeout", "5s", "start", "-o", "json"]).expect_code(4).error();
    assert_eq!(
        (&error["kind"], &error["state"]),
        (&"TimedOut".into(), &"stopped".into()),
        "{error:#}"
    );
    place.behave("boot-hangs");
    assert_eq!(place.status()["exists"], false);
    assert_eq!(place.processes(), []);
}

#[test]
fn a_start_that_is_cancelled_stops_what_it_has_started() {
    let place = Place::new();
    place.caproni(&["start"]).expect_code(0);
    place.caproni(&["stop"]).expect_code(0);
    place.misbehave("boot-hangs");
    let mut start = place.caproni_command(&["start"]).spawn().unwrap();
    let mut lines = BufReader::new(start.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("vm: starting")), "it never came so far");
    let sent = Command::new("kill").args(["-INT", &start.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let told: Vec<String> = lines.collect();
    assert_eq!(start.wait().unwrap().code(), Some(130), "{told:#?}");
    place.behave("boot-hangs");
    assert_eq!(place.state(), ("stopped".into(), vec![]));
    assert_eq!(place.processes(), []);
    place.caproni(&["start"]).expect_code(0);
}
