//! Starts caproni.

use std::process::ExitCode;

fn main() -> ExitCode {
    caproni::cli::run()
}
