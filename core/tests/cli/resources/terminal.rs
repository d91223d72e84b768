//! A terminal that closes while something is under way.

use std::path::Path;

use rustix::process::Signal;
use serde_json::json;

use crate::running::Running;
use crate::sandbox::{MOCK, Sandbox};

/// Longer than any test waits.
fn slow() -> serde_json::Value {
    json!({"delay_ms": 3_600_000})
}

/// A `start` that a shell runs at a terminal of its own, in the middle of a creation. The program
/// `script` keeps the terminal; what it shows comes as stderr.
fn creating_at_terminal<'a>(sandbox: &'a Sandbox, command: &str) -> Running<'a> {
    // It handles the hang-up and so lives to see the exit code, unlike the shell around it.
    let witness = format!("trap : HUP\n{command}\necho $? >code\n");
    let witness = sandbox.write("witness", &witness).display().to_string();
    let terminal = format!("exec script -qefc 'sh {witness}; true' /dev/null >&2\n");
    let terminal = sandbox.write("terminal", &terminal).display().to_string();
    let line = sandbox.program(Path::new("/bin/sh"), &terminal);
    let mut running = line.env("TERM", "xterm").simulate(&slow()).spawn();
    running.until("creating the nodes");
    running
}

fn exit_code(sandbox: &Sandbox) -> String {
    std::fs::read_to_string(sandbox.path("project/code")).unwrap()
}

#[test]
fn a_creation_whose_terminal_closes_is_rolled_back() {
    let sandbox = Sandbox::with_config(MOCK).with_program_on_path();
    let running = creating_at_terminal(&sandbox, "caproni start");
    assert!(sandbox.mock_cluster().unwrap().contains("creating"));
    // With the one who keeps the terminal it closes.
    running.signal(Signal::KILL);
    running.end();
    assert_eq!(sandbox.mock_cluster(), None);
    assert_eq!(exit_code(&sandbox), "130\n");
    assert_eq!(sandbox.run("start").code(), 0);
}

#[test]
fn a_creation_that_ignores_it_goes_on_when_its_terminal_closes() {
    let sandbox = Sandbox::with_config(MOCK).with_program_on_path();
    // As `nohup` does, which would send the output elsewhere.
    let deaf = "(trap '' HUP; exec caproni --timeout 1s start)";
    let running = creating_at_terminal(&sandbox, deaf);
    running.signal(Signal::KILL);
    running.end();
    // Its time ran out, and nobody interrupted it.
    assert_eq!(exit_code(&sandbox), "4\n");
}
