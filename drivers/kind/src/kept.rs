//! What is kept with a cluster: a file on each of its nodes.
//!
//! kind can put no label on a container and has no place of its own, and a file on the
//! host would neither be seen from elsewhere nor go with the cluster. In the container's
//! own layer it lives as long as the node. It is written when the creation is done, so
//! that it also says that it was.

use std::collections::BTreeMap;

use caproni_driver::{Error, state_file};
use caproni_engine::{Container, Engine};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cluster::Cluster;
use crate::config::KindConfig;
use crate::role::Role;

/// The file on each node that runs Kubernetes.
const FILE: &str = "/etc/caproni/cluster.json";

/// Raised when what is kept changes so that older versions would misread it.
const FORMAT: u64 = 1;

/// What is kept with a cluster.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// The config it was made of, sealed.
    pub(crate) config: Value,
    /// The address that each node had when it was made, by its container's name.
    #[serde(default)]
    pub(crate) addresses: BTreeMap<String, String>,
    /// The files that the load balancer was told by, by their paths.
    #[serde(default)]
    pub(crate) load_balancer: BTreeMap<String, String>,
}

/// Reads what is kept, which is written once; one node that has it is enough, since another may have been replaced. The
/// inner error is that of files none of which can be read.
///
/// # Errors
/// As [`Engine::connect`].
pub(crate) async fn read(
    engine: &Engine,
    nodes: &[Container],
) -> Result<Option<Result<Kept, Error>>, Error> {
    let nodes = nodes.iter().filter(|node| runs_kubernetes(node));
    let texts = try_join_all(nodes.map(|node| engine.read_lasting_file(&node.id, FILE))).await?;
    Ok(first_readable(texts.iter().flatten().map(String::as_str)))
}

/// As [`read`], from one node after the other, until there is one that has it.
///
/// # Errors
/// As [`Engine::connect`].
pub(crate) async fn read_first(
    engine: &Engine,
    nodes: &[Container],
) -> Result<Option<Result<Kept, Error>>, Error> {
    let mut texts = Vec::new();
    for node in nodes.iter().filter(|node| runs_kubernetes(node)) {
        texts.extend(engine.read_lasting_file(&node.id, FILE).await?);
        let kept = first_readable(texts.iter().map(String::as_str));
        if matches!(kept, Some(Ok(_))) {
            return Ok(kept);
        }
    }
    Ok(first_readable(texts.iter().map(String::as_str)))
}

fn first_readable<'a>(texts: impl IntoIterator<Item = &'a str>) -> Option<Result<Kept, Error>> {
    let read = |text: &str| state_file::from_json(text.as_bytes(), FORMAT);
    let of_file = |why: state_file::Unreadable| why.error(FILE);
    let mut read: Vec<_> = texts.into_iter().map(read).collect();
    let first = read.iter().position(Result::is_ok).unwrap_or(0);
    (!read.is_empty()).then(|| read.swap_remove(first).map_err(of_file))
}

/// Keeps what was asked for, and what the cluster was when it was just made.
///
/// # Errors
/// As [`Engine::connect`].
pub(crate) async fn write(
    engine: &Engine,
    cluster: &Cluster,
    config: &KindConfig,
    load_balancer: BTreeMap<String, String>,
) -> Result<(), Error> {
    let addresses = cluster.addresses();
    let kept = Kept { config: config.sealed(), addresses, load_balancer };
    let text = state_file::to_json(&kept, FORMAT).unwrap_or_default();
    let nodes = cluster.containers.iter().filter(|node| runs_kubernetes(node));
    try_join_all(nodes.map(|node| engine.write(&node.id, FILE, &text))).await?;
    Ok(())
}

fn runs_kubernetes(node: &Container) -> bool {
    matches!(Role::of(node), Some(Role::ControlPlane | Role::Worker))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_node_with_a_readable_file_is_enough() {
        let old = r#"{"config": {"image": "a"}}"#;
        let kept = first_readable(["garbage", old]).unwrap().unwrap();
        assert_eq!(kept.config["image"], "a");
        assert!(first_readable([]).is_none());
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named_and_not_taken_for_none() {
        for text in ["", "garbage", r#"{"format": 2, "config": {}}"#] {
            let error = first_readable([text]).unwrap().unwrap_err();
            assert!(
                error.message.starts_with("cannot read `/etc/caproni/cluster.json`"),
                "{error}"
            );
        }
    }
}
