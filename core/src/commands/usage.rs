//! `caproni usage`

use caproni_driver::NodeUsage;
use clap::Args;
use serde_json::json;

use super::{App, LIMIT_TO_ASK};
use crate::error::Error;
use crate::exit;
use crate::ui::table;

/// Tell how much processor, memory and disk each node uses, and could use
///
/// CPU is in cores: 0.25 is a quarter of one, right now. Memory is without the file system's cache. In
/// JSON `cpuCores` is in cores, `memoryBytes` and `diskBytes` are in bytes, each also with
/// `Limit` after it;
/// what the driver cannot tell is absent there, and `-` here.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Usage {}

const EXAMPLES: &str = "\
Examples:
  caproni usage
  caproni usage -o json | jq '.nodes[] | {name, memoryBytes}'";

impl Usage {
    pub(crate) async fn run(self, app: &App) -> Result<u8, Error> {
        let target = app.target()?;
        let session = app.open(&target).await?;
        let config = app.config_if_valid(&target, &session);
        let used = match super::need(&session, "usage", "tell what its nodes use") {
            Ok(()) => session.usage(app.call(&target, LIMIT_TO_ASK), config).await,
            Err(error) => Err(error),
        };
        let driver = session.driver.name.clone();
        session.close().await;
        let nodes = used?.nodes;
        let text = table(["NODE", "CPU", "MEMORY", "DISK"], nodes.iter().map(cells));
        app.ui.result(
            &crate::ui::clean(&text),
            &json!({"profile": target.profile, "driver": driver, "nodes": nodes}),
        )?;
        Ok(exit::OK)
    }
}

fn cells(node: &NodeUsage) -> [String; 4] {
    let cores = |cores: f64| format!("{cores:.2}");
    let all_cores = |cores: f64| format!("{}", (cores * 100.0).round() / 100.0);
    [
        node.name.clone(),
        of(node.cpu_cores.map(cores), node.cpu_cores_limit.map(all_cores)),
        of(node.memory_bytes.map(bytes), node.memory_bytes_limit.map(bytes)),
        of(node.disk_bytes.map(bytes), node.disk_bytes_limit.map(bytes)),
    ]
}

/// A size in three digits: all four columns are to fit in 80.
fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut size, mut unit) = (bytes as f64, 0);
    while size >= 1000.0 && unit + 1 < UNITS.len() {
        (size, unit) = (size / 1024.0, unit + 1);
    }
    let digits = usize::from(unit > 0 && size < 99.95);
    format!("{size:.digits$} {}", UNITS[unit])
}

/// What is used of what there is, as far as either is known.
fn of(used: Option<String>, limit: Option<String>) -> String {
    match (used, limit) {
        (Some(used), Some(limit)) => format!("{used} of {limit}"),
        (Some(used), None) => used,
        (None, Some(limit)) => format!("- of {limit}"),
        (None, None) => "-".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_a_dash() {
        let mut node = NodeUsage::new("n");
        assert_eq!(cells(&node), ["n", "-", "-", "-"]);
        node.cpu_cores = Some(0.25);
        node.cpu_cores_limit = Some(2.0);
        node.memory_bytes = Some(512 << 20);
        node.disk_bytes_limit = Some(3 << 30);
        assert_eq!(bytes(1023 << 20), "1.0 GiB");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(cells(&node), ["n", "0.25 of 2", "512 MiB", "- of 3.0 GiB"]);
    }
}
