//! `caproni exec`

use std::io::IsTerminal;

use clap::Args;

use super::{App, LIMIT_TO_ASK};
use crate::error::Error;
use crate::session::OnNode;
use crate::takeover;

/// Run a command on a node, at this terminal
///
/// The command has this terminal, its size and its signals, gets stdin, and its exit code is that of
/// caproni. Each argument reaches it as it is. Without a command it is a shell. With `-o json`
/// or `-o yaml` stdout is the command's all the same; only caproni's own errors are JSON or YAML.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Exec {
    /// Run it on this node instead of the first server
    #[arg(long, value_name = "NODE")]
    node: Option<String>,

    /// Pass stdin on, which is done anyway
    #[arg(long, short = 'i')]
    stdin: bool,

    /// Insist on a terminal; without it there is one if stdin and stdout are one
    #[arg(long, short = 't', conflicts_with = "no_tty")]
    tty: bool,

    /// Use no terminal though there is one
    #[arg(long, short = 'T')]
    no_tty: bool,

    /// The command and its arguments
    #[arg(trailing_var_arg = true, value_name = "COMMAND")]
    command: Vec<String>,
}

const EXAMPLES: &str = "\
Examples:
  caproni exec -- crictl ps
  caproni exec --node k3d-caproni-agent-0
  tar c . | caproni exec -- tar x -C /tmp";

impl Exec {
    /// Becomes the command. Comes back only when that fails.
    pub(crate) async fn run(self, app: &App) -> Result<u8, Error> {
        let at_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        if self.tty && !at_terminal {
            return Err(Error::usage("there is no terminal that `--tty` could pass on")
                .with_hint("leave `--tty` out, or run it where stdin and stdout are a terminal"));
        }
        let target = app.target()?;
        let session = app.open(&target).await?;
        let asked =
            OnNode { node: self.node, argv: self.command, tty: at_terminal && !self.no_tty };
        let config = app.config_if_valid(&target, &session);
        let plan = match super::need(&session, "exec", "run commands on its nodes") {
            Ok(()) => session.exec(app.call(&target, LIMIT_TO_ASK), config, asked).await,
            Err(error) => Err(error),
        };
        session.close().await;
        let plan = plan?;
        Err(app.hand_over(|| takeover::follow(&plan)))
    }
}
