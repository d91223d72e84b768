//! `caproni drivers list`

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::Value;
use tokio::task::JoinSet;

use super::ask::{Answer, Turns};
use super::cache::{Cache, Facts, Stamp};
use crate::commands::App;
use crate::discovery::{Candidate, Driver, PREFIX};
use crate::error::Error;
use crate::exit;
use crate::output::{DriverList, ListedDriver};
use crate::ui::{Width, clean, wrapped_table};

/// How long a driver may take to say who it is and to end, when the user says nothing.
const LIMIT: Duration = Duration::from_secs(5);

/// List all drivers, also those that are broken, with the reason
///
/// What a driver says of itself is kept until its file changes. A broken one is asked
/// each time, and is a row like the others: the exit code is 0. With `--quiet` only the names of those
/// that are sound are printed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  caproni drivers list
  caproni drivers list --no-cache -o json")]
pub(crate) struct List {
    /// Ask every driver anew, whatever is kept of it
    #[arg(long)]
    no_cache: bool,
}

impl List {
    pub(crate) async fn run(self, app: &App) -> Result<u8, Error> {
        let state = caproni_driver::lock::state_dir();
        let mut cache = if self.no_cache { Cache::empty(&state) } else { Cache::read(&state) };
        let rows = tokio::select! {
            biased;
            () = app.interrupt.first() => return Err(caproni_driver::Error::cancelled().into()),
            rows = rows(app, &mut cache) => rows,
        };
        if let Err(error) = cache.write()
            && app.global.verbose()
        {
            app.ui.note(&format!("what the drivers say is not kept: {error}"));
        }
        let drivers = rows.iter().map(Row::output).collect();
        app.ui.result(&to_text(app, &rows), &DriverList { drivers })?;
        Ok(exit::OK)
    }
}

/// All rows, in the order of the names. Dropped half done, it ends what it has started.
async fn rows(app: &App, cache: &mut Cache) -> Vec<Row> {
    let limit = app.global.timeout.unwrap_or(LIMIT);
    let turns = Turns::new();
    let mut asked = JoinSet::new();
    let mut rows = Vec::new();
    for (index, Candidate { driver, problem }) in app.search.candidates().into_iter().enumerate() {
        let stamp = Stamp::of(&driver.path).filter(|_| problem.is_none());
        let facts = stamp.as_ref().and_then(|stamp| cache.facts(&driver.path, stamp));
        if problem.is_none() && facts.is_none() {
            let (driver, turns, listener) = (driver.clone(), turns.clone(), app.listener());
            let search = app.search.clone();
            asked.spawn(async move {
                (index, stamp, turns.ask(&driver, &search, limit, listener).await)
            });
        }
        rows.push(Row { driver, answer: Answer { facts, problem, becomes: None } });
    }
    while let Some(joined) = asked.join_next().await {
        let Ok((index, stamp, answer)) = joined else { continue };
        let row = &mut rows[index];
        // What a driver becomes depends on more than its own file.
        let is_itself = answer.problem.is_none() && answer.becomes.is_none();
        if let (Some(stamp), Some(facts), true) = (stamp, &answer.facts, is_itself) {
            cache.keep(&row.driver.path, stamp, facts.clone());
        }
        row.answer = answer;
    }
    rows
}

/// One driver, as far as it is known.
struct Row {
    driver: Driver,
    answer: Answer,
}

impl Row {
    fn output(&self) -> ListedDriver {
        let facts = self.answer.facts.as_ref();
        ListedDriver {
            name: self.driver.name.clone(),
            version: facts.map(|facts| facts.version.clone()),
            path: self.driver.path.display().to_string(),
            capabilities: facts.map(|facts| facts.capabilities.clone()),
            shadowed: shown(&self.driver.shadowed),
            becomes: self.answer.becomes.clone(),
            problem: self.answer.problem.as_ref().map(Error::to_json),
        }
    }

    fn cells(&self) -> [String; 4] {
        let facts = self.answer.facts.as_ref();
        let version = facts.map_or("-", |facts| &facts.version);
        let what = match (&self.answer.problem, &self.answer.becomes) {
            (Some(problem), _) => format!("broken: {}", reason(problem, &self.driver)),
            (None, Some(other)) => format!("becomes `{other}`"),
            (None, None) => facts.map(capabilities).unwrap_or_default(),
        };
        let folder = self.driver.path.parent().unwrap_or(Path::new("/"));
        [self.driver.name.clone(), version.to_owned(), what, folder.display().to_string()]
    }
}

pub(super) fn shown(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().map(|path| path.display().to_string()).collect()
}

fn capabilities(facts: &Facts) -> String {
    let all = facts.capabilities.methods.iter().chain(&facts.capabilities.features);
    all.cloned().collect::<Vec<_>>().join(", ")
}

/// A problem in few words: the row says already whose it is.
pub(crate) fn reason(problem: &Error, driver: &Driver) -> String {
    let path = driver.path.display().to_string();
    let subjects = [path.as_str(), &driver.name].map(|subject| format!("driver `{subject}` "));
    let bare = subjects.iter().find_map(|subject| problem.message.strip_prefix(subject.as_str()));
    let stderr = problem.data.more.get("stderr").and_then(Value::as_str);
    let last_words = stderr.and_then(|text| text.lines().last()).map(str::to_owned);
    let why = problem.data.causes.first().cloned().or(last_words);
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    format!("{}{why}", bare.unwrap_or(&problem.message))
}

/// The table, or with `--quiet` the names alone, and a warning of each that is broken.
fn to_text(app: &App, rows: &[Row]) -> String {
    if !app.ui.is_quiet() {
        return table(rows, app.ui.width());
    }
    for problem in rows.iter().filter_map(|row| row.answer.problem.as_ref()) {
        app.ui.warn(&problem.message);
    }
    let sound = rows.iter().filter(|row| row.answer.problem.is_none());
    sound.map(|row| clean(&row.driver.name)).collect::<Vec<_>>().join("\n")
}

fn table(rows: &[Row], width: u16) -> String {
    if rows.is_empty() {
        return format!("no drivers; put an executable `{PREFIX}NAME` on PATH");
    }
    let columns = [
        ("NAME", Width::Content),
        ("VERSION", Width::AtMost(14)),
        ("CAPABILITIES", Width::Rest),
        ("FOLDER", Width::Content),
    ];
    let mut text = wrapped_table(width, columns, rows.iter().map(Row::cells));
    let shadowed = rows.iter().flat_map(|row| row.driver.shadowed.iter().map(move |by| (by, row)));
    for (index, (shadowed, row)) in shadowed.enumerate() {
        let gap = if index == 0 { "\n" } else { "" };
        let (shadowed, path) = (shadowed.display(), row.driver.path.display());
        text += &clean(&format!("{gap}`{shadowed}` is shadowed by `{path}`\n"));
    }
    text
}
