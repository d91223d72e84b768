//! How long `drivers list` takes for 100 drivers on a `PATH` of 20 folders with 5,000 files.
//!
//! `cargo bench -p caproni --bench drivers` prints milliseconds: cold, when every driver must
//! be asked, and warm, when what they say is kept; beside them what the same drivers take
//! when a shell runs one after the other, and what `caproni` takes that does nothing.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Counted runs of each command, after one that is not counted.
const RUNS: usize = 15;

#[expect(clippy::print_stdout, reason = "a benchmark prints its result")]
fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (path, drivers) = drivers(folder.path());
    let caproni = |words: &[&str]| {
        // A copy in a folder of its own: drivers are looked for beside the program as well.
        let mut command = Command::new(folder.path().join("program/caproni"));
        command.args(words).env_clear().env("PATH", &path).current_dir(folder.path());
        command.env("CAPRONI_STATE_DIR", folder.path().join("state"));
        command
    };
    println!("{:<44} {:>8} {:>8} {:>8}", "milliseconds", "min", "median", "max");
    measure("drivers list, cold", || caproni(&["drivers", "list", "--no-cache"]));
    measure("drivers list, warm", || caproni(&["drivers", "list"]));
    measure("the same drivers, one after the other", || one_by_one(&drivers));
    measure("caproni --version", || caproni(&["--version"]));
}

/// The search path, and the drivers on it.
fn drivers(root: &Path) -> (String, Vec<PathBuf>) {
    std::fs::create_dir(root.join("program")).expect("a new folder");
    std::fs::copy(env!("CARGO_BIN_EXE_caproni"), root.join("program/caproni")).expect("a copy");
    let rules = include_str!("../tests/cli/rules.sh");
    let mut folders = Vec::new();
    let mut drivers = Vec::new();
    for number in 0..20 {
        let folder = root.join(format!("path-{number}"));
        std::fs::create_dir(&folder).expect("a new folder");
        for file in 0..245 {
            std::fs::write(folder.join(format!("program-{file}")), "").expect("a new file");
        }
        for driver in 0..5 {
            let name = format!("d{number}-{driver}");
            let file = folder.join(format!("caproni-driver-{name}"));
            std::fs::write(&file, rules.replace("odd", &name)).expect("a new file");
            std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).expect("our file");
            drivers.push(file);
        }
        folders.push(folder.display().to_string());
    }
    (folders.join(":") + ":/usr/bin:/bin", drivers)
}

/// Asks each driver who it is, as a shell would.
fn one_by_one(drivers: &[PathBuf]) -> Command {
    let ask = r#"for driver; do
        printf '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{}}\n' | "$driver"
    done"#;
    let mut command = Command::new("/bin/sh");
    command.args(["-c", ask, "sh"]).args(drivers);
    command
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its result")]
fn measure(name: &str, command: impl Fn() -> Command) {
    let mut row: Vec<f64> = (0..=RUNS).map(|_| time(command())).skip(1).collect();
    row.sort_by(f64::total_cmp);
    let (min, median, max) = (row[0], row[row.len() / 2], row[row.len() - 1]);
    println!("{name:<44} {min:>8.2} {median:>8.2} {max:>8.2}");
}

/// Runs a command to its end, which must be a good one.
fn time(mut command: Command) -> f64 {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit());
    let begun = Instant::now();
    assert!(command.status().is_ok_and(|status| status.success()), "{command:?}");
    begun.elapsed().as_secs_f64() * 1000.0
}
