//! The command line: what can be said, and the way from there to an exit code.

use std::ffi::OsStr;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind as ClapErrorKind};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::commands::{App, config, destroy, drivers, list, restart, start, status, stop, version};
use crate::error::Error;
use crate::exit;
use crate::options::Global;
use crate::ui::{Format, Ui};

/// Manage local Kubernetes clusters through drivers
#[derive(Debug, Parser)]
#[command(name = "caproni", version, max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
    0  it worked; for `status`: the cluster is ready
    1  the backend failed
    2  the command line is wrong, names what is not there, or the driver cannot do that
    3  the cluster is not running; for `status`: stopped or absent
    4  the cluster is not ready, or was not in time
    5  the cluster exists with another config
    6  a config file, the driver's section in it, or the kubeconfig is missing or wrong
    7  the backend is not installed or does not answer
    8  a port, memory, or a permission stands in the way
    9  someone else is changing the cluster
   10  the driver was not found, or speaks another protocol version
   20  the driver crashed, never answered, or broke the protocol
  130  cancelled";

#[derive(Debug, Subcommand)]
enum Command {
    Start(start::Start),
    Stop(stop::Stop),
    Destroy(destroy::Destroy),
    Status(status::Status),
    Restart(restart::Restart),
    Version(version::Version),
    List(list::List),
    Config(config::Config),
    Drivers(drivers::Drivers),
}

/// Does what the command line of this process says.
pub async fn run() -> ExitCode {
    let parsed = command().try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return not_understood(&error),
    };
    let ui = Ui::new(cli.global.output, cli.global.verbose);
    match execute(cli, &ui).await {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            ui.error(&error);
            ExitCode::from(exit::code(&error))
        }
    }
}

/// The command line's grammar, for which a variable that is empty is one that is not
/// set: CI systems pass on variables that nobody has filled in.
fn command() -> clap::Command {
    let is_empty = |name: &OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    Cli::command().mut_args(|arg| match arg.get_env() {
        Some(name) if is_empty(name) => arg.env(None::<&str>),
        _ => arg,
    })
}

async fn execute(cli: Cli, ui: &Ui) -> Result<u8, Error> {
    let app = App::new(cli.global, ui.clone())?;
    match cli.command {
        Command::Start(start) => start.run(&app).await,
        Command::Stop(stop) => stop.run(&app).await,
        Command::Destroy(destroy) => destroy.run(&app).await,
        Command::Status(status) => status.run(&app).await,
        Command::Restart(restart) => restart.run(&app).await,
        Command::Version(version) => version.run(&app).await,
        Command::List(list) => list.run(&app).await,
        Command::Config(config) => config.run(&app).await,
        Command::Drivers(drivers) => drivers.run(&app).await,
    }
}

fn not_understood(error: &clap::Error) -> ExitCode {
    let asked = matches!(error.kind(), ClapErrorKind::DisplayHelp | ClapErrorKind::DisplayVersion);
    if !asked && wants_json() {
        let text = error.to_string();
        let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
        let hint = match error.get(ContextKind::ValidValue) {
            Some(ContextValue::Strings(values)) => format!("use one of {}", values.join(", ")),
            _ => "see `caproni --help`".into(),
        };
        Ui::new(Format::Json, false).error(&Error::usage(first).with_hint(hint));
    } else {
        // Nobody reads it: the exit code tells all the same.
        let _ = error.print();
    }
    ExitCode::from(if asked { exit::OK } else { exit::USAGE })
}

/// Tells whether a command line that is not understood asks for JSON all the same.
fn wants_json() -> bool {
    let words: Vec<String> = std::env::args().collect();
    let spelled = words.iter().any(|word| {
        let value = word.strip_prefix("--output=").or_else(|| word.strip_prefix("-o"));
        value.is_some_and(|value| value.trim_start_matches('=') == "json")
    });
    let apart = words
        .windows(2)
        .any(|two| matches!(two[0].as_str(), "-o" | "--output") && two[1] == "json");
    spelled || apart || std::env::var("CAPRONI_OUTPUT").is_ok_and(|format| format == "json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_exit_code_is_in_the_help() {
        for code in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 130] {
            let told =
                EXIT_CODES.lines().any(|line| line.trim_start().starts_with(&format!("{code} ")));
            assert!(told, "{code}");
        }
    }
}
