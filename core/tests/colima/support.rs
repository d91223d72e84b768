//! The place where a test works: folders of its own, colima and lima in them, and what is left.

use std::os::unix::fs::{chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::cargo;

/// Two machines at a time would be too much for a small one.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

static DRIVER: LazyLock<PathBuf> = LazyLock::new(|| {
    let build = cargo::build().package("caproni-driver-colima").bin("caproni-driver-colima");
    build.run().unwrap().path().to_path_buf()
});

/// Whom everything is given to when the suite runs for root.
const NOBODY: u32 = 65534;

/// One test's place, with one cluster; everything is gone when it is dropped.
pub(crate) struct Place {
    root: tempfile::TempDir,
    _turn: MutexGuard<'static, ()>,
}

/// How a program ended.
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
    pub(crate) fn new() -> Self {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let root = tempfile::tempdir().unwrap();
        let place = Self { root, _turn: turn };
        for folder in ["", "bin", "home", "state", "work", "tmp"] {
            place.folder(folder);
        }
        // A folder of cargo's may be one that another user does not get into.
        let programs = [Path::new(env!("CARGO_BIN_EXE_caproni")), &DRIVER];
        for program in programs {
            let there = place.path("bin").join(program.file_name().unwrap());
            std::fs::hard_link(program, &there)
                .or_else(|_| std::fs::copy(program, &there).map(drop))
                .unwrap();
        }
        place.write_config("");
        place
    }

    /// A folder that belongs to the one for whom everything runs.
    fn folder(&self, name: &str) {
        let folder = self.path(name);
        std::fs::create_dir_all(&folder).unwrap();
        if is_root() {
            chown(folder, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Writes `caproni.yaml` with these lines in `cluster.colima`.
    pub(crate) fn write_config(&self, fields: &str) {
        let fields: String = fields.lines().map(|line| format!("    {line}\n")).collect();
        let section = if fields.is_empty() { "    {}\n".into() } else { fields };
        let text = format!("cluster:\n  driver: colima\n  colima:\n{section}");
        std::fs::write(self.path("work/caproni.yaml"), text).unwrap();
    }

    /// A program in the surroundings of the test.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> Command {
        let prepared = prepared();
        let mut command = Command::new(program);
        command.args(args).current_dir(self.path("work"));
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        let usual = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        command.env("PATH", format!("{}:{usual}", prepared.join("bin").display()));
        command.env("COLIMA_CACHE_HOME", prepared.join("cache"));
        command.env("HOME", self.path("home")).env("CAPRONI_STATE_DIR", self.path("state"));
        command.env("KUBECONFIG", self.path("work/kubeconfig"));
        command.env("TMPDIR", self.path("tmp")).env("LIMA_HOME", self.lima());
        // By this every process of the test is found again, whoever started it.
        command.env("CAPRONI_TEST", self.root.path());
        command
    }

    pub(crate) fn caproni_command(&self, args: &[&str]) -> Command {
        self.command(self.path("bin/caproni"), args)
    }

    pub(crate) fn caproni(&self, args: &[&str]) -> Run {
        run(self.caproni_command(args))
    }

    /// The real colima, as a user runs it.
    pub(crate) fn colima(&self, args: &[&str]) -> Run {
        run(self.command("colima", args))
    }

    /// A command in the machine.
    pub(crate) fn guest(&self, args: &[&str]) -> Run {
        let shell = ["shell", "--workdir", "/", "colima-caproni"];
        run(self.command("limactl", &[&shell, args].concat()))
    }

    pub(crate) fn status(&self) -> Value {
        self.caproni(&["status", "-o", "json"]).json()
    }

    /// The state, and what is wrong, by the names of the conditions.
    pub(crate) fn state(&self) -> (String, Vec<String>) {
        let status = self.status();
        let conditions = status["conditions"].as_array().unwrap().iter();
        let failed = conditions.filter(|condition| condition["ok"] == false);
        let names = failed.map(|condition| condition["name"].as_str().unwrap().to_owned());
        (status["state"].as_str().unwrap().to_owned(), names.collect())
    }

    /// lima's home.
    pub(crate) fn lima(&self) -> PathBuf {
        self.path("home/lima")
    }

    /// The folder of the cluster's machine.
    pub(crate) fn machine(&self) -> PathBuf {
        self.lima().join("colima-caproni")
    }

    /// Makes every machine misbehave in one way, until it is set to behave.
    pub(crate) fn misbehave(&self, how: &str) {
        self.folder("home/lima");
        self.folder("home/lima/_stand-in");
        std::fs::write(self.lima().join("_stand-in").join(how), "").unwrap();
    }

    pub(crate) fn behave(&self, how: &str) {
        std::fs::remove_file(self.lima().join("_stand-in").join(how)).unwrap();
    }

    /// A `PATH` with every program but one.
    pub(crate) fn path_without(&self, missing: &str) -> PathBuf {
        self.folder("without");
        let folder = self.path("without");
        let programs = ["colima", "limactl", "lima", "kubectl", "docker", "qemu-img", "sh", "env"];
        for program in programs.into_iter().filter(|program| *program != missing) {
            let places = [prepared().join("bin"), "/usr/local/bin".into(), "/usr/bin".into()];
            let there = places.iter().map(|place| place.join(program)).find(|path| path.exists());
            symlink(there.unwrap(), folder.join(program)).unwrap();
        }
        folder
    }

    /// The processes that this test has started, and that still run.
    pub(crate) fn processes(&self) -> Vec<(i32, String)> {
        let mark = format!("CAPRONI_TEST={}", self.root.path().display());
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let ours = entries.filter_map(|entry| {
            let environment = std::fs::read(entry.path().join("environ")).ok()?;
            let marked = environment.split(|&byte| byte == 0).any(|one| one == mark.as_bytes());
            let line = std::fs::read(entry.path().join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            let id = entry.file_name().to_str()?.parse().ok()?;
            (marked && !line.is_empty()).then_some((id, line))
        });
        ours.collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(self.lima().join("_stand-in"));
        let destroyed = self.caproni(&["destroy", "--yes"]);
        let left = self.processes();
        for (id, _) in &left {
            let _ = Command::new("kill").args(["-KILL", &id.to_string()]).output();
        }
        if !std::thread::panicking() {
            assert_eq!(destroyed.code, Some(0), "{destroyed:#?}");
            assert_eq!(left, [], "still run after the cluster is destroyed");
        }
    }
}

fn run(mut command: Command) -> Run {
    Run::of(&command.output().unwrap())
}

/// What `.ci/colima` has prepared; without it there is nothing to test.
fn prepared() -> PathBuf {
    let told = std::env::var_os("CAPRONI_COLIMA");
    told.expect("CAPRONI_COLIMA is not set: run `eval \"$(.ci/colima DIR)\"` before, see .ci/run")
        .into()
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
