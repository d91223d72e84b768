//! What is left when the host has ended: of the drivers' programs, and of the clusters.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, test_kill_process};
use serde_json::json;

use super::Mode;

/// How long a driver may take to end after its host did.
const TO_END: Duration = Duration::from_secs(5);

#[test]
fn a_creation_whose_host_is_killed_is_undone_by_its_driver_at_once() {
    let mode = Mode::named("good");
    let sandbox = mode.sandbox();
    let mut running =
        mode.spawn(&sandbox, &json!({"words": "start", "config": {"work_ms": 600_000}}));
    running.until("create:");
    let cluster = sandbox.path("state/rogue/good/caproni.json");
    assert!(cluster.exists());
    running.signal(Signal::KILL);
    let killed = Instant::now();
    assert_eq!(running.end().code(), 137);
    assert!(killed.elapsed() < TO_END, "{:?}", killed.elapsed());
    assert!(!cluster.exists());
}

#[test]
fn a_cluster_that_a_cancel_left_is_told_of_and_can_be_destroyed() {
    let mode = Mode::named("cancelled-but-cluster-left");
    let sandbox = mode.sandbox();
    mode.run(&sandbox);
    let words = |verb| format!("--driver cancelled-but-cluster-left {verb}");
    let status = sandbox.run(&words("status"));
    assert_eq!(status.code(), 4);
    assert!(status.stdout.contains("its creation was broken off"), "{status:#?}");
    assert_eq!(sandbox.run(&words("destroy")).code(), 0);
    assert_eq!(sandbox.run(&words("status")).code(), 3);
}

#[test]
fn what_a_driver_leaves_on_purpose_outlives_the_host() {
    let mode = Mode::named("daemonised-child");
    let sandbox = mode.sandbox();
    assert_eq!(mode.run(&sandbox).code(), 0);
    let machine =
        std::fs::read_to_string(sandbox.path("state/rogue/daemonised-child/caproni.machine"));
    let machine: i32 = machine.unwrap().parse().unwrap();
    assert!(is_alive(machine));
    assert_eq!(sandbox.run("--driver daemonised-child destroy").code(), 0);
    let destroyed = Instant::now();
    while is_alive(machine) {
        assert!(destroyed.elapsed() < TO_END);
        std::thread::yield_now();
    }
}

#[test]
fn no_child_of_a_driver_that_had_to_be_ended_is_left() {
    for (name, count) in [("grandchild-survives-sigterm", 1), ("fork-bomb-lite", 20)] {
        let mode = Mode::named(name);
        let sandbox = mode.sandbox();
        let mut running = mode.spawn(&sandbox, &mode.host("runs")[0]);
        running.until("create:");
        // Later ones are of the driver that is asked what is left, and ends by itself.
        let children = children(&sandbox.path(&format!("state/rogue/{name}/children")));
        assert_eq!(children.len(), count);
        assert!(children.iter().all(|&child| is_alive(child)), "{name}");
        running.ended();
        assert!(!children.iter().any(|&child| is_alive(child)), "{name}");
        running.end();
    }
}

fn children(list: &std::path::Path) -> Vec<i32> {
    std::fs::read_to_string(list).unwrap().lines().map(|line| line.parse().unwrap()).collect()
}

/// Tells whether a process lives. One that has ended and is not waited for does not.
fn is_alive(process: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"));
    let is_zombie = stat.is_ok_and(|stat| stat.contains(") Z "));
    test_kill_process(Pid::from_raw(process).unwrap()).is_ok() && !is_zombie
}
