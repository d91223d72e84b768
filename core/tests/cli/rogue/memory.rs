//! What a driver that sends more than anybody wants costs the host.

use super::Mode;

/// How much more than with a driver that is well, in KiB: a line of 4 MiB, and what it takes
/// to read one.
const MORE: u64 = 32 * 1024;

fn peak(name: &str) -> u64 {
    let mode = Mode::named(name);
    let sandbox = mode.sandbox();
    let mut running = mode.spawn(&sandbox, &mode.host("runs")[0]);
    let peak = running.peak_memory();
    running.end();
    peak
}

#[test]
fn a_flood_of_any_kind_is_taken_in_bounded_memory() {
    let usual = peak("good");
    assert!(usual > 0);
    for flood in [
        "progress-flood",
        "progress-5-MB-message",
        "5-MiB-line",
        "endless-line",
        "stderr-flood",
        "stderr-one-huge-line",
    ] {
        let peak = peak(flood);
        assert!(peak < usual + MORE, "{flood}: {peak} KiB, where {usual} KiB are usual");
    }
}
