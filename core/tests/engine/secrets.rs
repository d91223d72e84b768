//! A secret of the config, looked for while a real cluster is made with it.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::{Place, docker};

const SECRET: &str = "canary-93b0e7c2";

/// The command lines of all processes of this machine.
fn command_lines() -> String {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ") + "\n").collect()
}

/// Looks at the process list again and again while something is done.
fn watching<T>(what: impl FnOnce() -> T) -> (T, String) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut seen = std::collections::BTreeSet::new();
            while !done.load(Ordering::Relaxed) {
                seen.extend(command_lines().lines().map(str::to_owned));
            }
            seen.into_iter().collect::<Vec<_>>().join("\n")
        });
        let outcome = what();
        done.store(true, Ordering::Relaxed);
        (outcome, watcher.join().expect("it only looks"))
    })
}

/// All that is in a folder, as one text.
fn kept(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let texts = entries.map(|entry| match entry.path().is_dir() {
        true => kept(&entry.path()),
        false => String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap_or_default()).into(),
    });
    texts.collect()
}

#[test]
fn a_secret_reaches_the_node_and_is_seen_nowhere_else() {
    let place = Place::new("security");
    place.write_config(&format!("env: [\"TOKEN={SECRET}@server:*\"]"));
    let trace = place.path("trace").display().to_string();
    let (start, seen) = watching(|| place.caproni(&["-vv", "--trace", &trace, "start"]));
    let start = start.expect_code(0);
    assert!(seen.contains("k3d cluster create"), "it was looked at in time");
    assert!(start.stderr.contains("driver: ran `") && start.stderr.contains("exited with 0 after"));

    let server = place.node("server-0");
    let environment = docker(&["inspect", "-f", "{{json .Config.Env}}", &server]);
    assert!(environment.contains(SECRET), "{environment}");
    let labels = docker(&["inspect", "-f", "{{json .Config.Labels}}", &server]);
    let trace = std::fs::read_to_string(trace).expect("it was written");
    assert!(trace.contains("(hidden 1)"), "{trace}");

    place.write_config("env: [\"TOKEN=another-secret@server:*\"]");
    let mismatch = place.caproni(&["-vv", "-o", "json", "start"]).expect_code(5);
    let status = place.caproni(&["-vv", "status"]).expect_code(0);
    let told = format!("{start:?}{mismatch:?}{status:?}");
    for (where_to, text) in [
        ("the process list", seen),
        ("what was told", told),
        ("the trace", trace),
        ("the node's labels", labels),
        ("the state folder", kept(&place.path("state"))),
        ("the home", kept(&place.path("home"))),
    ] {
        assert!(!text.contains(SECRET), "in {where_to}: {text}");
        assert!(!text.contains("another-secret"), "in {where_to}: {text}");
    }
}
