//! `caproni help`

use clap::Args;

use super::App;
use crate::cli;
use crate::error::Error;
use crate::exit;
use crate::output::{HelpText, schema};

/// A text on something that is no command.
pub(crate) struct Topic {
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
}

/// What there is help on besides the commands. The texts are written for a terminal, and are
/// Markdown all the same.
pub(crate) const TOPICS: [Topic; 6] = [
    Topic { name: "exit-codes", text: include_str!("../../docs/exit-codes.md") },
    Topic { name: "config", text: include_str!("../../docs/config.md") },
    Topic { name: "drivers", text: include_str!("../../docs/drivers.md") },
    Topic { name: "output", text: include_str!("../../docs/output.md") },
    Topic { name: "environment", text: include_str!("../../docs/environment.md") },
    Topic { name: "moving", text: include_str!("../../docs/moving.md") },
];

/// Print help on a command, or on a topic
///
/// Topics: exit-codes, config, drivers, output (what `-o json` and `-o yaml` print), environment, and
/// moving: how those who come from k3d, kind, minikube, colima or ctlptl say here what they said there.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  caproni help start
  caproni help drivers check
  caproni help exit-codes
  caproni help --schema status
  caproni help moving        from k3d, kind, minikube, colima or ctlptl")]
pub(crate) struct Help {
    /// The command, with those above it, or the topic
    #[arg(value_name = "COMMAND|TOPIC")]
    about: Vec<String>,

    /// Print the JSON Schema of what the command prints with `-o json` and `-o yaml`; that of an
    /// error is under `error`, of each change that `status --watch` tells under `watch`, and without
    /// a name there are all
    #[arg(long)]
    schema: bool,
}

impl Help {
    pub(crate) fn run(self, app: &App) -> Result<u8, Error> {
        let about = self.about.join(" ");
        if self.schema {
            return print_schema(app, &about);
        }
        let text = match topic(&about) {
            Some(topic) => topic.text.to_owned(),
            None => command_help(&self.about).ok_or_else(|| unknown(&about))?,
        };
        app.ui.result(&text, &HelpText { about, text: text.clone() })?;
        Ok(exit::OK)
    }
}

fn print_schema(app: &App, of: &str) -> Result<u8, Error> {
    let document = match of {
        "" => schema::all(),
        name => schema::of(name).ok_or_else(|| no_schema(name))?,
    };
    app.ui.result(&format!("{document:#}"), &document)?;
    Ok(exit::OK)
}

fn no_schema(name: &str) -> Error {
    let known = schema::names();
    let error = Error::usage(format!("there is no command `{name}` that prints a result"));
    match nearest(name, &known) {
        Some(near) => error.with_hint(format!("did you mean `caproni help --schema {near}`?")),
        None => error.with_hint("see `caproni help output` for what each command prints"),
    }
}

/// The topic of a name. `drivers` is a command as well, and its help is one option away.
pub(crate) fn topic(name: &str) -> Option<&'static Topic> {
    TOPICS.iter().find(|topic| topic.name == name)
}

fn command_help(words: &[String]) -> Option<String> {
    let mut command = cli::whole_command();
    let mut command = &mut command;
    for word in words {
        command = command.find_subcommand_mut(word)?;
    }
    Some(command.render_long_help().to_string())
}

fn unknown(about: &str) -> Error {
    let error = Error::usage(format!("there is no command and no topic `{about}`"));
    let topics = TOPICS.iter().map(|topic| topic.name.to_owned());
    let known: Vec<String> = commands(&cli::whole_command()).into_iter().chain(topics).collect();
    match nearest(about, &known) {
        Some(name) => error.with_hint(format!("did you mean `caproni help {name}`?")),
        None => error.with_hint("see `caproni help` for the commands and topics"),
    }
}

fn nearest<'a>(name: &str, known: &'a [String]) -> Option<&'a String> {
    let near = known.iter().map(|known| (strsim::jaro_winkler(name, known), known));
    let near = near.filter(|(near, _)| *near > 0.8).max_by(|a, b| a.0.total_cmp(&b.0));
    near.map(|(_, name)| name)
}

/// The words of all commands, those below others with these before them.
fn commands(above: &clap::Command) -> Vec<String> {
    let shown = above.get_subcommands().filter(|command| !command.is_hide_set());
    let words = shown.flat_map(|command| {
        let name = command.get_name();
        let below = commands(command).into_iter().map(move |below| format!("{name} {below}"));
        std::iter::once(name.to_owned()).chain(below)
    });
    words.collect()
}
