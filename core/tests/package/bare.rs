//! A bare Debian in a container.

use std::path::Path;
use std::process::{Command, Output};

use crate::release::done;

/// A container that has nothing but what every Debian has, a reader for manuals and bash's
/// completions, and that reaches no network; removed with this.
pub(crate) struct Bare {
    id: String,
}

impl Bare {
    pub(crate) fn new() -> Self {
        let image = std::env::var("CAPRONI_BARE_IMAGE").unwrap_or_else(|_| {
            panic!(
                "CAPRONI_BARE_IMAGE is not set: run `eval \"$(.ci/bare DIR)\"` before, see .ci/run"
            )
        });
        let run = ["run", "--detach", "--rm", "--network", "none", &image, "sleep", "600"];
        let output = done(Command::new("docker").args(run));
        Self { id: String::from_utf8(output.stdout).unwrap().trim().to_owned() }
    }

    /// Copies a file in.
    pub(crate) fn copy(&self, file: &Path, to: &str) {
        done(Command::new("docker").arg("cp").arg(file).arg(format!("{}:{to}", self.id)));
    }

    /// Runs a script of bash, as a user does who has no terminal.
    pub(crate) fn bash(&self, script: &str) -> Output {
        let exec = ["exec", &self.id, "bash", "-c", script];
        Command::new("docker").args(exec).output().unwrap()
    }

    /// What a script prints that has to work.
    #[track_caller]
    pub(crate) fn said(&self, script: &str) -> String {
        let output = self.bash(script);
        assert!(output.status.success(), "{script}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["rm", "--force", &self.id]).output();
    }
}
