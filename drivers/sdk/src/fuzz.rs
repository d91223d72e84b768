//! The fuzz targets: what anyone may write that a driver reads, and what must hold of it.
//!
//! Each is a function of any bytes beside the code that it tests, and panics where a promise
//! is broken. `core/fuzz` calls it from libFuzzer, and the test here with what libFuzzer found.

pub use crate::serve::request;

#[cfg(test)]
#[path = "../../../core/fuzz/replay.rs"]
mod replay;

#[test]
fn every_target_takes_every_file_of_its_corpus() {
    replay::replay(&[("request", request)]);
}
