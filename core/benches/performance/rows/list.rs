//! `list` over four drivers with 50 clusters each, beside the slowest of them alone.

mod minikube;

use std::process::Command;

use crate::args::Args;
use crate::engine::Engine;
use crate::programs::Programs;
use crate::sandbox::Sandbox;
use crate::table::Table;
use crate::time::{Pairs, output, to_end, typical};

const CLUSTERS: usize = 50;

/// Two that ask an engine, which is recorded, and two whose clusters are files.
const QUICK: [(&str, &str); 4] = [
    ("k3d", "caproni-driver-k3d"),
    ("kind", "caproni-driver-kind"),
    ("files", "caproni-driver-mock"),
    ("more-files", "caproni-driver-mock"),
];

/// The same with one that runs its backend's program.
const WITH_MINIKUBE: [(&str, &str); 4] = [
    ("k3d", "caproni-driver-k3d"),
    ("kind", "caproni-driver-kind"),
    ("minikube", "caproni-driver-minikube"),
    ("files", "caproni-driver-mock"),
];

pub(crate) fn measure(table: &mut Table, programs: &Programs, args: &Args) {
    with_minikube(table, programs, args);
    quick(table, programs, args);
}

fn with_minikube(table: &mut Table, programs: &Programs, args: &Args) {
    let what = "`list` of k3d, kind, minikube and mock, 50 clusters each";
    let path = match minikube::path() {
        Ok(path) => path,
        Err(missing) => {
            let why = format!("`{missing}` is not installed here");
            return table.skip(what, "ratio 1.1", &why);
        }
    };
    let drivers = Drivers::begin(programs, &WITH_MINIKUBE);
    minikube::add(&drivers.sandbox, &drivers.engine, CLUSTERS);
    let run = |words: &str| {
        let mut command = drivers.run(words);
        command.env("PATH", &path);
        command
    };
    let (slowest, pairs) = beside_the_slowest(&WITH_MINIKUBE, args, run);
    table.compare(what, &format!("the slowest alone, {slowest}"), 1.1, &pairs);
}

fn quick(table: &mut Table, programs: &Programs, args: &Args) {
    let drivers = Drivers::begin(programs, &QUICK);
    let (slowest, pairs) = beside_the_slowest(&QUICK, args, |words| drivers.run(words));
    let beside = format!("the slowest alone, {slowest}");
    let what = "`list` of four that run no program, 50 clusters each";
    table.compare_missed(what, &beside, (1.1, 1.6), &pairs);
}

/// Drivers with their clusters, but for those of minikube.
struct Drivers {
    sandbox: Sandbox,
    engine: Engine,
}

impl Drivers {
    fn begin(programs: &Programs, drivers: &[(&str, &str)]) -> Self {
        let sandbox = Sandbox::new(programs, drivers);
        let engine = Engine::serve(&sandbox.path("docker.sock"));
        engine.hold(|containers| {
            for number in 0..CLUSTERS {
                containers.add_k3d(&format!("k{number}"), 0);
                containers.add_kind(&format!("k{number}"));
            }
        });
        for number in 0..CLUSTERS {
            output(sandbox.caproni(&format!("--driver files --profile c{number} start")));
        }
        Self { sandbox, engine }
    }

    fn run(&self, words: &str) -> Command {
        let mut command = self.sandbox.caproni(words);
        command.env("DOCKER_HOST", self.engine.host());
        command
    }
}

fn beside_the_slowest<'a>(
    drivers: &[(&'a str, &str); 4],
    args: &Args,
    run: impl Fn(&str) -> Command,
) -> (&'a str, Pairs) {
    let told = output(run("-o json list"));
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).expect("JSON");
    let count = told["clusters"].as_array().map_or(0, Vec::len);
    assert_eq!((count, &told["problems"]), (4 * CLUSTERS, &serde_json::json!([])), "{told:#}");

    let alone = |name: &str| to_end(run(&format!("--driver {name} list")), &[0]);
    let times = drivers.map(|(name, _)| (name, typical(5, || alone(name))));
    let slowest = times.iter().max_by(|a, b| a.1.total_cmp(&b.1)).expect("four").0;
    (slowest, Pairs::of(args.pairs, || to_end(run("list"), &[0]), || alone(slowest)))
}
