//! The fuzz targets: what anyone may write that the host reads, and what must hold of it.
//!
//! Each is a function of any bytes beside the code that it tests, and panics where a promise
//! is broken. `core/fuzz` calls it from libFuzzer, and the test here with what libFuzzer found.

pub use crate::config::fuzz::{config, interpolation, schema};
pub use crate::kubeconfig::fuzz::kubeconfig;
pub use crate::recording::fuzz::recording;
pub use crate::transport::fuzz::transport;

#[cfg(test)]
#[path = "../fuzz/replay.rs"]
mod replay;

#[test]
fn every_target_takes_every_file_of_its_corpus() {
    replay::replay(&[
        ("config", config),
        ("interpolation", interpolation),
        ("kubeconfig", kubeconfig),
        ("recording", recording),
        ("schema", schema),
        ("transport", transport),
    ]);
}
