//! `list` over four drivers with 50 clusters each, beside the slowest of them alone.

use crate::args::Args;
use crate::engine::Engine;
use crate::programs::Programs;
use crate::sandbox::Sandbox;
use crate::table::Table;
use crate::time::{Pairs, output, to_end, typical};

const CLUSTERS: usize = 50;

/// Two that ask an engine, which is recorded, and two whose clusters are files.
const DRIVERS: [(&str, &str); 4] = [
    ("k3d", "caproni-driver-k3d"),
    ("kind", "caproni-driver-kind"),
    ("files", "caproni-driver-mock"),
    ("more-files", "caproni-driver-mock"),
];

pub(crate) fn measure(table: &mut Table, programs: &Programs, args: &Args) {
    let sandbox = Sandbox::new(programs, &DRIVERS);
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
    let run = |words: &str| {
        let mut command = sandbox.caproni(words);
        command.env("DOCKER_HOST", engine.host());
        command
    };
    let told = output(run("-o json list"));
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).expect("JSON");
    let count = told["clusters"].as_array().map_or(0, Vec::len);
    assert_eq!((count, &told["problems"]), (4 * CLUSTERS, &serde_json::json!([])), "{told:#}");

    let alone = |name: &str| to_end(run(&format!("--driver {name} list")), &[0]);
    let times = DRIVERS.map(|(name, _)| (name, typical(5, || alone(name))));
    let slowest = times.iter().max_by(|a, b| a.1.total_cmp(&b.1)).expect("four").0;
    let pairs = Pairs::of(args.pairs, || to_end(run("list"), &[0]), || alone(slowest));
    let beside = format!("the slowest alone, {slowest}");
    table.compare_missed("`list`, 4 drivers with 50 clusters each", &beside, (1.1, 1.6), &pairs);
}
