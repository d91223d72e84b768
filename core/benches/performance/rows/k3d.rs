//! A real cluster of k3d, made and removed here, beside k3d itself.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::args::Args;
use crate::peak;
use crate::programs::Programs;
use crate::rows::memory;
use crate::sandbox::Sandbox;
use crate::table::Table;
use crate::time::{Pairs, output, to_end};

const STATUS: &str = "`caproni --driver k3d status`";
const LIST: &str = "`k3d cluster list -o json`";
const SCRIPT: &str = "the script of four commands";
const START: &str = "`start` of a ready, unchanged cluster";
const K3D_START: &str = "`k3d cluster start` of a running one";
const FRESH: &str = "fresh `start` until nodes are Ready";
const K3D_FRESH: &str = "`k3d cluster create` and `kubectl wait`";

/// How long the nodes of a new cluster may take to be Ready.
const READY: Duration = Duration::from_secs(300);

pub(crate) fn measure(table: &mut Table, programs: &Programs, args: &Args) {
    let cluster = Cluster::new(programs);
    if let Some(why) = cluster.obstacle() {
        skip(table, &why);
        return;
    }
    let pairs = Pairs::cold(args.fresh_pairs, || cluster.create(), || cluster.create_with_k3d());
    table.compare(FRESH, K3D_FRESH, 1.02, &pairs);
    cluster.create();
    let status = || to_end(cluster.caproni("status"), &[0]);
    table.compare(STATUS, LIST, 0.6, &Pairs::of(args.pairs, status, || cluster.list()));
    table.compare(STATUS, SCRIPT, 0.07, &Pairs::of(args.pairs, status, || cluster.script()));
    if peak::is_told() {
        let peaks = memory::highest(|| cluster.caproni("status"));
        memory::told(table, "a real cluster of k3d", &peaks);
    }
    let start = || to_end(cluster.caproni("start"), &[0]);
    let starts = Pairs::of(args.pairs, start, || cluster.k3d_start());
    table.compare(START, K3D_START, 0.06, &starts);
}

fn skip(table: &mut Table, why: &str) {
    for (ours, theirs, target) in [
        (FRESH, K3D_FRESH, "1.02"),
        (STATUS, LIST, "0.6"),
        (STATUS, SCRIPT, "0.07"),
        (START, K3D_START, "0.06"),
    ] {
        table.skip(&format!("{ours} / {theirs}"), target, why);
    }
}

/// A cluster of a name that nobody else has; gone when this is dropped.
struct Cluster {
    sandbox: Sandbox,
    name: String,
    /// The node image that both are told to use; without it each takes its own.
    image: Option<String>,
}

impl Cluster {
    fn new(programs: &Programs) -> Self {
        let sandbox = Sandbox::new(programs, &[("k3d", "caproni-driver-k3d")]);
        let image = std::env::var("K3D_IMAGE").ok().filter(|image| !image.is_empty());
        if let Some(image) = &image {
            let config = format!("cluster:\n  k3d:\n    image: {image}\n");
            sandbox.write("project/caproni.yaml", &config);
        }
        Self { sandbox, name: format!("caproni-bench-{}", std::process::id()), image }
    }

    /// Why nothing can be measured here, if so.
    fn obstacle(&self) -> Option<String> {
        for (program, word) in [("k3d", "version"), ("kubectl", "version --client")] {
            let mut command = self.sandbox.outside(program);
            let ran = command.args(word.split(' ')).output();
            if !ran.is_ok_and(|output| output.status.success()) {
                return Some(format!("`{program}` does not run here"));
            }
        }
        let asked = self.caproni("-o json status").output().expect("caproni runs");
        match asked.status.code() {
            Some(3) => None,
            _ => Some(
                String::from_utf8_lossy(&asked.stderr)
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" "),
            ),
        }
    }

    fn caproni(&self, words: &str) -> Command {
        self.sandbox.caproni_outside(&format!("--driver k3d --yes --profile {} {words}", self.name))
    }

    /// Makes it anew, and tells how long that took until its nodes were Ready.
    fn create(&self) -> Duration {
        self.remove();
        to_end(self.caproni("start"), &[0])
    }

    /// The same with k3d and kubectl, which leave the cluster as caproni does: with its context
    /// in the kubeconfig, and with Ready nodes.
    fn create_with_k3d(&self) -> Duration {
        self.remove();
        let begun = Instant::now();
        let mut create = self.sandbox.outside("k3d");
        create.args(["cluster", "create", &self.name]);
        create.args(self.image.iter().flat_map(|image| ["--image", image]));
        to_end(create, &[0]);
        let mut wait = self.sandbox.outside("kubectl");
        wait.args(["wait", "--for=condition=Ready", "nodes", "--all", "--timeout=300s"]);
        // It fails at once where no node has registered yet.
        while !wait.output().expect("kubectl runs").status.success() {
            assert!(begun.elapsed() < READY, "the nodes of `{}` do not become Ready", self.name);
        }
        begun.elapsed()
    }

    fn remove(&self) {
        let removed = self.caproni("destroy").output().expect("caproni runs");
        assert!(removed.status.success(), "{removed:?}");
    }

    fn list(&self) -> Duration {
        to_end(self.k3d("cluster list -o json"), &[0])
    }

    fn k3d_start(&self) -> Duration {
        to_end(self.k3d(&format!("cluster start {}", self.name)), &[0])
    }

    /// What somebody types who wants to know what `status` tells.
    fn script(&self) -> Duration {
        let script = "set -e
            k3d cluster list -o json
            k3d kubeconfig get \"$1\" >\"$2\"
            kubectl --kubeconfig \"$2\" get --raw /readyz
            kubectl --kubeconfig \"$2\" get nodes";
        let mut command = self.sandbox.outside("/bin/sh");
        command.args(["-c", script, "sh", &self.name]).arg(self.sandbox.path("of-the-script"));
        to_end(command, &[0])
    }

    fn k3d(&self, words: &str) -> Command {
        let mut command = self.sandbox.outside("k3d");
        command.args(words.split(' '));
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let exists = self.caproni("status").output().is_ok_and(|it| it.status.code() != Some(7));
        if exists && !std::thread::panicking() {
            output(self.caproni("destroy"));
        } else if exists {
            let _ = self.caproni("destroy").output();
        }
    }
}
