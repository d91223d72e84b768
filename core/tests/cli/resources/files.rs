//! No file descriptors left.

use super::assert_told;
use crate::output::Output;
use crate::sandbox::{MOCK, Sandbox};

/// What is told when a program cannot be started for want of descriptors.
const HINT: &str = "raise the limit of open files, see `ulimit -n`";

fn with_descriptors(sandbox: &Sandbox, count: u32, words: &str) -> Output {
    sandbox.caproni(words).after(&format!("ulimit -n {count}")).run()
}

#[test]
fn with_fewer_descriptors_than_needed_it_says_so_and_with_more_it_works() {
    let sandbox = Sandbox::with_config(MOCK);
    let mut works = 0;
    for count in 5..24 {
        let output = with_descriptors(&sandbox, count, "status");
        if output.code() == 3 {
            works += 1;
            assert_eq!(output.stderr, "", "{count}");
        } else {
            assert_told(&output, 8, "Too many open files", HINT);
            assert_eq!(works, 0, "{count} are too few, though fewer were enough");
        }
    }
    assert!(works > 3, "{works}");
}

#[test]
fn a_program_that_cannot_begin_to_work_says_it_as_json_as_well() {
    let sandbox = Sandbox::with_config(MOCK);
    let error = with_descriptors(&sandbox, 7, "-o json start").json_error();
    assert_eq!(error["kind"], "InsufficientResources");
    assert_eq!(error["hint"], HINT);
}

#[test]
fn a_change_for_which_descriptors_are_missing_changes_nothing() {
    let sandbox = Sandbox::with_config(MOCK);
    assert_told(&with_descriptors(&sandbox, 14, "start"), 8, "cannot be run", HINT);
    assert_eq!(sandbox.mock_cluster(), None);
    assert_eq!(sandbox.run("start").code(), 0);
    let before = sandbox.mock_cluster();
    assert_told(&with_descriptors(&sandbox, 14, "destroy"), 8, "cannot be run", HINT);
    assert_eq!(sandbox.mock_cluster(), before);
}

#[test]
fn a_listing_without_descriptors_tells_why_it_knows_nothing() {
    let sandbox = Sandbox::with_config(MOCK);
    for words in ["-o json list", "-o json drivers list"] {
        let output = with_descriptors(&sandbox, 14, words);
        assert!(output.stdout.contains("Too many open files"), "{output:#?}");
    }
}

#[test]
fn a_driver_without_descriptors_says_why_it_ends() {
    let sandbox = Sandbox::with_driver(
        "poor",
        "#!/bin/sh\nulimit -n 7\nexec \"$CAPRONI_DRIVER_PATH/caproni-driver-mock\"\n",
    );
    let error = sandbox.run("--driver poor -o json status").json_error();
    assert_eq!(error["kind"], "DriverCrashed");
    let stderr = error["stderr"].as_str().unwrap();
    assert_eq!(stderr, format!("mock: Too many open files (os error 24); {HINT}"));
}
