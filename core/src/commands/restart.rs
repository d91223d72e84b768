//! `caproni restart`

use clap::Args;

use super::App;
use super::bring_up::{BringUp, Options, Way};
use crate::error::Error;

/// Stop the cluster, start it, and wait until it is ready
///
/// Applies the fields of the config that a restart can change. `caproni start --restart` does
/// so only where a field needs it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  caproni restart                 applies fields that need a restart")]
pub(crate) struct Restart {
    #[command(flatten)]
    options: Options,
}

impl Restart {
    pub(crate) async fn run(self, app: &App) -> Result<u8, Error> {
        BringUp::new(app, Way::Restart, Way::Restart, self.options)?.run().await
    }
}
