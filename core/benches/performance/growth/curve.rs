//! One curve: what a command costs at each size, and whether that is a straight line.
#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]

use std::collections::BTreeMap;
use std::process::Command;

use crate::growth::SIZES;
use crate::rows::instructions;
use crate::time::{to_end, typical};

/// How much dearer each one may be among 1,000 than among 100.
const BEND: f64 = 1.2;

/// What part of the cost of one a thousand may add to be no growth at all.
const FLAT: f64 = 0.25;

/// What is counted as the cost.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cost {
    /// The median of so many runs, in milliseconds.
    Time(usize),
    /// Millions of instructions, for each program by itself.
    Instructions,
}

impl Cost {
    /// The same with no more runs than these.
    pub(crate) fn at_most(self, most: usize) -> Self {
        match self {
            Self::Time(runs) => Self::Time(runs.min(most)),
            Self::Instructions => self,
        }
    }

    pub(crate) fn head(self) {
        let unit = match self {
            Self::Time(_) => "milliseconds",
            Self::Instructions => "million instructions",
        };
        println!("\n| {unit} at | 1 | 10 | 100 | 1,000 | each one more | bend | |");
        println!("|---|---|---|---|---|---|---|---|");
    }

    fn of(self, command: impl Fn() -> Command) -> BTreeMap<String, f64> {
        match self {
            Self::Time(runs) => [(String::new(), typical(runs, || to_end(command(), &[0])))].into(),
            Self::Instructions => instructions::run(&command()),
        }
    }

    fn each(self, slope: f64) -> String {
        match self {
            Self::Time(_) => format!("{:.0} µs", slope * 1e3),
            Self::Instructions => format!("{:.0} k", slope * 1e3),
        }
    }
}

/// Measures at each size. What is given prepares a size, and returns what is run.
pub(crate) fn curve<R: Fn() -> Command>(what: &str, cost: Cost, mut at: impl FnMut(usize) -> R) {
    let costs = SIZES.map(|size| cost.of(at(size)));
    for program in costs[0].keys() {
        let of_size = |costs: &BTreeMap<String, f64>| costs.get(program).copied();
        let costs = costs.each_ref().map(|costs| of_size(costs).expect("it runs at each size"));
        let colon = if program.is_empty() { "" } else { ": " };
        row(&format!("{what}{colon}{program}"), cost, costs);
    }
}

fn row(what: &str, cost: Cost, costs: [f64; SIZES.len()]) {
    let [one, ten, hundred, thousand] = costs;
    // Of one and of ten it is nearly the same, and the difference is often noise alone.
    let least = one.min(ten);
    let all = costs.map(|cost| format!("{cost:.1}")).join(" | ");
    let each = cost.each((thousand - hundred) / 900.0);
    let bend = ((thousand - least) / 999.0) / ((hundred - least).max(f64::MIN_POSITIVE) / 99.0);
    let verdict = if thousand - one < one * FLAT {
        "flat"
    } else if hundred - least < least * FLAT {
        // How steep it is up to there is lost in the noise.
        "flat to 100"
    } else if bend <= BEND {
        "straight"
    } else {
        "**BENDS**"
    };
    let bend = if verdict.starts_with("flat") { String::new() } else { format!("{bend:.2}") };
    println!("| {what} | {all} | {each} | {bend} | {verdict} |");
}
