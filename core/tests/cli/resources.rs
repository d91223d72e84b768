//! A machine that has run out of something, or on which something is not as it should be: each
//! is brought about for real. There is always an error that names the thing and says what to do,
//! nothing is lost, and nothing crashes or hangs.

pub(crate) mod api;
mod disk;
mod files;
mod memory;
mod output;
mod places;
#[cfg(target_os = "linux")]
mod terminal;

use crate::output::Output;

/// A failure of which the user learns what it was and what to do about it.
fn assert_told(output: &Output, code: i32, said: &str, hint: &str) {
    assert_eq!(output.code(), code, "{output:#?}");
    let error = output.stderr.lines().find(|line| line.starts_with("error: "));
    assert!(error.is_some_and(|error| error.contains(said)), "{said:?}: {output:#?}");
    let told = output.stderr.lines().find(|line| line.starts_with("hint: "));
    assert!(told.is_some_and(|told| told.contains(hint)), "{hint:?}: {output:#?}");
    assert!(!output.stderr.contains("panicked"), "{output:#?}");
}
