//! What of a machine decides which command mends it.

use std::path::Path;

use crate::messages::Action;

/// Programs whose presence decides how something is installed or started.
const PROGRAMS: [&str; 11] = [
    "apt-get",
    "bash",
    "brew",
    "colima",
    "curl",
    "dnf",
    "go",
    "service",
    "sudo",
    "systemctl",
    "wget",
];

/// What of a machine decides which command mends it; a value, so that tests need no machine.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Platform {
    /// Programs and applications that are there.
    pub has: Vec<String>,
    /// Whether it is macOS.
    pub mac: bool,
    /// `ID` and `ID_LIKE` of `/etc/os-release`.
    pub os: Vec<String>,
    /// Whether the user is root.
    pub root: bool,
    /// Whether systemd runs.
    pub systemd: bool,
    /// The user's name.
    pub user: String,
}

impl Platform {
    /// Looks at this machine.
    pub fn detect() -> Self {
        let programs = PROGRAMS.into_iter().filter(|program| which::which(program).is_ok());
        let mut has: Vec<String> = programs.map(Into::into).collect();
        // Programs for root are often not on a user's PATH.
        let folders = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"];
        if which::which("dockerd").is_ok()
            || folders.iter().any(|folder| Path::new(folder).join("dockerd").exists())
        {
            has.push("dockerd".into());
        }
        for application in ["Docker", "OrbStack"] {
            if Path::new(&format!("/Applications/{application}.app")).exists() {
                has.push(format!("{application}.app"));
            }
        }
        let os = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
        Self {
            has,
            mac: cfg!(target_os = "macos"),
            os: os_ids(&os),
            root: rustix::process::geteuid().is_root(),
            systemd: Path::new("/run/systemd/system").exists(),
            user: std::env::var("USER").unwrap_or_else(|_| "$USER".into()),
        }
    }

    /// Tells whether a program, or an application such as `Docker.app`, is there.
    pub fn has(&self, program: &str) -> bool {
        self.has.iter().any(|had| had == program)
    }

    /// Tells whether it is one of these systems, or one that is made of one of them.
    pub fn is_like(&self, os: &[&str]) -> bool {
        self.os.iter().any(|id| os.contains(&id.as_str()))
    }

    /// A command that needs root, by way of sudo unless the user is root.
    pub fn privileged(&self, title: &str, reason: &str, argv: &[&str]) -> Action {
        let sudo: &[&str] = if self.root { &[] } else { &["sudo"] };
        Action::new(title, reason, sudo.iter().chain(argv).copied()).privileged()
    }
}

fn os_ids(os_release: &str) -> Vec<String> {
    os_release
        .lines()
        .filter_map(|line| line.strip_prefix("ID=").or_else(|| line.strip_prefix("ID_LIKE=")))
        .flat_map(|value| value.trim_matches('"').split_whitespace())
        .map(Into::into)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_and_its_children_are_known_by_os_release() {
        let text = "NAME=\"Ubuntu\"\nID=ubuntu\nID_LIKE=\"debian x\"\n";
        assert_eq!(os_ids(text), ["ubuntu", "debian", "x"]);
    }

    #[test]
    fn root_needs_no_sudo() {
        let user = Platform::default();
        assert_eq!(user.privileged("t", "r", &["true"]).command_line(), "sudo true");
        let root = Platform { root: true, ..user };
        let action = root.privileged("t", "r", &["true"]);
        assert_eq!((action.command_line().as_str(), action.privileged), ("true", true));
    }
}
