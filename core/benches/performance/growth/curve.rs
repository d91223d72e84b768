//! One curve: what a command costs at each size, and whether that is a straight line.
#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]

use std::time::Duration;

use crate::growth::SIZES;
use crate::time::typical;

/// How much dearer each one may be among 1,000 than among 100.
const BEND: f64 = 1.2;

/// What part of the cost of one a thousand may add to be no growth at all.
const FLAT: f64 = 0.25;

/// Measures at each size. What is given prepares a size, and returns what is timed.
pub(crate) fn curve<R: FnMut() -> Duration>(
    what: &str,
    runs: usize,
    mut at: impl FnMut(usize) -> R,
) {
    let costs = SIZES.map(|size| typical(runs, at(size)));
    let [one, _, hundred, thousand] = costs;
    let all = costs.map(|cost| format!("{cost:.1}")).join(" | ");
    let slope = (thousand - hundred) / 900.0 * 1000.0;
    let bend = ((thousand - one) / 999.0) / ((hundred - one).max(f64::MIN_POSITIVE) / 99.0);
    let verdict = if thousand - one < one * FLAT {
        "flat"
    } else if bend <= BEND {
        "straight"
    } else {
        "**BENDS**"
    };
    let bend = if verdict == "flat" { String::new() } else { format!("{bend:.2}") };
    println!("| {what} | {all} | {slope:.0} µs | {bend} | {verdict} |");
}
