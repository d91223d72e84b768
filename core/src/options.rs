//! The options that every command takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::ui::Format;

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Use this driver: a name, or the path of an executable [default: auto]
    #[arg(long, short, global = true, env = "CAPRONI_DRIVER", value_name = "NAME|PATH")]
    pub driver: Option<String>,

    /// Name the cluster [default: caproni, or as `cluster.name.strategy` says]
    #[arg(long, short, global = true, env = "CAPRONI_PROFILE", value_name = "NAME")]
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

    /// Show the driver's log and all details of errors
    #[arg(long, short, global = true, env = "CAPRONI_VERBOSE", value_parser = clap::builder::FalseyValueParser::new())]
    pub verbose: bool,

    /// Give up after this time, such as `90s` or `15m` [default: 10m for start and restart, 5m for
    /// stop and destroy, 30s for status and version]
    #[arg(long, global = true, env = "CAPRONI_TIMEOUT", value_name = "TIME", value_parser = some_time)]
    pub timeout: Option<Duration>,

    /// Answer every question with yes: destroy the cluster, run the commands that set up a backend
    #[arg(long, short, global = true, env = "CAPRONI_YES", value_parser = clap::builder::FalseyValueParser::new())]
    pub yes: bool,

    /// Write down what is said to drivers and what they say, see `caproni drivers record`
    #[arg(long, global = true, hide = true, env = "CAPRONI_RECORD", value_name = "FILE")]
    pub record: Option<PathBuf>,
}

fn some_time(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(Duration::ZERO) => Err("it must be longer than nothing".into()),
        Ok(time) => Ok(time),
        Err(error) => Err(error.to_string()),
    }
}
