//! `caproni doctor`

mod ask;
mod certificates;
mod finding;
mod host;

use clap::Args;

use super::mend::{self, Consent};
use super::{App, NO_DRIVER, Target};
use crate::error::{Error, Kind};
use crate::exit;
use finding::{Examination, Finding};

/// Look for what keeps clusters from working, and for what mends it
///
/// Looks at the kubeconfig, the state folder, the disk, the clock and kubectl, and asks every
/// driver at the same time for what it needs: its backend's programs, the engine, ports, disk and
/// memory. With `--driver` only that one is asked, with `--profile` also about that cluster.
/// Changes nothing without `--fix`. The exit code is 0 when nothing failed here and with the
/// driver in use, warnings allowed; else 20, 10, 7, 8 or 6, the first of these that holds for a
/// failed check. Other drivers may fail: their backends need not be there.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  caproni doctor
  caproni --driver k3d doctor --fix     runs what mends it, after asking
  caproni doctor -o json")]
pub(crate) struct Doctor {
    /// Run the commands that mend what was found, after asking, and look again
    #[arg(long)]
    fix: bool,
}

impl Doctor {
    pub(crate) async fn run(self, app: &App) -> Result<u8, Error> {
        let found = examine(app).await?;
        let actions = found.actions();
        let found = match self.fix && !actions.is_empty() {
            true => match mend::run_all(app, &actions).await? {
                Consent::Given => examine(app).await?,
                Consent::Refused => found,
            },
            false => found,
        };
        app.ui.result(&found.to_text(app.ui.width()), &found.output())?;
        Ok(found.code())
    }
}

async fn examine(app: &App) -> Result<Examination, Error> {
    let (target, problem) = target(app)?;
    let mut findings = host::findings(app);
    findings.extend(problem);
    let drivers = tokio::select! {
        biased;
        () = app.interrupt.first() => return Err(caproni_driver::Error::cancelled().into()),
        drivers = ask::drivers(app, target.as_ref()) => drivers?,
    };
    findings.extend(drivers);
    Ok(Examination { findings })
}

/// The cluster that is meant, or what keeps it from being known: a look at everything is of use
/// with a config file that is broken, too.
fn target(app: &App) -> Result<(Option<Target>, Option<Finding>), Error> {
    match app.target() {
        Ok(target) => Ok((Some(target), None)),
        Err(error) if error.message == NO_DRIVER => Ok((None, None)),
        // It is told of with all drivers.
        Err(error) if ask::is_refused(&error) => Ok((None, None)),
        // The command line asks for what is not there: that is no finding.
        Err(error) if error.kind == Kind::Usage || app.global.driver.is_some() => Err(error),
        Err(error) => {
            let name = if exit::code(&error) == exit::CONFIG { "config" } else { "driver" };
            Ok((
                None,
                Some(Finding::of_host(finding::from_error(name, &error), exit::code(&error))),
            ))
        }
    }
}
