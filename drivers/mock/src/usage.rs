//! What the nodes use: the bytes of their files, and what the driver is told to say.

use std::fs;

use caproni_driver::{Error, NodeState, NodeUsage, Status, Usage};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::not_running;
use crate::store::RecordFile;

/// What every node that runs is said to use
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Said {
    /// How many cores it keeps busy
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub(crate) cpu_cores: Option<f64>,

    /// How many cores it could keep busy
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub(crate) cpu_cores_limit: Option<f64>,

    /// How many bytes of memory it uses
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory_bytes: Option<u64>,

    /// How many bytes of memory it could use
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory_bytes_limit: Option<u64>,

    /// How many bytes of disk it could use
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) disk_bytes_limit: Option<u64>,
}

/// One entry for each node that runs. A mock node is nothing but its log on the disk.
pub(crate) fn of(
    profile: &str,
    file: &RecordFile,
    status: &Status,
    said: Option<&Said>,
) -> Result<Usage, Error> {
    let running = status.nodes.iter().filter(|node| node.state == NodeState::Running);
    let said = said.cloned().unwrap_or_default();
    let used = running.map(|node| {
        let mut used = NodeUsage::new(&node.name);
        used.cpu_cores = said.cpu_cores;
        used.cpu_cores_limit = said.cpu_cores_limit;
        used.memory_bytes = said.memory_bytes;
        used.memory_bytes_limit = said.memory_bytes_limit;
        used.disk_bytes = fs::metadata(file.log_of(&node.name)).ok().map(|log| log.len());
        used.disk_bytes_limit = said.disk_bytes_limit;
        used
    });
    let used: Vec<_> = used.collect();
    if used.is_empty() {
        return Err(not_running(format!("no node of cluster `{profile}` runs")));
    }
    Ok(Usage::new(used))
}
