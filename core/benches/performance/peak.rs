//! The peak memory of a program and of the drivers that it runs, as the kernel counts it.
//!
//! `VmHWM` of `/proc/PID/status`, read again and again until the end, and not what `wait4` tells:
//! that is never less than what the process was before it became the program, which is this one.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

/// Peaks in KiB, by the names of the programs.
pub(crate) type Peaks = BTreeMap<String, u64>;

/// Runs a command to its end. Its first process is seen as well as its children.
pub(crate) fn observe(mut command: Command) -> Peaks {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut process = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut peaks = Peaks::new();
    while process.try_wait().expect("our child").is_none() {
        note(&mut peaks, process.id());
        children(process.id()).into_iter().for_each(|child| note(&mut peaks, child));
    }
    peaks
}

/// Whether the kernel tells.
pub(crate) fn is_told() -> bool {
    Path::new("/proc/self/status").exists()
}

fn note(peaks: &mut Peaks, process: u32) {
    // A child that has not yet become another program is still the one that made it.
    let before = program(process);
    let (Some(name), Some(peak)) = (before, peak(process)) else { return };
    if program(process).as_ref() == Some(&name) {
        let known = peaks.entry(name).or_default();
        *known = peak.max(*known);
    }
}

fn program(process: u32) -> Option<String> {
    let file = std::fs::read_link(format!("/proc/{process}/exe")).ok()?;
    Some(file.file_name()?.to_string_lossy().into_owned())
}

fn peak(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

fn children(process: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten();
    let lists = threads.flatten().map(|thread| thread.path().join("children"));
    let texts = lists.filter_map(|list| std::fs::read_to_string(list).ok());
    texts
        .flat_map(|text| {
            text.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>()
        })
        .collect()
}
