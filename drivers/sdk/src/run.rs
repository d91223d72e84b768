//! Running a backend's program: argv never through a shell, ended with the request.

mod group;
mod locked;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Child;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, ErrorKind};
use crate::log;
use crate::messages::Progress;
use crate::request::Request;
use crate::text::{command_line, strip_ansi};

use group::Group;
pub(crate) use group::end_all;

/// How long a backend's program may take to end after SIGTERM.
const TERM_GRACE: Duration = Duration::from_secs(2);

/// How long the entries of killed processes are awaited to go.
const KILL_GRACE: Duration = Duration::from_millis(500);

/// How often processes that were ended are looked for.
const POLL: Duration = Duration::from_millis(5);

/// How long output is awaited after the program itself ended: a grandchild may hold the pipe.
const DRAIN_GRACE: Duration = Duration::from_secs(1);

/// How much of a program's output is kept, in bytes; the end of it when there is more.
const KEPT: usize = 16 * 1024 * 1024;

/// What a pipe can hold at most, in bytes.
const PIPE: usize = 1024 * 1024;

/// How much output goes into an error, in bytes: its end.
const TAIL: usize = 8 * 1024;

/// A backend's program with its arguments, not yet running.
#[derive(Debug, Clone)]
pub struct Command {
    program: PathBuf,
    args: Vec<OsString>,
    environment: Vec<(OsString, Option<OsString>)>,
    input: Option<Vec<u8>>,
    progress: Option<Reading>,
    milestone: Option<Milestone>,
}

/// A line to watch for, and who is told of it.
#[derive(Debug, Clone)]
struct Milestone {
    is_it: fn(&str) -> bool,
    reached: CancellationToken,
}

/// What a program's lines are to a user.
#[derive(Debug, Clone)]
enum Reading {
    /// Progress of this step, each in words of its own.
    Step(String, fn(&str) -> Option<String>),
    /// Whole reports, of which the program names the steps itself.
    Reports(fn(&str) -> Option<Progress>),
}

impl Command {
    /// A program by its absolute path.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            environment: Vec::new(),
            input: None,
            progress: None,
            milestone: None,
        }
    }

    /// Adds arguments, each passed as it is.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), Some(value.into())));
        self
    }

    /// Keeps an environment variable of the driver from the program.
    #[must_use]
    pub fn env_remove(mut self, name: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), None));
        self
    }

    /// Gives the program bytes to read; without this its stdin is empty.
    #[must_use]
    pub fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = Some(input.into());
        self
    }

    /// Reports each line the program prints as progress of this step.
    #[must_use]
    pub fn progress_step(self, step: impl Into<String>) -> Self {
        self.progress_lines(step, |line| Some(line.to_owned()))
    }

    /// Reports what `say` makes of each line the program prints as progress of this step;
    /// lines that say nothing to a user are `None`.
    #[must_use]
    pub fn progress_lines(
        mut self,
        step: impl Into<String>,
        say: fn(&str) -> Option<String>,
    ) -> Self {
        self.progress = Some(Reading::Step(step.into(), say));
        self
    }

    /// Reports what `read` makes of each line the program prints, for programs that tell their
    /// steps in a form of their own, such as JSON.
    #[must_use]
    pub fn progress_reports(mut self, read: fn(&str) -> Option<Progress>) -> Self {
        self.progress = Some(Reading::Reports(read));
        self
    }

    /// The command as a person could paste it into a shell.
    pub fn command_line(&self) -> String {
        let program = self.program.as_os_str();
        command_line(std::iter::once(program).chain(self.args.iter().map(OsString::as_os_str)))
    }

    fn spawn(&self) -> Result<Child, Error> {
        let mut command = tokio::process::Command::new(&self.program);
        command.args(&self.args).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.stdin(if self.input.is_some() { Stdio::piped() } else { Stdio::null() });
        for (name, value) in &self.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        // A group of its own, so that its children end with it. It stays in the driver's
        // session, which is what the host ends when the driver itself is gone.
        command.process_group(0);
        command.spawn().map_err(|error| self.not_started(&error))
    }

    fn not_started(&self, error: &std::io::Error) -> Error {
        let program = self.program.display();
        let way_out = crate::resources::way_out(error);
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => ErrorKind::BackendMissing,
            _ if way_out.is_some() => ErrorKind::InsufficientResources,
            _ => ErrorKind::BackendFailed,
        };
        let mut failed = Error::new(kind, format!("cannot run `{program}`: {error}"));
        failed.data.program = Some(program.to_string());
        failed.data.hint = way_out.map(str::to_owned);
        failed
    }
}

/// What a program printed, and how it ended.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output, lossily decoded.
    pub stdout: String,
    /// Its standard error, lossily decoded.
    pub stderr: String,
    command_line: String,
}

impl Output {
    /// The output of a program that ended well.
    ///
    /// # Errors
    /// `BackendFailed` with the command, its exit and the end of its output.
    pub fn success(self) -> Result<Self, Error> {
        if self.status.success() { Ok(self) } else { Err(self.failure()) }
    }

    /// The failure that this output tells of, whatever the exit code says.
    pub fn failure(&self) -> Error {
        let said = if self.stderr.trim().is_empty() { &self.stdout } else { &self.stderr };
        let program = self.command_line.split(' ').next().unwrap_or_default();
        let name = Path::new(program).file_name().unwrap_or_default().to_string_lossy();
        let how = how_it_ended(self.status);
        let mut error = Error::new(ErrorKind::BackendFailed, format!("`{name}` {how}"));
        error.data.command = Some(self.command_line.clone());
        error.data.exit_code = self.status.code();
        error.data.output = Some(tail(&strip_ansi(said)).to_owned());
        error
    }
}

impl Request {
    /// Runs a backend's program to its end.
    ///
    /// Any exit code is an [`Output`]; [`Output::success`] makes it an error. Lines
    /// it prints are progress when the command names a step. When the request is
    /// cancelled or its time is up, the program and its children get SIGTERM, then
    /// SIGKILL, and are gone when this returns.
    ///
    /// # Errors
    /// `BackendMissing` or `BackendFailed` when it cannot be started, `Cancelled`,
    /// `TimedOut`.
    pub async fn run(&self, command: &Command) -> Result<Output, Error> {
        if self.is_cancelled() {
            return Err(Error::cancelled());
        }
        let begun = Instant::now();
        let mut running = Running::start(command, self)?;
        let (ran, how) = tokio::select! {
            biased;
            error = self.ended() => {
                running.end().await;
                (Err(error), "was ended".into())
            }
            status = running.child.wait() => match status {
                Ok(status) => (Ok(running.finish(status).await), how_it_ended(status)),
                Err(error) => (Err(command.not_started(&error)), error.to_string()),
            }
        };
        log::ran(&command.command_line(), &how, begun.elapsed());
        ran
    }
}

fn how_it_ended(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("exited with {code}"),
        None => format!("was ended: {status}"),
    }
}

/// A program that runs, and is ended when this is dropped.
struct Running {
    child: Child,
    group: Option<Group>,
    stdout: Stream,
    stderr: Stream,
    command_line: String,
}

impl Running {
    fn start(command: &Command, request: &Request) -> Result<Self, Error> {
        let (mut child, group) = Group::of(|| command.spawn())?;
        if let (Some(mut stdin), Some(input)) = (child.stdin.take(), command.input.clone()) {
            // A program that ends without reading closes the pipe; its exit code tells.
            tokio::spawn(async move {
                let _ = stdin.write_all(&input).await;
            });
        }
        let listener = Listener::of(command, request);
        let stdout = Stream::collect(child.stdout.take(), listener.clone());
        let stderr = Stream::collect(child.stderr.take(), listener);
        Ok(Self { child, group, stdout, stderr, command_line: command.command_line() })
    }

    async fn finish(mut self, status: ExitStatus) -> Output {
        let stdout = self.stdout.text().await;
        let stderr = self.stderr.text().await;
        self.group = None;
        let command_line = std::mem::take(&mut self.command_line);
        Output { status, stdout, stderr, command_line }
    }

    async fn end(&mut self) {
        self.signal(Signal::TERM);
        if tokio::time::timeout(TERM_GRACE, self.child.wait()).await.is_err() {
            self.signal(Signal::KILL);
            let _ = self.child.wait().await;
        }
        // The program is gone; a child of its own that ignored SIGTERM is not.
        self.signal(Signal::KILL);
        let all_gone = async {
            while self.group.as_ref().is_some_and(Group::has_members) {
                tokio::time::sleep(POLL).await;
            }
        };
        // Killed they are; where no one reaps them, as in some containers, their entries stay.
        let _ = tokio::time::timeout(KILL_GRACE, all_gone).await;
        self.group = None;
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = &self.group {
            group.signal(signal);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// One of a program's outputs, read from its start to its end by a task of its own.
struct Stream {
    reading: Option<JoinHandle<Vec<u8>>>,
    enough: CancellationToken,
}

impl Stream {
    fn collect(
        source: Option<impl AsyncRead + Unpin + Send + 'static>,
        listener: Option<Listener>,
    ) -> Self {
        let enough = CancellationToken::new();
        let reading = source.map(|source| tokio::spawn(read(source, listener, enough.clone())));
        Self { reading, enough }
    }

    /// What was printed, once the program itself has ended.
    async fn text(&mut self) -> String {
        let Some(mut reading) = self.reading.take() else { return String::new() };
        let read = match tokio::time::timeout(DRAIN_GRACE, &mut reading).await {
            Ok(read) => read,
            Err(_) => {
                self.enough.cancel();
                reading.await
            }
        };
        String::from_utf8_lossy(&read.unwrap_or_default()).into_owned()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.enough.cancel();
    }
}

/// Reads to the end, or until it is `enough` and what the program left in the pipe is read:
/// on a machine under load that may come after any grace.
async fn read(
    mut source: impl AsyncRead + Unpin,
    listener: Option<Listener>,
    enough: CancellationToken,
) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut line = Vec::new();
    let mut buffer = [0; 8192];
    let mut left = PIPE;
    while left > 0 {
        let length = tokio::select! {
            biased;
            read = source.read(&mut buffer) => match read {
                Ok(length @ 1..) => length,
                _ => break,
            },
            () = enough.cancelled() => break,
        };
        if let Some(listener) = &listener {
            listener.hear(&mut line, &buffer[..length]);
        }
        kept.extend_from_slice(&buffer[..length]);
        if kept.len() > 2 * KEPT {
            kept.drain(..kept.len() - KEPT);
        }
        if enough.is_cancelled() {
            left = left.saturating_sub(length);
        }
    }
    kept
}

/// Who is told what a program prints while it runs.
#[derive(Clone)]
struct Listener {
    request: Request,
    reading: Option<Reading>,
    milestone: Option<Milestone>,
}

impl Listener {
    /// None where nobody wants to know.
    fn of(command: &Command, request: &Request) -> Option<Self> {
        let Command { progress, milestone, .. } = command;
        let (reading, milestone) = (progress.clone(), milestone.clone());
        let is_wanted = reading.is_some() || milestone.is_some();
        is_wanted.then(|| Self { request: request.clone(), reading, milestone })
    }

    fn hear(&self, line: &mut Vec<u8>, bytes: &[u8]) {
        for &byte in bytes {
            match byte {
                b'\n' | b'\r' => self.report(&std::mem::take(line)),
                _ if line.len() < TAIL => line.push(byte),
                _ => {}
            }
        }
    }

    fn report(&self, line: &[u8]) {
        let text = strip_ansi(&String::from_utf8_lossy(line));
        let text = strip_log_prefix(text.trim());
        if let Some(milestone) = self.milestone.as_ref().filter(|it| (it.is_it)(text)) {
            milestone.reached.cancel();
        }
        let progress = match &self.reading {
            Some(Reading::Step(step, say)) => say(text).map(|said| Progress::new(step, said)),
            Some(Reading::Reports(read)) => read(text),
            None => None,
        };
        if let Some(progress) = progress.filter(|progress| !progress.message.is_empty()) {
            self.request.report(&progress);
        }
    }
}

/// Takes logrus' `INFO[0001] ` off a line, which k3d and colima put before each.
fn strip_log_prefix(line: &str) -> &str {
    let rest = ["INFO", "WARN", "ERRO", "FATA", "DEBU"].iter().find_map(|l| line.strip_prefix(l));
    rest.and_then(|rest| rest.strip_prefix('[')?.split_once("] ").map(|(_, text)| text.trim()))
        .unwrap_or(line)
}

fn tail(text: &str) -> &str {
    let text = text.trim_end();
    let mut start = text.len().saturating_sub(TAIL);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::Pid;
    use tokio::sync::mpsc;

    fn shell(script: &str) -> Command {
        Command::new("/bin/sh").args(["-c", script])
    }

    #[test]
    fn a_program_for_which_there_is_no_descriptor_is_not_the_backends_fault() {
        let error = std::io::Error::from(rustix::io::Errno::MFILE);
        let failed = Command::new("k3d").not_started(&error);
        assert_eq!(failed.kind(), &ErrorKind::InsufficientResources);
        assert!(failed.data.hint.unwrap().contains("ulimit -n"));
    }

    #[tokio::test]
    async fn arguments_reach_the_program_as_they_are() {
        let odd = ["a b", "$(id)", "\"'\\", "line\nbreak", "", "ü*?"];
        let command = Command::new("/bin/sh").args(["-c", "printf '%s|' \"$@\"", "sh"]).args(odd);
        let output = Request::detached().run(&command).await.expect("runs");
        assert_eq!(output.stdout, odd.map(|arg| format!("{arg}|")).concat());
    }

    #[tokio::test]
    async fn a_failure_carries_command_exit_code_and_the_end_of_stderr() {
        let command = shell("echo out; printf '\\033[31mERRO\\033[0m it broke\\n' >&2; exit 3");
        let output = Request::detached().run(&command).await.expect("runs");
        let error = output.success().expect_err("exit code 3 is a failure");
        assert_eq!(error.message, "`sh` exited with 3");
        assert_eq!(error.data.exit_code, Some(3));
        assert_eq!(error.data.output.as_deref(), Some("ERRO it broke"));
        let pasted = shlex::split(error.data.command.as_deref().unwrap_or_default());
        assert_eq!(pasted.map(|words| words.len()), Some(3));
    }

    #[tokio::test]
    async fn a_missing_program_is_backend_missing() {
        let error =
            Request::detached().run(&Command::new("/nowhere/k3d")).await.expect_err("absent");
        assert_eq!(error.kind(), &ErrorKind::BackendMissing);
        assert_eq!(error.data.program.as_deref(), Some("/nowhere/k3d"));
    }

    #[tokio::test]
    async fn the_end_of_the_request_ends_the_program_and_its_children() {
        let (sender, mut lines) = mpsc::channel(8);
        let cancel = CancellationToken::new();
        let request = Request::new(sender, cancel.clone(), None);
        // The child ignores SIGTERM, the grandchild holds the pipe.
        let command = shell("trap '' TERM; sleep 600 & echo $!; wait; wait").progress_step("run");
        let run = tokio::spawn(async move { request.run(&command).await });
        let line = lines.recv().await.expect("the grandchild's id");
        cancel.cancel();
        let error = run.await.expect("no panic").expect_err("cancelled");
        assert_eq!(error.kind(), &ErrorKind::Cancelled);
        let line: serde_json::Value = serde_json::from_str(&line).expect("a message");
        let id = line["params"]["message"].as_str().and_then(|id| id.parse().ok());
        let grandchild = id.and_then(Pid::from_raw).expect("a process id");
        assert!(is_gone(grandchild), "the grandchild still runs");
    }

    /// Gone, or a zombie that its new parent has yet to reap.
    fn is_gone(process: Pid) -> bool {
        let id = process.as_raw_nonzero().to_string();
        let state = match std::fs::read_to_string(format!("/proc/{id}/stat")) {
            Ok(stat) => stat.rsplit_once(") ").map(|(_, rest)| rest.to_owned()).unwrap_or_default(),
            Err(_) if cfg!(target_os = "linux") => String::new(),
            Err(_) => {
                let ps = std::process::Command::new("ps").args(["-o", "stat=", "-p", &id]).output();
                String::from_utf8_lossy(&ps.expect("ps runs").stdout).trim().to_owned()
            }
        };
        state.is_empty() || state.starts_with('Z')
    }

    #[tokio::test]
    async fn input_is_what_the_program_reads_and_else_nothing() {
        let cat = Command::new("/bin/cat");
        let output = Request::detached().run(&cat.clone().input("given")).await.expect("runs");
        assert_eq!(output.stdout, "given");
        assert_eq!(Request::detached().run(&cat).await.expect("runs").stdout, "");
    }

    #[tokio::test]
    async fn a_child_that_writes_on_and_on_keeps_no_answer() {
        // It ends when nobody reads any more.
        let command = shell("while :; do echo on; done &");
        let output = Request::detached().run(&command).await.expect("runs");
        assert!(output.stdout.starts_with("on\n"), "{}", output.stdout.len());
    }

    #[tokio::test]
    async fn of_endless_output_the_end_is_kept() {
        let command = shell("head -c 40000000 /dev/zero; printf end");
        let output = Request::detached().run(&command).await.expect("runs");
        assert!(output.stdout.ends_with("\0end"));
        assert!(output.stdout.len() <= 2 * KEPT, "{}", output.stdout.len());
    }

    #[tokio::test]
    async fn time_that_is_up_is_timed_out() {
        let request = Request::detached().for_cleanup(Duration::ZERO);
        let error = request.run(&shell("sleep 600")).await.expect_err("no time");
        assert_eq!(error.kind(), &ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn lines_that_say_nothing_to_a_user_are_no_progress() {
        let (sender, mut lines) = mpsc::channel(8);
        let request = Request::new(sender, CancellationToken::new(), None);
        let command = shell("echo noise; echo news")
            .progress_lines("run", |line| (line == "news").then(|| line.to_uppercase()));
        request.run(&command).await.expect("runs");
        drop(request);
        let line = lines.recv().await.expect("one line");
        assert!(line.contains(r#""message":"NEWS""#), "{line}");
        assert_eq!(lines.recv().await, None);
    }

    #[tokio::test]
    async fn a_program_may_name_its_steps_itself() {
        let (sender, mut lines) = mpsc::channel(8);
        let request = Request::new(sender, CancellationToken::new(), None);
        let read = |line: &str| {
            let (step, message) = line.split_once(": ")?;
            Some(Progress { current: Some(1), ..Progress::new(step, message) })
        };
        let command = shell("echo noise; echo pull: pulling").progress_reports(read);
        request.run(&command).await.expect("runs");
        drop(request);
        let line = lines.recv().await.expect("one line");
        assert!(line.contains(r#""step":"pull","message":"pulling","current":1"#), "{line}");
        assert_eq!(lines.recv().await, None);
    }

    #[test]
    fn colours_and_log_prefixes_are_no_part_of_a_message() {
        let line = "\u{1b}[36mINFO\u{1b}[0m[0001] Creating node 'k3d-demo-server-0'   ";
        assert_eq!(strip_log_prefix(strip_ansi(line).trim()), "Creating node 'k3d-demo-server-0'");
        assert_eq!(strip_log_prefix("INFORMATION"), "INFORMATION");
    }
}
