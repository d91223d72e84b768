//! What the machine uses, as it counts itself.

use std::time::Duration;

use caproni_driver::{Error, ErrorKind, NodeUsage, Request, Usage};

use crate::lima::{Lima, within};
use crate::look::Look;
use crate::machine::Machine;
use crate::status::node_name;

/// How long the machine may take to answer.
const LIMIT: Duration = Duration::from_secs(10);

/// The processor's counters twice, half a second apart; the memory; the disk that images,
/// volumes and the cluster's state are on.
const SCRIPT: &str = "\
echo '[before]'; head -n 1 /proc/stat
sleep 0.5
echo '[after]'; head -n 1 /proc/stat
echo '[cores]'; nproc
echo '[memory]'; cat /proc/meminfo
echo '[disk]'; df -P -k /var/lib/rancher 2>/dev/null || df -P -k /
true";

/// Asks the machine.
///
/// # Errors
/// `ClusterNotRunning`, `BackendUnavailable` when it does not answer.
pub(crate) async fn usage(
    request: &Request,
    lima: &Lima<'_>,
    machine: &Machine,
    look: &Look,
) -> Result<Usage, Error> {
    if look.is_foreign() || !look.is_running() {
        let message = format!("cluster `{}` is not running", machine.profile);
        return Err(
            Error::new(ErrorKind::ClusterNotRunning, message).with_hint("run `caproni start`")
        );
    }
    let command = lima.command(["shell", "--workdir", "/", &machine.id, "sh", "-c", SCRIPT]);
    let output = within(request, LIMIT, &command).await?;
    if !output.status.success() {
        let message = format!("machine `{}` does not answer", machine.id);
        return Err(
            Error::new(ErrorKind::BackendUnavailable, message).with_hint("run `caproni restart`")
        );
    }
    Ok(Usage::new(vec![parse(&output.stdout, node_name(machine, look))]))
}

pub(crate) fn parse(text: &str, name: String) -> NodeUsage {
    let section = |name: &str| {
        let rest = text.split_once(&format!("[{name}]\n")).map_or("", |(_, rest)| rest);
        rest.split("\n[").next().unwrap_or_default()
    };
    let cores = section("cores").trim().parse::<u16>().ok().map(f64::from);
    let mut usage = NodeUsage::new(name);
    usage.cpu_cores_limit = cores;
    usage.cpu_cores = cores.and_then(|cores| {
        let (before, after) = (counters(section("before"))?, counters(section("after"))?);
        let (all, idle) = (after.0.checked_sub(before.0)?, after.1.checked_sub(before.1)?);
        let busy = all.checked_sub(idle)?;
        (all > 0).then(|| round(cores * busy as f64 / all as f64))
    });
    let memory = section("memory");
    usage.memory_bytes_limit = kib(memory, "MemTotal:");
    usage.memory_bytes = usage
        .memory_bytes_limit
        .zip(kib(memory, "MemAvailable:"))
        .and_then(|(all, free)| all.checked_sub(free));
    let disk: Vec<&str> =
        section("disk").lines().last().unwrap_or_default().split_whitespace().collect();
    let column = |index: usize| disk.get(index)?.parse::<u64>().ok()?.checked_mul(1024);
    (usage.disk_bytes_limit, usage.disk_bytes) = (column(1), column(2));
    usage
}

/// All ticks and idle ones, in `cpu  user nice system idle iowait …`.
fn counters(line: &str) -> Option<(u64, u64)> {
    let ticks: Vec<u64> =
        line.split_whitespace().skip(1).map_while(|word| word.parse().ok()).collect();
    let idle = ticks.get(3)?.checked_add(*ticks.get(4).unwrap_or(&0))?;
    let all = ticks.iter().try_fold(0_u64, |all, &ticks| all.checked_add(ticks))?;
    Some((all, idle))
}

fn kib(memory: &str, field: &str) -> Option<u64> {
    let line = memory.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

fn round(cores: f64) -> f64 {
    (cores * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "\
[before]
cpu  100 0 100 800 0 0 0 0 0 0
[after]
cpu  150 0 150 880 20 0 0 0 0 0
[cores]
2
[memory]
MemTotal:        4000000 kB
MemFree:          500000 kB
MemAvailable:    1000000 kB
[disk]
Filesystem     1024-blocks    Used Available Capacity Mounted on
/dev/vdb          10000000 2500000   7500000      25% /mnt/lima-colima-demo
";

    #[test]
    fn a_machine_s_own_numbers_are_read() {
        let usage = parse(SAID, "n".into());
        // Half of the 200 ticks were idle, those that waited for the disk among them.
        assert_eq!((usage.cpu_cores, usage.cpu_cores_limit), (Some(1.0), Some(2.0)));
        assert_eq!(usage.memory_bytes, Some(3_000_000 * 1024));
        assert_eq!(usage.memory_bytes_limit, Some(4_000_000 * 1024));
        assert_eq!(
            (usage.disk_bytes, usage.disk_bytes_limit),
            (Some(2_500_000 * 1024), Some(10_000_000 * 1024))
        );
    }

    #[test]
    fn what_is_not_told_is_absent() {
        assert_eq!(parse("", "n".into()), NodeUsage::new("n"));
        let still = SAID.replace("cpu  150 0 150 880 20", "cpu  100 0 100 800 0");
        assert_eq!(parse(&still, "n".into()).cpu_cores, None);
    }

    #[test]
    fn numbers_that_no_machine_has_are_absent() {
        let most = u64::MAX;
        let said = format!(
            "[before]\ncpu 0 0 0 {most} {most}\n[after]\ncpu {most} {most} 0 0 0\n[cores]\ninf\n\
             [memory]\nMemTotal: {most} kB\nMemAvailable: 1 kB\n[disk]\n/dev/vdb {most} {most} 0\n"
        );
        assert_eq!(parse(&said, "n".into()), NodeUsage::new("n"));
    }
}
