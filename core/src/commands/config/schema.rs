//! `caproni config schema`

use clap::Args;

use super::gather::{descriptions, or_cancelled};
use crate::commands::App;
use crate::config::whole_schema;
use crate::error::Error;
use crate::exit;

/// Print the JSON Schema of the whole config file, for editors
///
/// It is put together from the installed drivers. Save it, and name it in the first line of
/// the config file: `# yaml-language-server: $schema=./caproni.schema.json`. It is JSON, unless `-o yaml`
/// is given.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  caproni config schema > caproni.schema.json")]
pub(crate) struct Schema {}

impl Schema {
    pub(crate) async fn run(self, app: &App) -> Result<u8, Error> {
        let (mut drivers, mut names) = (Vec::new(), Vec::new());
        for candidate in app.search.candidates() {
            match candidate.problem {
                None => drivers.push(candidate.driver),
                Some(problem) => left_out(app, &candidate.driver.name, &problem),
            }
        }
        let mut schemas = Vec::new();
        for (name, answer) in or_cancelled(app, descriptions(app, drivers)).await? {
            match answer {
                // One that becomes another has no section of its own.
                Ok(said) if said.name == name => {
                    schemas.push((name.clone(), said.config_schema.into_value()))
                }
                Ok(_) => {}
                Err(error) => left_out(app, &name, &error),
            }
            names.push(name);
        }
        let document = whole_schema(&names, &schemas, |name, why| {
            app.ui.warn(&format!("driver `{name}` is left out: {why}"));
        });
        app.ui.result(&format!("{document:#}"), &document)?;
        Ok(exit::OK)
    }
}

fn left_out(app: &App, name: &str, problem: &Error) {
    app.ui.warn(&format!("driver `{name}` is left out: {}", problem.message));
}
