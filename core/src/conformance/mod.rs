//! Holds any driver against the rules of `protocol.md`, from outside.
//!
//! A driver is run as the host runs it, asked what the host would ask and what no host should, and
//! every line it writes is judged. [`coverage`] says of each rule by what it is held or why it
//! cannot be; [`rules`] takes their text from the page; the levels are `wire`, `lifecycle`,
//! `meaning` and `life`.

mod beside;
pub mod coverage;
mod describe;
mod hear;
mod inherited;
mod interrupted;
pub mod judge;
mod life;
mod lifecycle;
mod meaning;
mod probe;
pub mod report;
pub mod rules;
mod spy;
mod transcript;
mod traps;
mod trial;
mod wire;

use std::time::Duration;

use serde_json::Value;

use crate::discovery::{Driver, SearchPath};
use crate::error::{Error, Kind};
use crate::interrupt::Interrupt;
use coverage::Level;
use judge::Finding;
use report::Report;
use trial::Trial;

/// What a driver is checked with.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where the driver is looked for that it may have become.
    pub search: SearchPath,
    /// How far the check goes.
    pub level: Level,
    /// What the user's file says of the driver, such as the image of its nodes.
    pub config: Value,
    /// How long each question and each change may take; by default 30 s and 10 minutes.
    pub limit: Option<Duration>,
}

/// Checks a driver, and calls `tell` with each level as it begins.
///
/// A cluster that the check made is removed again, also when the user gives up.
///
/// # Errors
/// `Cancelled`, or the temporary folders cannot be made. What the driver does wrong is no
/// error but in the report.
pub async fn check(
    driver: &Driver,
    plan: Plan,
    interrupt: &Interrupt,
    tell: impl Fn(Level),
) -> Result<Report, Error> {
    let mut trial = Trial::new(driver, &plan)?;
    let tried = tokio::select! {
        tried = levels(&mut trial, plan.level, &tell) => Some(tried),
        () = interrupt.first() => None,
    };
    let Some(tried) = tried else {
        if plan.level == Level::Destructive && trial.known.is_some() {
            let _ = tokio::time::timeout(trial.to_change, life::remove(&trial)).await;
        }
        return Err(caproni_driver::Error::cancelled().into());
    };
    match tried {
        Err(error) if error.kind == Kind::DriverNotExecutable => {
            let what = std::iter::once(&error.message).chain(&error.data.causes);
            let what: Vec<_> = what.map(String::as_str).collect();
            let finding = Finding { what: what.join(": "), sent: Vec::new(), received: Vec::new() };
            trial.judge.failed("FILE-1", finding);
        }
        Err(error) => return Err(error),
        Ok(()) => {}
    }
    Ok(Report::of(driver, plan.level, &trial.judge))
}

async fn levels(trial: &mut Trial<'_>, level: Level, tell: &impl Fn(Level)) -> Result<(), Error> {
    tell(Level::Wire);
    if !wire::run(trial).await? || level < Level::Lifecycle {
        return Ok(());
    }
    tell(Level::Lifecycle);
    lifecycle::run(trial).await?;
    if level < Level::Meaning {
        return Ok(());
    }
    tell(Level::Meaning);
    if !meaning::run(trial).await? || level < Level::Destructive {
        return Ok(());
    }
    tell(Level::Destructive);
    life::run(trial).await?;
    what_never_came(trial);
    Ok(())
}

/// In a whole life some things need not come, and then nothing can be said of them.
fn what_never_came(trial: &Trial<'_>) {
    for (rules, reason) in [
        (&["PROG-1", "PROG-2", "PROG-3"][..], "it reported no progress"),
        (&["ERR-1", "ERR-2", "ERR-4", "ERR-5", "ERR-6"], "it answered with no error of its own"),
        (&["ACT-1"], "no error of it carried actions"),
        (&["CONF-7"], "its status has no `config`"),
        (&["START-5"], "no creation of it could be interrupted"),
    ] {
        rules.iter().for_each(|rule| trial.judge.not_applicable(rule, reason));
    }
}
