//! `caproni drivers check`

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap_complete::engine::ArgValueCompleter;
use serde_json::{Value, json};

use super::super::App;
use crate::completion;
use crate::config::ConfigFile;
use crate::conformance::coverage::{COVERAGE, How, Level};
use crate::conformance::report::{Report, level_word};
use crate::conformance::{Plan, check, rules};
use crate::discovery::Driver;
use crate::error::{Error, Kind};
use crate::exit;
use crate::output::{ListedRule, RuleList};
use crate::session::Session;
use crate::ui::clean;

/// How long a driver is asked for its name before it is checked.
const TO_SAY_ITS_NAME: Duration = Duration::from_secs(5);

/// Check a driver against every rule of the protocol that can be checked from outside
///
/// Exits with 0 when it breaks none, and with 1 when it breaks one. A rule that says SHOULD, and
/// is not kept, is a warning. A `caproni.yaml` counts: its section for the driver is the config
/// of the clusters that are asked about, and made.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  caproni drivers check mine
  caproni drivers check ./caproni-driver-mine --destructive --junit out.xml
  caproni drivers check --rules")]
pub(crate) struct Check {
    /// Check the driver of this name, or this executable
    #[arg(value_name = "NAME|PATH", add = ArgValueCompleter::new(completion::drivers), required_unless_present = "rules")]
    driver: Option<String>,

    /// Make a real cluster, live its life, and destroy it: the same as `--level destructive`
    #[arg(long)]
    destructive: bool,

    /// Go as far as this level, with those before it
    #[arg(long, value_name = "LEVEL", default_value = "meaning")]
    level: Level,

    /// Tell the verdict on every rule, not only on those that are broken
    #[arg(long)]
    all: bool,

    /// Write the outcome as JUnit's XML to this file, too
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,

    /// Only list the rules, and how each is checked
    #[arg(long, conflicts_with_all = ["driver", "destructive", "all", "junit"])]
    rules: bool,
}

impl Check {
    pub(crate) async fn run(self, app: &App) -> Result<u8, Error> {
        let Some(named) = self.driver.as_deref().filter(|_| !self.rules) else {
            return list_rules(app);
        };
        let driver = match app.search.find(named) {
            Ok(driver) => driver,
            // That it cannot be run is a finding like any other.
            Err(error) => unfit(error)?,
        };
        let level = if self.destructive { Level::Destructive } else { self.level };
        let config = section(app, &driver).await?;
        let (search, limit) = (app.search.clone(), app.global.timeout);
        let plan = Plan { search, level, config, limit };
        let tell = |level| app.ui.step("check", &format!("level `{}`", level_word(level)));
        let report = check(&driver, plan, &app.interrupt, tell).await?;
        if let Some(file) = &self.junit {
            std::fs::write(file, report.to_junit()).map_err(|error| {
                Error::internal(&format!("cannot write `{}`", file.display()), error)
            })?;
        }
        tell_report(app, &report, self.all)?;
        Ok(if report.passed { exit::OK } else { exit::FAILED })
    }
}

/// The driver that cannot be run, by the path that the error names.
fn unfit(error: Error) -> Result<Driver, Error> {
    let path = error.data.more.get("path").and_then(Value::as_str).map(PathBuf::from);
    match path.filter(|_| error.kind == Kind::DriverNotExecutable) {
        Some(path) => {
            let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let name = file.strip_prefix(crate::discovery::PREFIX).unwrap_or(&file).to_owned();
            Ok(Driver { name, path, shadowed: Vec::new() })
        }
        None => Err(error),
    }
}

/// The driver's section in the user's file, as it stands there: that of the driver it becomes,
/// where it has none of its own.
async fn section(app: &App, driver: &Driver) -> Result<Value, Error> {
    let file: Option<ConfigFile> = app.config_file()?;
    let section = match file {
        Some(file) => match file.section(&driver.name) {
            Ok(section) => Some(section),
            Err(_) => file.section(&said_name(app, driver).await?).ok(),
        },
        None => None,
    };
    Ok(section.map(|section| section.to_json()).filter(Value::is_object).unwrap_or(json!({})))
}

/// The name that a driver gives itself; one that gives none keeps that of its file.
async fn said_name(app: &App, driver: &Driver) -> Result<String, Error> {
    let limit = Some(app.global.timeout.unwrap_or(TO_SAY_ITS_NAME).min(TO_SAY_ITS_NAME));
    let quiet: crate::transport::Listener = std::sync::Arc::new(|_| {});
    match Session::open(driver, limit, &app.interrupt, quiet).await {
        Ok(session) => {
            let name = session.description.name.clone();
            session.close().await;
            Ok(name)
        }
        Err(error) if error.is(&caproni_driver::ErrorKind::Cancelled) => Err(error),
        Err(_) => Ok(driver.name.clone()),
    }
}

fn tell_report(app: &App, report: &Report, all: bool) -> Result<(), Error> {
    let table = if all { format!("{}\n", report.to_table()) } else { String::new() };
    app.ui.result(&clean(&format!("{table}{}", report.to_text())), report)
}

fn list_rules(app: &App) -> Result<u8, Error> {
    let mut text = String::new();
    let mut listed = Vec::new();
    for (rule, (id, how)) in rules::all().into_iter().zip(COVERAGE) {
        let (level, words) = match how {
            How::Checked(level, words) => (Some(*level), *words),
            How::NotChecked(words) => (None, *words),
        };
        let word = level.map_or("not from outside", level_word);
        text += &format!("[{id}] {}\n    {word}: {words}\n", rule.text);
        let (check, reason) =
            if level.is_some() { (Some(words), None) } else { (None, Some(words)) };
        listed.push(ListedRule { id, rule: rule.text, level, check, reason });
    }
    app.ui.result(&text, &RuleList { rules: listed })?;
    Ok(exit::OK)
}
