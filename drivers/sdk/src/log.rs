//! The driver's log on stderr: which programs of the backend were run, when the host wants to know.

use std::io::Write;
use std::sync::OnceLock;
use std::time::Duration;

/// The variable in which the host says how much of the log is shown.
const VARIABLE: &str = "CAPRONI_LOG";

/// Writes down that a program was run: the line as one could paste it, how it ended, and how long
/// that took. A driver puts no secrets in arguments (rule SEC-2), so there are none in the line.
pub(crate) fn ran(command_line: &str, how: &str, took: Duration) {
    static WANTED: OnceLock<bool> = OnceLock::new();
    if *WANTED.get_or_init(|| is_wanted(std::env::var(VARIABLE).ok().as_deref())) {
        let line = line(command_line, how, took);
        // Nobody reads it any more: the work goes on all the same.
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    }
}

fn is_wanted(level: Option<&str>) -> bool {
    matches!(level, Some("debug" | "trace"))
}

fn line(command_line: &str, how: &str, took: Duration) -> String {
    format!("ran `{command_line}`, {how} after {:.1} s\n", took.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_when_the_host_shows_the_log() {
        for (level, wanted) in
            [(None, false), (Some("info"), false), (Some("debug"), true), (Some("trace"), true)]
        {
            assert_eq!(is_wanted(level), wanted, "{level:?}");
        }
    }

    #[test]
    fn a_line_tells_command_end_and_time() {
        let told = line("k3d cluster list", "exited with 1", Duration::from_millis(1234));
        assert_eq!(told, "ran `k3d cluster list`, exited with 1 after 1.2 s\n");
    }
}
