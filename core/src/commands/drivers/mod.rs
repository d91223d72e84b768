//! `caproni drivers`

mod check;

use clap::{Args, Subcommand};

use super::App;
use crate::error::Error;

/// Look at drivers, check them, and write new ones
#[derive(Debug, Args)]
pub(crate) struct Drivers {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Check),
}

impl Drivers {
    pub(crate) async fn run(self, app: &App) -> Result<u8, Error> {
        match self.command {
            Command::Check(check) => check.run(app).await,
        }
    }
}
