//! What containers use of the machine, as the engine counts it.

use std::collections::HashMap;
use std::time::Duration;

use bollard::query_parameters::{InspectContainerOptionsBuilder, StatsOptionsBuilder};
use caproni_driver::{Error, NodeUsage, Usage};
use futures_util::future::{join_all, try_join, try_join_all};
use serde::Deserialize;

use crate::ask::ask;
use crate::container::Container;
use crate::engine::Engine;
use crate::inspected::Inspected;

/// How long counting the files of one node may take; a disk that is not counted by then is not
/// told.
const COUNTING: Duration = Duration::from_secs(10);

impl Engine {
    /// Tells what these containers use, those that run: all are asked at once, and the engine takes
    /// a second to see how busy a processor is.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn usage(&self, nodes: &[&Container]) -> Result<Usage, Error> {
        let running = nodes.iter().filter(|node| node.is_up());
        let looked = try_join_all(running.map(|node| self.look_at(&node.id))).await?;
        let looked: Vec<_> = looked.into_iter().flatten().collect();
        let shared = shared_volumes(looked.iter().map(|(inspected, _)| inspected));
        let told = looked.iter().map(async |(inspected, stats)| {
            let mut usage = read(inspected, stats);
            usage.disk_bytes = self.disk(inspected, &shared).await;
            usage
        });
        Ok(Usage::new(join_all(told).await))
    }

    async fn look_at(&self, id: &str) -> Result<Option<(Inspected, Stats)>, Error> {
        let with_size = InspectContainerOptionsBuilder::default().size(true).build();
        let inspected = self.inspect(id, with_size);
        let once = StatsOptionsBuilder::default().stream(false).build();
        let path = format!("/containers/{id}/stats");
        let stats = self.answer_or_gone(ask(self.docker.clone(), &path, once));
        let (inspected, stats) = try_join(inspected, stats).await?;
        Ok(inspected.zip(stats))
    }

    /// The container's own layer and the volumes that are its alone; `None` when not all of that
    /// could be counted.
    async fn disk(&self, inspected: &Inspected, shared: &HashMap<String, usize>) -> Option<u64> {
        let layer = u64::try_from(inspected.size_rw?).ok()?;
        let own = own_volumes(inspected, shared);
        if own.is_empty() {
            return Some(layer);
        }
        let argv: Vec<&str> = ["du", "-s", "-k"].into_iter().chain(own.iter().copied()).collect();
        let counted = self.output_of(&inspected.id, &argv);
        let (_, text) = tokio::time::timeout(COUNTING, counted).await.ok()?.ok()?;
        Some(layer + kibibytes(&text, own.len())? * 1024)
    }
}

/// What an engine counts of a container, as far as it is read.
#[derive(Deserialize)]
struct Stats {
    cpu_stats: Option<CpuStats>,
    /// The same a second before.
    precpu_stats: Option<CpuStats>,
    memory_stats: Option<MemoryStats>,
}

#[derive(Deserialize)]
struct CpuStats {
    cpu_usage: Option<CpuUsage>,
    system_cpu_usage: Option<u64>,
    online_cpus: Option<u32>,
}

#[derive(Deserialize)]
struct CpuUsage {
    total_usage: Option<u64>,
}

#[derive(Deserialize)]
struct MemoryStats {
    usage: Option<u64>,
    limit: Option<u64>,
    /// The kernel's numbers, by its names for them.
    stats: Option<HashMap<String, u64>>,
}

fn read(inspected: &Inspected, stats: &Stats) -> NodeUsage {
    let mut usage = NodeUsage::new(inspected.name());
    let online = stats.cpu_stats.as_ref().and_then(|cpu| cpu.online_cpus).map(f64::from);
    let cpu_limit = inspected.host_config.nano_cpus.filter(|&nano| nano > 0);
    usage.cpu_cores = busy_cores(stats);
    usage.cpu_cores_limit = cpu_limit.map(|nano| nano as f64 / 1e9).or(online);
    let memory = stats.memory_stats.as_ref();
    usage.memory_bytes_limit = memory.and_then(|memory| memory.limit);
    usage.memory_bytes = memory.and_then(|memory| {
        let of = |name: &str| memory.stats.as_ref()?.get(name).copied();
        // As the docker command counts: control groups of version 1 and 2 name it differently.
        let cache = of("total_inactive_file").or_else(|| of("inactive_file")).unwrap_or(0);
        Some(memory.usage?.saturating_sub(cache))
    });
    usage
}

/// How many cores were busy between the engine's two looks, a second apart.
fn busy_cores(stats: &Stats) -> Option<f64> {
    let (now, before) = (stats.cpu_stats.as_ref()?, stats.precpu_stats.as_ref()?);
    let own = |cpu: &CpuStats| cpu.cpu_usage.as_ref()?.total_usage;
    let used = own(now)?.checked_sub(own(before)?)?;
    let all = now.system_cpu_usage?.checked_sub(before.system_cpu_usage?).filter(|&all| all > 0)?;
    let cores = f64::from(now.online_cpus?) * used as f64 / all as f64;
    Some((cores * 1000.0).round() / 1000.0)
}

/// How many of the containers have each volume.
fn shared_volumes<'a>(containers: impl Iterator<Item = &'a Inspected>) -> HashMap<String, usize> {
    let mut count = HashMap::new();
    for mount in containers.flat_map(|container| &container.mounts) {
        *count.entry(mount.name.clone().unwrap_or_default()).or_default() += 1;
    }
    count
}

/// Where the volumes are mounted that no other of the containers has.
fn own_volumes<'a>(inspected: &'a Inspected, shared: &HashMap<String, usize>) -> Vec<&'a str> {
    let own = inspected.mounts.iter().filter(|mount| {
        mount.r#type.as_deref() == Some("volume")
            && mount.name.as_ref().and_then(|name| shared.get(name)) == Some(&1)
    });
    own.filter_map(|mount| mount.destination.as_deref()).collect()
}

/// The sum of what `du` says, when it has counted so many folders. It fails where files go while it
/// counts, and says the rest all the same.
fn kibibytes(text: &str, folders: usize) -> Option<u64> {
    let line = |line: &str| line.split_whitespace().next()?.parse::<u64>().ok();
    let counted: Vec<u64> = text.lines().filter_map(line).collect();
    (counted.len() == folders).then(|| counted.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn stats(value: serde_json::Value) -> Stats {
        serde_json::from_value(value).unwrap()
    }

    fn container(value: serde_json::Value) -> Inspected {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn busy_cores_are_a_share_of_all_that_there_are() {
        let told = stats(json!({
            "cpu_stats": {"cpu_usage": {"total_usage": 1_500}, "system_cpu_usage": 20_000, "online_cpus": 4},
            "precpu_stats": {"cpu_usage": {"total_usage": 500}, "system_cpu_usage": 12_000},
            "memory_stats": {"usage": 3_000, "limit": 9_000, "stats": {"inactive_file": 1_000}},
        }));
        let usage = read(&container(json!({"Name": "/n"})), &told);
        assert_eq!(
            (usage.name.as_str(), usage.cpu_cores, usage.cpu_cores_limit),
            ("n", Some(0.5), Some(4.0))
        );
        assert_eq!((usage.memory_bytes, usage.memory_bytes_limit), (Some(2_000), Some(9_000)));
        let limited =
            container(json!({"Name": "/n", "HostConfig": {"NanoCpus": 1_500_000_000_i64}}));
        assert_eq!(read(&limited, &told).cpu_cores_limit, Some(1.5));
    }

    #[test]
    fn what_the_engine_does_not_tell_is_absent() {
        let usage = read(&container(json!({"Name": "/n"})), &stats(json!({})));
        assert_eq!(usage, NodeUsage::new("n"));
    }

    #[test]
    fn a_volume_of_several_nodes_is_nobody_s_own() {
        let with = |volumes: &[&str]| {
            let mount = |name: &&str| json!({"Type": "volume", "Name": name, "Destination": format!("/{name}")});
            container(json!({"Mounts": volumes.iter().map(mount).collect::<Vec<_>>()}))
        };
        let nodes = [with(&["images", "a"]), with(&["images", "b"])];
        let shared = shared_volumes(nodes.iter());
        assert_eq!(own_volumes(&nodes[0], &shared), ["/a"]);
        assert_eq!(own_volumes(&nodes[1], &shared), ["/b"]);
    }

    #[test]
    fn folders_that_were_not_all_counted_are_no_sum() {
        assert_eq!(kibibytes("12\t/a\ndu: /b/x: No such file\n30\t/b\n", 2), Some(42));
        assert_eq!(kibibytes("12\t/a\n", 2), None);
    }
}
