//! The fuzz target: whatever k3d, or the engine of its containers, says, or a file of its holds.
//!
//! `core/fuzz` calls it from libFuzzer, and the test here with what libFuzzer found.

use caproni_driver::{Error, ErrorKind};
use caproni_engine::{Container, Inspected};

use crate::cluster::Cluster;
use crate::{document, failure, k3d, load_balancer, mapping, status};

/// How many nodes are told that are not there.
const MOST_NODES: usize = 2 * 1000 + 1;

/// Whatever it is, it is read or refused.
pub fn k3d(output: &[u8]) {
    let text = String::from_utf8_lossy(output);
    let _ = (k3d::parse_version(&text), document::read_label(&text));
    let _: Vec<_> = text.lines().filter_map(k3d::said).collect();
    let mut failed = Error::new(ErrorKind::BackendFailed, "`k3d` exited with 1");
    failed.data.output = Some(text.clone().into_owned());
    let failed = failure::of(failed);
    assert!(!failed.message.is_empty() && failed.data.output.is_some());
    let _ = failure::says_that_it_exists(&failed);
    for mapping in mapping::parse(&text).unwrap_or_default() {
        let again = mapping::parse(&mapping.to_string());
        assert!(again.is_ok_and(|again| again.len() == 1), "`{mapping}` of `{text}`");
    }
    if let Ok(inspected) = serde_json::from_str::<Vec<Inspected>>(&text) {
        cluster(inspected.into_iter().map(Container::read).collect());
    }
}

/// What is told of a cluster is bounded by what is there.
fn cluster(containers: Vec<Container>) {
    let cluster = Cluster { name: "demo".into(), containers, finished: true, ..Cluster::default() };
    let around = status::Around { starter: None, host: None, now: 0 };
    let status = status::of(&cluster, &around);
    assert!(status.nodes.len() <= MOST_NODES + cluster.containers.len());
    assert!(load_balancer::steps(&cluster).len() <= cluster.containers.len() + 1);
    let _ = (cluster.config(), cluster.is_unfinished());
}

#[cfg(test)]
#[path = "../../../core/fuzz/replay.rs"]
mod replay;

#[test]
fn the_target_takes_every_file_of_its_corpus() {
    replay::replay(&[("k3d", k3d)]);
}
