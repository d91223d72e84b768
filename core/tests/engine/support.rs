//! The place where a test works: folders of its own, the real engine, and what is left on it.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cargo;

/// Two clusters at a time would be too much for a small machine, and what is left on
/// the engine could be another test's.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// The folder of the drivers that were built.
static DRIVERS: LazyLock<PathBuf> = LazyLock::new(|| {
    let build = |name| {
        let built = cargo::build().package(name).bin(name).run();
        built.expect("the driver builds").path().parent().expect("in a folder").to_path_buf()
    };
    let folder = build("caproni-driver-k3d");
    for name in ["caproni-driver-kind", "caproni-driver-minikube"] {
        assert_eq!(build(name), folder);
    }
    folder
});

/// What makes the clusters of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    K3d,
    Kind,
    Minikube,
}

impl Backend {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::K3d => "k3d",
            Self::Kind => "kind",
            Self::Minikube => "minikube",
        }
    }

    /// The node image; without one, or without an engine, there is nothing to test.
    pub(crate) fn image(self) -> String {
        let variable = match self {
            Self::K3d => "K3D_IMAGE",
            Self::Kind => "KIND_IMAGE",
            Self::Minikube => "KICBASE_IMAGE",
        };
        std::env::var(variable).unwrap_or_else(|_| {
            panic!("{variable} is not set: run `eval \"$(.ci/engine up DIR)\"` before, see .ci/run")
        })
    }

    /// The lines of every config of a test.
    fn fields(self) -> String {
        let image = self.image();
        match self {
            Self::K3d | Self::Kind => format!("    image: {image}\n"),
            Self::Minikube => [
                "    vm_driver: docker\n    container_runtime: containerd\n    extra_args:\n",
                // The tests run as root, which minikube does not like.
                "    - --force\n",
                // Nothing is to be downloaded.
                "    - --preload=false\n    - --cache-images=false\n",
                // It would scale what the stand-in does not have.
                "    - --disable-optimizations\n",
                &format!("    - --base-image={image}\n"),
            ]
            .concat(),
        }
    }

    /// What the names of all that belongs to a cluster begin with.
    fn prefix(self, profile: &str) -> String {
        match self {
            Self::K3d => format!("k3d-{profile}"),
            Self::Kind | Self::Minikube => profile.to_owned(),
        }
    }
}

/// One test's place, with one cluster's name; everything is gone when it is dropped.
pub(crate) struct Place {
    root: tempfile::TempDir,
    backend: Backend,
    pub(crate) profile: String,
    _turn: MutexGuard<'static, ()>,
}

/// How a run of `caproni` ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The result, which must be one JSON value.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// The error, which must be one JSON value after the lines of progress.
    pub(crate) fn error(&self) -> Value {
        let start = self.stderr.find("{\n").unwrap_or_else(|| panic!("no JSON: {self:#?}"));
        let parsed: Value = serde_json::from_str(&self.stderr[start..])
            .unwrap_or_else(|error| panic!("{error}: {self:#?}"));
        parsed["error"].clone()
    }

    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }
}

impl Place {
    /// A place for a k3d cluster of this name, on an engine that has nothing of that name.
    pub(crate) fn new(profile: &str) -> Self {
        Self::of(Backend::K3d, profile)
    }

    /// As [`Place::new`], for any backend's cluster.
    pub(crate) fn of(backend: Backend, profile: &str) -> Self {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let root = tempfile::tempdir().expect("a temporary folder");
        for folder in ["home", "state", "work"] {
            std::fs::create_dir(root.path().join(folder)).expect("writable");
        }
        let place = Self { root, backend, profile: format!("t-{profile}"), _turn: turn };
        place.write_config("");
        assert_eq!(place.left(), Vec::<String>::new(), "left by an earlier run");
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Writes `caproni.yaml` with these lines in the driver's section, besides the image.
    pub(crate) fn write_config(&self, fields: &str) {
        self.write_config_of(self.backend.name(), fields);
    }

    /// Writes `caproni.yaml` for another driver that runs the same backend.
    pub(crate) fn write_config_of(&self, driver: &str, fields: &str) {
        let own = self.backend.fields();
        let fields: String = fields.lines().map(|line| format!("    {line}\n")).collect();
        let text = format!("cluster:\n  driver: {driver}\n  {driver}:\n{own}{fields}");
        std::fs::write(self.path("work/caproni.yaml"), text).expect("writable");
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        self.command_for(&self.profile, args)
    }

    /// As [`Place::command`], for another cluster.
    pub(crate) fn command_for(&self, profile: &str, args: &[&str]) -> Command {
        let mut command = self.command_of(env!("CARGO_BIN_EXE_caproni"));
        command.args(["--profile", profile]).args(args);
        command
    }

    /// Any program in the surroundings in which `caproni` runs.
    pub(crate) fn command_of(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.path("work"));
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for name in ["PATH", "DOCKER_HOST", "K3D_IMAGE_LOADBALANCER", "K3D_IMAGE_TOOLS"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.env("HOME", self.path("home")).env("CAPRONI_STATE_DIR", self.path("state"));
        command.env("CAPRONI_DRIVER_PATH", driver_path());
        // By this every process of the test is found again, whoever started it.
        command.env("CAPRONI_TEST", self.root.path());
        command
    }

    /// As [`Place::command`], after a shell has done something, such as `ulimit -n 20`.
    pub(crate) fn command_after(&self, script: &str, args: &[&str]) -> Command {
        let plain = self.command(args);
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &format!("{script}; exec \"$0\" \"$@\"")]);
        command.arg(plain.get_program()).args(plain.get_args()).current_dir(self.path("work"));
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command
    }

    /// Runs `caproni` after a shell has done something.
    pub(crate) fn caproni_after(&self, script: &str, args: &[&str]) -> Run {
        Run::of(&self.command_after(script, args).output().expect("the shell runs"))
    }

    pub(crate) fn caproni(&self, args: &[&str]) -> Run {
        Run::of(&self.command(args).output().expect("caproni runs"))
    }

    /// Runs `caproni` with other variables.
    pub(crate) fn caproni_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Run {
        let mut command = self.command(args);
        command.envs(variables.iter().copied());
        Run::of(&command.output().expect("caproni runs"))
    }

    /// Starts `caproni start`, and reads its progress.
    pub(crate) fn start_slowly(&self, args: &[&str]) -> Running {
        let mut child = self.command(args).spawn().expect("caproni runs");
        let lines = BufReader::new(child.stderr.take().expect("piped"));
        Running { child, lines, seen: String::new() }
    }

    pub(crate) fn status(&self) -> Value {
        self.caproni(&["status", "-o", "json"]).json()
    }

    /// The name of the driver, and the node image.
    pub(crate) fn driver(&self) -> &'static str {
        self.backend.name()
    }

    pub(crate) fn image(&self) -> String {
        self.backend.image()
    }

    pub(crate) fn node(&self, name: &str) -> String {
        format!("{}-{name}", self.backend.prefix(&self.profile))
    }

    /// Everything of this cluster on the engine: containers, volumes, networks.
    pub(crate) fn left(&self) -> Vec<String> {
        self.left_of(&self.profile)
    }

    /// Everything of another cluster of this backend on the engine.
    pub(crate) fn left_of(&self, profile: &str) -> Vec<String> {
        let name = self.backend.prefix(profile);
        let mut left = docker_lines(&["ps", "-a", "--format", "{{.Names}}"]);
        left.extend(docker_lines(&["volume", "ls", "--format", "{{.Name}}"]));
        left.extend(docker_lines(&["network", "ls", "--format", "{{.Name}}"]));
        // The example in bash marks half a cluster by a volume.
        left.retain(|entry| entry.starts_with(&name) || *entry == format!("half-{profile}"));
        left
    }

    /// The processes that this test has started, and that still run.
    pub(crate) fn processes(&self) -> Vec<String> {
        self.marked_processes().into_iter().map(|(_, line)| line).collect()
    }

    /// The same, each with its id.
    pub(crate) fn marked_processes(&self) -> Vec<(u32, String)> {
        let mark = format!("CAPRONI_TEST={}", self.root.path().display());
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let ours = entries.filter_map(|entry| {
            let process = entry.file_name().to_str()?.parse().ok()?;
            let environment = std::fs::read(entry.path().join("environ")).ok()?;
            let marked = environment.split(|&byte| byte == 0).any(|one| one == mark.as_bytes());
            let line = std::fs::read(entry.path().join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            (marked && !line.is_empty()).then_some((process, line))
        });
        ours.collect()
    }

    /// Waits until no process of the test runs, for as long as a rollback takes where three suites run
    /// side by side.
    #[track_caller]
    pub(crate) fn expect_no_process(&self) {
        let left = self.processes_within(Duration::from_secs(20));
        assert_eq!(left, Vec::<String>::new(), "still run after 20 s");
    }

    /// The processes that still run after this time; none as soon as there is none.
    pub(crate) fn processes_within(&self, patience: Duration) -> Vec<String> {
        let begun = Instant::now();
        let mut left = self.processes();
        while !left.is_empty() && begun.elapsed() < patience {
            std::thread::yield_now();
            left = self.processes();
        }
        left
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let destroyed = self.caproni(&["destroy", "--yes"]);
        if !std::thread::panicking() {
            assert_eq!(destroyed.code, Some(0), "{destroyed:#?}");
            assert_eq!(self.left(), Vec::<String>::new());
        }
    }
}

/// The folders of the k3d driver, and of the example in bash that runs k3d as well.
pub(crate) fn driver_path() -> OsString {
    let bash = concat!(env!("CARGO_MANIFEST_DIR"), "/../drivers/examples/bash");
    let folders = [DRIVERS.as_path(), Path::new(bash)];
    std::env::join_paths(folders).expect("no folder has a colon in its name")
}

/// A `caproni` that runs.
pub(crate) struct Running {
    pub(crate) child: Child,
    lines: BufReader<std::process::ChildStderr>,
    seen: String,
}

impl Running {
    /// Reads progress until a line that holds `text`; false when it ended before.
    pub(crate) fn wait_for(&mut self, text: &str) -> bool {
        self.read_until(|line, _| line.contains(text))
    }

    /// Reads this many lines of progress; false when it ended before.
    pub(crate) fn wait_for_lines(&mut self, count: usize) -> bool {
        count == 0 || self.read_until(|_, read| read == count)
    }

    fn read_until(&mut self, enough: impl Fn(&str, usize) -> bool) -> bool {
        for read in 1.. {
            let mut line = String::new();
            if self.lines.read_line(&mut line).expect("readable") == 0 {
                return false;
            }
            self.seen += &line;
            if enough(&line, read) {
                return true;
            }
        }
        false
    }

    pub(crate) fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// The process id of its driver, awaited for 10 s at most.
    pub(crate) fn driver(&self) -> u32 {
        let list = format!("/proc/{0}/task/{0}/children", self.child.id());
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(10) {
            let text = std::fs::read_to_string(&list).unwrap_or_default();
            if let Some(id) = text.split_whitespace().find_map(|id| id.parse().ok()) {
                return id;
            }
        }
        panic!("it started no driver")
    }

    /// Waits for its end, and for that of everyone who holds its stderr.
    pub(crate) fn finish(mut self) -> Run {
        self.read_until(|_, _| false);
        let output = self.child.wait_with_output().expect("it ends");
        Run { stderr: self.seen, ..Run::of(&output) }
    }
}

pub(crate) fn signal(process: u32, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &process.to_string()]).output();
    assert!(sent.expect("kill runs").status.success(), "SIG{name} to {process}");
}

/// Tells whether k3d's node image is the stand-in, which can be told to misbehave.
pub(crate) fn is_stand_in() -> bool {
    is_stand_in_of(Backend::K3d)
}

pub(crate) fn is_stand_in_of(backend: Backend) -> bool {
    let label = "{{index .Config.Labels \"dev.caproni.stand-in\"}}";
    docker(&["image", "inspect", "-f", label, &backend.image()]).trim() == "true"
}

/// Asks again until there is an answer, for 20 s at most.
pub(crate) fn until<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed().as_secs() < 20, "it did not come about");
    }
}

#[track_caller]
pub(crate) fn docker(args: &[&str]) -> String {
    let output = Command::new("docker").args(args).output().expect("docker runs");
    assert!(
        output.status.success(),
        "docker {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn docker_lines(args: &[&str]) -> Vec<String> {
    docker(args).lines().map(str::to_owned).collect()
}

/// The real k3d, as a user runs it.
#[track_caller]
pub(crate) fn k3d(home: &Path, args: &[&str]) -> String {
    backend("k3d", home, args)
}

/// The real minikube, as a user runs it.
#[track_caller]
pub(crate) fn minikube(home: &Path, args: &[&str]) -> String {
    backend("minikube", home, args)
}

/// The real kind, as a user runs it.
#[track_caller]
pub(crate) fn kind(home: &Path, args: &[&str]) -> String {
    backend("kind", home, args)
}

#[track_caller]
fn backend(program: &str, home: &Path, args: &[&str]) -> String {
    let output = Command::new(program).args(args).env("HOME", home).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {args:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What a condition of a status says, by its name.
pub(crate) fn condition(status: &Value, name: &str) -> String {
    let conditions = status["conditions"].as_array().cloned().unwrap_or_default();
    let found = conditions.iter().find(|condition| condition["name"] == name);
    found.and_then(|found| found["message"].as_str()).unwrap_or_default().to_owned()
}
