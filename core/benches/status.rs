//! How long `status` takes as a whole process, beside what it must be measured by.
//!
//! `cargo bench -p caproni` runs each pair in turn, A B A B …, so that a machine whose
//! speed drifts does not favour one of them, and prints milliseconds. The second pair
//! needs k3d, a Docker engine, and a cluster made by `caproni --driver k3d start`;
//! where these are missing it says so.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Counted runs of each command, after two that are not counted.
const RUNS: usize = 40;

#[expect(clippy::print_stdout, reason = "a benchmark prints its result")]
fn main() {
    let caproni = PathBuf::from(env!("CARGO_BIN_EXE_caproni"));
    let drivers = [build("caproni-driver-mock"), build("caproni-driver-k3d")];
    let state = tempfile::tempdir().expect("a temporary folder");
    let run = |driver: &str, verb: &str| {
        let mut command = Command::new(&caproni);
        command.args(["--driver", driver, verb]).current_dir(state.path());
        let folders = drivers.iter().filter_map(|driver| driver.parent());
        command.env("CAPRONI_DRIVER_PATH", std::env::join_paths(folders).expect("plain folders"));
        command
    };
    let mock = |verb: &str| {
        let mut command = run("mock", verb);
        command.env("CAPRONI_STATE_DIR", state.path());
        command
    };
    assert!(time(mock("start")).1, "the mock cluster starts");

    println!("{:<44} {:>8} {:>8} {:>8}", "milliseconds", "min", "median", "max");
    compare(
        ("caproni --driver mock status", || mock("status")),
        ("two processes: sh that runs true", two_processes),
    );
    if time(run("k3d", "status")).1 && time(k3d_list()).1 {
        compare(
            ("caproni --driver k3d status", || run("k3d", "status")),
            ("k3d cluster list -o json", k3d_list),
        );
    } else {
        println!("caproni --driver k3d status: not measured, there is no ready cluster `caproni`");
    }
}

/// The least that a program can cost which starts another one.
fn two_processes() -> Command {
    let mut command = Command::new("/bin/sh");
    // The colon keeps the shell from turning into `true` instead of running it.
    command.args(["-c", "/bin/true; :"]);
    command
}

fn k3d_list() -> Command {
    let mut command = Command::new("k3d");
    command.args(["cluster", "list", "-o", "json"]);
    command
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its result")]
fn compare<A: Fn() -> Command, B: Fn() -> Command>(ours: (&str, A), theirs: (&str, B)) {
    let mut rows: [Vec<f64>; 2] = [Vec::new(), Vec::new()];
    for run in 0..RUNS + 2 {
        let pair = [time(ours.1()), time(theirs.1())];
        for (row, (elapsed, _)) in rows.iter_mut().zip(pair) {
            if run >= 2 {
                row.push(elapsed.as_secs_f64() * 1000.0);
            }
        }
    }
    let ratios: Vec<f64> = rows[0].iter().zip(&rows[1]).map(|(a, b)| a / b).collect();
    for (name, row) in
        [(ours.0, &rows[0]), (theirs.0, &rows[1]), ("  ratio, pair by pair", &ratios)]
    {
        let mut sorted = row.clone();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (sorted[0], sorted[sorted.len() - 1]);
        println!("{name:<44} {min:>8.2} {:>8.2} {max:>8.2}", sorted[sorted.len() / 2]);
    }
}

/// Runs a command to its end; tells how long that took, and whether it went well.
fn time(mut command: Command) -> (Duration, bool) {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let begun = Instant::now();
    let ended = command.status().is_ok_and(|status| status.success());
    (begun.elapsed(), ended)
}

fn build(driver: &str) -> PathBuf {
    let built = escargot::CargoBuild::new().package(driver).bin(driver).release().run();
    let path = built.expect("the driver builds").path().to_path_buf();
    assert!(Path::new(&path).exists(), "{}", path.display());
    path
}
