//! `caproni drivers replay`

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::again::{Again, Verdict};
use super::play;
use crate::commands::App;
use crate::discovery::Driver;
use crate::error::Error;
use crate::exit;
use crate::output::Replayed;
use crate::recording::Recording;
use crate::ui::{clean, value};

/// How long each answer may take when the user says nothing.
const LIMIT: Duration = Duration::from_secs(600);

/// How much of a value is shown in text.
const SHOWN: usize = 60;

/// The methods of the protocol that change nothing.
const HARMLESS: [&str; 9] =
    ["initialize", "status", "kubeconfig", "version", "list", "exec", "logs", "usage", "diagnose"];

/// Send what was recorded to a driver again, and tell in what its answers differ
///
/// The driver is the one of `--driver`, else the one whose name was recorded. Wording,
/// versions, addresses and measurements may differ, and are told as such. Exits with 0
/// when the answers are the same, else with 1.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  caproni drivers replay session.jsonl
  caproni drivers replay session.jsonl --as-driver")]
pub(crate) struct Replay {
    /// A recording that `caproni drivers record` made
    file: PathBuf,
    /// Play the driver instead: answer a host on stdin and stdout as the driver did, whatever `-o`
    /// says
    #[arg(long)]
    as_driver: bool,
}

impl Replay {
    pub(crate) async fn run(self, app: &App) -> Result<u8, Error> {
        let recording = Recording::read(&self.file)?;
        if self.as_driver {
            return play::play(app, &recording).await;
        }
        let driver = driver(app, &recording)?;
        allowed(app, &recording, &driver).await?;
        let limit = app.global.timeout.unwrap_or(LIMIT);
        let mut verdicts = Vec::new();
        for session in &recording.sessions {
            verdicts.extend(Again::of(app, &driver, session, limit).await?);
        }
        let same = verdicts.iter().all(Verdict::is_same);
        let answers = verdicts.iter().map(Verdict::output).collect();
        let replayed = Replayed { driver: driver.path.display().to_string(), same, answers };
        app.ui.result(&to_text(&verdicts), &replayed)?;
        Ok(if same { exit::OK } else { exit::FAILED })
    }
}

/// By its name only, like one that a config file names: the recording may be a stranger's.
fn driver(app: &App, recording: &Recording) -> Result<Driver, Error> {
    match (&app.global.driver, recording.driver()) {
        (Some(said), _) => app.search.find(said),
        (None, Some(name)) => app.search.find_name(&name),
        (None, None) => Err(Error::usage("no driver says its name in the recording")
            .with_hint("pass `--driver NAME`")),
    }
}

/// Lets nobody destroy a cluster by looking into a bug report.
async fn allowed(app: &App, recording: &Recording, driver: &Driver) -> Result<(), Error> {
    let changes = recording.exchanges().filter(|(_, one)| !HARMLESS.contains(&one.method()));
    let mut changes: Vec<String> = changes
        .map(|(_, one)| match one.message["params"]["profile"].as_str() {
            Some(profile) => format!("`{}` of cluster `{profile}`", one.method()),
            None => format!("`{}`", one.method()),
        })
        .collect();
    changes.dedup();
    if changes.is_empty() || app.global.yes {
        return Ok(());
    }
    let what = format!("it may change clusters: it asks for {}", changes.join(", "));
    if !app.ui.can_ask() {
        let hint = format!("pass `--yes` to send that to `{}`", driver.path.display());
        return Err(Error::usage(format!("the recording is not replayed: {what}")).with_hint(hint));
    }
    let question = format!("Replay it with `{}`? {what}.", driver.path.display());
    if app.ui.ask(&question, &app.interrupt).await {
        Ok(())
    } else {
        Err(Error::driver(caproni_driver::ErrorKind::Cancelled, "cancelled: nothing was sent"))
    }
}

fn to_text(verdicts: &[Verdict]) -> String {
    let mut text = String::new();
    for verdict in verdicts {
        let word = if verdict.is_same() { "the same" } else { "differs" };
        text += &format!("session {}: {}: {word}\n", verdict.session, verdict.what);
        for one in &verdict.differences {
            let mark = if one.volatile { " (may differ)" } else { "" };
            let (recorded, came) = (short(&one.recorded), short(&one.came));
            text += &format!("    {}: recorded {recorded}, came {came}{mark}\n", one.path);
        }
    }
    let same = verdicts.iter().filter(|verdict| verdict.is_same()).count();
    text += &format!("{same} of {} are the same\n", verdicts.len());
    clean(&text)
}

fn short(shown: &Value) -> String {
    let text = value(shown).replace('\n', " ");
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("`{}…`", &text[..end]),
        None => format!("`{text}`"),
    }
}
