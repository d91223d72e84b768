//! How this program was called, so that the commands that it advises mean the same cluster.

use clap::ArgMatches;
use clap::parser::ValueSource;

/// The options that say which cluster is meant; those of the environment hold for the next command
/// as well.
const OPTIONS: [(&str, &str); 3] =
    [("driver", "--driver"), ("profile", "--profile"), ("config_file", "--config-file")];

/// The commands that are about one cluster.
const ABOUT_A_CLUSTER: [&str; 17] = [
    "config",
    "destroy",
    "diff",
    "doctor",
    "env",
    "exec",
    "image",
    "kubeconfig",
    "kubectl",
    "logs",
    "restart",
    "start",
    "status",
    "stop",
    "usage",
    "use",
    "wait",
];

/// What a command line begins with that means the same cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    begin: String,
}

impl Default for Invocation {
    fn default() -> Self {
        Self { begin: "caproni".into() }
    }
}

impl Invocation {
    /// Takes it from a command line that was understood.
    pub fn new(program: &str, matches: &ArgMatches) -> Self {
        let mut begin = program.to_owned();
        for (id, option) in OPTIONS {
            let is_said = matches.value_source(id) == Some(ValueSource::CommandLine);
            let said = matches.get_raw(id).and_then(Iterator::last).filter(|_| is_said);
            if let Some(said) = said {
                let said = said.to_string_lossy();
                begin += &format!(" {}", caproni_driver::command_line([option, &said]));
            }
        }
        Self { begin }
    }

    /// A command about the same cluster, such as `status`.
    pub fn command(&self, words: &str) -> String {
        format!("{} {words}", self.begin)
    }

    /// Lets the commands in a text, each in backticks, be about the same cluster.
    pub fn complete(&self, text: &str) -> String {
        let mut parts = text.split("`caproni ");
        let mut whole = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let verb = part.split([' ', '`']).next().unwrap_or_default();
            let begin = if ABOUT_A_CLUSTER.contains(&verb) { &self.begin } else { "caproni" };
            whole += &format!("`{begin} {part}");
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_said_again() {
        let invocation = Invocation { begin: "caproni --profile demo".into() };
        assert_eq!(
            invocation.complete("run `caproni start`, or see `caproni help config` and `caproni`"),
            "run `caproni --profile demo start`, or see `caproni help config` and `caproni`"
        );
        let whole = "run `caproni --driver mock --profile other destroy`";
        assert_eq!(invocation.complete(whole), whole);
        assert_eq!(invocation.command("use"), "caproni --profile demo use");
    }
}
