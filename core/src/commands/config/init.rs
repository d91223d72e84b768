//! `caproni config init`

use std::fs::OpenOptions;
use std::io::{ErrorKind as IoErrorKind, Write};

use clap::Args;

use crate::commands::{App, DEFAULT_DRIVER};
use crate::config::{NAME, template};
use crate::error::Error;
use crate::exit;
use crate::output::WrittenConfig;
use crate::session::Session;

/// Write a config file with every field of the driver, each as a comment with its default
///
/// The file is `caproni.yaml` in this folder, or what `--config-file` names. One that is there
/// already is left as it is.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  caproni --driver k3d config init
  caproni -c other.yaml config init")]
pub(crate) struct Init {}

impl Init {
    pub(crate) async fn run(self, app: &App) -> Result<u8, Error> {
        let path = match app.named_config_file() {
            Some(path) => path.to_path_buf(),
            None => app.folder()?.join(NAME),
        };
        let said = app.global.driver.as_deref().filter(|said| !said.is_empty());
        let driver = match said {
            Some(said) => app.search.find(said)?,
            None => app.default_driver()?,
        };
        let session =
            Session::open(&driver, app.global.timeout, &app.interrupt, app.listener()).await?;
        let description = session.description.clone();
        session.close().await;
        // What becomes another driver on another platform stays as it was named.
        let named = if said.is_none() { DEFAULT_DRIVER } else { &description.name };
        let text = template(named, &description.name, &description.config_schema);
        let shown = path.display().to_string();
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|error| match error.kind() {
            IoErrorKind::AlreadyExists => Error::usage(format!("`{shown}` is there already"))
                .with_hint("move it away, or name another file with `--config-file`"),
            _ => Error::internal(&format!("cannot write `{shown}`"), error)
                .with_hint("make the folder writable, or name another file with `--config-file`"),
        })?;
        let text = format!(
            "`{shown}` is written for driver `{}`\nnext: take the `#` away from the fields that you \
             want to change, then `caproni start`",
            description.name
        );
        app.ui.done_result(&text, &WrittenConfig { file: shown, driver: description.name })?;
        Ok(exit::OK)
    }
}
