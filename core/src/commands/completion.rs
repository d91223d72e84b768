//! `caproni completion`

use clap::{Args, ValueEnum};
use clap_complete::env::{Bash, Elvish, EnvCompleter, Fish, Powershell, Zsh};

use super::App;
use crate::completion::VARIABLE;
use crate::error::Error;
use crate::exit;
use crate::output::CompletionScript;

/// Where zsh finds the script by itself, it runs the whole of it for the first Tab, which only
/// defines what answers the second.
const FIRST_TAB_IN_ZSH: &str = "\
if [[ $funcstack[1] == _caproni ]]; then
    _clap_dynamic_completer_caproni \"$@\"
fi
";

/// Print a script that lets a shell complete commands, options, drivers and profiles
///
/// The names are asked for at every Tab, so they are always those that there are. With `-o json` or
/// `-o yaml` the script is in the field `script`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  caproni completion bash > ~/.local/share/bash-completion/completions/caproni
  caproni completion zsh > ~/.zfunc/_caproni    a folder of your `fpath`
  caproni completion fish > ~/.config/fish/completions/caproni.fish
  caproni completion powershell >> $PROFILE")]
pub(crate) struct Completion {
    /// Print it for this shell
    shell: Shell,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
    #[value(alias = "pwsh")]
    Powershell,
    Elvish,
}

impl Completion {
    pub(crate) fn run(self, app: &App) -> Result<u8, Error> {
        let completer = self.shell.completer();
        let mut script = Vec::new();
        let written =
            completer.write_registration(VARIABLE, "caproni", "caproni", "caproni", &mut script);
        written.map_err(|error| Error::internal("the script cannot be written", error))?;
        let mut script = String::from_utf8_lossy(&script).trim_start().to_owned();
        if let Shell::Zsh = self.shell {
            script += FIRST_TAB_IN_ZSH;
        }
        app.ui.result(&script, &CompletionScript { shell: completer.name(), script: &script })?;
        Ok(exit::OK)
    }
}

impl Shell {
    fn completer(self) -> &'static dyn EnvCompleter {
        match self {
            Self::Bash => &Bash,
            Self::Zsh => &Zsh,
            Self::Fish => &Fish,
            Self::Powershell => &Powershell,
            Self::Elvish => &Elvish,
        }
    }
}
