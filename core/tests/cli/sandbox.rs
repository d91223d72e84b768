//! A home, a folder to work in and a search path of one test's own, and `caproni` run in them.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde_json::Value;

use crate::cargo;
use crate::output::Output;
use crate::running::{self, Running};

/// A `caproni.yaml` for the mock driver with nothing but defaults.
pub(crate) const MOCK: &str = "cluster:\n  driver: mock\n  mock: {}\n";

/// The mock driver.
static MOCK_DRIVER: LazyLock<PathBuf> =
    LazyLock::new(|| build("caproni-driver-mock", "caproni-driver-mock"));

/// Builds a program of the workspace like the one under test.
pub(crate) fn build(package: &str, program: &str) -> PathBuf {
    let build = cargo::build()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .package(package)
        .bin(program);
    let build = if cfg!(debug_assertions) { build } else { build.release() };
    build.run().unwrap().path().to_owned()
}

/// The program under test, in a folder with nothing else in it: drivers are looked for in
/// the program's own folder as well, and cargo's holds whatever was built before.
static CAPRONI: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli");
    std::fs::create_dir_all(&folder).unwrap();
    let (alone, new) = (folder.join("caproni"), folder.join(format!("new-{}", std::process::id())));
    let built = env!("CARGO_BIN_EXE_caproni");
    std::fs::hard_link(built, &new).or_else(|_| std::fs::copy(built, &new).map(drop)).unwrap();
    // In one step, since other tests may run it at this moment.
    std::fs::rename(&new, &alone).unwrap();
    // Two names of one file: then the rename did nothing.
    let _ = std::fs::remove_file(&new);
    alone
});

/// Folders of one test's own, removed with it:
/// `home`, `project` (the current folder), `state`, `bin` (on `PATH`) and `drivers`, which is
/// in `CAPRONI_DRIVER_PATH` and holds the mock driver.
pub(crate) struct Sandbox {
    _folder: tempfile::TempDir,
    root: PathBuf,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for name in ["home", "project", "state", "bin", "drivers"] {
            std::fs::create_dir(root.join(name)).unwrap();
        }
        let sandbox = Self { _folder: folder, root };
        sandbox.link(&MOCK_DRIVER, "drivers/caproni-driver-mock");
        sandbox
    }

    /// A sandbox with this `caproni.yaml` in its project folder.
    pub(crate) fn with_config(yaml: &str) -> Self {
        let sandbox = Self::new();
        sandbox.write("project/caproni.yaml", yaml);
        sandbox
    }

    /// A sandbox with a driver on `PATH` that is this text of shell.
    pub(crate) fn with_driver(name: &str, script: &str) -> Self {
        let sandbox = Self::new();
        sandbox.executable(&format!("bin/caproni-driver-{name}"), script);
        sandbox
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) -> PathBuf {
        let file = self.path(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
        file
    }

    pub(crate) fn executable(&self, path: &str, text: &str) {
        let file = self.write(path, text);
        std::fs::set_permissions(file, PermissionsExt::from_mode(0o755)).unwrap();
    }

    /// Puts a program that is somewhere else into the sandbox, too.
    pub(crate) fn link(&self, program: &Path, path: &str) {
        symlink(program, self.path(path)).unwrap();
    }

    /// What the mock driver keeps of the cluster `caproni`; `None` when it keeps nothing.
    pub(crate) fn mock_cluster(&self) -> Option<String> {
        std::fs::read_to_string(self.path("state/mock/caproni.json")).ok()
    }

    /// Puts the program under test on `PATH`, for drivers that run it.
    pub(crate) fn with_program_on_path(self) -> Self {
        self.link(&CAPRONI, "bin/caproni");
        self
    }

    /// A command line of `caproni`, its words split at spaces.
    pub(crate) fn caproni(&self, words: &str) -> CommandLine<'_> {
        self.program(&CAPRONI, words)
    }

    /// A command line of the mock driver itself.
    pub(crate) fn mock_driver(&self, words: &str) -> CommandLine<'_> {
        self.program(&MOCK_DRIVER, words)
    }

    /// Runs a command line of `caproni` to its end.
    pub(crate) fn run(&self, words: &str) -> Output {
        self.caproni(words).run()
    }

    /// Puts placeholders for the folders that no two tests share.
    pub(crate) fn redact(&self, text: &str) -> String {
        let program = CAPRONI.parent().unwrap().to_string_lossy();
        text.replace(&*self.root.to_string_lossy(), "[ROOT]").replace(&*program, "[PROGRAM]")
    }

    /// A command line of `caproni` in a session whose terminal is the one that it runs at, so that
    /// keys such as Ctrl-C reach it.
    #[cfg(target_os = "linux")]
    pub(crate) fn caproni_in_session(&self, words: &str) -> CommandLine<'_> {
        let program = CAPRONI.display().to_string();
        self.program(Path::new("/usr/bin/setsid"), "--ctty").arg(&program).args(words)
    }

    /// A command line of any program.
    pub(crate) fn program(&self, program: &Path, words: &str) -> CommandLine<'_> {
        let path = |name: &str| self.path(name).display().to_string();
        let mut command = running::leashed(program);
        command.args(words.split_whitespace());
        command.current_dir(self.path("project")).env_clear();
        command.env("HOME", path("home")).env("PATH", format!("{}:/usr/bin:/bin", path("bin")));
        command.env("CAPRONI_STATE_DIR", path("state"));
        command.env("CAPRONI_DRIVER_PATH", path("drivers"));
        CommandLine { sandbox: self, command }
    }
}

/// A command line that is about to run.
pub(crate) struct CommandLine<'a> {
    sandbox: &'a Sandbox,
    command: Command,
}

impl<'a> CommandLine<'a> {
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Adds a word as it is.
    pub(crate) fn arg(mut self, word: &str) -> Self {
        self.command.arg(word);
        self
    }

    /// Adds words, split at spaces.
    pub(crate) fn args(mut self, words: &str) -> Self {
        self.command.args(words.split_whitespace());
        self
    }

    pub(crate) fn without_env(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Has a shell do something before it becomes the program, such as `ulimit -n 20`.
    pub(crate) fn after(self, script: &str) -> Self {
        self.env(running::BEFORE, script)
    }

    /// Tells the mock driver how to misbehave, as JSON.
    pub(crate) fn simulate(self, section: &Value) -> Self {
        self.env("CAPRONI_MOCK_SIMULATE", section.to_string())
    }

    /// Runs in this folder of the sandbox.
    pub(crate) fn within(mut self, folder: &str) -> Self {
        std::fs::create_dir_all(self.sandbox.path(folder)).unwrap();
        self.command.current_dir(self.sandbox.path(folder));
        self
    }

    /// Runs to the end.
    pub(crate) fn run(self) -> Output {
        self.spawn().end()
    }

    /// Runs to the end with a stdout that nobody reads.
    pub(crate) fn run_unread(self) -> Output {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        Running::with_stdout(self.sandbox, self.command, writer.into()).end()
    }

    /// Runs to the end with a stdout that takes nothing, as a full disk does.
    pub(crate) fn run_on_full_disk(self) -> Output {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        Running::with_stdout(self.sandbox, self.command, full.into()).end()
    }

    pub(crate) fn spawn(self) -> Running<'a> {
        Running::with_stdout(self.sandbox, self.command, Stdio::piped())
    }

    /// Runs it at a terminal: what it prints comes as stderr.
    pub(crate) fn spawn_at_terminal(self) -> Running<'a> {
        self.env("TERM", "xterm").spawn_at_terminal_of(120)
    }

    /// As [`CommandLine::spawn_at_terminal`], at one that is so wide; what it is, `TERM` says.
    pub(crate) fn spawn_at_terminal_of(self, columns: u16) -> Running<'a> {
        Running::at_terminal(self.sandbox, self.command, columns)
    }
}
