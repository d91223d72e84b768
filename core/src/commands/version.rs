//! `caproni version`

use caproni_driver::{ErrorKind, PROTOCOL_VERSION, Program};
use clap::Args;

use super::{App, LIMIT_TO_ASK, Target};
use crate::error::Error;
use crate::exit;
use crate::output::{DriverVersions, Versions};
use crate::ui::clean;

/// Tell the versions of caproni, the driver, its backend, and the cluster
///
/// Without a driver only caproni's own version is told.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  caproni version
  caproni --driver k3d version -o json")]
pub(crate) struct Version {}

impl Version {
    pub(crate) async fn run(self, app: &App) -> Result<u8, Error> {
        let own = env!("CARGO_PKG_VERSION");
        let mut text = format!("caproni {own} (protocol {PROTOCOL_VERSION})\n");
        let mut versions = Versions { caproni: own, protocol: PROTOCOL_VERSION, driver: None };
        if let Some(target) = target(app)? {
            match of_driver(app, &target).await {
                Ok((more, driver)) => {
                    text += &more;
                    versions.driver = Some(driver);
                }
                // Nobody has asked for the one that is the default and not installed.
                Err(error) if target.by_default && error.is(&ErrorKind::DriverNotFound) => {}
                Err(error) => return Err(error),
            }
        }
        app.ui.result(&text, &versions)?;
        Ok(exit::OK)
    }
}

/// The target, unless no driver was named and there is no default one.
fn target(app: &App) -> Result<Option<Target>, Error> {
    match app.target() {
        Ok(target) => Ok(Some(target)),
        Err(error) if error.message == super::NO_DRIVER => Ok(None),
        Err(error) => Err(error),
    }
}

async fn of_driver(app: &App, target: &Target) -> Result<(String, DriverVersions), Error> {
    let session = app.open(target).await?;
    let call = app.call(target, LIMIT_TO_ASK);
    let versions = session.versions(call).await;
    // A backend that does not answer has no version to tell; that is no failure here.
    let status = session.status(call, None).await.ok();
    let described = session.description.clone();
    session.close().await;
    let programs = versions?.programs;
    let cluster = status.and_then(|status| status.kubernetes_version);

    let path = target.driver.path.display().to_string();
    let mut text = format!("driver {} {} at {path}\n", described.name, described.version);
    text.extend(programs.iter().map(program_line));
    if let Some(version) = &cluster {
        text += &format!("cluster {}: Kubernetes {version}\n", target.profile);
    }
    let driver = DriverVersions {
        name: described.name,
        version: described.version,
        path,
        programs,
        kubernetes_version: cluster,
    };
    Ok((clean(&text), driver))
}

fn program_line(program: &Program) -> String {
    let version = program.version.as_deref().unwrap_or("(not installed, or it does not answer)");
    let location = program.location.as_deref().map(|at| format!(" at {at}")).unwrap_or_default();
    format!("{} {version}{location}\n", program.name)
}
