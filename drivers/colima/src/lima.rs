//! The limactl program: which machines there are, what runs in them, and how they are ended by force.

use std::time::Duration;

use caproni_driver::backend::{Backend, Install, Installed};
use caproni_driver::{Command, Error, ErrorKind, Output, Request};
use serde::Deserialize;

use crate::machine::{Home, Machine};

/// limactl.
pub(crate) const LIMACTL: Backend =
    Backend::new("limactl", Install::new("install lima as https://lima-vm.io says").brew("lima"))
        .version(&["--version"], last_word)
        .minimum("0.18")
        .keeping_out(speaks_of_another_machine);

/// How long the end of a machine by force may take.
const FORCE_LIMIT: Duration = Duration::from_secs(30);

/// How often lima is asked while machines come and go.
const TRIES: u32 = 3;

/// The last word of `limactl version 2.1.4`.
pub(crate) fn last_word(said: &str) -> Option<String> {
    said.lines().next()?.split_whitespace().next_back().map(Into::into)
}

/// Variables that name a machine, or how one gets into it.
pub(crate) fn speaks_of_another_machine(name: &str) -> bool {
    matches!(
        name,
        "COLIMA_PROFILE"
            | "COLIMA_SAVE_CONFIG"
            | "LIMA_INSTANCE"
            | "LIMA_SHELL"
            | "LIMA_WORKDIR"
            | "LIMACTL"
    )
}

/// A machine as lima sees it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Instance {
    /// Its name.
    pub(crate) name: String,
    /// `Running`, `Stopped`, `Broken`, `Installing`, `Uninitialized`, or nothing where lima cannot tell.
    #[serde(default)]
    pub(crate) status: String,
    /// Its networks.
    #[serde(default)]
    pub(crate) network: Vec<Network>,
    /// What is wrong with it. The list's own field is always empty: lima logs it.
    #[serde(skip)]
    pub(crate) problem: Option<String>,
}

/// A network of a machine.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Network {
    /// The name of its interface in the machine.
    #[serde(default)]
    pub(crate) interface: String,
}

impl Instance {
    pub(crate) fn is_running(&self) -> bool {
        self.status == "Running"
    }
}

/// lima in one home.
#[derive(Debug)]
pub(crate) struct Lima<'a> {
    home: &'a Home,
    program: Installed,
}

impl<'a> Lima<'a> {
    /// # Errors
    /// `BackendMissing`; `BackendUnavailable` for root, for whom lima does not work.
    pub(crate) fn find(home: &'a Home) -> Result<Self, Error> {
        let program = LIMACTL.find()?;
        if rustix::process::geteuid().is_root() {
            let message = "lima, which colima's machines run in, does not work for root";
            return Err(Error::new(ErrorKind::BackendUnavailable, message)
                .with_hint("run caproni as another user"));
        }
        Ok(Self { home, program })
    }

    /// A command of limactl.
    pub(crate) fn command<'b>(&self, args: impl IntoIterator<Item = &'b str>) -> Command {
        self.program.command(args).env("LIMA_HOME", &self.home.lima)
    }

    /// The program's path.
    pub(crate) fn program(&self) -> &std::path::Path {
        self.program.path()
    }

    /// All machines of colima.
    ///
    /// Each is asked for by its name: one folder without a machine in it, such as a killed creation
    /// leaves, and limactl tells of none.
    ///
    /// # Errors
    /// `BackendUnavailable` when limactl does not tell.
    pub(crate) async fn instances(&self, request: &Request) -> Result<Vec<Instance>, Error> {
        let mut tries = 0;
        loop {
            let names = self.names();
            if names.is_empty() {
                return Ok(Vec::new());
            }
            let args = ["list", "--json"].into_iter().chain(names.iter().map(String::as_str));
            let output = request.run(&self.command(args)).await?;
            if output.status.success() {
                return parse(&output.stdout, &output.stderr).map_err(|wrong| no_list(&wrong));
            }
            tries += 1;
            // One of them may have been deleted meanwhile.
            if names == self.names() || tries == TRIES {
                return Err(unavailable(&output));
            }
        }
    }

    /// The names of colima's machines that are there as far as lima is concerned.
    fn names(&self) -> Vec<String> {
        let found = self.home.lima.read_dir().into_iter().flatten();
        let whole = found.filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name().into_string().ok()?;
            let is_whole = entry.path().join("lima.yaml").is_file();
            (is_whole && self.home.machine_named(&name).is_some()).then_some(name)
        });
        let mut names: Vec<String> = whole.collect();
        names.sort();
        names
    }

    /// Ends a machine at once, whatever state it is in: only its processes are asked.
    ///
    /// # Errors
    /// `BackendFailed`, `TimedOut`.
    pub(crate) async fn stop_by_force(
        &self,
        request: &Request,
        machine: &Machine,
    ) -> Result<(), Error> {
        let command = self.command(["stop", "--force", &machine.id]);
        within(request, FORCE_LIMIT, &command).await?.success().map(drop)
    }

    /// Removes a data disk.
    ///
    /// # Errors
    /// `BackendFailed`, `TimedOut`.
    pub(crate) async fn delete_disk(
        &self,
        request: &Request,
        machine: &Machine,
    ) -> Result<(), Error> {
        let command = self.command(["disk", "delete", "--force", &machine.id]);
        within(request, FORCE_LIMIT, &command).await?.success().map(drop)
    }
}

/// Runs a command that must end within `limit`, be there more time or not.
///
/// # Errors
/// As [`Request::run`], and `TimedOut` after `limit`.
pub(crate) async fn within(
    request: &Request,
    limit: Duration,
    command: &Command,
) -> Result<Output, Error> {
    match tokio::time::timeout(limit, request.run(command)).await {
        Ok(output) => output,
        Err(_) => {
            let message =
                format!("`{}` did not end within {} s", command.command_line(), limit.as_secs());
            Err(Error::new(ErrorKind::TimedOut, message))
        }
    }
}

fn no_list(wrong: &serde_json::Error) -> Error {
    let message = format!("`limactl list --json` tells what is no list: {wrong}");
    Error::new(ErrorKind::BackendUnavailable, message)
        .with_hint("run `limactl list --json` to see why")
}

fn unavailable(output: &Output) -> Error {
    let failed = output.failure();
    let mut error = Error::new(ErrorKind::BackendUnavailable, "limactl does not tell its machines")
        .with_hint("run `limactl list` to see why");
    error.data.command = failed.data.command;
    error.data.exit_code = failed.data.exit_code;
    error.data.output = failed.data.output;
    error
}

/// One object on each line, and nothing when there is no machine.
pub(crate) fn parse(text: &str, log: &str) -> Result<Vec<Instance>, serde_json::Error> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let read = lines.map(|line| {
        let mut instance: Instance = serde_json::from_str(line)?;
        instance.problem = problem(log, &instance.name);
        Ok(instance)
    });
    read.collect()
}

/// The reason in `level=warning msg="instance `colima-demo` has errors" errors="[…]"`.
fn problem(log: &str, name: &str) -> Option<String> {
    let about = format!("instance `{name}` has errors");
    let line = log.lines().find(|line| line.contains(&about))?;
    let words = shlex::split(line)?;
    let told = words.iter().find_map(|word| word.strip_prefix("errors="))?;
    Some(told.trim_matches(['[', ']']).to_owned())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    macro_rules! recorded {
        ($name:literal) => {
            include_str!(concat!("../tests/recorded/v0.10.3/", $name))
        };
    }

    /// The machine of a recorded list.
    pub(crate) fn instance(recorded: &str) -> Instance {
        parse(recorded, "").unwrap().remove(0)
    }

    #[test]
    fn every_state_is_read_as_limactl_tells_it() {
        for (recorded, status) in [
            (recorded!("limactl-list-running.json"), "Running"),
            (recorded!("limactl-list-stopped.json"), "Stopped"),
            (recorded!("limactl-list-broken.json"), "Broken"),
        ] {
            let instance = instance(recorded);
            assert_eq!((instance.name.as_str(), instance.status.as_str()), ("colima-demo", status));
        }
        assert_eq!(parse("", "").unwrap(), []);
    }

    #[test]
    fn a_broken_machine_says_what_is_wrong_with_it() {
        let told = recorded!("limactl-list-broken.json");
        let broken = parse(told, recorded!("limactl-list-broken.err")).unwrap().remove(0);
        assert_eq!(broken.problem.as_deref(), Some("host agent is running but driver is not"));
    }

    #[test]
    fn what_is_no_list_is_an_error() {
        for text in ["no json", "[]", "{}"] {
            assert!(parse(text, "").is_err(), "{text}");
        }
    }

    #[test]
    fn the_version_is_the_last_word() {
        assert_eq!(last_word("limactl version 2.1.4\n").as_deref(), Some("2.1.4"));
        assert_eq!(last_word("colima version v0.10.3\n").as_deref(), Some("v0.10.3"));
        assert_eq!(last_word(""), None);
    }
}
