//! Images that are put into the machine: by its own docker or nerdctl, into what k3s runs them from.
//!
//! With the runtime `docker` k3s runs the images of the machine's docker, which on macOS mostly is the
//! user's own engine: an image that is there already needs no loading.

use std::path::Path;
use std::time::Duration;

use caproni_driver::backend::{Backend, Install};
use caproni_driver::{Change, Command, Error, ErrorKind, Outcome, Request};

use crate::lima::{Lima, within};
use crate::look::Look;
use crate::machine::Machine;

/// How long the machine, or the user's engine, may take to tell whether it has an image.
const ASK: Duration = Duration::from_secs(10);

/// The docker command, for images of another engine than the machine's.
const DOCKER: Backend = Backend::new(
    "docker",
    Install::new("install the docker command as https://docs.docker.com/engine/install says")
        .brew("docker"),
);

/// Runs a command with a file as its stdin.
const FROM_FILE: &str = "exec \"$@\" <\"$0\"";

/// Loads images and archives: none when one of them is not there.
///
/// # Errors
/// `ClusterNotRunning`, `NotFound`, `BackendFailed`, `Cancelled` and `TimedOut`.
pub(crate) async fn load(
    request: &Request,
    lima: &Lima<'_>,
    machine: &Machine,
    look: &Look,
    images: &[String],
) -> Result<Outcome, Error> {
    if look.is_foreign() || !look.is_running() {
        let message = format!("cluster `{}` is not running", machine.profile);
        return Err(
            Error::new(ErrorKind::ClusterNotRunning, message).with_hint("run `caproni start`")
        );
    }
    let guest = Guest { request, lima, machine, runtime: Runtime::of(look) };
    let (mut archives, names): (Vec<_>, Vec<_>) =
        images.iter().cloned().partition(|image| image.starts_with('/'));
    if let Some(missing) = archives.iter().find(|path| !Path::new(path).is_file()) {
        let message = format!("there is no archive `{}`", missing.escape_debug());
        return Err(not_found(missing, message, "write it with `docker save -o ARCHIVE IMAGE`"));
    }
    let foreign = guest.elsewhere(names).await?;
    let folder = tempfile::tempdir()
        .map_err(|error| Error::new(ErrorKind::PermissionDenied, error.to_string()))?;
    archives.extend(save(request, &foreign, folder.path()).await?);
    for archive in &archives {
        guest.load(archive).await?;
    }
    Ok(Outcome::new(if archives.is_empty() { Change::None } else { Change::Loaded }))
}

/// What runs containers in the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Runtime {
    Docker,
    Containerd,
}

impl Runtime {
    fn of(look: &Look) -> Self {
        match look.saved.as_ref().and_then(|saved| saved.runtime()) {
            Some("containerd") => Self::Containerd,
            _ => Self::Docker,
        }
    }

    /// The command in the machine that loads an archive from its stdin.
    fn loader(self) -> &'static [&'static str] {
        match self {
            Self::Docker => &["docker", "load"],
            // The images of Kubernetes are those of this namespace.
            Self::Containerd => &["sudo", "nerdctl", "--namespace", "k8s.io", "load"],
        }
    }
}

struct Guest<'a> {
    request: &'a Request,
    lima: &'a Lima<'a>,
    machine: &'a Machine,
    runtime: Runtime,
}

impl Guest<'_> {
    /// Those of the images that the machine does not have; each is known to the user's engine.
    async fn elsewhere(&self, names: Vec<String>) -> Result<Vec<String>, Error> {
        let mut foreign = Vec::new();
        for name in names {
            // An empty name, or one that looks like a flag, would be something else to docker.
            let odd = name.is_empty() || name.starts_with('-');
            if !odd && self.has(&name).await? {
                continue;
            }
            if odd || !is_on_engine(self.request, &name).await? {
                let message = format!("there is no image `{}`", name.escape_debug());
                return Err(not_found(
                    &name,
                    message,
                    "build it, or pull it with `docker pull IMAGE`",
                ));
            }
            foreign.push(name);
        }
        Ok(foreign)
    }

    async fn has(&self, name: &str) -> Result<bool, Error> {
        if self.runtime == Runtime::Containerd {
            return Ok(false);
        }
        let argv =
            ["shell", "--workdir", "/", &self.machine.id, "docker", "image", "inspect", name];
        Ok(within(self.request, ASK, &self.lima.command(argv)).await?.status.success())
    }

    async fn load(&self, archive: &str) -> Result<(), Error> {
        self.request.progress("load", "loading the images into the machine");
        let limactl = self.lima.program().display().to_string();
        let shell = ["shell", "--workdir", "/", &self.machine.id];
        let command = Command::new("/bin/sh")
            .args(["-c", FROM_FILE, archive, &limactl])
            .args(shell)
            .args(self.runtime.loader())
            .env("LIMA_HOME", &self.machine.home.lima);
        self.request.run(&command).await?.success().map(drop)
    }
}

/// Whether the engine has an image that the docker command talks to.
async fn is_on_engine(request: &Request, name: &str) -> Result<bool, Error> {
    let Ok(docker) = DOCKER.find() else { return Ok(false) };
    let asked = within(request, ASK, &docker.command(["image", "inspect", name])).await?;
    Ok(asked.status.success())
}

/// Writes images of the user's engine into one archive; `None` when there are none.
async fn save(
    request: &Request,
    images: &[String],
    folder: &Path,
) -> Result<Option<String>, Error> {
    if images.is_empty() {
        return Ok(None);
    }
    request.progress("save", "taking the images from the engine");
    let archive = folder.join("images.tar").display().to_string();
    let docker = DOCKER.find()?;
    let command = docker.command(["save", "-o", &archive]).args(images);
    request.run(&command).await?.success()?;
    Ok(Some(archive))
}

fn not_found(resource: &str, message: String, hint: &str) -> Error {
    let mut error = Error::new(ErrorKind::NotFound, message).with_hint(hint);
    error.data.resource = Some(resource.into());
    error
}
