//! minikube's own folder, `MINIKUBE_HOME` or `~/.minikube`, and what is read and kept there.

use std::fs;
use std::io::ErrorKind::NotFound;
use std::path::{Path, PathBuf};

use caproni_driver::{Error, ErrorKind, lock, state_file};
use serde_json::Value;

use crate::NAME;
use crate::cluster::Note;
use crate::profile::{Profile, is_machine_of};

/// The file of this driver beside minikube's own; `minikube delete` removes it with them.
const NOTE: &str = "caproni.json";

/// Raised when a note changes so that older versions would misread it.
const FORMAT: u64 = 1;

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

    /// What this driver keeps of a cluster, if anything.
    ///
    /// # Errors
    /// `BackendFailed` with the file when it is damaged, or a newer version's.
    pub(crate) fn note(&self, cluster: &str) -> Result<Option<Note>, Error> {
        let path = self.profile_folder(cluster).join(NOTE);
        let Ok(text) = fs::read(&path) else { return Ok(None) };
        let read = state_file::from_json(&text, FORMAT).map(Some);
        read.map_err(|why| why.error(&path.display().to_string()))
    }

    /// Keeps a note of a cluster.
    ///
    /// # Errors
    /// `PermissionDenied` when it cannot be written.
    pub(crate) fn write_note(&self, cluster: &str, note: &Note) -> Result<(), Error> {
        let folder = self.profile_folder(cluster);
        let text = state_file::to_json(note, FORMAT).unwrap_or_default();
        let written = fs::create_dir_all(&folder)
            .and_then(|()| state_file::replace(&folder.join(NOTE), &text, 0o600));
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_note_is_read_with_a_format_and_without_and_else_named() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home(folder.path().to_path_buf());
        assert_eq!(home.note("demo").unwrap(), None);
        let note = Note { config: json!({"nodes": 2}), finished: true };
        home.write_note("demo", &note).unwrap();
        assert_eq!(home.note("demo").unwrap().as_ref(), Some(&note));
        let path = home.profile_folder("demo").join(NOTE);
        assert!(fs::read_to_string(&path).unwrap().contains("\"format\": 1"));
        fs::write(&path, serde_json::to_string(&note).unwrap()).unwrap();
        assert_eq!(home.note("demo").unwrap(), Some(note));
        for text in ["", "garbage", r#"{"format": 2, "config": {}, "finished": true}"#] {
            fs::write(&path, text).unwrap();
            let error = home.note("demo").unwrap_err();
            assert!(error.message.contains(&path.display().to_string()), "{error}");
        }
    }
}
