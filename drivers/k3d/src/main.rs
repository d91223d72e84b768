//! Starts the driver.

use std::process::ExitCode;

fn main() -> ExitCode {
    caproni_driver_k3d::run()
}
