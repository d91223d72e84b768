//! The colima program: its command lines, and what it says while it works.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use caproni_driver::backend::{Backend, Install, Installed, PrivateFolder};
use caproni_driver::{Command, Error, Request};

use crate::config::{ColimaConfig, Platform, Runtime};
use crate::failure;
use crate::lima::{LIMACTL, Lima, last_word, speaks_of_another_machine, within};
use crate::machine::Machine;
use crate::{NAME, shim};

/// colima. Since 0.9 a deleted machine leaves its data disk, unless it is told otherwise.
pub(crate) const COLIMA: Backend = Backend::new(
    "colima",
    Install::new("install colima as https://colima.run/docs/installation says").brew("colima"),
)
.version(&["--version"], last_word)
.minimum("0.9")
.keeping_out(speaks_of_another_machine)
.with_environment(&[("NO_COLOR", "1")]);

/// colima runs it for each cluster.
const KUBECTL: Backend = Backend::new(
    "kubectl",
    Install::new("install kubectl as https://kubernetes.io/docs/tasks/tools says").brew("kubectl"),
);

/// colima runs it for each cluster with the runtime `docker`.
const DOCKER: Backend = Backend::new(
    "docker",
    Install::new("install the docker command as https://docs.docker.com/engine/install says")
        .brew("docker"),
);

/// colima looks for it before it makes a QEMU machine.
const QEMU_IMG: Backend = Backend::new(
    "qemu-img",
    Install::new("install QEMU's tools, such as the package qemu-utils").brew("qemu"),
);

/// lima's other command, with which colima gets into a machine.
const LIMA: Backend =
    Backend::new("lima", Install::new("install lima as https://lima-vm.io says").brew("lima"));

/// How long the removal of a machine may take.
const DELETE_LIMIT: Duration = Duration::from_secs(60);

/// The programs that colima needs for a config, itself first.
pub(crate) fn needed(config: &ColimaConfig, platform: Platform) -> Vec<Backend> {
    let mut needed = vec![COLIMA, LIMACTL, LIMA, KUBECTL];
    if config.runtime == Runtime::Docker {
        needed.push(DOCKER);
    }
    if config.is_qemu(platform) {
        needed.push(QEMU_IMG);
    }
    needed
}

/// colima, for one machine.
#[derive(Debug)]
pub(crate) struct Colima<'a> {
    machine: &'a Machine,
    lima: &'a Lima<'a>,
    program: Installed,
}

impl<'a> Colima<'a> {
    /// # Errors
    /// `BackendMissing`.
    pub(crate) fn find(machine: &'a Machine, lima: &'a Lima<'a>) -> Result<Self, Error> {
        Ok(Self { machine, lima, program: COLIMA.find()? })
    }

    /// # Errors
    /// `BackendMissing` when it is too old.
    pub(crate) async fn check_version(&self, request: &Request) -> Result<(), Error> {
        self.program.check_version(request).await
    }

    /// Makes the machine, or starts it with what of the config can be changed.
    ///
    /// # Errors
    /// What colima's words mean, see [`failure::check`]; `Cancelled`, `TimedOut`.
    pub(crate) async fn start(
        &self,
        request: &Request,
        config: &ColimaConfig,
        private: &PrivateFolder,
    ) -> Result<(), Error> {
        let args = start_args(&self.machine.profile, config, Platform::THIS);
        let args = args.iter().map(String::as_str);
        self.succeed(request, self.command(args, private)?.progress_lines("start", said)).await
    }

    /// Starts k3s in a machine that runs, where `colima start` would do nothing.
    ///
    /// # Errors
    /// As [`Colima::start`].
    pub(crate) async fn start_kubernetes(
        &self,
        request: &Request,
        private: &PrivateFolder,
    ) -> Result<(), Error> {
        let args = ["kubernetes", "start", "--profile", &self.machine.profile];
        self.succeed(request, self.command(args, private)?.progress_lines("start", said)).await
    }

    /// Stops the machine, gracefully and within `limit`.
    ///
    /// # Errors
    /// As [`Colima::start`], and `TimedOut` after `limit`.
    pub(crate) async fn stop(
        &self,
        request: &Request,
        limit: Duration,
        private: &PrivateFolder,
    ) -> Result<(), Error> {
        let args = ["stop", "--profile", &self.machine.profile];
        let command = self.command(args, private)?.progress_lines("stop", said);
        failure::check(&within(request, limit, &command).await?)
    }

    /// Removes the machine, and its data disk with it unless that is to be kept.
    ///
    /// # Errors
    /// As [`Colima::start`], and `TimedOut` when it takes too long.
    pub(crate) async fn delete(
        &self,
        request: &Request,
        disk: Disk,
        private: &PrivateFolder,
    ) -> Result<(), Error> {
        let mut args = vec!["delete", "--profile", &self.machine.profile, "--force"];
        if disk == Disk::Delete {
            args.push("--data");
        }
        let command = self.command(args, private)?.progress_lines("destroy", said);
        failure::check(&within(request, DELETE_LIMIT, &command).await?)
    }

    /// Ends what colima itself runs beside a machine that is down already.
    ///
    /// # Errors
    /// As [`Colima::delete`].
    pub(crate) async fn tidy_up(
        &self,
        request: &Request,
        private: &PrivateFolder,
    ) -> Result<(), Error> {
        let args = ["stop", "--profile", &self.machine.profile, "--force"];
        failure::check(&within(request, DELETE_LIMIT, &self.command(args, private)?).await?)
    }

    async fn succeed(&self, request: &Request, command: Command) -> Result<(), Error> {
        failure::check(&request.run(&command).await?)
    }

    /// A command that cannot reach the user's kubeconfig, and whose machine stays when it ends.
    fn command<'b>(
        &self,
        args: impl IntoIterator<Item = &'b str>,
        private: &PrivateFolder,
    ) -> Result<Command, Error> {
        let tools = [LIMA, KUBECTL, DOCKER, QEMU_IMG].iter().filter_map(Backend::path);
        let tools: Vec<_> = std::iter::once(self.lima.program().to_owned()).chain(tools).collect();
        shim::put(private.path(), self.lima.program())?;
        Ok(self
            .program
            .command(args)
            .env("PATH", search_path(private.path(), &tools))
            .env(shim::LIMACTL, self.lima.program())
            // colima merges the cluster into the file that is named here.
            .env("KUBECONFIG", private.path().join("kubeconfig")))
    }
}

/// What becomes of a machine's data disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disk {
    /// It is removed.
    Delete,
    /// It was there before.
    Keep,
}

/// A private folder for what colima does to a machine that is there; one for a creation has
/// only the profile's name, and tells by being left that the creation was killed.
///
/// # Errors
/// `PermissionDenied`.
pub(crate) fn private(profile: &str, purpose: &str) -> Result<PrivateFolder, Error> {
    PrivateFolder::of(NAME, &format!("{profile}.{purpose}"))
}

/// `PATH` with the shim before all else, and the folders in which colima's tools were found behind.
fn search_path(first: &Path, tools: &[std::path::PathBuf]) -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(first.to_owned())
        .chain(std::env::split_paths(&path))
        .chain(tools.iter().filter_map(|tool| tool.parent().map(Path::to_path_buf)));
    // One that cannot be joined has a colon in it, and is no folder of `PATH`.
    std::env::join_paths(folders).unwrap_or(path)
}

/// The command line of a start: everything is said, so that neither colima's template nor what it
/// was told before counts.
fn start_args(profile: &str, config: &ColimaConfig, platform: Platform) -> Vec<String> {
    let word = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let mut args: Vec<String> =
        ["start", "--profile", profile, "--kubernetes", "--template=false", "--activate=false"]
            .map(Into::into)
            .into();
    // `~/.ssh/config` is the user's.
    args.push("--ssh-config=false".into());
    let mut flag = |name: &str, value: String| args.extend([name.to_owned(), value]);
    // Its long name changed from `--cpu` to `--cpus`.
    flag("-c", config.cores.to_string());
    flag("--memory", config.memory.in_gib());
    flag("--disk", config.disk.in_gib());
    flag("--runtime", word(serde_json::json!(config.runtime)));
    if let Some(version) = &config.kubernetes_version {
        flag("--kubernetes-version", version.clone());
    }
    if let Some(arch) = config.arch {
        flag("--arch", word(serde_json::json!(arch)));
    }
    for mount in &config.mounts {
        flag("--mount", csv(mount));
    }
    if config.k3s_args.is_empty() {
        flag("--k3s-arg", String::new());
    }
    for arg in &config.k3s_args {
        flag("--k3s-arg", csv(&quoted(arg)));
    }
    // On Linux colima does not know these.
    if platform == Platform::Mac {
        if let Some(kind) = config.vm_type {
            flag("--vm-type", word(serde_json::json!(kind)));
        }
        args.push(format!("--network-address={}", config.network_address));
    }
    args.extend(config.extra_args.iter().cloned());
    args
}

/// An argument for the shell in the machine, in which colima puts k3s' command line together. As
/// it is where that goes: colima looks for some arguments itself.
fn quoted(arg: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_=,.:/@%+".contains(c);
    if !arg.is_empty() && arg.chars().all(is_plain) {
        arg.to_owned()
    } else {
        format!("'{}'", arg.replace('\'', "'\\''"))
    }
}

/// A value of a flag that takes a list, as CSV.
fn csv(value: &str) -> String {
    if value.contains([',', '"', '\n']) {
        format!("\"{}\"", value.replace('"', "\"\""))
    } else {
        value.to_owned()
    }
}

/// What a line says to a user: colima's own, without its time and its level.
fn said(line: &str) -> Option<String> {
    let line = failure::Line::parse(line)?;
    let noise = line.is_of_lima() || line.level == "fatal";
    let context = line.context.as_deref().map(|context| format!("{context}: ")).unwrap_or_default();
    (!noise).then(|| format!("{context}{}", line.message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::config;
    use serde_json::json;

    fn args(fields: serde_json::Value, platform: Platform) -> String {
        start_args("demo", &config(&fields), platform).join(" ")
    }

    #[test]
    fn the_default_says_everything_that_colima_has_a_default_for() {
        assert_eq!(
            args(json!({}), Platform::Linux),
            "start --profile demo --kubernetes --template=false --activate=false --ssh-config=false \
             -c 2 --memory 4 --disk 100 --runtime docker --k3s-arg --disable=traefik"
        );
    }

    #[test]
    fn every_field_has_its_flag() {
        let all = json!({
            "memory": "1536MiB", "cores": 6, "disk": "20GiB", "kubernetes_version": "v1.34.9+k3s1",
            "runtime": "containerd", "vm_type": "vz", "arch": "aarch64", "mounts": ["~/code:w"],
            "network_address": true, "k3s_args": [], "extra_args": ["--dns", "1.1.1.1"],
        });
        let line = args(all, Platform::Mac);
        for flag in [
            "-c 6 --memory 1.5 --disk 20 --runtime containerd --kubernetes-version v1.34.9+k3s1",
            "--arch aarch64 --mount ~/code:w --k3s-arg  --vm-type vz --network-address=true",
        ] {
            assert!(line.contains(flag), "{line}");
        }
        assert!(line.ends_with(" --dns 1.1.1.1"), "{line}");
    }

    #[test]
    fn an_argument_of_k3s_reaches_it_as_it_is() {
        // colima splits at commas, and the machine's shell at spaces.
        let words = start_args(
            "demo",
            &config(&json!({"k3s_args": ["--disable=a,b", "--kubelet-arg=x=1 $(2)"]})),
            Platform::Linux,
        );
        assert!(words.contains(&"\"--disable=a,b\"".to_owned()), "{words:?}");
        assert!(words.contains(&"'--kubelet-arg=x=1 $(2)'".to_owned()), "{words:?}");
    }

    #[test]
    fn progress_is_what_colima_says_and_not_what_lima_does() {
        let log = include_str!("../tests/recorded/v0.10.3/start.log");
        let lines: Vec<_> = log.lines().filter_map(said).collect();
        assert_eq!(lines[0], "starting colima [profile=demo]");
        assert!(lines.contains(&"vm: creating and starting ...".into()), "{lines:#?}");
        assert!(lines.contains(&"kubernetes: provisioning ...".into()), "{lines:#?}");
        assert!(!lines.iter().any(|line| line.contains("limactl")), "{lines:#?}");
    }

    #[test]
    fn the_shim_is_found_before_all_else() {
        let path = search_path(Path::new("/private"), &["/opt/x/limactl".into()]);
        let folders: Vec<_> = std::env::split_paths(&path).collect();
        assert_eq!(folders.first().unwrap(), Path::new("/private"));
        assert_eq!(folders.last().unwrap(), Path::new("/opt/x"));
    }
}
