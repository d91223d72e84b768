//! minikube's own folder, `MINIKUBE_HOME` or `~/.minikube`, and what is read and kept there.

use std::fs;
use std::io::ErrorKind::NotFound;
use std::path::{Path, PathBuf};

use caproni_driver::{Error, ErrorKind, lock};
use serde_json::Value;

use crate::NAME;
use crate::cluster::Note;
use crate::profile::{Profile, is_machine_of};

/// The file of this driver beside minikube's own; `minikube delete` removes it with them.
const NOTE: &str = "caproni.json";

/// The variable that names the folder.
pub(crate) const VARIABLE: &str = "MINIKUBE_HOME";

/// minikube's folder.
#[derive(Debug, Clone)]
pub(crate) struct Home(PathBuf);

impl Home {
    /// Finds it as minikube does; for a user without a home it is in caproni's own folder,
    /// where minikube would take the current one.
    pub(crate) fn of_environment() -> Self {
        let variable = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let named = variable(VARIABLE);
        let below_home = || variable("HOME").map(|home| home.join(".minikube"));
        let folder = named.or_else(below_home).unwrap_or_else(|| lock::state_dir().join(NAME));
        Self(if folder.ends_with(".minikube") { folder } else { folder.join(".minikube") })
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The folder of one cluster.
    pub(crate) fn profile_folder(&self, cluster: &str) -> PathBuf {
        self.0.join("profiles").join(cluster)
    }

    /// What minikube keeps of a cluster: `None` when it has no such profile, `Err` with a line
    /// for people when the file is damaged.
    pub(crate) fn profile(&self, cluster: &str) -> Option<Result<Profile, String>> {
        match fs::read_to_string(self.profile_folder(cluster).join("config.json")) {
            Ok(text) => Some(Profile::read(&text)),
            Err(error) if error.kind() == NotFound => None,
            Err(error) => Some(Err(error.to_string())),
        }
    }

    /// What this driver keeps of a cluster.
    pub(crate) fn note(&self, cluster: &str) -> Option<Note> {
        let text = fs::read_to_string(self.profile_folder(cluster).join(NOTE)).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Keeps a note of a cluster.
    ///
    /// # Errors
    /// `PermissionDenied` when it cannot be written.
    pub(crate) fn write_note(&self, cluster: &str, note: &Note) -> Result<(), Error> {
        let folder = self.profile_folder(cluster);
        let text = serde_json::to_string(note).unwrap_or_default();
        let written = fs::create_dir_all(&folder).and_then(|()| {
            // Whole or not at all: who looks at this moment must not find half a note.
            let new = folder.join(".caproni.json");
            fs::write(&new, text)?;
            fs::rename(new, folder.join(NOTE))
        });
        written.map_err(|error| {
            let message = format!("cannot write into `{}`: {error}", folder.display());
            Error::new(ErrorKind::PermissionDenied, message)
                .with_hint(format!("make the folder writable, or name another one in {VARIABLE}"))
        })
    }

    /// Removes what `minikube delete` may leave of a cluster: its folders.
    pub(crate) fn remove(&self, cluster: &str) -> bool {
        let machines = self.machines(cluster);
        let folders = machines.into_iter().chain([self.profile_folder(cluster)]);
        let removed: Vec<_> = folders.map(|folder| fs::remove_dir_all(folder).is_ok()).collect();
        removed.contains(&true)
    }

    /// The folders of a cluster's machines.
    pub(crate) fn machines(&self, cluster: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.0.join("machines")).into_iter().flatten().flatten();
        let of_cluster = entries.filter(|entry| {
            entry.file_name().to_str().is_some_and(|name| is_machine_of(cluster, name))
        });
        of_cluster.map(|entry| entry.path()).collect()
    }

    /// The profile that the user has chosen with `minikube profile`, which minikube forgets
    /// whenever any cluster is deleted (its `delete.go`, `cmdcfg.Unset`).
    pub(crate) fn chosen_profile(&self) -> Option<String> {
        let text = fs::read_to_string(self.0.join("config").join("config.json")).ok()?;
        let config: Value = serde_json::from_str(&text).ok()?;
        config.get("profile")?.as_str().map(Into::into)
    }
}
