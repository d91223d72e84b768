//! `caproni config`: one module for each of its commands.

mod gather;
mod init;
mod schema;
mod show;
mod validate;

use clap::{Args, Subcommand};

use super::App;
use crate::error::Error;

/// Check the config file, show what it comes to, and write a new one
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  caproni config init
  caproni config validate
  caproni config show")]
pub(crate) struct Config {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Validate(validate::Validate),
    Show(show::Show),
    Schema(schema::Schema),
    Init(init::Init),
}

impl Config {
    pub(crate) async fn run(self, app: &App) -> Result<u8, Error> {
        match self.command {
            Command::Validate(validate) => validate.run(app).await,
            Command::Show(show) => show.run(app).await,
            Command::Schema(schema) => schema.run(app).await,
            Command::Init(init) => init.run(app).await,
        }
    }
}
