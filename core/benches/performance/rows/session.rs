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
    let told = inside(&sandbox, "calls", "mock");
    let of = |name: &str, part: f64| {
        let all: Vec<f64> =
            told[name].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
        quantile(&all, part)
    };
    table.limit("one call in an open session, p50", 20.0, "µs", of("version", 0.5));
    table.limit("one call in an open session, p99", 100.0, "µs", of("version", 0.99));
    table.add(Row {
        what: "the same, `status`, for which the mock driver reads a file, p50 and p99".into(),
        target: "none".into(),
        measured: format!("{:.2} µs, {:.2} µs", of("status", 0.5), of("status", 0.99)),
        beside: String::new(),
        ratio: None,
        verdict: Verdict::Told,
        far_off: false,
    });
    flood(table, &sandbox, flooding);
}

fn flood(table: &mut Table, sandbox: &Sandbox, driver: &str) {
    let told = inside(sandbox, "flood", driver);
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

/// What this program tells that is started anew in the sandbox.
fn inside(sandbox: &Sandbox, task: &str, driver: &str) -> Value {
    let program = std::env::current_exe().expect("this program");
    let mut command: Command = sandbox.program(&program);
    command.args(["--inside", task]).arg(sandbox.path(&format!("drivers/caproni-driver-{driver}")));
    command.env(COUNT, FLOOD.to_string());
    serde_json::from_slice(&output(command).stdout).expect("JSON")
}
