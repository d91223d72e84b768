//! What the table of the rogue cannot say of a mode.

use super::Mode;

#[test]
fn no_driver_says_something_in_the_hosts_name() {
    let sandbox = Mode::named("progress-escape-codes").sandbox();
    let output = sandbox.run("--driver progress-escape-codes -v status");
    assert!(output.stderr.contains("looking"), "{output:#?}");
    assert!(!output.stderr.lines().any(|line| line.starts_with("hint:")), "{output:#?}");
}

#[test]
fn a_banner_is_shown_without_what_commands_a_terminal() {
    let sandbox = Mode::named("ansi-banner").sandbox();
    let output = sandbox.run("--driver ansi-banner -v status");
    let told = "driver, on stdout where only the protocol belongs: === rogue ===31meugor\n";
    assert!(output.stderr.contains(told), "{output:#?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_driver_that_is_being_written_is_tried_again() {
    let mode = Mode::named("etxtbsy");
    let sandbox = mode.sandbox();
    let file = sandbox.path("bin/caproni-driver-etxtbsy");
    let writer = std::fs::File::options().append(true).open(file).unwrap();
    let running = mode.spawn(&sandbox, &mode.host("runs")[0]);
    // The child that could not become the driver is one that the host has waited for. If it
    // is quicker than this looks, it has ended with an error, and this test with it.
    while children_waited_for(running.id()) == Some(0) {
        std::thread::yield_now();
    }
    drop(writer);
    assert_eq!(running.end().code(), 3);
}

/// The page faults of the children that a process has waited for, the eleventh field of its
/// `stat`; `None` when it is gone.
#[cfg(target_os = "linux")]
fn children_waited_for(process: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(8)?.parse().ok()
}
