//! Drivers as processes: the examples of this crate, as a host runs them.

mod driver;
mod pipes;

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use caproni_driver::{DriverClient, State};
use driver::{Driver, command, is_gone};
use serde_json::{Value, json};

/// How long a driver may take to end after SIGTERM.
const LIMIT: Duration = Duration::from_secs(5);

/// What a backend does on SIGTERM.
const ENDS: &str = "exit 1";
const IGNORES_IT: &str = "";
const SAYS_SO_AND_GOES_ON: &str = "echo heard";

/// A backend whose `start` tells its own id and that of a child, which has to be killed.
fn backend(folder: &Path, on_term: &str) -> PathBuf {
    let path = folder.join("backend");
    let script = format!(
        r#"#!/bin/sh
case $1 in
state) cat '{0}/state' 2>/dev/null || echo absent ;;
destroy) rm '{0}/state' ;;
start)
    echo half >'{0}/state'
    (trap '' TERM; exec sleep 600) &
    trap '{on_term}' TERM
    echo $$ $!
    while kill -0 $!; do wait; done ;;
esac
"#,
        folder.display()
    );
    std::fs::write(&path, script).expect("written");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("its mode is set");
    path
}

/// A driver in the middle of a `start`, and the processes of its backend.
async fn starting(folder: &Path, on_term: &str) -> (Driver, Vec<String>) {
    let driver = Driver::spawn(command("program").env("CAPRONI_STATE_DIR", folder.join("locks")));
    let config = json!({"program": backend(folder, on_term)});
    driver.host.begin("start", json!({"profile": "demo", "config": config})).await;
    let message = driver.host.until_step("start").await.message;
    (driver, message.split(' ').map(str::to_owned).collect())
}

#[tokio::test]
async fn sigterm_in_a_request_ends_the_driver_and_all_that_it_runs() {
    for on_term in [ENDS, IGNORES_IT] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (mut driver, processes) = starting(folder.path(), on_term).await;
        driver.terminate();
        let (exit, took) = driver.exit().await;
        assert!(took < LIMIT, "{took:?}");
        assert_eq!((exit.code(), exit.signal()), (Some(143), None));
        assert_eq!(processes.len(), 2, "{processes:?}");
        for process in processes {
            assert!(is_gone(&process), "{process} still runs");
        }
        // Where the backend ends at once, there is time to roll back.
        assert!(on_term != ENDS || !folder.path().join("state").exists());
    }
}

#[tokio::test]
async fn sigterm_after_a_cancel_does_not_wait_for_the_rollback() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut driver, processes) = starting(folder.path(), SAYS_SO_AND_GOES_ON).await;
    driver.host.receive().await;
    driver.host.cancel().await;
    assert_eq!(driver.host.receive().await["params"]["message"], "heard");
    driver.terminate();
    let (_, took) = driver.exit().await;
    assert!(took < LIMIT, "{took:?}");
    for process in processes {
        assert!(is_gone(&process), "{process} still runs");
    }
    // What is left half done is told.
    let fresh = Driver::spawn(command("program").env("CAPRONI_STATE_DIR", folder.path()));
    let config = json!({"program": folder.path().join("backend")});
    let status = fresh.host.status("demo".into(), Some(config), None).await.expect("a status");
    assert_eq!((status.state, status.exists), (State::NotReady, true));
}

#[tokio::test]
async fn sigterm_ends_an_idle_driver_at_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut driver = Driver::spawn(command("smallest").env("CAPRONI_STATE_DIR", folder.path()));
    assert_eq!(driver.host.ask("status", json!({"profile": "a"})).await["id"], 0);
    driver.terminate();
    let (exit, took) = driver.exit().await;
    assert!(took < LIMIT, "{took:?}");
    assert_eq!(exit.code(), Some(143));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_driver_that_waits_on_pipes_has_one_thread() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let driver = Driver::spawn(command("smallest").env("CAPRONI_STATE_DIR", folder.path()));
    assert_eq!(driver.host.ask("status", json!({"profile": "a"})).await["id"], 0);
    let threads = std::fs::read_dir(format!("/proc/{}/task", driver.id())).expect("it runs");
    assert_eq!(threads.count(), 1);
}

#[tokio::test]
async fn the_end_of_input_ends_a_driver_well() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut driver, processes) = starting(folder.path(), ENDS).await;
    driver.host.close_input().await;
    let reply = driver.host.reply(0).await;
    assert_eq!(reply["error"]["data"], json!({"kind": "Cancelled", "state": "stopped"}));
    assert_eq!(driver.exit().await.0.code(), Some(0));
    assert!(processes.iter().all(|process| is_gone(process)));
}

#[tokio::test]
async fn a_driver_works_anywhere_with_nothing_in_its_environment() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let spaced = folder.path().join("a folder with spaces");
    std::fs::create_dir(&spaced).expect("made");
    let program = spaced.join("caproni-driver-mine");
    // Not a copy: while that is written, a test beside this one may start a process, which then has it
    // open for writing, and what is open for writing cannot be run.
    std::os::unix::fs::symlink(driver::built("smallest"), &program).expect("linked");
    for home in [None, Some("")] {
        let mut command = tokio::process::Command::new(&program);
        command.env_clear().current_dir("/").env("PATH", &spaced).env("LC_ALL", "C");
        // In place of a home: where the state goes of a user who has none.
        command.env("TMPDIR", folder.path());
        home.map(|home| command.env("HOME", home));
        let mut driver = Driver::spawn(&mut command);
        for (method, word) in [("start", "created"), ("stop", "stopped"), ("destroy", "destroyed")]
        {
            let reply = driver.host.ask(method, json!({"profile": "demo", "config": {}})).await;
            assert_eq!(reply["result"]["change"], word, "{reply}");
        }
        driver.host.close_input().await;
        assert!(driver.exit().await.0.success());
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("read").collect();
    assert_eq!(left.len(), 2, "the state is in one folder: {left:?}");
}

#[tokio::test]
async fn a_person_who_runs_a_driver_is_told_what_it_is() {
    for option in ["--version", "--help"] {
        let output = command("smallest").arg(option).output().await.expect("it runs");
        let said = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(said.starts_with("caproni-driver-mine "), "{said}");
        assert!(output.status.success());
    }
}

#[tokio::test]
async fn the_longest_line_is_taken_and_the_next_one_is_answered() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let driver = Driver::spawn(command("smallest").env("CAPRONI_STATE_DIR", folder.path()));
    let line = |length: usize| {
        let line = |fill: &str| {
            json!({"jsonrpc": "2.0", "id": 1, "method": "status",
                "params": {"profile": "a", "config": {"fill": fill}}})
            .to_string()
        };
        line(&"x".repeat(length - line("").len()))
    };
    driver.host.send_line(&line(caproni_driver::MAX_LINE)).await;
    assert_eq!(driver.host.receive().await["result"]["exists"], Value::Bool(false));
    driver.host.send_line(&line(caproni_driver::MAX_LINE + 1)).await;
    let refused = driver.host.receive().await;
    assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(1), &json!(-32600)));
    assert!(driver.host.ask("status", json!({"profile": "a"})).await["result"].is_object());
}
