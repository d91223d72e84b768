//! What is to be measured.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Measure what caproni costs, beside what it must be measured by
#[derive(Debug, Parser)]
#[command(name = "cargo bench -p caproni --")]
pub(crate) struct Args {
    /// What to measure; all but growth without a word
    parts: Vec<Part>,
    /// How many pairs a row is the median of
    #[arg(long, env = "CAPRONI_BENCH_PAIRS", default_value_t = 20)]
    pub(crate) pairs: usize,
    /// How many pairs the row of fresh clusters is the median of, each of which takes many seconds
    #[arg(long, env = "CAPRONI_BENCH_FRESH_PAIRS", default_value_t = 3)]
    pub(crate) fresh_pairs: usize,
    /// Fail where a ratio is more than half above its target, or a count of instructions above
    /// its budget
    #[arg(long, env = "CAPRONI_BENCH_CHECK", value_parser = clap::builder::FalseyValueParser::new())]
    pub(crate) check: bool,
    /// Measure the programs in this folder, and build none
    #[arg(long, value_name = "FOLDER")]
    pub(crate) programs: Option<PathBuf>,
    /// Write the counts of instructions down as the budget
    #[arg(long)]
    pub(crate) record: bool,
    /// Count the instructions of growth in the place of its time: a busy machine does not change them
    #[arg(long)]
    pub(crate) count: bool,
    /// What this program does when it has started itself
    #[arg(long, hide = true, num_args = 2)]
    pub(crate) inside: Option<Vec<String>>,
    /// Cargo says it to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

/// Rows that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// One `status`, with the driver that has no backend
    Status,
    /// A real cluster of k3d
    K3d,
    /// The clusters of four drivers
    List,
    /// A hundred drivers among many files
    Drivers,
    /// Calls and progress in an open session
    Session,
    /// Peak memory of `status`
    Memory,
    /// Sizes of the programs
    Size,
    /// Counts of instructions, held against the budget
    Instructions,
    /// How the cost grows with clusters, nodes, drivers and config
    Growth,
}

impl Args {
    pub(crate) fn read() -> Self {
        Self::parse()
    }

    pub(crate) fn parts(&self) -> Vec<Part> {
        if !self.parts.is_empty() {
            return self.parts.clone();
        }
        Part::value_variants().iter().copied().filter(|part| *part != Part::Growth).collect()
    }
}
