//! `caproni drivers`: one module for each of its commands.

mod again;
mod ask;
mod cache;
mod call;
mod check;
mod compare;
mod describe;
mod list;
mod new;
mod play;
mod record;
mod replay;
mod schema;

use clap::{Args, Subcommand};

pub(crate) use ask::late;
pub(crate) use list::reason;

use super::App;
use crate::error::Error;

/// Find drivers, look at them, check them, and write new ones
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  caproni drivers list
  caproni drivers describe k3d
  caproni drivers new --lang bash mine
  caproni drivers check mine")]
pub(crate) struct Drivers {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(list::List),
    Describe(describe::Describe),
    New(new::New),
    Check(check::Check),
    Call(call::Call),
    Record(record::Record),
    Replay(replay::Replay),
    Schema(schema::Schema),
}

impl Drivers {
    pub(crate) async fn run(self, app: &App) -> Result<u8, Error> {
        match self.command {
            Command::Check(check) => check.run(app).await,
            Command::List(list) => list.run(app).await,
            Command::Describe(describe) => describe.run(app).await,
            Command::Schema(schema) => schema.run(app),
            Command::New(new) => new.run(app),
            Command::Call(call) => call.run(app).await,
            Command::Record(record) => record.run(app),
            Command::Replay(replay) => replay.run(app).await,
        }
    }
}
