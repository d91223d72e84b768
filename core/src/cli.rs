//! The command line: what can be said, and the way from there to an exit code.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind as ClapErrorKind};
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use tokio::runtime::{Builder, Runtime};

use crate::commands::{
    App, completion, config, destroy, diff, doctor, drivers, env, exec, help, image, kubeconfig,
    kubectl, list, logs, man, restart, start, status, stop, usage, use_context, version, wait,
};
use crate::completion::completed;
use crate::error::Error;
use crate::exit;
use crate::invocation::Invocation;
use crate::options::{Global, Level};
use crate::process;
use crate::ui::{Format, Ui};

/// Manage local Kubernetes clusters through drivers
#[derive(Debug, Parser)]
#[command(name = "caproni", version, max_term_width = 100, after_help = EXAMPLES, disable_help_subcommand = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  caproni --driver k3d start        create a cluster, or start it
  caproni status                    tell the state of the one here
  caproni list                      the clusters of all drivers
  caproni --profile demo destroy    remove one and all its data

More help: `caproni help TOPIC`
  exit-codes, config, drivers, output, environment,
  moving (from k3d, kind, minikube)";

/// The name under which kubectl finds this program as its subcommand `caproni`.
const PLUGIN: &str = "kubectl-caproni";

// The grammar of each is built when it is the one: there are many, and one is wanted.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
enum Command {
    Start(start::Start),
    Stop(stop::Stop),
    Destroy(destroy::Destroy),
    Status(status::Status),
    Restart(restart::Restart),
    Diff(diff::Diff),
    Doctor(doctor::Doctor),
    Version(version::Version),
    List(list::List),
    Kubeconfig(kubeconfig::Kubeconfig),
    Env(env::Env),
    Kubectl(kubectl::Kubectl),
    Use(use_context::Use),
    Exec(exec::Exec),
    Logs(logs::Logs),
    Image(image::Image),
    Usage(usage::Usage),
    Wait(wait::Wait),
    Config(config::Config),
    Drivers(drivers::Drivers),
    Completion(completion::Completion),
    Help(help::Help),
    Man(man::Man),
}

/// Does what the command line of this process says.
pub fn run() -> ExitCode {
    if completed(command) {
        return ExitCode::from(exit::OK);
    }
    match runtime() {
        Ok(runtime) => runtime.block_on(understand()),
        Err(error) => {
            refused(wanted_format(), &Error::system("caproni cannot begin to work", &error))
        }
    }
}

/// All runs in one thread, so that a machine without any left for us is no hindrance.
fn runtime() -> std::io::Result<Runtime> {
    caproni_driver::resources::check(0)?;
    Builder::new_current_thread().enable_all().build()
}

async fn understand() -> ExitCode {
    let parsed = matches().and_then(|matches| {
        let invocation = Invocation::new(own_name(), &matches);
        Ok((Cli::from_arg_matches(&matches)?, matches, invocation))
    });
    let (mut cli, matches, invocation) = match parsed {
        Ok(understood) => understood,
        Err(error) => return not_understood(&error),
    };
    if let Err(error) = cli.global.settle(&matches) {
        return refused(cli.global.output, &error);
    }
    let ui = Ui::new(cli.global.output, cli.global.level()).called(invocation);
    let ui = if cli.global.quiet { ui.quiet() } else { ui };
    process::tell_drivers(cli.global.level());
    match execute(cli, &ui).await {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            ui.error(&error);
            ExitCode::from(exit::code(&error))
        }
    }
}

/// What the command line says. Help and errors speak of other commands than the one, so for them
/// the whole grammar is built.
fn matches() -> Result<ArgMatches, clap::Error> {
    command().try_get_matches().or_else(|_| whole_command().try_get_matches())
}

/// The command line's grammar, for which a variable that is empty is one that is not
/// set: CI systems pass on variables that nobody has filled in.
pub(crate) fn command() -> clap::Command {
    let is_empty = |name: &OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    let command = Cli::command().mut_args(|arg| match arg.get_env() {
        Some(name) if is_empty(name) => arg.env(None::<&str>),
        _ => arg,
    });
    // What is shown as usage should be what can be typed.
    command.bin_name(own_name())
}

/// The same with all commands, of which [`command`] knows no more than the names.
pub(crate) fn whole_command() -> clap::Command {
    let mut command = command();
    command.build();
    command
}

fn own_name() -> &'static str {
    let own = std::env::args_os().next().map(PathBuf::from);
    let is_plugin = own.as_deref().and_then(Path::file_stem).is_some_and(|name| name == PLUGIN);
    if is_plugin { "kubectl caproni" } else { "caproni" }
}

async fn execute(cli: Cli, ui: &Ui) -> Result<u8, Error> {
    let app = App::new(cli.global, ui.clone())?;
    match cli.command {
        Command::Start(start) => start.run(&app).await,
        Command::Stop(stop) => stop.run(&app).await,
        Command::Destroy(destroy) => destroy.run(&app).await,
        Command::Status(status) => status.run(&app).await,
        Command::Restart(restart) => restart.run(&app).await,
        Command::Diff(diff) => diff.run(&app).await,
        Command::Doctor(doctor) => doctor.run(&app).await,
        Command::Version(version) => version.run(&app).await,
        Command::List(list) => list.run(&app).await,
        Command::Kubeconfig(kubeconfig) => kubeconfig.run(&app).await,
        Command::Env(env) => env.run(&app).await,
        Command::Kubectl(kubectl) => kubectl.run(&app).await,
        Command::Use(use_context) => use_context.run(&app).await,
        Command::Exec(exec) => exec.run(&app).await,
        Command::Logs(logs) => logs.run(&app).await,
        Command::Image(image) => image.run(&app).await,
        Command::Usage(usage) => usage.run(&app).await,
        Command::Wait(wait) => wait.run(&app).await,
        Command::Config(config) => config.run(&app).await,
        Command::Drivers(drivers) => drivers.run(&app).await,
        Command::Completion(completion) => completion.run(&app),
        Command::Help(help) => help.run(&app),
        Command::Man(man) => man.run(&app),
    }
}

/// Tells an error of before there is anything to work with.
fn refused(format: Format, error: &Error) -> ExitCode {
    Ui::new(format, Level::Info).error(error);
    ExitCode::from(exit::code(error))
}

fn not_understood(error: &clap::Error) -> ExitCode {
    let asked = matches!(error.kind(), ClapErrorKind::DisplayHelp | ClapErrorKind::DisplayVersion);
    let format = wanted_format();
    if !asked && format != Format::Text {
        return refused(format, &as_error(error));
    }
    // Nobody reads it: the exit code tells all the same.
    let _ = error.print();
    ExitCode::from(if asked { exit::OK } else { exit::USAGE })
}

/// A command line that is not understood, as an error for programs.
fn as_error(error: &clap::Error) -> Error {
    if error.kind() == ClapErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return Error::usage("a command is missing").with_hint("see `caproni --help`");
    }
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    let hint = match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(values)) => format!("use one of {}", values.join(", ")),
        _ => "see `caproni --help`".into(),
    };
    Error::usage(first).with_hint(hint)
}

/// The format that a command line asks for though it is not understood.
fn wanted_format() -> Format {
    let words: Vec<String> = std::env::args().take_while(|word| word != "--").collect();
    let together = words.iter().filter_map(|word| {
        let value = word.strip_prefix("--output=").or_else(|| word.strip_prefix("-o"))?;
        known_format(value.trim_start_matches('='))
    });
    let is_option = |word: &str| matches!(word, "-o" | "--output");
    let pairs = words.windows(2).filter(|two| is_option(&two[0]));
    let mut said = together.chain(pairs.filter_map(|two| known_format(&two[1])));
    let in_environment = || known_format(&std::env::var("CAPRONI_OUTPUT").ok()?);
    said.next().or_else(in_environment).unwrap_or(Format::Text)
}

fn known_format(name: &str) -> Option<Format> {
    Format::from_str(name, false).ok()
}

#[cfg(test)]
mod tests;
