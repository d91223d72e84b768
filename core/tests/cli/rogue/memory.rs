//! What a driver that sends more than anybody wants costs the host.

use super::Mode;
use super::observed::observed;

/// How much more than with a driver that is well, in KiB: a line of 4 MiB, in a buffer that
/// doubles.
const MORE: u64 = 8 * 1024;

#[test]
fn a_flood_of_any_kind_is_taken_in_bounded_memory() {
    let peak = |name| observed(Mode::named(name)).output.peak;
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
