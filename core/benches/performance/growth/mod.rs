//! How the cost grows with clusters, nodes, drivers and config: it must be a straight line.
#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]

mod clusters;
mod config;
mod curve;
mod drivers;
mod nodes;

use crate::args::Args;
use crate::programs::Programs;

/// How much there is, from one to the next.
const SIZES: [usize; 4] = [1, 10, 100, 1000];

pub(crate) fn measure(programs: &Programs, args: &Args) {
    println!("\n| milliseconds at | 1 | 10 | 100 | 1,000 | each one more | bend | |");
    println!("|---|---|---|---|---|---|---|---|");
    let runs = args.pairs.min(9);
    clusters::measure(programs, runs);
    nodes::measure(programs, runs);
    drivers::measure(programs, runs);
    config::measure(programs, runs);
}
