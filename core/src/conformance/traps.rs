//! Surroundings in which whoever looks for a backend is caught ([INIT-1]).

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use super::trial::is_empty;
use crate::process::Surroundings;

/// The programs that a driver of the usual backends might ask.
const PROGRAMS: [&str; 13] = [
    "k3d", "docker", "podman", "nerdctl", "kubectl", "kind", "minikube", "colima", "limactl",
    "lima", "helm", "k3s", "curl",
];

/// A home, a search path and an engine's socket that tell who came.
pub(super) struct Traps {
    folder: tempfile::TempDir,
    engine: UnixListener,
}

impl Traps {
    pub(super) fn set() -> std::io::Result<Self> {
        let folder = tempfile::tempdir()?;
        for name in ["bin", "home", "state", "temporary"] {
            std::fs::create_dir(folder.path().join(name))?;
        }
        let called = folder.path().join("called");
        for name in PROGRAMS {
            let script = format!("#!/bin/sh\necho {name} >>'{}'\nexit 1\n", called.display());
            let program = folder.path().join("bin").join(name);
            std::fs::write(&program, script)?;
            std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755))?;
        }
        // It takes connections, and answers none.
        let engine = UnixListener::bind(folder.path().join("engine.sock"))?;
        engine.set_nonblocking(true)?;
        Ok(Self { folder, engine })
    }

    /// The host's surroundings with the traps before everything else.
    pub(super) fn surroundings(&self) -> Surroundings {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(self.path("bin")).chain(std::env::split_paths(&path));
        // One that cannot be joined has a colon in it, which none here has.
        let path = std::env::join_paths(folders).unwrap_or(path);
        let engine = format!("unix://{}", self.path("engine.sock").display());
        let folder = |name: &str| Some(self.path(name).into_os_string());
        Surroundings {
            env: vec![
                ("PATH".into(), Some(path)),
                ("DOCKER_HOST".into(), Some(engine.into())),
                ("HOME".into(), folder("home")),
                ("CAPRONI_STATE_DIR".into(), folder("state")),
                ("TMPDIR".into(), folder("temporary")),
            ],
            folder: Some(self.path("home")),
        }
    }

    /// What was touched that nothing should touch.
    pub(super) fn caught(&self) -> Vec<String> {
        let called = std::fs::read_to_string(self.path("called")).unwrap_or_default();
        let programs = called.lines().map(|name| format!("the program `{name}`"));
        let engine = self.engine.accept().is_ok().then(|| "the engine's socket".to_owned());
        let folders = ["home", "state", "temporary"].into_iter();
        let folders = folders.filter(|name| !is_empty(&self.path(name)));
        programs.chain(engine).chain(folders.map(|name| format!("the {name} folder"))).collect()
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::new(self.folder.path()).join(name)
    }
}
