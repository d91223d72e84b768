//! `caproni env`

use caproni_driver::command_line;
use clap::{Args, ValueEnum};

use super::App;
use super::kubeconfig::Given;
use crate::error::Error;
use crate::exit;
use crate::output::Environment;

/// Print what makes kubectl and its like use the cluster in this shell alone
///
/// It sets KUBECONFIG to a file that holds this cluster alone, which only you can read. Your own
/// kubeconfig and other shells stay as they are.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Env {
    /// Print it for this shell [default: that of SHELL]
    #[arg(long, value_name = "SHELL")]
    shell: Option<Shell>,
}

const EXAMPLES: &str = "\
Examples:
  eval \"$(caproni env)\"
  caproni env --shell fish | source
  caproni env --shell powershell | Out-String | Invoke-Expression";

/// A shell, by how it sets a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shell {
    /// sh, bash, zsh and their like
    #[value(alias = "bash", alias = "zsh")]
    Sh,
    /// fish
    Fish,
    /// PowerShell
    #[value(alias = "pwsh")]
    Powershell,
}

impl Env {
    pub(crate) async fn run(self, app: &App) -> Result<u8, Error> {
        let target = app.target()?;
        let given = Given::ask(app, &target).await?;
        let file = given.keep()?;
        let Some(file) = file.to_str() else {
            return Err(Error::internal(
                "the state folder has a name that is not UTF-8",
                file.display(),
            )
            .with_hint("name another one in CAPRONI_STATE_DIR"));
        };
        let shell = self.shell.unwrap_or_else(|| Shell::of(std::env::var("SHELL").ok().as_deref()));
        let set = [("KUBECONFIG", file.to_owned())].into();
        let environment = Environment { context: given.output(), env: set };
        app.ui.result(&shell.sets("KUBECONFIG", file), &environment)?;
        Ok(exit::OK)
    }
}

impl Shell {
    /// The shell whose program this is, by its name.
    fn of(program: Option<&str>) -> Self {
        match program.and_then(|path| path.rsplit('/').next()) {
            Some("fish") => Self::Fish,
            Some("pwsh" | "powershell") => Self::Powershell,
            _ => Self::Sh,
        }
    }

    /// The line that sets a variable.
    fn sets(self, name: &str, value: &str) -> String {
        match self {
            Self::Sh => format!("export {name}={}", command_line([value])),
            Self::Fish => {
                format!("set -gx {name} '{}'", value.replace('\\', r"\\").replace('\'', r"\'"))
            }
            Self::Powershell => format!("$Env:{name} = '{}'", value.replace('\'', "''")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shell_gets_its_own_words() {
        assert_eq!(Shell::Sh.sets("K", "/a b"), "export K='/a b'");
        assert_eq!(Shell::Fish.sets("K", r"/a'b\c"), r"set -gx K '/a\'b\\c'");
        assert_eq!(Shell::Powershell.sets("K", "/a'b"), "$Env:K = '/a''b'");
    }

    #[test]
    fn the_shell_is_the_user_s_own_by_default() {
        for (program, shell) in [
            (Some("/usr/bin/fish"), Shell::Fish),
            (Some("/opt/pwsh"), Shell::Powershell),
            (Some("/bin/zsh"), Shell::Sh),
            (None, Shell::Sh),
        ] {
            assert_eq!(Shell::of(program), shell, "{program:?}");
        }
    }
}
