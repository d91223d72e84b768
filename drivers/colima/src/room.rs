//! Whether this computer has room for a cluster's machine: its memory and its disk.

use std::path::Path;

use caproni_driver::{HealthCheck, Request, Verdict};
use rustix::fs::statvfs;

use crate::size::Size;

/// With less disk space than this the image of a machine does not fit, in bytes.
const LEAST_DISK: u64 = 2048 * MIB;

/// With less than this there is little room for what the machine's disk grows by, in bytes.
const LITTLE_DISK: u64 = 10 * 1024 * MIB;

const MIB: u64 = 1024 * 1024;

/// Looks at what a machine of this memory would take, whose disk lies in this folder.
pub(crate) async fn checks(request: &Request, wanted: Size, folder: &Path) -> Vec<HealthCheck> {
    let memory = match total_memory(request).await {
        Some(bytes) => memory(wanted, bytes),
        None => {
            HealthCheck::new("memory", Verdict::Warning, "the memory of this computer is not told")
                .with_hint("see that it has more than the cluster's `memory`")
        }
    };
    [Some(memory), disk_at(folder)].into_iter().flatten().collect()
}

#[cfg(target_os = "linux")]
async fn total_memory(_: &Request) -> Option<u64> {
    let info = rustix::system::sysinfo();
    Some(info.totalram.saturating_mul(info.mem_unit.into()))
}

#[cfg(not(target_os = "linux"))]
async fn total_memory(request: &Request) -> Option<u64> {
    let sysctl = caproni_driver::Command::new("/usr/sbin/sysctl").args(["-n", "hw.memsize"]);
    request.run(&sysctl).await.ok()?.success().ok()?.stdout.trim().parse().ok()
}

fn memory(wanted: Size, bytes: u64) -> HealthCheck {
    let has = bytes / MIB;
    let message = format!("the cluster's machine gets {wanted} of the {has} MiB of this computer");
    let hint = "choose less `memory` in the section `colima`";
    let verdict = match wanted.in_mib() {
        mib if mib >= has => Verdict::Failed,
        mib if mib > has / 4 * 3 => Verdict::Warning,
        _ => return HealthCheck::new("memory", Verdict::Ok, message),
    };
    HealthCheck::new("memory", verdict, message).with_hint(hint)
}

/// Looks at the disk of a folder that need not be there yet; `None` where it is not to be seen.
fn disk_at(folder: &Path) -> Option<HealthCheck> {
    let there = folder.ancestors().find(|folder| folder.exists())?;
    let space = statvfs(there).ok()?;
    Some(disk(folder, space.f_bavail.saturating_mul(space.f_frsize)))
}

fn disk(folder: &Path, free: u64) -> HealthCheck {
    let message = format!("{} MiB are free at `{}`, of the machines", free / MIB, folder.display());
    let verdict = match free {
        ..LEAST_DISK => Verdict::Failed,
        LEAST_DISK..LITTLE_DISK => Verdict::Warning,
        _ => return HealthCheck::new("disk", Verdict::Ok, message),
    };
    let hint =
        "make room, such as with `colima prune`, which removes downloads that are not in use";
    HealthCheck::new("disk", verdict, message).with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_takes_most_of_the_memory_is_a_warning_and_one_that_takes_all_a_failure() {
        let has = 8 * 1024 * MIB;
        for (gib, verdict) in
            [(2, Verdict::Ok), (6, Verdict::Ok), (7, Verdict::Warning), (8, Verdict::Failed)]
        {
            let check = memory(Size::gib(gib), has);
            assert_eq!(check.verdict, verdict, "{gib}");
            assert_eq!(check.hint.is_some(), verdict != Verdict::Ok);
        }
    }

    #[test]
    fn little_disk_space_is_a_warning_and_too_little_a_failure() {
        for (free, verdict) in
            [(20 * 1024, Verdict::Ok), (5 * 1024, Verdict::Warning), (1024, Verdict::Failed)]
        {
            assert_eq!(disk(Path::new("/h/_lima"), free * MIB).verdict, verdict, "{free}");
        }
    }

    #[tokio::test]
    async fn this_computer_is_looked_at_and_a_folder_that_is_not_there_yet() {
        let folder = tempfile::tempdir().unwrap();
        let later = folder.path().join("not/there/yet");
        let names = |checks: Vec<HealthCheck>| {
            checks.into_iter().map(|check| check.name).collect::<Vec<_>>()
        };
        let checks = checks(&Request::detached(), Size::gib(1), &later).await;
        assert_eq!(names(checks), ["memory", "disk"]);
    }
}
