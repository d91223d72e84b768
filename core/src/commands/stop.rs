//! `caproni stop`

use clap::Args;

use super::{App, LIMIT_TO_END, tell_outcome};
use crate::error::Error;
use crate::exit;

/// Stop the cluster and keep its data
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  caproni stop
  caproni --driver k3d --profile demo stop")]
pub(crate) struct Stop {}

impl Stop {
    pub(crate) async fn run(self, app: &App) -> Result<u8, Error> {
        let target = app.target()?;
        let session = app.open(&target).await?;
        let config = app.config_if_valid(&target, &session);
        let stopped = session.stop(app.call(&target, LIMIT_TO_END), config).await;
        let driver = session.driver.name.clone();
        session.close().await;
        match stopped {
            Ok(outcome) => {
                tell_outcome(app, &target, &driver, &outcome)?;
                Ok(exit::OK)
            }
            Err(error) => Err(app.look_back(&target, error).await),
        }
    }
}
