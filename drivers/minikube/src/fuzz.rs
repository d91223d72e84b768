//! The fuzz target: whatever minikube says, or a file of its holds.
//!
//! `core/fuzz` calls it from libFuzzer, and the test here with what libFuzzer found.

use caproni_driver::Progress;

use crate::cluster::{Answer, Cluster, NodeStatus};
use crate::profile::Profile;
use crate::{events, images, kubeconfig, list, minikube, ports, size, status};

/// Whatever it is, it is read or refused.
pub fn minikube(output: &[u8]) {
    let text = String::from_utf8_lossy(output);
    for Progress { total, .. } in text.lines().filter_map(events::progress) {
        assert_ne!(total, Some(0));
    }
    let _ = (events::failure(&text), minikube::parse_version(&text), size::mebibytes(&text));
    let _ = (list::read(&text), images::is_listed(&text, "app:1"));
    if let Ok(binding) = ports::parse(&text) {
        let read = ports::parse(&binding.to_string()).expect("what is written can be read");
        assert!(read.satisfies(&binding), "`{text}`: {read:?}");
    }
    let file = |path: &str| Ok(path.as_bytes().to_vec());
    if let Ok(embedded) = kubeconfig::embed(&text, "mk-demo", file) {
        let again = kubeconfig::embed(&embedded, "mk-demo", file).expect("it can be read again");
        assert_eq!(again, embedded, "of `{text}`");
    }
    let nodes = match Answer::read(Some(0), &text) {
        Some(Answer::Nodes(nodes)) => nodes,
        Some(Answer::Missing | Answer::Unknown) | None => Vec::new(),
    };
    if let Ok(profile) = Profile::read(&text) {
        cluster(Some(profile), nodes);
    } else {
        cluster(None, nodes);
    }
}

/// What is told of a cluster is bounded by what is there.
fn cluster(profile: Option<Profile>, nodes: Vec<NodeStatus>) {
    let cluster = Cluster { name: "demo".into(), profile, nodes, ..Cluster::default() };
    let status = status::of(&cluster, &status::Around { ..Default::default() });
    let known = cluster.profile.as_ref().map_or(0, |profile| profile.nodes.len());
    assert!(status.nodes.len() <= known + cluster.nodes.len());
}

#[cfg(test)]
#[path = "../../../core/fuzz/replay.rs"]
mod replay;

#[test]
fn the_target_takes_every_file_of_its_corpus() {
    replay::replay(&[("minikube", minikube)]);
}
