//! caproni's driver for those who name none: it becomes the usual one of the platform.
//!
//! It does so by `exec`, before it has read anything, so it costs no process and no time, and what
//! answers is the other driver, with its own name.

use std::io::IsTerminal;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use caproni_driver::{Error, ErrorKind, serve};

mod choice;
mod refusal;
mod search;

use refusal::Refusal;
use search::Search;

const NAME: &str = "auto";
const VERSION: &str = env!("CARGO_PKG_VERSION");

fn main() -> ExitCode {
    let refusal = match std::io::stdin().is_terminal() {
        // A person is told what this is, not what it would become.
        true => Error::new(ErrorKind::Unsupported, "nothing is asked at a terminal"),
        false => become_the_chosen_one(),
    };
    serve(NAME, VERSION, Refusal(refusal))
}

/// Returns only when that cannot be done.
fn become_the_chosen_one() -> Error {
    let search = Search::of_process();
    match choice::choose(std::env::consts::OS, &search) {
        Ok(path) => not_run(&path, &Command::new(&path).exec()),
        Err(error) => error,
    }
}

fn not_run(path: &Path, error: &std::io::Error) -> Error {
    let message = format!("driver `{}` cannot be run: {error}", path.display());
    Error::new(ErrorKind::DriverNotFound, message)
        .with_hint("install it again, or pass `--driver NAME` to use another one")
}
