//! No memory left: for the host, for what it does in threads, and for the driver's process.

use super::assert_told;
use crate::sandbox::{MOCK, Sandbox};

#[cfg(target_os = "linux")] // macOS does not hold programs to a limit of their address space.
#[test]
fn a_start_without_enough_memory_says_so_and_makes_nothing() {
    let sandbox = Sandbox::with_config(MOCK);
    let start_with = |kib: u32| sandbox.caproni("start").after(&format!("ulimit -v {kib}")).run();
    for kib in [60_000, 100_000, 200_000] {
        assert_told(&start_with(kib), 8, "Resource temporarily unavailable", "see `ulimit -a`");
        assert_eq!(sandbox.mock_cluster(), None);
    }
    assert_eq!(start_with(4_000_000).code(), 0);
}

#[test]
fn a_driver_for_which_there_is_no_memory_is_a_crash_that_names_it() {
    let sandbox = Sandbox::with_driver(
        "poor",
        "#!/bin/sh\nulimit -v 6000\nexec \"$CAPRONI_DRIVER_PATH/caproni-driver-mock\"\n",
    );
    let error = sandbox.run("--driver poor -o json start").json_error();
    assert_eq!(error["kind"], "DriverCrashed");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("driver `[ROOT]/bin/caproni-driver-poor`"), "{message}");
}
