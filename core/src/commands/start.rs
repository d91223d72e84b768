//! `caproni start`

use clap::Args;

use super::App;
use super::bring_up::{BringUp, Options, Way};
use super::{comparison::Comparison, diff};
use crate::error::Error;

/// Create the cluster, or start it, and wait until it is ready
///
/// Running with the same config already: nothing is done. A cluster that exists
/// with another config is refused and not touched, unless `--restart` or `--recreate`
/// says that the price may be paid; `caproni diff` shows it. What a failed or interrupted
/// creation has made is removed again.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  caproni start
  caproni --driver k3d start --profile demo
  caproni start --dry-run         shows what it would do, and does nothing
  caproni start --restart         applies fields that need a restart, too
  caproni start --recreate        makes it anew where a field needs that
  caproni start --yes             also sets up a backend that is missing
  caproni start --switch-context  makes its context the current one")]
pub(crate) struct Start {
    #[command(flatten)]
    options: Options,

    /// Show what would be done, and do nothing; the exit code is 5 if that is anything
    #[arg(long)]
    dry_run: bool,

    /// Stop and start a running cluster where a field of the config needs that
    #[arg(long)]
    restart: bool,

    /// Destroy the cluster with ALL ITS DATA and make it anew where a field of the config needs
    /// that, or restart it where that is enough; asks first on a terminal, unless `--yes`
    #[arg(long)]
    recreate: bool,
}

impl Start {
    pub(crate) async fn run(self, app: &App) -> Result<u8, Error> {
        let most = self.most();
        if self.dry_run {
            return show(app, most).await;
        }
        BringUp::new(app, Way::Start, most, self.options)?.run().await
    }

    fn most(&self) -> Way {
        match self {
            Self { recreate: true, .. } => Way::Anew,
            Self { restart: true, .. } => Way::Restart,
            _ => Way::Start,
        }
    }
}

/// Shows what it would do.
async fn show(app: &App, most: Way) -> Result<u8, Error> {
    let found = diff::look(app, &app.target()?).await?;
    let would = Would { way: Way::to(&found, Way::Start, most), found };
    let (mut text, mut json) =
        (would.found.to_text(&would.summary(), app.ui.width()), would.found.to_json());
    json["does"] = would.does().into();
    if let (None, Some(command)) = (would.way, would.found.need().command()) {
        text += &format!("\n{}", app.ui.advice(command));
    }
    app.ui.result(&text, &json)?;
    Ok(diff::code(&would.found))
}

/// What a start would do: `None` is a refusal.
struct Would {
    found: Comparison,
    way: Option<Way>,
}

impl Would {
    fn summary(&self) -> String {
        let need = match self.way {
            Some(Way::Start) => return self.found.summary(),
            Some(Way::Restart) => "would be stopped and started",
            Some(Way::Anew) => "would be destroyed with all its data and made anew",
            None => "would be refused, and not touched",
        };
        format!("{need}: {}", self.found.fields())
    }

    fn does(&self) -> &'static str {
        if self.way.is_some() { self.found.need().name() } else { "refuse" }
    }
}
