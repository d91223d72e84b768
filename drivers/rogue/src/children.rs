//! The programs that the rogue starts: itself once more, with nothing to do but to be there.

use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// `rogue --idle SECONDS` is there for a time.
pub(crate) const IDLE: &str = "--idle";

/// `rogue --machine FILE` is the virtual machine of a cluster: it runs until its file is gone.
pub(crate) const MACHINE: &str = "--machine";

/// How long a machine lives at most, so that a broken test leaves none.
const LIFE: Duration = Duration::from_secs(120);

/// Is there for a time.
pub(crate) fn idle(seconds: &str) -> ExitCode {
    let Ok(seconds) = seconds.parse() else { return ExitCode::from(2) };
    std::thread::sleep(Duration::from_secs(seconds));
    ExitCode::SUCCESS
}

/// Is a machine: of a session of its own, as nothing of its driver may be its end.
pub(crate) fn be_a_machine(file: &Path) -> ExitCode {
    if rustix::process::setsid().is_err() {
        return ExitCode::FAILURE;
    }
    let begun = Instant::now();
    while file.exists() && begun.elapsed() < LIFE {
        std::thread::sleep(Duration::from_millis(20));
    }
    ExitCode::SUCCESS
}

/// A child that is there for a time, with nothing of the wire, deaf to SIGTERM, yet to be
/// started. A signal that is ignored stays so in a new program.
pub(crate) fn deaf_idler(seconds: u32) -> Command {
    without_wire(&[IDLE, &seconds.to_string()], "trap '' TERM; ")
}

/// A machine, which has let go of all that it inherited, as daemons do.
pub(crate) fn machine(file: &str) -> Command {
    without_wire(&[MACHINE, file], "exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; ")
}

/// A line of shell.
pub(crate) fn shell(line: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", line]).stdin(Stdio::null()).stdout(Stdio::null());
    command
}

fn without_wire(args: &[&str], first: &str) -> Command {
    let itself = std::env::current_exe().unwrap_or_default();
    let mut command = shell(&format!("{first}exec \"$@\""));
    command.arg("sh").arg(itself).args(args).stderr(Stdio::null());
    command
}

/// Writes down which children there are, for a test that looks for them.
pub(crate) fn note(folder: &Path, child: &Child) {
    let kept = std::fs::create_dir_all(folder).and_then(|()| {
        let list = folder.join("children");
        let before = std::fs::read_to_string(&list).unwrap_or_default();
        std::fs::write(list, format!("{before}{}\n", child.id()))
    });
    if let Err(error) = kept {
        crate::wire::log(format!("cannot note a child: {error}\n").as_bytes());
    }
}
