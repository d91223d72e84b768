//! `caproni help`

use clap::Args;
use serde_json::json;

use super::App;
use crate::cli;
use crate::error::Error;
use crate::exit;

/// A text on something that is no command.
pub(crate) struct Topic {
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
}

/// What there is help on besides the commands. The texts are written for a terminal, and are
/// Markdown all the same.
pub(crate) const TOPICS: [Topic; 5] = [
    Topic { name: "exit-codes", text: include_str!("../../docs/exit-codes.md") },
    Topic { name: "config", text: include_str!("../../docs/config.md") },
    Topic { name: "drivers", text: include_str!("../../docs/drivers.md") },
    Topic { name: "environment", text: include_str!("../../docs/environment.md") },
    Topic { name: "moving", text: include_str!("../../docs/moving.md") },
];

/// Print help on a command, or on a topic
///
/// Topics: exit-codes, config, drivers, environment, and moving: how those who come from k3d, kind,
/// minikube, colima or ctlptl say here what they said there.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  caproni help start
  caproni help drivers check
  caproni help exit-codes
  caproni help moving        from k3d, kind, minikube, colima or ctlptl")]
pub(crate) struct Help {
    /// The command, with those above it, or the topic
    #[arg(value_name = "COMMAND|TOPIC")]
    about: Vec<String>,
}

impl Help {
    pub(crate) fn run(self, app: &App) -> Result<u8, Error> {
        let about = self.about.join(" ");
        let text = match topic(&about) {
            Some(topic) => topic.text.to_owned(),
            None => command_help(&self.about).ok_or_else(|| unknown(&about))?,
        };
        app.ui.result(&text, &json!({"about": about, "text": text}))?;
        Ok(exit::OK)
    }
}

/// The topic of a name. `drivers` is a command as well, and its help is one option away.
pub(crate) fn topic(name: &str) -> Option<&'static Topic> {
    TOPICS.iter().find(|topic| topic.name == name)
}

fn command_help(words: &[String]) -> Option<String> {
    let mut command = cli::command();
    command.build();
    let mut command = &mut command;
    for word in words {
        command = command.find_subcommand_mut(word)?;
    }
    Some(command.render_long_help().to_string())
}

fn unknown(about: &str) -> Error {
    let error = Error::usage(format!("there is no command and no topic `{about}`"));
    let topics = TOPICS.iter().map(|topic| topic.name.to_owned());
    let known: Vec<String> = commands(&cli::command()).into_iter().chain(topics).collect();
    let near = known.iter().map(|name| (strsim::jaro_winkler(about, name), name));
    match near.filter(|(near, _)| *near > 0.8).max_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((_, name)) => error.with_hint(format!("did you mean `caproni help {name}`?")),
        None => error.with_hint("see `caproni help` for the commands and topics"),
    }
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
