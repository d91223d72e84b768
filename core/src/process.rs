//! One driver process: in a session of its own, its stderr always drained, ended for certain.

mod spawn;

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use caproni_driver::resources;
use rustix::process::{Pid, Signal};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::watch;

use crate::error::{Error, Kind};
use crate::options::Level;
use spawn::{Spawned, spawn_when_free};

/// How long a driver may take to end after its stdin was closed, and again after SIGTERM.
const GRACE: Duration = Duration::from_secs(5);

/// How much of a driver's stderr is kept, in bytes: its end.
const STDERR_KEPT: usize = 64 * 1024;

/// How many turns the reader of stderr needs to catch up.
const TURNS: u32 = 4;

/// A driver process, ended with everything in its session when this is dropped.
#[derive(Debug)]
pub struct Process {
    session: Pid,
    exit: watch::Receiver<Option<ExitStatus>>,
    stderr: Tail,
    shown: String,
}

/// What of a driver's surroundings is not as the host's own are.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// Variables that are set, or taken away where there is no value.
    pub env: Vec<(OsString, Option<OsString>)>,
    /// The folder that it runs in.
    pub folder: Option<PathBuf>,
}

/// The process's ends of the wire.
pub struct Pipes {
    /// What the driver reads.
    pub stdin: ChildStdin,
    /// What the driver writes.
    pub stdout: ChildStdout,
}

/// How much the user wants to be told, for the drivers to know.
static LEVEL: OnceLock<Level> = OnceLock::new();

/// Tells the drivers that are run from now on how much is shown, in `CAPRONI_LOG`. Where
/// nothing of their logs is, they are told nothing.
pub fn tell_drivers(level: Level) {
    if level >= Level::Debug {
        let _ = LEVEL.set(level);
    }
}

/// `PATH` without the entries that are empty or relative: neither a driver nor what it runs is
/// to find what lies in the folder that somebody happens to stand in. `None` where there is none.
pub fn search_path() -> Option<OsString> {
    let path = std::env::var_os("PATH")?;
    let absolute = std::env::split_paths(&path).filter(|folder| folder.is_absolute());
    // An empty one would mean the current folder.
    let joined = std::env::join_paths(absolute).ok().filter(|path| !path.is_empty());
    Some(joined.unwrap_or_else(|| "/usr/bin:/bin".into()))
}

impl Surroundings {
    fn apply(&self, command: &mut tokio::process::Command) {
        if let Some(path) = search_path() {
            command.env("PATH", path);
        }
        if let Some(level) = LEVEL.get() {
            command.env("CAPRONI_LOG", level.name());
        }
        for (name, value) in &self.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
    }
}

impl Process {
    /// Starts a driver by its absolute path.
    ///
    /// `on_stderr` is called with each line of its stderr.
    ///
    /// # Errors
    /// `DriverNotExecutable` that says what the system said, `InsufficientResources` where
    /// something has run out.
    pub async fn spawn(
        path: &Path,
        on_stderr: impl Fn(&str) + Send + 'static,
    ) -> Result<(Self, Pipes), Error> {
        Self::spawn_in(path, &Surroundings::default(), on_stderr).await
    }

    /// Starts a driver in other surroundings than the host's own.
    ///
    /// # Errors
    /// As [`Process::spawn`].
    pub async fn spawn_in(
        path: &Path,
        surroundings: &Surroundings,
        on_stderr: impl Fn(&str) + Send + 'static,
    ) -> Result<(Self, Pipes), Error> {
        if let Some(what) = foreign_program(path) {
            return Err(cannot_run(path, &what, "get the driver for this machine".into()));
        }
        let spawned = spawn_when_free(path, surroundings).await;
        let Spawned { session, pipes, stderr, exit: ended } =
            spawned.map_err(|error| not_spawned(path, &error))?;
        let tail = Tail::default();
        tokio::spawn(drain(stderr, tail.clone(), on_stderr));
        let (sender, exit) = watch::channel(None);
        // The one place that waits for the child, so that it is always reaped.
        tokio::spawn(async move {
            let _ = sender.send(ended.await);
        });
        let shown = path.display().to_string();
        Ok((Self { session, exit, stderr: tail, shown }, pipes))
    }

    /// The driver's process id, which is its session's too.
    pub fn id(&self) -> i32 {
        self.session.as_raw_nonzero().get()
    }

    /// The ids of the other processes in the driver's session.
    pub fn others(&self) -> Vec<i32> {
        let members = session_members(self.session);
        members.into_iter().map(|process| process.as_raw_nonzero().get()).collect()
    }

    /// Sends SIGTERM to everything in the driver's session, and waits for nothing.
    pub fn ask_to_end(&self) {
        self.signal_session(Signal::TERM);
    }

    /// Lets what the driver has written to stderr by now be read, which a task of its own does.
    pub async fn catch_up(&self) {
        // In the first turn the runtime sees what is there, in the next ones it is read.
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
    }

    /// The end of what the driver wrote to stderr.
    pub fn stderr_tail(&self) -> String {
        self.stderr.text()
    }

    /// Waits until the driver's process has ended.
    pub async fn ended(&self) -> Option<ExitStatus> {
        let mut exit = self.exit.clone();
        // An error means that the waiting task is gone, which it is only after the end.
        exit.wait_for(Option::is_some).await.ok().and_then(|status| *status)
    }

    /// Ends a driver whose stdin was closed: waits, then SIGTERM, then SIGKILL.
    pub async fn close(&self) {
        if tokio::time::timeout(GRACE, self.ended()).await.is_err() {
            self.terminate(GRACE).await;
        }
        // What a driver that ended well left running, it left on purpose: colima's
        // virtual machine is a child that stays.
    }

    /// Ends everything in the driver's session: SIGTERM, and after `grace` SIGKILL.
    pub async fn terminate(&self, grace: Duration) {
        self.signal_session(Signal::TERM);
        // What is stopped hears of it only when it goes on.
        self.signal_session(Signal::CONT);
        let _ = tokio::time::timeout(grace, self.ended()).await;
        self.kill();
        let all_gone = async {
            self.ended().await;
            while !session_members(self.session).is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let _ = tokio::time::timeout(GRACE, all_gone).await;
    }

    /// Ends everything in the driver's session at once.
    pub fn kill(&self) {
        self.signal_session(Signal::KILL);
    }

    /// Says how the process ended, such as `exited with 3`.
    pub fn how_it_ended(&self) -> String {
        match *self.exit.borrow() {
            Some(status) => match status.code() {
                Some(code) => format!("exited with {code}"),
                None => format!("was ended by {status}"),
            },
            None => "still runs".into(),
        }
    }

    /// The error for a driver that ended before it answered.
    pub fn crashed(&self, doing: &str) -> Error {
        let message = format!("driver `{}` {} during `{doing}`", self.shown, self.how_it_ended());
        self.fault(Kind::DriverCrashed, message)
    }

    /// An error of this driver, with its path and the end of its stderr.
    pub fn fault(&self, kind: Kind, message: String) -> Error {
        let mut error = Error::new(kind, message).with("path", self.shown.clone());
        let tail = self.stderr_tail();
        if !tail.is_empty() {
            error = error.with("stderr", tail);
        }
        error
    }

    fn signal_session(&self, signal: Signal) {
        let alive = self.exit.borrow().is_none();
        if alive {
            // ESRCH: it ended just now.
            let _ = rustix::process::kill_process_group(self.session, signal);
        }
        // Programs that the driver runs have process groups of their own, and outlive it
        // when it is killed. No process id can be reused while it names a session.
        for member in session_members(self.session) {
            let _ = rustix::process::kill_process(member, signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.exit.borrow().is_none() {
            self.kill();
        }
    }
}

/// The other processes of a session.
#[cfg(target_os = "linux")]
fn session_members(session: Pid) -> Vec<Pid> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let members = processes.filter(|&id| living_in(id) == Some(session.as_raw_nonzero().get()));
    members.filter_map(Pid::from_raw).filter(|&process| process != session).collect()
}

/// The session of a process that lives, the sixth field of its `stat`
/// (<https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>). `getsid` will not do:
/// that of a kernel thread is 0, which is no process id.
#[cfg(target_os = "linux")]
fn living_in(process: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second field is the program's name in parentheses, which may hold anything.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?;
    // A zombie is dead, and waits only for its parent to hear of it.
    fields.nth(2)?.parse().ok().filter(|_| state != "Z")
}

/// The other processes of a session.
#[cfg(not(target_os = "linux"))]
fn session_members(session: Pid) -> Vec<Pid> {
    let listed = std::process::Command::new("/bin/ps").args(["-A", "-o", "pid="]).output();
    let text = listed.map(|output| output.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    let processes = text.split_whitespace().filter_map(|id| Pid::from_raw(id.parse().ok()?));
    let is_member = |&process: &Pid| {
        process != session && rustix::process::getsid(Some(process)) == Ok(session)
    };
    processes.filter(is_member).collect()
}

fn not_spawned(path: &Path, error: &std::io::Error) -> Error {
    let shown = path.display();
    if resources::way_out(error).is_some() {
        return Error::system(&format!("driver `{shown}` cannot be run"), error)
            .with("path", shown.to_string());
    }
    match (error.raw_os_error(), interpreter(path)) {
        // The file is there, so what is missing is what its first line names.
        (Some(2), Some(interpreter)) => cannot_run(
            path,
            &format!("its first line names `{interpreter}`, which is not there"),
            format!("install `{interpreter}`, or mend the first line of `{shown}`"),
        ),
        _ => cannot_run(path, &error.to_string(), format!("try `{shown} --version` in a shell")),
    }
}

fn cannot_run(path: &Path, cause: &str, hint: String) -> Error {
    let shown = path.display().to_string();
    Error::new(Kind::DriverNotExecutable, format!("driver `{shown}` cannot be run"))
        .with_cause(cause)
        .with_hint(hint)
        .with("path", shown)
}

/// Says what a file is that was built for another machine.
///
/// The system would not: what it cannot load, `execvp` gives to the shell, which
/// complains of a syntax error in the middle of the machine code.
fn foreign_program(path: &Path) -> Option<String> {
    let mut head = [0; 20];
    std::io::Read::read_exact(&mut std::fs::File::open(path).ok()?, &mut head).ok()?;
    let here = std::env::consts::ARCH;
    match head {
        [0x7f, b'E', b'L', b'F', ..] if cfg!(target_os = "linux") => {
            // e_machine of the ELF header, in the file's byte order (EI_DATA 2 is big endian).
            let bytes = [head[18], head[19]];
            let machine =
                if head[5] == 2 { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) };
            let ours = match here {
                "x86_64" => &[62, 3][..],
                "aarch64" => &[183, 40][..],
                _ => return None,
            };
            (!ours.contains(&machine))
                .then(|| format!("it was built for another processor than {here}"))
        }
        [0x7f, b'E', b'L', b'F', ..] => Some("it was built for another system (ELF)".into()),
        [0xcf, 0xfa, 0xed, 0xfe, ..] | [0xca, 0xfe, 0xba, 0xbe, ..]
            if cfg!(target_os = "linux") =>
        {
            Some("it was built for macOS".into())
        }
        _ => None,
    }
}

/// The program that a script's `#!` line names.
fn interpreter(path: &Path) -> Option<String> {
    use std::io::{BufRead, BufReader, Read};
    let file = std::fs::File::open(path).ok()?;
    let mut first = Vec::new();
    BufReader::new(file.take(256)).read_until(b'\n', &mut first).ok()?;
    let line = String::from_utf8_lossy(&first);
    line.strip_prefix("#!")?.split_whitespace().next().map(str::to_owned)
}

/// The last lines of a driver's stderr.
#[derive(Debug, Clone, Default)]
struct Tail(Arc<Mutex<VecDeque<u8>>>);

impl Tail {
    fn push(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(bytes);
        let excess = kept.len().saturating_sub(STDERR_KEPT);
        kept.drain(..excess);
    }

    fn text(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (a, b) = kept.as_slices();
        let text = String::from_utf8_lossy(&[a, b].concat()).into_owned();
        caproni_driver::strip_ansi(text.trim_end())
    }
}

async fn drain(
    mut stderr: impl AsyncRead + Unpin,
    tail: Tail,
    on_line: impl Fn(&str) + Send + 'static,
) {
    let mut buffer = vec![0; 8192];
    let mut line = Vec::new();
    while let Ok(length @ 1..) = stderr.read(&mut buffer).await {
        tail.push(&buffer[..length]);
        for &byte in &buffer[..length] {
            if byte == b'\n' {
                on_line(&String::from_utf8_lossy(&line));
                line.clear();
            } else if line.len() < STDERR_KEPT {
                line.push(byte);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use tokio::io::{AsyncBufReadExt, BufReader};

    struct Script {
        _folder: tempfile::TempDir,
        path: std::path::PathBuf,
    }

    fn script(text: &str) -> Script {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("driver");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        Script { _folder: folder, path }
    }

    async fn spawn(text: &str) -> (Process, Pipes, Script) {
        let script = script(text);
        let (process, pipes) = Process::spawn(&script.path, |_| ()).await.unwrap();
        (process, pipes, script)
    }

    #[tokio::test]
    async fn closing_stdin_ends_a_driver_that_reads() {
        let (process, pipes, _script) = spawn("#!/bin/sh\ncat\n").await;
        drop(pipes.stdin);
        process.close().await;
        assert_eq!(process.how_it_ended(), "exited with 0");
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_driver_that_has_ended_is_no_zombie() {
        let (process, pipes, _script) = spawn("#!/bin/sh\nread -r line\n").await;
        drop(pipes);
        process.close().await;
        let entry = format!("/proc/{}", process.session.as_raw_nonzero());
        assert!(!Path::new(&entry).exists(), "{entry}");
    }

    #[tokio::test]
    async fn a_driver_that_is_stopped_hears_of_its_end() {
        let (process, pipes, _script) = spawn("#!/bin/sh\ncat\n").await;
        process.signal_session(Signal::STOP);
        process.terminate(Duration::from_secs(60)).await;
        assert!(process.how_it_ended().contains("SIGTERM"), "{}", process.how_it_ended());
        drop(pipes);
    }

    #[tokio::test]
    async fn everything_in_the_session_is_killed_even_in_groups_of_its_own() {
        // `set -m` gives the sleeper a process group of its own; all ignore SIGTERM.
        let text = "#!/bin/bash\ntrap '' TERM\nset -m\nsleep 600 &\necho $!\nwait\nwait\n";
        let (process, pipes, _script) = spawn(text).await;
        let mut lines = BufReader::new(pipes.stdout).lines();
        let id = lines.next_line().await.unwrap().unwrap();
        let sleeper = Pid::from_raw(id.parse().unwrap()).unwrap();
        process.terminate(Duration::ZERO).await;
        assert!(process.how_it_ended().contains("SIGKILL"), "{}", process.how_it_ended());
        let alive = session_members(process.session);
        assert!(!alive.contains(&sleeper), "it still runs");
    }

    #[tokio::test]
    async fn a_child_that_opens_the_terminal_fails_at_once() {
        let (process, pipes, _script) =
            spawn("#!/bin/sh\n(exec </dev/tty) 2>/dev/null && echo terminal || echo none\n").await;
        let line = BufReader::new(pipes.stdout).lines().next_line().await.unwrap();
        assert_eq!(line.as_deref(), Some("none"));
        process.close().await;
    }

    #[tokio::test]
    async fn what_was_said_on_stderr_before_an_answer_is_known_after_catching_up() {
        let text = "#!/bin/sh\necho why >&2\necho answer\n: >\"$0.said\"\ncat\n";
        let (process, mut pipes, script) = spawn(text).await;
        // Both are there before the runtime has seen either.
        while !script.path.with_extension("said").exists() {
            std::thread::yield_now();
        }
        pipes.stdout.read_exact(&mut [0; 7]).await.unwrap();
        process.catch_up().await;
        assert_eq!(process.stderr_tail(), "why");
    }

    #[tokio::test]
    async fn a_flood_on_stderr_neither_blocks_nor_grows() {
        let (process, pipes, _script) =
            spawn("#!/bin/sh\nhead -c 10000000 /dev/zero | tr '\\0' x >&2\necho last >&2\n").await;
        drop(pipes);
        process.close().await;
        assert_eq!(process.how_it_ended(), "exited with 0");
        assert!(process.stderr_tail().len() <= STDERR_KEPT);
    }

    #[tokio::test]
    async fn a_script_that_names_no_interpreter_is_run_by_the_shell() {
        let (process, pipes, _script) = spawn("echo \"$0\" | tail -c 7\n").await;
        let line = BufReader::new(pipes.stdout).lines().next_line().await.unwrap();
        assert_eq!(line.as_deref(), Some("driver"));
        process.close().await;
    }

    #[tokio::test]
    async fn a_driver_has_the_hosts_variables_but_for_what_is_changed() {
        let script = script("#!/bin/sh\necho \"$HOME ${ODD-none} ${CARGO-none}\"\n");
        let env = [("ODD", Some("a=b c")), ("CARGO", None)];
        let env = env.map(|(name, value)| (name.into(), value.map(Into::into))).to_vec();
        let surroundings = Surroundings { env, folder: None };
        let (process, pipes) =
            Process::spawn_in(&script.path, &surroundings, |_| ()).await.unwrap();
        let line = BufReader::new(pipes.stdout).lines().next_line().await.unwrap();
        let home = std::env::var("HOME").unwrap_or_default();
        assert_eq!(line, Some(format!("{home} a=b c none")));
        process.close().await;
    }

    #[tokio::test]
    async fn a_missing_interpreter_is_named() {
        let script = script("#!/no/such/python3\n");
        let error = Process::spawn(&script.path, |_| ()).await.err().unwrap();
        assert_eq!(error.kind, Kind::DriverNotExecutable);
        assert_eq!(
            error.data.causes,
            ["its first line names `/no/such/python3`, which is not there"]
        );
    }

    #[tokio::test]
    async fn a_program_for_another_processor_is_said_to_be_one() {
        let script = script("");
        let mut program = *b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\0\0";
        program[18] = 243; // RISC-V
        std::fs::write(&script.path, program).unwrap();
        let error = Process::spawn(&script.path, |_| ()).await.err().unwrap();
        assert_eq!(error.kind, Kind::DriverNotExecutable);
        assert!(error.data.causes[0].starts_with("it was built for another"), "{error:?}");
    }

    #[tokio::test]
    async fn a_dropped_process_is_killed() {
        let (process, pipes, _script) = spawn("#!/bin/sh\nsleep 600\n").await;
        let mut exit = process.exit.clone();
        drop(process);
        let status = exit.wait_for(Option::is_some).await.unwrap().unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9));
        drop(pipes);
    }
}
