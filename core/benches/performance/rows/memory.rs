//! The peak memory of `caproni` and of each driver in `status`.

use std::collections::BTreeMap;

use crate::peak::{self, Peaks};
use crate::programs::Programs;
use crate::sandbox::Sandbox;
use crate::table::Table;
use crate::time::output;

/// How often each is looked at; what counts is the highest.
const RUNS: usize = 20;

/// What each driver needs to be there, by its name.
const NEEDS: [(&str, Option<&str>); 6] = [
    ("mock", None),
    ("k3d", Some("k3d")),
    ("kind", Some("kind")),
    ("minikube", Some("minikube")),
    ("colima", Some("colima")),
    ("auto", Some("k3d")),
];

pub(crate) fn measure(table: &mut Table, programs: &Programs) {
    if !peak::is_told() {
        table.skip("peak memory in `status`", "12 MiB", "the kernel does not tell it in /proc");
        return;
    }
    let mut hosts = BTreeMap::new();
    let mut rows = Vec::new();
    for (driver, needed) in NEEDS {
        if let Some(program) = needed.filter(|program| which::which(program).is_err()) {
            rows.push((driver, Err(format!("`{program}` is not installed here"))));
            continue;
        }
        let peaks = of(programs, driver);
        let host = peaks.get("caproni").copied().unwrap_or(u64::MAX);
        hosts.insert(driver, host);
        rows.push((
            driver,
            Ok(peaks.get(&format!("caproni-driver-{driver}")).copied().unwrap_or(u64::MAX)),
        ));
    }
    let (driver, highest) = hosts.iter().max_by_key(|(_, peak)| **peak).expect("the mock driver");
    table.limit(
        &format!("peak memory of `caproni` in `status`, highest with {driver}"),
        12.0,
        "MiB",
        mib(*highest),
    );
    for (driver, peak) in rows {
        let what = format!("peak memory of `caproni-driver-{driver}` in `status`");
        match peak {
            Ok(peak) => table.limit(&what, 12.0, "MiB", mib(peak)),
            Err(why) => table.skip(&what, "12 MiB", &why),
        }
    }
}

/// The highest peaks of some runs, of a cluster that is there where the driver needs no engine.
fn of(programs: &Programs, driver: &str) -> Peaks {
    let program = format!("caproni-driver-{driver}");
    // The one that `auto` becomes is another one.
    let drivers = [(driver, program.as_str()), ("k3d", "caproni-driver-k3d")];
    let sandbox = Sandbox::new(programs, if driver == "auto" { &drivers } else { &drivers[..1] });
    if driver == "mock" {
        output(sandbox.caproni("--driver mock start"));
    }
    let words = format!("--driver {driver} --profile caproni-bench-memory status");
    let mut highest = Peaks::new();
    for _ in 0..RUNS {
        for (name, peak) in peak::observe(sandbox.caproni_outside(&words)) {
            let known = highest.entry(name).or_default();
            *known = peak.max(*known);
        }
    }
    highest
}

fn mib(kib: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "less than 2^52")]
    let kib = kib as f64;
    kib / 1024.0
}
