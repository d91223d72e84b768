//! The peak memory of `caproni` and of each driver in `status`.

use std::collections::BTreeMap;
use std::process::Command;

use crate::engine::Engine;
use crate::peak::{self, Peaks};
use crate::programs::Programs;
use crate::sandbox::Sandbox;
use crate::table::Table;
use crate::time::output;

/// How often each is looked at; what counts is the highest.
const RUNS: usize = 20;

/// What each may need.
const MOST: f64 = 12.0;

/// The cluster that is asked about.
const PROFILE: &str = "c0";

/// Drivers that must run a program of their backend's to tell a status. Of these what is asked
/// about is a cluster that does not exist: to make one takes minutes.
const BY_PROGRAM: [&str; 2] = ["minikube", "colima"];

pub(crate) fn measure(table: &mut Table, programs: &Programs) {
    if !peak::is_told() {
        table.skip("peak memory in `status`", "12 MiB", "the kernel does not tell it in /proc");
        return;
    }
    told(table, "a ready cluster that is a file", &with_files(programs));
    for driver in ["k3d", "kind", "auto"] {
        let peaks = with_recordings(programs, driver);
        told(table, &format!("{driver}, a ready cluster on a recorded engine"), &peaks);
    }
    for driver in BY_PROGRAM {
        let what = format!("{driver}, a cluster that does not exist");
        if which::which(driver).is_err() {
            let why = format!("`{driver}` is not installed here");
            table.skip(&format!("peak memory in `status`: {what}"), "12 MiB", &why);
            continue;
        }
        told(table, &what, &with_program(programs, driver));
    }
}

/// A row for each program that ran and is ours.
pub(crate) fn told(table: &mut Table, what: &str, peaks: &Peaks) {
    for (name, peak) in peaks.iter().filter(|(name, _)| name.starts_with("caproni")) {
        #[expect(clippy::cast_precision_loss, reason = "less than 2^52")]
        let mib = *peak as f64 / 1024.0;
        let what = format!("peak memory of `{name}` in `status`: {what}");
        table.limit(&what, MOST, "MiB", mib);
    }
}

fn with_files(programs: &Programs) -> Peaks {
    let sandbox = Sandbox::new(programs, &[("mock", "caproni-driver-mock")]);
    output(sandbox.caproni("--driver mock start"));
    highest(|| sandbox.caproni("--driver mock status"))
}

fn with_recordings(programs: &Programs, driver: &str) -> Peaks {
    let drivers = ["k3d", "kind", "auto"].map(|name| (name, format!("caproni-driver-{name}")));
    let drivers = drivers.each_ref().map(|(name, program)| (*name, program.as_str()));
    let sandbox = Sandbox::new(programs, &drivers);
    let engine = Engine::serve(&sandbox.path("docker.sock"));
    engine.hold(|containers| match driver {
        "kind" => containers.add_kind(PROFILE),
        _ => containers.add_k3d(PROFILE, 0),
    });
    highest(|| {
        let mut command = sandbox.caproni(&format!("--driver {driver} --profile {PROFILE} status"));
        command.env("DOCKER_HOST", engine.host());
        command
    })
}

fn with_program(programs: &Programs, driver: &str) -> Peaks {
    let sandbox = Sandbox::new(programs, &[(driver, &format!("caproni-driver-{driver}"))]);
    let profile = format!("caproni-bench-{}", std::process::id());
    let words = format!("--driver {driver} --profile {profile} status");
    highest(|| sandbox.caproni_outside(&words))
}

/// The highest peaks of some runs.
pub(crate) fn highest(command: impl Fn() -> Command) -> Peaks {
    let mut highest: BTreeMap<String, u64> = Peaks::new();
    for _ in 0..RUNS {
        for (name, peak) in peak::observe(command()) {
            let known = highest.entry(name).or_default();
            *known = peak.max(*known);
        }
    }
    highest
}
