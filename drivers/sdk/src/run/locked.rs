//! Running a program that others must not run beside it, for a part of its time.

use tokio_util::sync::CancellationToken;

use super::{Command, Milestone, Output};
use crate::error::Error;
use crate::lock::Lock;
use crate::request::Request;

impl Request {
    /// Runs a program as [`Request::run`], and gives a lock back as soon as the program prints a
    /// line of which `is_enough` is true; at its end at the latest.
    ///
    /// # Errors
    /// As [`Request::run`].
    pub async fn run_locked(
        &self,
        command: &Command,
        lock: Lock,
        is_enough: fn(&str) -> bool,
    ) -> Result<Output, Error> {
        let reached = CancellationToken::new();
        let mut command = command.clone();
        command.milestone = Some(Milestone { is_it: is_enough, reached: reached.clone() });
        let mut run = std::pin::pin!(self.run(&command));
        tokio::select! {
            ended = &mut run => return ended,
            () = reached.cancelled() => drop(lock),
        }
        run.await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn the_lock_is_free_while_the_program_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let request = Request::detached().for_cleanup(Duration::from_secs(20));
        let lock = || Lock::acquire_to_create(&request, folder.path(), "k3d", "a");
        let go_on = folder.path().join("go-on");
        let script = "echo prepared; until [ -e \"$1\" ]; do sleep 0.05; done";
        let command = Command::new("/bin/sh").args(["-c", script, "sh"]).args([&go_on]);
        let first = lock().await.unwrap();
        let run = request.run_locked(&command, first, |line| line == "prepared");
        let second = async {
            let second = lock().await;
            std::fs::write(&go_on, "").unwrap();
            second
        };
        let (run, second) = tokio::join!(run, second);
        assert!(run.unwrap().status.success());
        assert!(second.is_ok(), "{second:?}");
    }

    #[tokio::test]
    async fn a_program_that_never_says_it_gives_the_lock_back_with_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let request = Request::detached().for_cleanup(Duration::from_secs(20));
        let lock = || Lock::acquire_to_create(&request, folder.path(), "k3d", "a");
        let command = Command::new("/bin/echo").args(["other"]);
        request.run_locked(&command, lock().await.unwrap(), |line| line == "said").await.unwrap();
        assert!(lock().await.is_ok());
    }
}
