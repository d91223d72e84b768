//! `caproni use`

use clap::Args;

use super::App;
use super::kubeconfig::Given;
use crate::error::Error;
use crate::exit;
use crate::kubeconfig::{CurrentContext, UserKubeconfig};
use crate::output::SwitchedContext;

/// Make the cluster's context the current one in your kubeconfig
///
/// Tells from what to what. Besides `--switch-context` this is the only thing that does so.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Use {}

const EXAMPLES: &str = "\
Examples:
  caproni use
  caproni --driver kind --profile other use";

impl Use {
    pub(crate) async fn run(self, app: &App) -> Result<u8, Error> {
        let target = app.target()?;
        let user = UserKubeconfig::locate()?;
        let before = user.current_context()?;
        let given = Given::ask(app, &target).await?;
        user.put(&given.entry, CurrentContext::Switch).await?;
        let context = &given.entry.context;
        let text = match &before {
            Some(before) if before == context => {
                format!("`{context}` is the current context already")
            }
            Some(before) => format!(
                "switched from context `{before}` to `{context}`\n\
                 back with `kubectl config use-context {}`",
                caproni_driver::command_line([before.as_str()])
            ),
            None => format!("switched to context `{context}`; there was none before"),
        };
        let file = user.path().display().to_string();
        let to = context.clone();
        let switched = SwitchedContext { context: given.output(), file, from: before, to };
        app.ui.done_result(&crate::ui::clean(&text), &switched)?;
        Ok(exit::OK)
    }
}
