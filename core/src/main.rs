//! Starts caproni.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    caproni::cli::run().await
}
