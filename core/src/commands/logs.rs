//! `caproni logs`

use clap::Args;

use super::{App, LIMIT_TO_ASK};
use crate::error::Error;
use crate::session::OfLog;
use crate::takeover;

/// Print the log of a node
///
/// Of a node that is stopped too. The log goes to where the backend prints it, stdout or stderr;
/// with `-o json` or `-o yaml` only caproni's own errors are JSON or YAML.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Logs {
    /// Print that of this node instead of the first server
    #[arg(long, value_name = "NODE")]
    node: Option<String>,

    /// Go on with what comes, until Ctrl-C
    #[arg(long, short)]
    follow: bool,

    /// Print so many of the last lines [default: all]
    #[arg(long, value_name = "LINES")]
    tail: Option<u64>,
}

const EXAMPLES: &str = "\
Examples:
  caproni logs --tail 20
  caproni logs --node k3d-caproni-agent-0 -f";

impl Logs {
    /// Becomes what prints the log. Comes back only when that fails.
    pub(crate) async fn run(self, app: &App) -> Result<u8, Error> {
        let target = app.target()?;
        let session = app.open(&target).await?;
        let asked = OfLog { node: self.node, follow: self.follow, tail: self.tail };
        let config = app.config_if_valid(&target, &session);
        let plan = match super::need(&session, "logs", "print the log of a node") {
            Ok(()) => session.logs(app.call(&target, LIMIT_TO_ASK), config, asked).await,
            Err(error) => Err(error),
        };
        session.close().await;
        let plan = plan?;
        Err(app.hand_over(|| takeover::follow(&plan)))
    }
}
