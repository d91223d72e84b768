//! `caproni drivers record`

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use clap::{Args, ValueEnum};

use crate::commands::App;
use crate::error::Error;
use crate::options::Global;
use crate::recording::create;

/// Run a command, and write down what is said to the driver and what it says
///
/// The file has one JSON object for each line on the wire, on the driver's stderr, and for
/// the beginning and end of its process. The values of sensitive fields and credentials
/// for the cluster are masked, so it can go into a bug report. It is what
/// `--trace FILE` writes of any command. `-o` and `-q` hold for the command, to which stdout belongs.
#[derive(Debug, Args)]
#[command(
    override_usage = "caproni drivers record FILE -- COMMAND...",
    after_help = "\
Examples:
  caproni drivers record session.jsonl -- start --profile demo"
)]
pub(crate) struct Record {
    /// The recording, written anew
    file: PathBuf,
    /// The command of caproni, such as `start --profile demo`
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

impl Record {
    /// Becomes the command: its signals, its exit code and its output are its own.
    pub(crate) fn run(self, app: &App) -> Result<u8, Error> {
        let failed = |error| Error::internal("cannot run caproni again", error);
        let made = std::path::absolute(&self.file).and_then(|file| create(&file).map(|_| file));
        let file = made.map_err(|error| {
            let file = self.file.display();
            Error::usage(format!("the recording `{file}` cannot be written: {error}"))
        })?;
        let mut command = Command::new(std::env::current_exe().map_err(failed)?);
        command.args(self.command).envs(said(&app.global)).env("CAPRONI_TRACE", file);
        Err(failed(command.exec()))
    }
}

/// What was said before `drivers record` holds for the command that it runs.
fn said(global: &Global) -> Vec<(&'static str, OsString)> {
    let output = global.output.to_possible_value();
    let output = output.map(|output| OsString::from(output.get_name()));
    let timeout = global.timeout.map(|time| humantime::format_duration(time).to_string().into());
    let flag = |set: bool| Some(OsString::from(u8::from(set).to_string()));
    let said = [
        ("CAPRONI_DRIVER", global.driver.clone().map(OsString::from)),
        ("CAPRONI_PROFILE", global.profile.clone().map(OsString::from)),
        ("CAPRONI_CONFIG_FILE", global.config_file.clone().map(OsString::from)),
        ("CAPRONI_OUTPUT", output),
        ("CAPRONI_QUIET", flag(global.quiet)),
        ("CAPRONI_LOG", Some(global.level().name().into())),
        ("CAPRONI_TIMEOUT", timeout),
        ("CAPRONI_YES", flag(global.yes)),
    ];
    said.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
