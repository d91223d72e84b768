//! `caproni drivers new`: what it writes runs, passes its own test and the check, and is found.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::sandbox::Sandbox;
use crate::tools::{self, sandbox_with};
use crate::trial::lives;

/// Variables for the commands that build and test a driver.
type Env = Vec<(&'static str, String)>;

/// Writes the driver `demo`, and gives the folder and the commands that come next.
fn write(sandbox: &Sandbox, words: &str) -> (PathBuf, Vec<String>) {
    let told = sandbox.run(&format!("-o json drivers new {words} demo")).json();
    let next = told["next"].as_array().unwrap().iter();
    let next = next.map(|command| command.as_str().unwrap().to_owned()).collect();
    (sandbox.path("project/demo"), next)
}

/// Puts a `caproni` on `PATH` that writes down what it is asked for.
fn put_on_path(sandbox: &Sandbox) {
    let (log, program) = (sandbox.path("asked"), env!("CARGO_BIN_EXE_caproni"));
    let script = format!("#!/bin/sh\necho \"$@\" >>'{}'\nexec '{program}' \"$@\"\n", log.display());
    sandbox.executable("bin/caproni", &script);
}

/// Does what a person is told to do, each command in a shell that knows those before.
fn follow(sandbox: &Sandbox, next: &[String], env: &Env) {
    put_on_path(sandbox);
    let mut before = String::new();
    for command in next {
        if command.starts_with("cd ") || command.starts_with("export ") {
            before += &format!("{command}\n");
            continue;
        }
        let script = sandbox.write("step", &format!("set -e\n{before}{command}\n"));
        let step = sandbox.program(Path::new("/bin/sh"), &script.display().to_string());
        let step = env.iter().fold(step, |step, (name, value)| step.env(name, value));
        let output = step.run();
        assert_eq!(output.code(), 0, "{command}: {output:#?}");
    }
    let asked = std::fs::read_to_string(sandbox.path("asked")).unwrap();
    let checks = asked.lines().filter(|line| line.starts_with("drivers check --destructive "));
    assert_eq!(checks.count(), 2, "by its own test, and by hand: {asked}");
}

/// All that is promised of a new driver.
fn keeps_its_promises(sandbox: &Sandbox, next: &[String], executable: &Path, env: &Env) {
    follow(sandbox, next, env);
    sandbox.link(executable, "drivers/caproni-driver-demo");
    let listed = sandbox.run("-o json drivers list").json();
    let found = |driver: &&Value| driver["name"] == "demo" && driver["problem"].is_null();
    assert_eq!(listed["drivers"].as_array().unwrap().iter().filter(found).count(), 1, "{listed:#}");
    // The last command has started one.
    let destroyed = sandbox.run("-o json --driver demo destroy");
    assert_eq!(destroyed.json()["change"], "destroyed", "{destroyed:#?}");
    lives(sandbox, "demo");
}

#[test]
fn a_new_driver_in_bash_keeps_its_promises() {
    let sandbox = sandbox_with(&tools::BASH);
    let (folder, next) = write(&sandbox, "--lang bash");
    keeps_its_promises(&sandbox, &next, &folder.join("caproni-driver-demo"), &vec![]);
}

#[test]
fn a_new_driver_in_python_keeps_its_promises() {
    let sandbox = sandbox_with(&[tools::PYTHON]);
    let (folder, next) = write(&sandbox, "--lang python");
    keeps_its_promises(&sandbox, &next, &folder.join("caproni-driver-demo"), &vec![]);
}

#[test]
fn a_new_driver_in_javascript_keeps_its_promises() {
    let sandbox = sandbox_with(&[tools::NODE]);
    let (folder, next) = write(&sandbox, "--lang node");
    keeps_its_promises(&sandbox, &next, &folder.join("caproni-driver-demo"), &vec![]);
}

#[test]
fn a_new_driver_in_go_keeps_its_promises() {
    let sandbox = sandbox_with(&[tools::GO]);
    let (folder, next) = write(&sandbox, "--lang go");
    let env = tools::go_env().to_vec();
    keeps_its_promises(&sandbox, &next, &folder.join("caproni-driver-demo"), &env);
}

#[test]
fn a_new_driver_in_rust_keeps_its_promises() {
    let sandbox = Sandbox::new();
    let cargo = PathBuf::from(std::env::var_os("CARGO").unwrap());
    sandbox.link(&cargo, "bin/cargo");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let words = format!("--lang rust --sdk {}", root.join("drivers/sdk").display());
    let (folder, next) = write(&sandbox, &words);
    // What is built is kept, and it is the versions that the workspace has.
    let target = tools::kept("rust-target");
    sandbox.link(&target, "project/demo/target");
    std::fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let env = tools::cargo_env(&cargo);
    // All crates anew may take longer than anything a sandbox waits for.
    let mut build = Command::new(&cargo);
    build.args(["test", "--no-run"]).current_dir(&folder).envs(env.iter().cloned());
    let built = build.output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    keeps_its_promises(&sandbox, &next, &target.join("debug/caproni-driver-demo"), &env);
}
