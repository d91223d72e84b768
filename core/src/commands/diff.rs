//! `caproni diff`

use caproni_driver::ErrorKind;
use clap::Args;

use super::comparison::{Comparison, Need};
use super::{App, LIMIT_TO_ASK, Target};
use crate::error::Error;
use crate::exit;
use crate::session::Session;

/// Show what a start would change of the cluster, and at what price
///
/// Changes nothing. Each field that differs has its price: `live` (`caproni start` changes it
/// while the cluster runs), `restart` (`caproni start --restart`) or `recreate` (`caproni start
/// --recreate`, which loses the cluster's data). The exit code is 5 when something differs, also
/// when there is no cluster or it does not run, and 0 when nothing does.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  caproni diff
  caproni --profile demo diff -o json")]
pub(crate) struct Diff {}

impl Diff {
    pub(crate) async fn run(self, app: &App) -> Result<u8, Error> {
        let target = app.target()?;
        let found = look(app, &target).await?;
        if found.differences.is_none() {
            return Err(untold(&target));
        }
        let mut text = found.to_text(&found.summary(), app.ui.width());
        if let Some(command) = found.need().command() {
            text += &format!("\n{}", app.ui.advice(command));
        }
        app.ui.result(&text, &found.to_json())?;
        Ok(code(&found))
    }
}

/// The exit code of those who only tell: whether anything would be done.
pub(super) fn code(found: &Comparison) -> u8 {
    if found.need() == Need::Nothing { exit::OK } else { exit::CONFIG_MISMATCH }
}

/// Asks a driver, and compares.
pub(super) async fn look(app: &App, target: &Target) -> Result<Comparison, Error> {
    let session = app.open(target).await?;
    let found = compare(app, target, &session).await;
    session.close().await;
    found
}

async fn compare(app: &App, target: &Target, session: &Session) -> Result<Comparison, Error> {
    let config = target.config(session)?;
    let status = session.status(app.call(target, LIMIT_TO_ASK), Some(config.clone())).await?;
    Ok(Comparison::new(target, session, &status, &config))
}

fn untold(target: &Target) -> Error {
    let message =
        format!("driver `{}` does not tell what its clusters run with", target.driver.name);
    Error::driver(ErrorKind::Unsupported, message)
        .with_hint("run `caproni start`, which refuses what would lose data")
}
