//! Running the commands that mend an error, if the user agrees.

use std::os::fd::AsFd;
use std::process::Stdio;

use caproni_driver::{Action, ErrorKind};

use super::App;
use crate::error::Error;
use crate::process::search_path;

/// The mending of one command's errors: each command line is run once at most.
pub(super) struct Mending<'a> {
    app: &'a App,
    run: Vec<String>,
}

impl<'a> Mending<'a> {
    pub(super) fn new(app: &'a App) -> Self {
        Self { app, run: Vec::new() }
    }

    /// Mends an error, so that what failed can be tried again.
    ///
    /// # Errors
    /// The error itself, when nothing mends it, the user does not agree or cannot be
    /// asked, or the mending failed or did not help.
    pub(super) async fn mend(&mut self, error: Error) -> Result<(), Error> {
        let actions = error.data.actions.clone();
        if actions.is_empty() {
            let is_backend =
                error.is(&ErrorKind::BackendMissing) || error.is(&ErrorKind::BackendUnavailable);
            return Err(if is_backend { error.or_hint(LOOK) } else { error });
        }
        if let Some(done) = actions.iter().find(|action| self.run.contains(&action.command_line()))
        {
            let cause = format!("`{}` was run, and did not mend it", done.command_line());
            return Err(error.with_cause(cause).or_hint(LOOK));
        }
        if !self.app.global.yes && !self.app.ui.can_ask() {
            let hint = "run the command above, or pass `--yes` to have it run";
            return Err(if error.data.hint.is_some() { error } else { error.with_hint(hint) });
        }
        self.app.ui.announce(&format!("{}; this would mend it:", error.message));
        self.app.ui.show_actions(&actions);
        if !self.app.global.yes && !self.app.ui.ask("Run it now?", &self.app.interrupt).await {
            return Err(if self.app.interrupt.is_raised() { cancelled() } else { error });
        }
        for action in &actions {
            self.run.push(action.command_line());
            run(action).await.map_err(|failed| error.clone().with_cause(failed))?;
            if self.app.interrupt.is_raised() {
                return Err(cancelled());
            }
        }
        Ok(())
    }
}

/// What helps on where no command is known that does.
const LOOK: &str = "run `caproni doctor` to see what else is wrong";

/// Whether the user lets commands run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Consent {
    Given,
    Refused,
}

/// Shows commands, and runs them one after the other if the user agrees. One that fails does not
/// keep the next from its turn: they mend different things.
///
/// # Errors
/// `Cancelled`.
pub(super) async fn run_all(app: &App, actions: &[Action]) -> Result<Consent, Error> {
    app.ui.announce("this would mend what was found:");
    app.ui.show_actions(actions);
    if !app.global.yes && !app.ui.can_ask() {
        app.ui.warn("nothing was run, since nobody can be asked: pass `--yes` to have it run");
        return Ok(Consent::Refused);
    }
    if !app.global.yes && !app.ui.ask("Run it now?", &app.interrupt).await {
        return if app.interrupt.is_raised() { Err(cancelled()) } else { Ok(Consent::Refused) };
    }
    for action in actions {
        if let Err(failed) = run(action).await {
            app.ui.warn(&failed);
        }
        if app.interrupt.is_raised() {
            return Err(cancelled());
        }
    }
    Ok(Consent::Given)
}

fn cancelled() -> Error {
    Error::driver(ErrorKind::Cancelled, "cancelled")
}

/// Runs a command on the user's terminal. What it prints goes to stderr: stdout is
/// for the result alone.
async fn run(action: &Action) -> Result<(), String> {
    let line = action.command_line();
    let Some((program, args)) = action.argv.split_first() else {
        return Err("the driver named an empty command".into());
    };
    if program.contains('/') && !program.starts_with('/') {
        return Err(format!("`{program}` is a relative path, which is never run"));
    }
    let stderr =
        std::io::stderr().as_fd().try_clone_to_owned().map_err(|error| error.to_string())?;
    let mut command = tokio::process::Command::new(program);
    command.args(args).stdout(Stdio::from(stderr));
    if let Some(path) = search_path() {
        command.env("PATH", path);
    }
    match command.status().await {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{line}` ended with {status}")),
        Err(error) => Err(format!("`{line}` cannot be run: {error}")),
    }
}
