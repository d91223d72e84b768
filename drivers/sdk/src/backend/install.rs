//! How a program is installed on this machine.

use super::Platform;
use crate::messages::Action;

/// The ways to install a program; the first one that the machine can go is proposed.
#[derive(Debug, Clone, Copy)]
pub struct Install {
    brew: Option<&'static str>,
    go: Option<&'static str>,
    script: Option<Script>,
    otherwise: &'static str,
}

#[derive(Debug, Clone, Copy)]
struct Script {
    url: &'static str,
    environment: &'static str,
}

impl Install {
    /// No way but by hand; `otherwise` is the advice where nothing else goes.
    pub const fn new(otherwise: &'static str) -> Self {
        Self { brew: None, go: None, script: None, otherwise }
    }

    /// Adds a formula of Homebrew.
    #[must_use]
    pub const fn brew(mut self, formula: &'static str) -> Self {
        self.brew = Some(formula);
        self
    }

    /// Adds a Go package with its version, such as `github.com/k3d-io/k3d/v5@v5.9.0`.
    #[must_use]
    pub const fn go(mut self, package: &'static str) -> Self {
        self.go = Some(package);
        self
    }

    /// Adds a script for bash to download, and the variables that it gets, such as `TAG=v5.9.0`.
    #[must_use]
    pub const fn script(mut self, url: &'static str, environment: &'static str) -> Self {
        self.script = Some(Script { url, environment });
        self
    }

    /// The advice where nothing else goes.
    pub(super) const fn otherwise(&self) -> &'static str {
        self.otherwise
    }

    /// The command for this machine, if there is one.
    pub(super) fn action(&self, name: &str, platform: &Platform) -> Option<Action> {
        let reason = format!("the driver runs {name}, which is not installed");
        if let Some(formula) = self.brew.filter(|_| platform.has("brew")) {
            let title = format!("Install {name} with Homebrew");
            return Some(Action::new(title, reason, ["brew", "install", formula]));
        }
        if let Some(package) = self.go.filter(|_| platform.has("go")) {
            let title = format!("Install {name} with Go");
            return Some(Action::new(title, reason, ["go", "install", package]));
        }
        let line = self.script?.line(platform)?;
        // Without `pipefail` a download that fails would count as an installation that worked.
        let argv = ["bash", "-o", "pipefail", "-c", &line];
        Some(Action::new(format!("Install {name} with its own script"), reason, argv))
    }
}

impl Script {
    fn line(self, platform: &Platform) -> Option<String> {
        let Self { url, environment } = self;
        let download = if platform.has("curl") {
            format!("curl -fsSL {url}")
        } else if platform.has("wget") {
            format!("wget -q -O - {url}")
        } else {
            return None;
        };
        Some(format!("{download} | {environment} bash"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSTALL: Install = Install::new("by hand")
        .brew("thing")
        .go("example.org/thing@v1")
        .script("https://example.org/thing.sh", "TAG=v1");

    fn command(has: &[&str]) -> Option<String> {
        let has = has.iter().map(|&program| program.to_owned()).collect();
        let platform = Platform { has, ..Platform::default() };
        INSTALL.action("thing", &platform).map(|action| action.command_line())
    }

    #[test]
    fn a_program_is_installed_with_what_is_there_in_order_of_preference() {
        let line = |download: &str| {
            format!("bash -o pipefail -c '{download} https://example.org/thing.sh | TAG=v1 bash'")
        };
        assert_eq!(command(&["curl", "go", "brew"]).unwrap(), "brew install thing");
        assert_eq!(command(&["curl", "go"]).unwrap(), "go install example.org/thing@v1");
        assert_eq!(command(&["curl", "wget"]).unwrap(), line("curl -fsSL"));
        assert_eq!(command(&["wget"]).unwrap(), line("wget -q -O -"));
        assert_eq!(command(&[]), None);
    }
}
