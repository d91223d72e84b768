//! cargo, run by a test as it is run by hand.

use escargot::CargoBuild;

/// What cargo tells a test of the test's package. ring's build script reads what it is told of ring by
/// these names; with them cargo takes it for changed, and builds it and all that stands on it anew,
/// for a test after a hand and for a hand after a test.
const OF_THE_TEST: [&str; 7] = [
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_LINKS",
    "CARGO_PKG_NAME",
    "CARGO_PKG_VERSION_MAJOR",
    "CARGO_PKG_VERSION_MINOR",
    "CARGO_PKG_VERSION_PATCH",
    "CARGO_PKG_VERSION_PRE",
];

/// Begins a build.
pub(crate) fn build() -> CargoBuild {
    OF_THE_TEST.iter().fold(CargoBuild::new(), CargoBuild::env_remove)
}
