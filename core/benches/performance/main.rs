//! What caproni costs, beside what it must be measured by: one table, with a target in each row.
//!
//! `cargo bench -p caproni` prints it, `-- growth` how the cost grows with what there is, and
//! `-- --check` fails where a row is far from its target. What each row is, and what noise to
//! expect, is told in `core/docs/performance.md`.

mod args;
#[path = "../../tests/build/cargo.rs"]
mod cargo;
mod engine;
mod growth;
mod inside;
mod peak;
mod programs;
mod rows;
mod sandbox;
mod table;
mod time;

use std::process::ExitCode;

use crate::args::{Args, Part};
use crate::programs::Programs;
use crate::table::Table;

fn main() -> ExitCode {
    let args = Args::read();
    if let Some(task) = &args.inside {
        inside::run(task);
        return ExitCode::SUCCESS;
    }
    let programs = args.programs.as_deref().map_or_else(Programs::build, Programs::within);
    let mut table = Table::begin();
    for part in args.parts() {
        match part {
            Part::Status => rows::mock::measure(&mut table, &programs, &args),
            Part::K3d => rows::k3d::measure(&mut table, &programs, &args),
            Part::List => rows::list::measure(&mut table, &programs, &args),
            Part::Drivers => rows::drivers::measure(&mut table, &programs, &args),
            Part::Session => rows::session::measure(&mut table, &programs),
            Part::Memory => rows::memory::measure(&mut table, &programs),
            Part::Size => rows::size::measure(&mut table, &programs),
            Part::Instructions => rows::instructions::measure(&mut table, &programs, &args),
            Part::Growth => growth::measure(&programs, &args),
        }
    }
    table.end(args.check)
}
