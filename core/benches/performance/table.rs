//! The table, printed row by row as it is measured.
#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]

use std::process::ExitCode;

use crate::time::{Pairs, median};

/// How far above its target a ratio may be where noise must not fail the check.
const ROOM: f64 = 1.5;

/// All rows so far, as far as the end needs them.
pub(crate) struct Table {
    failed: Vec<String>,
}

/// One row.
pub(crate) struct Row {
    /// What is measured.
    pub(crate) what: String,
    /// What must hold.
    pub(crate) target: String,
    /// What it came to.
    pub(crate) measured: String,
    /// What stands beside it, if anything does.
    pub(crate) beside: String,
    /// One by the other, where there are two.
    pub(crate) ratio: Option<f64>,
    pub(crate) verdict: Verdict,
    /// Whether the check fails.
    pub(crate) far_off: bool,
}

pub(crate) enum Verdict {
    Pass,
    Fail,
    /// There is no target.
    Told,
}

impl Table {
    pub(crate) fn begin() -> Self {
        println!("| what | target | measured | beside it | ratio | |\n|---|---|---|---|---|---|");
        Self { failed: Vec::new() }
    }

    pub(crate) fn add(&mut self, row: Row) {
        let Row { what, target, measured, beside, ratio, verdict, far_off } = row;
        let ratio = ratio.map(|ratio| format!("{ratio:.3}")).unwrap_or_default();
        let verdict = match verdict {
            Verdict::Pass => "pass",
            Verdict::Fail => "**FAIL**",
            Verdict::Told => "",
        };
        println!("| {what} | {target} | {measured} | {beside} | {ratio} | {verdict} |");
        if far_off {
            self.failed.push(what);
        }
    }

    /// A row that could not be measured.
    pub(crate) fn skip(&mut self, what: &str, target: &str, why: &str) {
        println!("| {what} | {target} | | | | skipped: {why} |");
    }

    /// A ratio that must not be above its target.
    pub(crate) fn compare(&mut self, what: &str, beside: &str, limit: f64, pairs: &Pairs) {
        self.add(ratio(what, beside, limit, pairs));
    }

    /// A ratio that misses its target still; the check holds it against what it came to last.
    pub(crate) fn compare_missed(
        &mut self,
        what: &str,
        beside: &str,
        (limit, last): (f64, f64),
        pairs: &Pairs,
    ) {
        let row = Row { far_off: pairs.ratio() > last * ROOM, ..ratio(what, beside, limit, pairs) };
        self.add(row);
    }

    /// A ratio, and besides it milliseconds, that must not be above their targets.
    pub(crate) fn compare_within(
        &mut self,
        what: &str,
        beside: &str,
        limit: f64,
        most: f64,
        pairs: &Pairs,
    ) {
        let row = ratio(what, beside, limit, pairs);
        let is_good = matches!(row.verdict, Verdict::Pass) && median(&pairs.ours) <= most;
        let target = format!("{limit}, {most} ms");
        self.add(Row { target, verdict: verdict(is_good), ..row });
    }

    /// A value that must not be above its target, and does not depend on another one. What
    /// depends on the machine's speed is never what the check fails by.
    pub(crate) fn limit(&mut self, what: &str, limit: f64, unit: &str, value: f64) {
        self.add(Row {
            what: what.to_owned(),
            target: format!("{limit} {unit}"),
            measured: format!("{value:.2} {unit}"),
            beside: String::new(),
            ratio: None,
            verdict: verdict(value <= limit),
            far_off: !unit.ends_with('s') && value > limit * ROOM,
        });
    }

    /// Says what the check came to.
    pub(crate) fn end(self, check: bool) -> ExitCode {
        if !check || self.failed.is_empty() {
            return ExitCode::SUCCESS;
        }
        println!("\nfar from the target: {}", self.failed.join("; "));
        ExitCode::FAILURE
    }
}

fn ratio(what: &str, beside: &str, limit: f64, pairs: &Pairs) -> Row {
    let ratio = pairs.ratio();
    Row {
        what: format!("{what} / {beside}"),
        target: limit.to_string(),
        measured: format!("{:.2} ms", median(&pairs.ours)),
        beside: format!("{:.2} ms ({} pairs)", median(&pairs.theirs), pairs.ours.len()),
        ratio: Some(ratio),
        verdict: verdict(ratio <= limit),
        far_off: ratio > limit * ROOM,
    }
}

pub(crate) fn verdict(is_good: bool) -> Verdict {
    if is_good { Verdict::Pass } else { Verdict::Fail }
}
