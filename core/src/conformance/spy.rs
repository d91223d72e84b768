//! What can be seen of other processes.

/// The command lines of processes, for a person to know them by; one that is gone is left out.
pub(super) fn commands_of(processes: &[i32]) -> Vec<String> {
    processes.iter().filter_map(|&process| command_of(process)).collect()
}

#[cfg(target_os = "linux")]
fn command_of(process: i32) -> Option<String> {
    let line = std::fs::read(format!("/proc/{process}/cmdline")).ok()?;
    let line = String::from_utf8_lossy(&line).replace('\0', " ");
    (!line.trim().is_empty()).then(|| line.trim().to_owned())
}

#[cfg(not(target_os = "linux"))]
fn command_of(process: i32) -> Option<String> {
    let id = process.to_string();
    let mut ps = std::process::Command::new("/bin/ps");
    let listed = ps.args(["-o", "args=", "-p", &id]).output().ok()?;
    let line = String::from_utf8_lossy(&listed.stdout).trim().to_owned();
    (!line.is_empty()).then_some(line)
}
