//! Calls in one open session, and a driver that tells of its progress a million times.

use std::process::Command;

use serde_json::{Value, json};

use crate::peak;
use crate::programs::Programs;
use crate::sandbox::Sandbox;
use crate::table::{Row, Table, Verdict, verdict};
use crate::time::{output, quantile};

/// How many notifications of progress a driver sends.
const FLOOD: u64 = 1_000_000;

pub(crate) fn measure(table: &mut Table, programs: &Programs) {
    let flooding = "progress-flood";
    let drivers = [("mock", "caproni-driver-mock"), (flooding, "rogue")];
    let sandbox = Sandbox::new(programs, &drivers);
    output(sandbox.caproni("--driver mock start"));
    calls(table, &sandbox);
    flood(table, &sandbox, flooding);
}

fn calls(table: &mut Table, sandbox: &Sandbox) {
    if cfg!(debug_assertions) {
        let what = "one call in an open session";
        table.skip(what, "20 µs, 100 µs", "the library is not optimized in a debug build");
        return;
    }
    let together = inside(sandbox, "calls", "mock", Cores::One);
    for (part, limit) in [("p50", 20.0), ("p99", 100.0)] {
        let what = format!("one call in an open session, host and driver on one core, {part}");
        table.limit(&what, limit, "µs", percentile(&together["version"], part));
    }
    let status = "the same, `status`, for which the mock driver reads a file, p50, p99";
    tell(table, status, &together["status"], None);
    let apart = inside(sandbox, "calls", "mock", Cores::All);
    let cat = inside(sandbox, "cat", "mock", Cores::All);
    let anywhere =
        "`version` on the cores that the system chooses / a line to `cat` and back, p50, p99";
    tell(table, anywhere, &apart["version"], Some(&cat["line"]));
}

fn percentile(values: &Value, part: &str) -> f64 {
    let values: Vec<f64> =
        values.as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
    quantile(&values, if part == "p50" { 0.5 } else { 0.99 })
}

fn tell(table: &mut Table, what: &str, ours: &Value, theirs: Option<&Value>) {
    let both = |values| {
        format!("{:.2} µs, {:.2} µs", percentile(values, "p50"), percentile(values, "p99"))
    };
    table.add(Row {
        what: what.into(),
        target: "none".into(),
        measured: both(ours),
        beside: theirs.map(both).unwrap_or_default(),
        ratio: theirs.map(|theirs| percentile(ours, "p50") / percentile(theirs, "p50")),
        verdict: Verdict::Told,
        far_off: false,
    });
}

fn flood(table: &mut Table, sandbox: &Sandbox, driver: &str) {
    let told = inside(sandbox, "flood", driver, Cores::All);
    let last: Vec<String> = (0..100).map(|n| format!("layer {n}")).collect();
    let complete =
        told["count"] == FLOOD && told["last"] == json!(last) && told["answered"] == true;
    table.add(Row {
        what: "1,000,000 progress notifications, then the reply".into(),
        target: "none of the last ones and no reply lost".into(),
        measured: format!(
            "{} came, the last 100 as sent: {}, reply: {}, {:.2} s",
            told["count"],
            told["last"] == json!(last),
            told["answered"],
            told["seconds"].as_f64().unwrap_or_default()
        ),
        beside: String::new(),
        ratio: None,
        verdict: verdict(complete),
        far_off: !complete,
    });
    let what = "peak memory of `caproni` in `start` with them";
    if !peak::is_told() {
        table.skip(what, "16 MiB", "the kernel does not tell it in /proc");
        return;
    }
    let mut start = sandbox.caproni(&format!("--driver {driver} start"));
    start.env(COUNT, FLOOD.to_string());
    let peaks = peak::observe(start);
    #[expect(clippy::cast_precision_loss, reason = "less than 2^52")]
    let host = peaks.get("caproni").copied().unwrap_or(u64::MAX) as f64 / 1024.0;
    table.limit(what, 16.0, "MiB", host);
}

/// How many messages the rogue sends.
const COUNT: &str = "CAPRONI_ROGUE_MESSAGES";

/// Where two processes run that take turns.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cores {
    /// Both on one, where this can be told to the system: what a call costs.
    One,
    /// Where the system puts them: with what it costs to wake a core that sleeps.
    All,
}

/// What this program tells that is started anew in the sandbox.
fn inside(sandbox: &Sandbox, task: &str, driver: &str, cores: Cores) -> Value {
    let program = std::env::current_exe().expect("this program");
    let mut command: Command = match which::which("taskset") {
        Ok(taskset) if cores == Cores::One => {
            let mut command = sandbox.program(&taskset);
            command.args(["--cpu-list", &a_core()]).arg(program);
            command
        }
        _ => sandbox.program(&program),
    };
    command.args(["--inside", task]).arg(sandbox.path(&format!("drivers/caproni-driver-{driver}")));
    command.env(COUNT, FLOOD.to_string());
    serde_json::from_slice(&output(command).stdout).expect("JSON")
}

/// The first core that this process may run on.
fn a_core() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let digits = |text: &str| text.trim().chars().take_while(char::is_ascii_digit).collect();
    allowed.map(digits).filter(|core: &String| !core.is_empty()).unwrap_or_else(|| "0".into())
}
