//! The options that every command takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, Args, ValueEnum};
use clap_complete::engine::ArgValueCompleter;

use crate::completion;
use crate::error::Error;
use crate::ui::Format;

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Use this driver: a name, or the path of an executable [default: auto]
    #[arg(long, short, global = true, env = "CAPRONI_DRIVER", value_name = "NAME|PATH", add = ArgValueCompleter::new(completion::drivers))]
    pub driver: Option<String>,

    /// Name the cluster [default: caproni, or as `cluster.name.strategy` says]
    #[arg(
        long,
        short,
        global = true,
        env = "CAPRONI_PROFILE",
        value_name = "NAME",
        add = ArgValueCompleter::new(completion::profiles)
    )]
    pub profile: Option<String>,

    /// Read this file instead of the nearest `caproni.yaml` upwards from here
    #[arg(long, short, global = true, env = "CAPRONI_CONFIG_FILE", value_name = "FILE")]
    pub config_file: Option<PathBuf>,

    /// Print results and errors in this format
    #[arg(
        long,
        short,
        global = true,
        env = "CAPRONI_OUTPUT",
        value_name = "FORMAT",
        default_value = "text"
    )]
    pub output: Format,

    /// Show the driver's log and all details of errors; twice, also all that is said to drivers
    /// and that they say, without secrets
    #[arg(long, short, global = true, env = "CAPRONI_VERBOSE", action = ArgAction::Count, value_parser = times)]
    verbose: u8,

    /// Print no progress and nothing that only says what was done; what was asked for, warnings and
    /// errors stay, and of `list` the names
    #[arg(long, short, global = true, env = "CAPRONI_QUIET", value_parser = clap::builder::FalseyValueParser::new())]
    pub quiet: bool,

    /// Show as much as this: `debug` is `-v`, `trace` is `-vv`
    #[arg(long, global = true, env = "CAPRONI_LOG", value_name = "LEVEL", default_value = "info")]
    log: Level,

    /// Give up after this time, such as `90s` or `15m` [default: 10m for start, restart, wait and
    /// image load, 5m for stop and destroy, 30s for questions]
    #[arg(long, global = true, env = "CAPRONI_TIMEOUT", value_name = "TIME", value_parser = some_time)]
    pub timeout: Option<Duration>,

    /// Answer every question with yes: destroy the cluster, run the commands that set up a backend
    #[arg(long, short, global = true, env = "CAPRONI_YES", value_parser = clap::builder::FalseyValueParser::new())]
    pub yes: bool,

    /// Write all that is said to drivers and that they say into this file, without secrets;
    /// `caproni drivers replay` goes through it again
    #[arg(long, global = true, env = "CAPRONI_TRACE", value_name = "FILE")]
    pub trace: Option<PathBuf>,
}

/// How much is shown of what goes on; each level brings those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Level {
    /// Warnings only
    Warn,
    /// What is done at the moment
    Info,
    /// The drivers' logs, and all details of errors
    Debug,
    /// What is said to drivers and what they say
    Trace,
}

impl Global {
    /// Decides between `--quiet` and its opposites where both are said: the command line comes
    /// before the environment, and in the environment whoever wants to see more.
    ///
    /// # Errors
    /// The command line says both.
    pub fn settle(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        let typed = |id| matches.value_source(id) == Some(ValueSource::CommandLine);
        let (verbose, log) = (self.verbose > 0, self.log > Level::Info);
        let louder_typed = (verbose && typed("verbose")) || (log && typed("log"));
        match self.quiet {
            true if louder_typed && typed("quiet") => {
                Err(Error::usage("`--quiet` and `--verbose` contradict each other")
                    .with_hint("leave one of them out"))
            }
            true => {
                self.quiet = typed("quiet") || !(verbose || log);
                Ok(())
            }
            false => Ok(()),
        }
    }

    /// How much is shown: the most of what the options say.
    pub fn level(&self) -> Level {
        if self.quiet {
            return Level::Warn;
        }
        let counted = match self.verbose {
            0 => Level::Warn,
            1 => Level::Debug,
            _ => Level::Trace,
        };
        self.log.max(counted)
    }

    /// Tells whether the drivers' logs are shown.
    pub fn verbose(&self) -> bool {
        self.level() >= Level::Debug
    }
}

impl Level {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// How often an option is given: a number, or a word for none or once.
fn times(text: &str) -> Result<u8, String> {
    match text {
        "false" | "no" | "off" | "n" | "f" => Ok(0),
        _ => Ok(text.parse().unwrap_or(1)),
    }
}

fn some_time(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(Duration::ZERO) => Err("it must be longer than nothing".into()),
        Ok(time) => Ok(time),
        Err(error) => Err(error.to_string()),
    }
}
