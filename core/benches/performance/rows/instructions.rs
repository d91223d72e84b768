//! Instructions of whole runs, which do not depend on what else the machine does, held against
//! a budget in the repository.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::args::Args;
use crate::programs::Programs;
use crate::rows::drivers::{among, many};
use crate::sandbox::Sandbox;
use crate::table::{Row, Table, verdict};
use crate::time::output;

/// Millions of instructions, by what runs; `--record` writes it anew.
const BUDGET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/performance/instructions.json");

/// How much more than the budget there may be: seeds of hash tables, names of folders, another
/// version of the compiler.
const ROOM: f64 = 1.15;

/// Counts, by what runs.
type Counts = BTreeMap<String, f64>;

pub(crate) fn measure(table: &mut Table, programs: &Programs, args: &Args) {
    let what = "instructions";
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        table.skip(what, "the budget", "the budget is of Linux on x86-64");
        return;
    }
    if which::which("valgrind").is_err() {
        table.skip(what, "the budget", "`valgrind` is not installed here");
        return;
    }
    let counts = count(programs);
    if args.record {
        let rounded = counts.iter().map(|(name, count)| (name, (count * 1e3).round() / 1e3));
        let rounded: BTreeMap<_, _> = rounded.collect();
        let text = serde_json::to_string_pretty(&rounded).expect("plain numbers");
        std::fs::write(BUDGET, text + "\n").expect("our file");
    }
    let text = std::fs::read_to_string(BUDGET).expect("the budget is in the repository");
    let budget: Counts = serde_json::from_str(&text).expect("counts by what runs");
    for (name, count) in counts {
        let most = budget.get(&name).map_or(f64::NAN, |budget| budget * ROOM);
        table.add(Row {
            what: format!("instructions of {name}"),
            target: format!("{most:.1} million"),
            measured: format!("{count:.1} million"),
            beside: String::new(),
            ratio: budget.get(&name).map(|budget| count / budget),
            verdict: verdict(count <= most),
            // One without a budget is no good either.
            far_off: most.is_nan() || count > most,
        });
    }
}

fn count(programs: &Programs) -> Counts {
    let sandbox = Sandbox::new(programs, &[("mock", "caproni-driver-mock")]);
    output(sandbox.caproni("--driver mock start"));
    let clusters = Sandbox::new(programs, &[("mock", "caproni-driver-mock")]);
    clusters.hold_mock_clusters(50);
    let path = many(&sandbox.path("many"), 20, 5, 245);
    let list = || among(&sandbox, &path, "drivers list");
    output(list());
    let mut counts = Counts::new();
    for (name, command) in [
        // Whose config is checked; of the next one it is known to be valid.
        ("the first `caproni --driver mock status`", sandbox.caproni("--driver mock status")),
        ("`caproni --driver mock status`", sandbox.caproni("--driver mock status")),
        ("`caproni --help`", sandbox.caproni("--help")),
        ("`caproni drivers list`, 100 drivers, warm", list()),
        ("`caproni list`, 50 clusters", clusters.caproni("list")),
    ] {
        for (program, millions) in run(&command) {
            counts.insert(format!("{name}: {program}"), millions);
        }
    }
    counts
}

/// Runs a command in valgrind; gives the millions of instructions of each program of ours that ran.
pub(crate) fn run(command: &Command) -> Counts {
    let logs = tempfile::tempdir().expect("a temporary folder");
    let mut valgrind = Command::new(which::which("valgrind").expect("it was found"));
    valgrind.args(["--tool=callgrind", "--trace-children=yes", "--callgrind-out-file=/dev/null"]);
    // Scripts, and what they are run by.
    valgrind.arg("--trace-children-skip=/bin/*,/usr/bin/*,*/many/*");
    valgrind.arg(format!("--log-file={}/%p", logs.path().display()));
    valgrind.arg(command.get_program()).args(command.get_args());
    valgrind.env_clear().current_dir(command.get_current_dir().expect("a folder of the sandbox"));
    let variables = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
    // In valgrind everything takes fifty times as long.
    valgrind.envs(variables).env("CAPRONI_TIMEOUT", "10m");
    output(valgrind);
    let entries = std::fs::read_dir(logs.path()).expect("our folder").flatten();
    entries.filter_map(|entry| read(&entry.path())).collect()
}

/// The program that a log of valgrind's is of, and its millions of instructions.
fn read(log: &Path) -> Option<(String, f64)> {
    let text = std::fs::read_to_string(log).ok()?;
    let after = |mark: &str| {
        let line = text.lines().find(|line| line.contains(mark))?;
        line.split_once(mark).map(|(_, rest)| rest.trim().to_owned())
    };
    let command = PathBuf::from(after("Command: ")?.split(' ').next()?);
    let collected: f64 = after("Collected : ")?.parse().ok()?;
    Some((command.file_name()?.to_string_lossy().into_owned(), collected / 1e6))
}
