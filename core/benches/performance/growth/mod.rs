//! How the cost grows with clusters, nodes, drivers and config: it must be a straight line.

mod clusters;
mod config;
mod curve;
mod drivers;
mod nodes;

use crate::args::Args;
use crate::growth::curve::Cost;
use crate::programs::Programs;

/// How much there is, from one to the next.
const SIZES: [usize; 4] = [1, 10, 100, 1000];

pub(crate) fn measure(programs: &Programs, args: &Args) {
    let cost = if args.count { Cost::Instructions } else { Cost::Time(args.pairs.min(9)) };
    cost.head();
    clusters::measure(programs, cost);
    nodes::measure(programs, cost);
    drivers::measure(programs, cost);
    config::measure(programs, cost);
}
