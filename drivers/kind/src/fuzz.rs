//! The fuzz target: whatever kind, or the engine of its containers, says, or a file of its holds.
//!
//! `core/fuzz` calls it from libFuzzer, and the test here with what libFuzzer found.

use caproni_driver::backend::kubeconfig;
use caproni_driver::{Error, ErrorKind};
use caproni_engine::{Container, Inspected};
use serde_json::Value;

use crate::cluster::Cluster;
use crate::{failure, kind, mapping, mount, status};

/// How many nodes are told that are not there.
const MOST_NODES: usize = 2 * 1000 + 1;

/// Whatever it is, it is read or refused.
pub fn kind(output: &[u8]) {
    let text = String::from_utf8_lossy(output);
    let _ = kind::parse_version(&text);
    let _: Vec<_> = text.lines().filter_map(kind::said).collect();
    let mut failed = Error::new(ErrorKind::BackendFailed, "`kind` exited with 1");
    failed.data.output = Some(text.clone().into_owned());
    let failed = failure::of(failed);
    assert!(!failed.message.is_empty() && failed.data.output.is_some());
    let _ = (failure::says_that_it_exists(&failed), mount::parse(&text));
    for mapping in mapping::parse(&text).unwrap_or_default() {
        let again = mapping::parse(&mapping.to_string());
        assert!(again.is_ok_and(|again| again.len() == 1), "`{mapping}` of `{text}`");
    }
    let address = kubeconfig::Address::new("a", 1);
    if let Some(renamed) = kubeconfig::rename(&text, "kind-demo", "kind-demo", &address) {
        let again = kubeconfig::rename(&renamed, "kind-demo", "kind-demo", &address);
        assert_eq!(again.as_ref(), Some(&renamed), "of `{text}`");
    }
    let mut values = serde_json::Deserializer::from_str(&text).into_iter::<Value>();
    let Some(Ok(inspected)) = values.next() else { return };
    let Ok(inspected) = serde_json::from_value::<Vec<Inspected>>(inspected) else {
        return;
    };
    let kept =
        values.next().and_then(Result::ok).and_then(|kept| serde_json::from_value(kept).ok());
    cluster(Cluster {
        name: "demo".into(),
        containers: inspected.into_iter().map(Container::read).collect(),
        kept,
        unreadable: None,
        version: None,
    });
}

/// What is told of a cluster is bounded by what is there.
fn cluster(cluster: Cluster) {
    let status = status::of(&cluster, &status::Around::default());
    assert!(status.nodes.len() <= MOST_NODES + cluster.containers.len());
    let _ = (cluster.config(), status::missing(&cluster), cluster.addresses());
}

#[cfg(test)]
#[path = "../../../core/fuzz/replay.rs"]
mod replay;

#[test]
fn the_target_takes_every_file_of_its_corpus() {
    replay::replay(&[("kind", kind)]);
}
