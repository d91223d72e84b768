//! `caproni drivers`: one module for each of its commands.

mod ask;
mod cache;
mod check;
mod describe;
mod list;
mod schema;

use clap::{Args, Subcommand};

use super::App;
use crate::error::Error;

/// Find drivers, look at them, check them, and write new ones
#[derive(Debug, Args)]
pub(crate) struct Drivers {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(list::List),
    Describe(describe::Describe),
    Check(check::Check),
    Schema(schema::Schema),
}

impl Drivers {
    pub(crate) async fn run(self, app: &App) -> Result<u8, Error> {
        match self.command {
            Command::Check(check) => check.run(app).await,
            Command::List(list) => list.run(app).await,
            Command::Describe(describe) => describe.run(app).await,
            Command::Schema(schema) => schema.run(app),
        }
    }
}
