//! What every driver finds, all of them asked at the same time.

use std::sync::Arc;
use std::time::Duration;

use caproni_driver::{Action, ErrorKind, HealthCheck, Verdict, trust};
use futures_util::future::join_all;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::finding::{Finding, from_error};
use crate::commands::drivers::reason;
use crate::commands::{App, Target};
use crate::config::{self, ConfigFile};
use crate::discovery::{Candidate, Driver};
use crate::error::{Error, Kind};
use crate::exit;
use crate::interrupt::Interrupt;
use crate::session::{Call, Session};

/// How long a driver may take for all that it looks at, when the user says nothing.
const LIMIT: Duration = Duration::from_secs(20);

/// How much sooner than the host a driver is told to give up.
const MARGIN: Duration = Duration::from_secs(2);

/// How many drivers run at once: each takes three of the 256 open files of macOS.
const AT_ONCE: usize = 64;

/// What became of asking one driver.
struct Asked {
    driver: Driver,
    /// The other driver that it has become.
    became: Option<String>,
    checks: Result<Vec<HealthCheck>, Error>,
}

/// The findings of all drivers, or of the one that the command line names: those of the driver
/// in use first.
///
/// # Errors
/// The command line names a driver that is not there.
pub(super) async fn drivers(app: &App, target: Option<&Target>) -> Result<Vec<Finding>, Error> {
    let candidates = match app.global.driver.as_deref().filter(|driver| !driver.is_empty()) {
        Some(said) => vec![named(app, said)?],
        None => app.search.candidates(),
    };
    let shadows: Vec<_> = candidates.iter().filter_map(|it| shadowed(&it.driver)).collect();
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let asked = candidates.into_iter().map(|candidate| one(app, target, candidate, &turns));
    let mut asked = join_all(asked).await;
    let used = used(target, &asked);
    // It is told of by the one that it became.
    asked.retain(|it| it.became.is_none() || app.global.driver.is_some());
    let is_used = |it: &Asked| used.as_ref().is_none_or(|used| *used == it.name());
    asked.sort_by_key(|it| (!is_used(it), it.name(), it.driver.path.clone()));
    let mut findings: Vec<_> = asked.into_iter().flat_map(|it| told(is_used(&it), it)).collect();
    findings.extend(shadows);
    Ok(findings)
}

/// The driver that the command line names; one that is there and must not be run is a row.
fn named(app: &App, said: &str) -> Result<Candidate, Error> {
    match app.search.find(said) {
        Ok(driver) => Ok(Candidate { driver, problem: None }),
        Err(error) if is_refused(&error) => {
            let path = error.data.more.get("path").and_then(Value::as_str).unwrap_or(said);
            let driver = Driver { name: said.into(), path: path.into(), shadowed: Vec::new() };
            Ok(Candidate { driver, problem: Some(error) })
        }
        Err(error) => Err(error),
    }
}

/// Tells whether a driver is there, and cannot or must not be run.
pub(super) fn is_refused(error: &Error) -> bool {
    matches!(error.kind, Kind::DriverNotTrusted | Kind::DriverNotExecutable)
}

/// The name of the driver in use: that of the one which it became.
fn used(target: Option<&Target>, asked: &[Asked]) -> Option<String> {
    let named = &target?.driver;
    let it = asked.iter().find(|it| it.driver.path == named.path);
    Some(it.map_or_else(|| named.name.clone(), Asked::name))
}

impl Asked {
    fn name(&self) -> String {
        self.became.clone().unwrap_or_else(|| self.driver.name.clone())
    }
}

async fn one(app: &App, target: Option<&Target>, candidate: Candidate, turns: &Semaphore) -> Asked {
    let Candidate { driver, problem } = candidate;
    if let Some(problem) = problem {
        return Asked { driver, became: None, checks: Err(problem) };
    }
    let _turn = turns.acquire().await;
    let limit = app.global.timeout.unwrap_or(LIMIT);
    let mut became = None;
    let asked = ask(app, target, &driver, limit, &mut became);
    // Out of time the driver is killed without more ado: it changes nothing.
    let checks = match tokio::time::timeout(limit, asked).await {
        Ok(checks) => checks,
        Err(_) => Err(late(&driver, limit)),
    };
    Asked { driver, became, checks }
}

async fn ask(
    app: &App,
    target: Option<&Target>,
    driver: &Driver,
    limit: Duration,
    became: &mut Option<String>,
) -> Result<Vec<HealthCheck>, Error> {
    let interrupt = Interrupt::default();
    let session = Session::open(driver, None, &interrupt, app.listener()).await?;
    *became = app.search.become_by(driver, &session.description.name).map(|other| other.name);
    // Asked by itself, as all that are here.
    let checks = match became.is_some() && app.global.driver.is_none() {
        true => Ok(Vec::new()),
        false => diagnose(app, target, &session, limit, &interrupt).await,
    };
    session.close().await;
    checks
}

async fn diagnose(
    app: &App,
    target: Option<&Target>,
    session: &Session,
    limit: Duration,
    interrupt: &Interrupt,
) -> Result<Vec<HealthCheck>, Error> {
    let version = &session.description.version;
    if !session.has_method("diagnose") {
        let message = format!("version {version} answers, and has no checks of its own");
        return Ok(vec![HealthCheck::new("driver", Verdict::Ok, message)]);
    }
    let mut checks = vec![];
    let file = target.and_then(|target| target.file.as_ref());
    let section = section(session, file).unwrap_or_else(|error| {
        checks.push(from_error("config", &error));
        None
    });
    let limit = limit.saturating_sub(MARGIN).max(limit / 2);
    let profile = profile(app, file);
    let call =
        Call { profile: profile.as_deref().unwrap_or_default(), timeout: Some(limit), interrupt };
    let told = session.diagnose(call, profile.as_deref(), section).await?;
    checks.extend(told.checks);
    Ok(checks)
}

/// The cluster that somebody has named, here or in the file.
fn profile(app: &App, file: Option<&ConfigFile>) -> Option<String> {
    app.global.profile.clone().or_else(|| file?.profile().ok())
}

/// The driver's config; `None` where there is none, since a driver looks without one too.
fn section(session: &Session, file: Option<&ConfigFile>) -> Result<Option<Value>, Error> {
    let driver = &session.description.name;
    let Some(file) = file else { return Ok(None) };
    let section = file.section(driver);
    let schema = &session.description.config_schema;
    match section.and_then(|section| config::validate(Some(&section), schema, driver)) {
        Ok(config) => Ok(Some(config)),
        Err(error) if error.is(&ErrorKind::MissingDriverConfig) => Ok(None),
        Err(error) => Err(error),
    }
}

fn late(driver: &Driver, limit: Duration) -> Error {
    let (path, limit) = (driver.path.display(), humantime::format_duration(limit));
    let message = format!("driver `{path}` did not tell what it finds within {limit}");
    Error::new(Kind::DriverUnresponsive, message)
        .with_hint("give it more time with `--timeout`, or run it with `-v` to see what it does")
}

fn told(is_used: bool, asked: Asked) -> Vec<Finding> {
    let name = asked.name();
    match asked.checks {
        Ok(checks) => {
            let mut findings = Vec::new();
            for check in checks {
                findings.push(match check.name.as_str() {
                    "config" => Finding::of_broken(&name, check, exit::CONFIG, is_used),
                    _ => Finding::of_driver(&name, check, is_used),
                });
            }
            findings
        }
        Err(error) => {
            let mut check = from_error("driver", &error);
            check.message = reason(&error, &asked.driver);
            check.actions.extend(close(&error, &asked.driver));
            check.hint.get_or_insert_with(|| {
                format!("run `caproni drivers check {name}` to see what is wrong with it")
            });
            vec![Finding::of_broken(&name, check, exit::code(&error), is_used)]
        }
    }
}

/// What makes a driver one that nobody else can change.
fn close(error: &Error, driver: &Driver) -> Option<Action> {
    let distrust = trust::distrust(&driver.path).filter(|_| is_refused(error))?;
    let argv = shlex::split(&distrust.remedy)?;
    let is_privileged = argv.first().is_some_and(|program| program == "sudo");
    let close = Action::new("Close the driver to others", distrust.why, argv);
    Some(if is_privileged { close.privileged() } else { close })
}

/// A file of the same name that never runs: whoever has just installed it wonders why.
fn shadowed(driver: &Driver) -> Option<Finding> {
    let first = driver.shadowed.first()?;
    let message = format!("`{}` is shadowed by `{}`", first.display(), driver.path.display());
    let check = HealthCheck::new("shadowed", Verdict::Warning, message)
        .with_hint("remove the one that you do not want, or put its folder first");
    Some(Finding::of_host(check, exit::NO_DRIVER))
}
