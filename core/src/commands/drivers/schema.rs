//! `caproni drivers schema`

use caproni_driver::schema;
use clap::Args;

use crate::commands::App;
use crate::error::Error;
use crate::exit;

/// Print the messages of the driver protocol as a JSON Schema
///
/// It is for programs that check what a driver writes, and for generators of code. It is
/// JSON, unless `-o yaml` is given.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  caproni drivers schema
  caproni drivers schema --openrpc")]
pub(crate) struct Schema {
    /// Print an OpenRPC document instead: the methods, with their params and results
    #[arg(long)]
    openrpc: bool,
}

impl Schema {
    pub(crate) fn run(self, app: &App) -> Result<u8, Error> {
        let document = if self.openrpc { schema::openrpc() } else { schema::messages() };
        app.ui.result(&format!("{document:#}"), &document)?;
        Ok(exit::OK)
    }
}
