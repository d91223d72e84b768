//! The steps of a command as a person at a terminal sees them.

use rustix::process::Signal;
use serde_json::json;
use snapbox::{assert_data_eq, str};

use crate::sandbox::{MOCK, Sandbox};
use crate::screen::screen;

/// Puts a placeholder for the time of each step.
fn without_times(screen: &str) -> String {
    let mut text = String::new();
    for line in screen.lines() {
        let time = line.find('[').zip(line.find("s] "));
        match time {
            Some((begin, end)) => {
                text += &format!("{}[TIME] {}\n", &line[..begin], &line[end + 3..])
            }
            None => text += &format!("{line}\n"),
        }
    }
    text
}

#[test]
fn a_step_that_is_done_remains_with_its_time() {
    let sandbox = Sandbox::with_config(MOCK);
    let start = sandbox.caproni("start").env("TERM", "xterm").simulate(&json!({"delay_ms": 150}));
    let sent = start.spawn_at_terminal_of(80).end().stderr;
    let shown = without_times(&screen(24, 80, &sent));
    let steps =
        "\u{2713} [TIME] create: creating the nodes\n\u{2713} [TIME] boot: starting Kubernetes\n";
    assert!(shown.starts_with(&format!("{steps}cluster `caproni` is up (created in ")), "{shown}");
}

#[test]
fn a_step_that_is_interrupted_is_told_from_one_that_is_done() {
    let sandbox = Sandbox::with_config(MOCK);
    let start =
        sandbox.caproni("start").env("TERM", "xterm").simulate(&json!({"delay_ms": 3_600_000}));
    let mut start = start.spawn_at_terminal_of(80);
    start.until("creating the nodes");
    start.signal(Signal::INT);
    let output = start.end();
    assert_eq!(output.code(), 130, "{output:#?}");
    assert_data_eq!(
        without_times(&screen(24, 80, &output.stderr)),
        str![[r#"
cancelling; a second Ctrl-C ends at once, and may leave things half done
✗ [TIME] create: creating the nodes
error: cancelled
  the cluster is left stopped

"#]]
    );
}

#[test]
fn a_step_takes_one_line_of_a_narrow_terminal() {
    let sandbox = Sandbox::with_config(MOCK);
    let start =
        sandbox.caproni("start").env("TERM", "xterm").simulate(&json!({"delay_ms": 3_600_000}));
    let mut start = start.spawn_at_terminal_of(24);
    let sent = start.until("create: cre");
    let shown = screen(24, 24, &sent);
    assert_eq!(shown.lines().count(), 1, "{shown}");
    start.signal(Signal::INT);
    start.end();
}

#[test]
fn nothing_of_a_look_at_a_cluster_remains() {
    let sandbox = Sandbox::with_config(MOCK);
    sandbox.run("start");
    let mut watch = sandbox.caproni("status --watch").env("TERM", "xterm").spawn_at_terminal_of(80);
    watch.until("Ctrl-C ends");
    watch.signal(Signal::INT);
    let shown = screen(24, 80, &watch.end().stderr);
    assert_data_eq!(without_times(&shown), "[TIME] ready\n");
}
