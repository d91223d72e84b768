//! `--quiet`: what is left out, and what is told all the same.

use snapbox::{assert_data_eq, str};

use crate::faults::driver;
use crate::output::Output;
use crate::readiness::boaster;
use crate::sandbox::{MOCK, Sandbox};

fn is_silent(output: &Output) -> bool {
    output.code() == 0 && output.stdout.is_empty() && output.stderr.is_empty()
}

#[test]
fn what_was_done_well_is_not_told() {
    let sandbox = boaster();
    sandbox.write("project/caproni.yaml", MOCK);
    sandbox.write("project/cluster", "");
    for words in [
        "start",
        "start",
        "image load app:1",
        "restart",
        "wait --for ready",
        "stop",
        "destroy",
        "config validate",
        "--driver odd use",
        "--driver odd kubeconfig --merge",
        "--driver odd kubeconfig --file it",
        "--driver mock -c new.yaml config init",
        "drivers new --lang bash mine",
        "man pages",
    ] {
        let output = sandbox.run(&format!("-q {words}"));
        assert!(is_silent(&output), "{words}: {output:#?}");
    }
}

#[test]
fn what_was_asked_for_is_told_all_the_same() {
    let sandbox = Sandbox::with_config(MOCK);
    for words in ["status", "diff", "start --dry-run", "version", "config show", "help stop"] {
        let quiet = sandbox.run(&format!("{words} -q"));
        assert_eq!(quiet.stdout, sandbox.run(words).stdout, "{words}");
        assert_ne!(quiet.stdout, "", "{words}");
    }
    let json = sandbox.run("-q -o json start").json();
    assert_eq!(json["change"], "created");
}

#[test]
fn of_lists_the_names_are_left_each_once() {
    let sandbox = boaster();
    assert!(is_silent(&sandbox.run("--driver mock list -q")));
    sandbox.write("project/cluster", "");
    for profile in ["caproni", "b", "a"] {
        sandbox.run(&format!("--driver mock --profile {profile} start"));
    }
    assert_data_eq!(
        sandbox.run("list -q"),
        str![[r#"
a
b
caproni
[exit status: 0]

"#]]
    );
    sandbox.executable("bin/caproni-driver-broken", "#!/bin/sh\nexit 4\n");
    let names = sandbox.run("drivers list -q");
    assert_eq!((names.stdout.as_str(), names.code()), ("mock\nodd\n", 0));
    assert!(names.stderr.starts_with("warning: driver `"), "{names:#?}");
    let names = sandbox.run("list -q");
    assert_eq!((names.stdout.as_str(), names.code()), ("a\nb\ncaproni\n", 0));
    assert!(names.stderr.starts_with("warning: driver `"), "{names:#?}");
}

#[test]
fn errors_and_warnings_are_told_all_the_same() {
    let sandbox = Sandbox::with_config("cluster:\n  driver: mock\n  mock: {agents: none}\n");
    let stopped = sandbox.run("-q stop");
    assert_eq!((stopped.stdout.as_str(), stopped.code()), ("", 0));
    assert!(stopped.stderr.starts_with("warning: the config is not used: "), "{stopped:#?}");
    let failed = sandbox.run("-q start");
    assert_eq!((failed.stdout.as_str(), failed.code()), ("", 6));
    assert!(failed.stderr.starts_with("error: "), "{failed:#?}");
}

#[test]
fn the_command_line_decides_between_quiet_and_verbose_and_must_not_say_both() {
    let sandbox =
        driver("status() { echo logged >&2; result '{\"state\":\"ready\",\"exists\":true}'; }");
    let shows_log = |output: Output| output.stderr.contains("driver: logged");
    let with = |words: &str, variables: &[&str]| {
        let line = sandbox.caproni(&format!("--driver odd status {words}"));
        variables.iter().fold(line, |line, name| line.env(name, "1")).run()
    };
    assert_data_eq!(
        with("-q -v", &[]),
        str![[r#"
------- stderr -------
error: `--quiet` and `--verbose` contradict each other
hint: leave one of them out
[exit status: 2]

"#]]
    );
    assert_eq!(sandbox.run("--driver odd --log debug -q -o yaml status").code(), 2);
    assert!(!shows_log(with("-q", &["CAPRONI_VERBOSE"])));
    assert!(shows_log(with("-v", &["CAPRONI_QUIET"])));
    assert!(shows_log(with("", &["CAPRONI_QUIET", "CAPRONI_VERBOSE"])));
    assert!(!shows_log(with("", &["CAPRONI_QUIET"])));
    let started = sandbox.caproni("--driver odd start").env("CAPRONI_QUIET", "1").run();
    assert_eq!(started.stdout, "");
}
