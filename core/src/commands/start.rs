//! `caproni start`

use clap::Args;

use super::App;
use super::bring_up::{BringUp, Options, Verb};
use crate::error::Error;

/// Create the cluster, or start it, and wait until it is ready
///
/// Running with the same config already: nothing is done. A cluster that exists
/// with another config is refused and not touched. What a failed or interrupted
/// creation has made is removed again.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  caproni start
  caproni --driver k3d start --profile demo
  caproni start --yes             also sets up a backend that is missing
  caproni start --switch-context  makes its context the current one")]
pub(crate) struct Start {
    #[command(flatten)]
    options: Options,
}

impl Start {
    pub(crate) async fn run(self, app: &App) -> Result<u8, Error> {
        BringUp::new(app, Verb::Start, self.options)?.run().await
    }
}
