//! A program that runs: what it says as it says it, signals to it, and the end of it and of all
//! that it has started.

use std::fs::File;
use std::io::{PipeReader, Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::output::Output;
use crate::sandbox::Sandbox;

/// How long anything may take that is waited for. Below the 60 s that the host gives a
/// cancelled driver, so that a cancel nobody acts upon is a failure.
const PATIENCE: Duration = Duration::from_secs(50);

/// The variable with what the shell of a leash does before it becomes the program.
pub(crate) const BEFORE: &str = "BEFORE";

/// A command that runs a program on a leash: descriptor 9, which everything inherits that the
/// program starts. Whoever has the other end reads its end when the last of them is gone.
///
/// The leash comes as stdin, where no other test's child can get hold of it. In its place the
/// program gets its terminal, or nothing where stderr is none. `PWD` is the shell's own doing.
///
/// Before, the shell does what [`BEFORE`] says.
pub(crate) fn leashed(program: &Path) -> Command {
    const SCRIPT: &str = r#"
        exec 9<&0
        if [ -t 2 ]; then exec 0<&2; else exec 0</dev/null; fi
        eval "$BEFORE"
        unset PWD BEFORE
        exec "$@""#;
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(SCRIPT).arg("sh").arg(program);
    command
}

/// A program that runs, and everything that it has started.
pub(crate) struct Running<'a> {
    sandbox: &'a Sandbox,
    child: Child,
    stdout: Option<Reading>,
    stderr: Reading,
    gone: Receiver<()>,
    person: Option<File>,
    /// The most memory that it was seen to need, in KiB.
    peak: u64,
}

impl<'a> Running<'a> {
    pub(crate) fn with_stdout(sandbox: &'a Sandbox, command: Command, stdout: Stdio) -> Self {
        Self::spawn(sandbox, command, stdout, Stdio::piped(), None)
    }

    pub(crate) fn at_terminal(sandbox: &'a Sandbox, command: Command, columns: u16) -> Self {
        let (person, terminal) = terminal(columns);
        let stdout = terminal.try_clone().unwrap();
        Self::spawn(sandbox, command, stdout.into(), terminal.into(), Some(person))
    }

    fn spawn(
        sandbox: &'a Sandbox,
        mut command: Command,
        stdout: Stdio,
        stderr: Stdio,
        person: Option<File>,
    ) -> Self {
        let (leash, others) = std::io::pipe().unwrap();
        let mut child = command.stdin(others).stdout(stdout).stderr(stderr).spawn().unwrap();
        let screen = person.as_ref().map(|person| Reading::of(person.try_clone().unwrap()));
        Self {
            sandbox,
            stdout: child.stdout.take().map(Reading::of),
            stderr: child.stderr.take().map(Reading::of).or(screen).unwrap(),
            gone: gone(leash),
            person,
            child,
            peak: 0,
        }
        // Dropped here is the command, and with it our copies of the child's ends.
    }

    /// Waits until it has said this on stderr, and gives everything it said there so far.
    pub(crate) fn until(&mut self, said: &str) -> String {
        let said = self.stderr.until(said);
        self.look_at_memory();
        said
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until everything is gone, or this long; says whether it is.
    #[cfg(target_os = "linux")]
    pub(crate) fn all_gone_within(&mut self, patience: Duration) -> bool {
        if self.gone.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
            return false;
        }
        let (told, gone) = channel();
        told.send(()).unwrap();
        self.gone = gone;
        true
    }

    /// Waits until it has ended; what it has started may live on.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Types a line at its terminal.
    pub(crate) fn type_line(&mut self, line: &str) {
        self.type_keys(&format!("{line}\n"));
    }

    /// Presses these keys at its terminal.
    pub(crate) fn type_keys(&mut self, keys: &str) {
        self.person.as_mut().unwrap().write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until it has ended with everything that it has started.
    pub(crate) fn end(self) -> Output {
        self.end_within(PATIENCE)
    }

    /// As [`Running::end`], for what has more to do than one command has.
    pub(crate) fn end_within(mut self, patience: Duration) -> Output {
        if !self.is_gone_within(patience) {
            let said = (self.stdout.as_mut().map(Reading::so_far), self.stderr.so_far());
            panic!("it or something that it started still runs; it said: {said:#?}");
        }
        let status = self.child.wait().unwrap();
        let (sandbox, peak) = (self.sandbox, self.peak);
        let until_end = |reading: &mut Reading| sandbox.redact(&reading.until_end());
        let stdout = self.stdout.as_mut().map(until_end).unwrap_or_default();
        Output { stdout, stderr: until_end(&mut self.stderr), status, peak }
    }

    /// Waits until everything is gone, and looks meanwhile at how much memory the program needs.
    fn is_gone_within(&mut self, patience: Duration) -> bool {
        const EVERY: Duration = Duration::from_millis(5);
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            self.look_at_memory();
            if self.gone.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout) {
                return true;
            }
        }
        false
    }

    fn look_at_memory(&mut self) {
        // The id of one that was waited for may be another's.
        if self.child.try_wait().unwrap().is_none() {
            self.peak = self.peak.max(peak_memory(self.child.id()).unwrap_or(0));
        }
    }
}

/// The most memory that a process has needed so far, in KiB, where the system tells. It keeps
/// the peak, so that the last look is as good as any.
///
/// Without what is mapped of the program's file, which no driver has to do with: how much that is
/// depends on how the page cache has it, in pieces of up to 2 MiB.
fn peak_memory(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let field = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    Some(field("VmHWM:")?.saturating_sub(field("RssFile:")?))
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        // Only after a failed test does it still run.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What comes out of a program, as it comes.
struct Reading {
    chunks: Receiver<Vec<u8>>,
    bytes: Vec<u8>,
}

impl Reading {
    fn of(mut source: impl Read + Send + 'static) -> Self {
        let (sender, chunks) = channel();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 8192];
            // A terminal that nobody has open any more is an error (EIO), and an end as well.
            while let Ok(length @ 1..) = source.read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self { chunks, bytes: Vec::new() }
    }

    fn until(&mut self, said: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        while !self.text().contains(said) {
            match self.chunks.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(chunk) => self.bytes.extend(chunk),
                Err(why) => panic!("it never said {said:?} ({why}), but: {}", self.text()),
            }
        }
        self.text()
    }

    fn until_end(&mut self) -> String {
        loop {
            match self.chunks.recv_timeout(PATIENCE) {
                Ok(chunk) => self.bytes.extend(chunk),
                Err(RecvTimeoutError::Disconnected) => return self.text(),
                Err(RecvTimeoutError::Timeout) => {
                    panic!("its output does not end: {}", self.text());
                }
            }
        }
    }

    fn so_far(&mut self) -> String {
        self.bytes.extend(self.chunks.try_iter().flatten());
        self.text()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// A new terminal: the end of the person, and that of the program.
fn terminal(columns: u16) -> (File, OwnedFd) {
    use rustix::fs::{Mode, OFlags};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{Winsize, tcsetwinsize};
    let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&person).unwrap();
    unlockpt(&person).unwrap();
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let program =
        rustix::fs::open(ptsname(&person, Vec::new()).unwrap(), flags, Mode::empty()).unwrap();
    let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&program, size).unwrap();
    (person.into(), program)
}

/// Is told something when nobody has the other end any more.
fn gone(mut leash: PipeReader) -> Receiver<()> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let _ = leash.read(&mut [0]);
        let _ = sender.send(());
    });
    receiver
}
