//! How long commands take, one beside the other.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Runs that are not counted, before those that are: files come into the cache, pages into memory.
const WARM_UP: usize = 2;

/// Two things that were timed in turn, in milliseconds.
pub(crate) struct Pairs {
    pub(crate) ours: Vec<f64>,
    pub(crate) theirs: Vec<f64>,
}

impl Pairs {
    /// Runs both in turn, A B A B …, so that a machine whose speed drifts favours neither.
    pub(crate) fn of(
        count: usize,
        mut ours: impl FnMut() -> Duration,
        mut theirs: impl FnMut() -> Duration,
    ) -> Self {
        for _ in 0..WARM_UP {
            ours();
            theirs();
        }
        Self::cold(count, ours, theirs)
    }

    /// The same without runs that are not counted, for what takes many seconds.
    pub(crate) fn cold(
        count: usize,
        mut ours: impl FnMut() -> Duration,
        mut theirs: impl FnMut() -> Duration,
    ) -> Self {
        let mut pairs = Self { ours: Vec::new(), theirs: Vec::new() };
        for _ in 0..count {
            pairs.ours.push(milliseconds(ours()));
            pairs.theirs.push(milliseconds(theirs()));
        }
        pairs
    }

    /// The median of the one by that of the other.
    pub(crate) fn ratio(&self) -> f64 {
        median(&self.ours) / median(&self.theirs)
    }
}

/// The median of `count` runs, after some that are not counted, in milliseconds.
pub(crate) fn typical(count: usize, mut run: impl FnMut() -> Duration) -> f64 {
    for _ in 0..WARM_UP {
        run();
    }
    let times: Vec<f64> = (0..count).map(|_| milliseconds(run())).collect();
    median(&times)
}

/// How long a command takes that must end with one of these exit codes.
pub(crate) fn to_end(mut command: Command, codes: &[i32]) -> Duration {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let begun = Instant::now();
    let status = command.status();
    let took = begun.elapsed();
    let code = status.as_ref().ok().and_then(std::process::ExitStatus::code);
    if !code.is_some_and(|code| codes.contains(&code)) {
        let said = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output();
        panic!("{command:?}: {status:?}, and once more: {said:?}");
    }
    took
}

/// What a command prints that must end well.
pub(crate) fn output(mut command: Command) -> Output {
    command.stdin(Stdio::null());
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {output:?}");
    output
}

/// The value in the middle.
pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The value that this part of all is not above.
pub(crate) fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "an index of a short list"
    )]
    let index = (sorted.len() as f64 * part) as usize;
    sorted[index.min(sorted.len() - 1)]
}

pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
