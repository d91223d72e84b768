//! Folders of one row's own, and commands that run in them: nothing of the user's is touched.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::programs::Programs;
use crate::time::output;

/// `caproni` alone in a folder, drivers in another, and a home, a state folder and a folder to
/// work in; removed when this is dropped.
pub(crate) struct Sandbox {
    _folder: tempfile::TempDir,
    root: PathBuf,
}

impl Sandbox {
    /// A sandbox with these drivers, each a name and the program that it is.
    pub(crate) fn new(programs: &Programs, drivers: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path().canonicalize().expect("our folder");
        for name in ["home", "project", "state", "program", "drivers"] {
            std::fs::create_dir(root.join(name)).expect("a new folder");
        }
        let sandbox = Self { _folder: folder, root };
        sandbox.put(programs.path("caproni"), "program/caproni");
        for (name, program) in drivers {
            sandbox.put(programs.path(program), &format!("drivers/caproni-driver-{name}"));
        }
        sandbox
    }

    /// Puts a copy of a program into the sandbox: it is found by where it lies.
    pub(crate) fn put(&self, program: &Path, path: &str) {
        let file = self.path(path);
        std::fs::hard_link(program, &file)
            .or_else(|_| std::fs::copy(program, &file).map(drop))
            .expect("room for a program");
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let file = self.path(path);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("our folder");
        std::fs::write(file, text).expect("our file");
    }

    /// Makes so many clusters of the mock driver, each a file like that of the first one.
    pub(crate) fn hold_mock_clusters(&self, count: usize) {
        output(self.caproni("--driver mock --profile c0 start"));
        let one = std::fs::read_to_string(self.path("state/mock/c0.json")).expect("the cluster");
        (0..count).for_each(|n| self.write(&format!("state/mock/c{n}.json"), &one));
    }

    /// A command line of `caproni`, its words split at spaces, in an environment that holds
    /// nothing of the user's.
    pub(crate) fn caproni(&self, words: &str) -> Command {
        let mut command = self.program(&self.path("program/caproni"));
        command.args(words.split_whitespace());
        command
    }

    /// The same with the user's environment, for what needs the engine and the backend there:
    /// the kubeconfig and all that caproni keeps is the sandbox's all the same.
    pub(crate) fn caproni_outside(&self, words: &str) -> Command {
        let mut command = self.outside(&self.path("program/caproni").display().to_string());
        command.args(words.split_whitespace());
        command
    }

    /// Any program in an environment that holds nothing of the user's.
    pub(crate) fn program(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", self.path("home"));
        self.settle(&mut command);
        command
    }

    /// Any program in the user's environment.
    pub(crate) fn outside(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("CAPRONI_") {
                command.env_remove(name);
            }
        }
        self.settle(&mut command);
        command
    }

    fn settle(&self, command: &mut Command) {
        command.current_dir(self.path("project"));
        command.env("KUBECONFIG", self.path("kubeconfig"));
        command.env("CAPRONI_STATE_DIR", self.path("state"));
        command.env("CAPRONI_DRIVER_PATH", self.path("drivers"));
    }
}
