//! The place where a test works: folders of its own, the real engine, and what is left on it.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Two clusters at a time would be too much for a small machine, and what is left on
/// the engine could be another test's.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

static DRIVER: LazyLock<PathBuf> = LazyLock::new(|| {
    let built =
        escargot::CargoBuild::new().package("caproni-driver-k3d").bin("caproni-driver-k3d").run();
    built.expect("the k3d driver builds").path().to_path_buf()
});

/// One test's place, with one cluster's name; everything is gone when it is dropped.
pub(crate) struct Place {
    root: tempfile::TempDir,
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
    fn of(output: &Output) -> Self {
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
    /// A place for a cluster of this name, on an engine that has nothing of that name.
    pub(crate) fn new(profile: &str) -> Self {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let root = tempfile::tempdir().expect("a temporary folder");
        for folder in ["home", "state", "work"] {
            std::fs::create_dir(root.path().join(folder)).expect("writable");
        }
        let place = Self { root, profile: format!("t-{profile}"), _turn: turn };
        place.write_config("");
        assert_eq!(place.left(), Vec::<String>::new(), "left by an earlier run");
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Writes `caproni.yaml` with these lines in `cluster.k3d`, besides the image.
    pub(crate) fn write_config(&self, fields: &str) {
        self.write_config_of("k3d", fields);
    }

    /// Writes `caproni.yaml` for another driver that runs k3d.
    pub(crate) fn write_config_of(&self, driver: &str, fields: &str) {
        let image = image();
        let fields: String = fields.lines().map(|line| format!("    {line}\n")).collect();
        let text =
            format!("cluster:\n  driver: {driver}\n  {driver}:\n    image: {image}\n{fields}");
        std::fs::write(self.path("work/caproni.yaml"), text).expect("writable");
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_caproni"));
        command.args(["--profile", &self.profile]).args(args).current_dir(self.path("work"));
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

    pub(crate) fn caproni(&self, args: &[&str]) -> Run {
        Run::of(&self.command(args).output().expect("caproni runs"))
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

    pub(crate) fn node(&self, name: &str) -> String {
        format!("k3d-{}-{name}", self.profile)
    }

    /// Everything of this cluster on the engine: containers, volumes, networks.
    pub(crate) fn left(&self) -> Vec<String> {
        left_of(&self.profile)
    }

    /// The processes that this test has started, and that still run.
    pub(crate) fn processes(&self) -> Vec<String> {
        let mark = format!("CAPRONI_TEST={}", self.root.path().display());
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let ours = entries.filter_map(|entry| {
            let environment = std::fs::read(entry.path().join("environ")).ok()?;
            let marked = environment.split(|&byte| byte == 0).any(|one| one == mark.as_bytes());
            let line = std::fs::read(entry.path().join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            (marked && !line.is_empty()).then_some(line)
        });
        ours.collect()
    }

    /// Waits until no process of the test runs, for 5 s at most.
    #[track_caller]
    pub(crate) fn expect_no_process(&self) {
        let begun = Instant::now();
        let mut left = self.processes();
        while !left.is_empty() && begun.elapsed() < Duration::from_secs(5) {
            std::thread::yield_now();
            left = self.processes();
        }
        assert_eq!(left, Vec::<String>::new(), "still run after 5 s");
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
fn driver_path() -> OsString {
    let bash = concat!(env!("CARGO_MANIFEST_DIR"), "/../drivers/examples/bash");
    let folders = [DRIVER.parent().expect("a file is in a folder"), Path::new(bash)];
    std::env::join_paths(folders).expect("no folder has a colon in its name")
}

/// Everything of a cluster on the engine: containers, volumes, networks.
pub(crate) fn left_of(profile: &str) -> Vec<String> {
    let name = format!("k3d-{profile}");
    let mut left = docker_lines(&["ps", "-a", "--format", "{{.Names}}"]);
    left.extend(docker_lines(&["volume", "ls", "--format", "{{.Name}}"]));
    left.extend(docker_lines(&["network", "ls", "--format", "{{.Name}}"]));
    // The example in bash marks half a cluster by a volume.
    left.retain(|entry| entry.starts_with(&name) || *entry == format!("half-{profile}"));
    left
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

/// The node image; without one, or without an engine, there is nothing to test.
pub(crate) fn image() -> String {
    std::env::var("K3D_IMAGE")
        .expect("K3D_IMAGE is not set: run `eval \"$(.ci/engine up DIR)\"` before, see .ci/run")
}

/// Tells whether the node image is the stand-in, which can be told to misbehave.
pub(crate) fn is_stand_in() -> bool {
    let label = "{{index .Config.Labels \"dev.caproni.stand-in\"}}";
    docker(&["image", "inspect", "-f", label, &image()]).trim() == "true"
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
    let output = Command::new("k3d").args(args).env("HOME", home).output().expect("k3d runs");
    assert!(output.status.success(), "k3d {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What a condition of a status says, by its name.
pub(crate) fn condition(status: &Value, name: &str) -> String {
    let conditions = status["conditions"].as_array().cloned().unwrap_or_default();
    let found = conditions.iter().find(|condition| condition["name"] == name);
    found.and_then(|found| found["message"].as_str()).unwrap_or_default().to_owned()
}
