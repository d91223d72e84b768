//! The clusters' files: `<folder>/<profile>.json`, each replaced as a whole, and beside it
//! the folder of its nodes' logs.
//!
//! One process at a time changes a cluster, by the lock that the SDK holds around each
//! change, so one spare name per cluster is enough for the new content.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use caproni_driver::state_file::{self, Unreadable};
use caproni_driver::{
    ChangeCost, Error, ErrorKind, State, check_profile, private_folder, resources,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::Config;
use crate::simulate::Simulate;

/// Raised when a record changes so that older versions would misread it.
const FORMAT: u64 = 1;

/// The folder of all clusters.
pub(crate) struct Store(PathBuf);

/// The file of one cluster, there or not.
pub(crate) struct RecordFile {
    profile: String,
    path: PathBuf,
}

/// What a change that was broken off has left beside the clusters' files.
pub(crate) struct Leftover {
    pub(crate) profile: String,
    pub(crate) path: PathBuf,
}

/// What is kept of one cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record {
    pub(crate) phase: Phase,
    /// As `status` reports it, see [`Config::sealed`].
    pub(crate) config: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) simulate: Option<Simulate>,
    /// The images that its nodes were given.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) images: BTreeSet<String>,
}

/// How far a cluster's life is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Phase {
    Creating,
    Running,
    Stopped,
}

impl Phase {
    /// The state of a cluster in this phase that nobody is changing.
    pub(crate) fn state(self) -> State {
        match self {
            Self::Creating => State::NotReady,
            Self::Running => State::Ready,
            Self::Stopped => State::Stopped,
        }
    }
}

impl Store {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.0
    }

    /// The file of a profile, whose name is safe in a path.
    pub(crate) fn file(&self, profile: &str) -> Result<RecordFile, Error> {
        check_profile(profile)?;
        Ok(RecordFile { profile: profile.into(), path: self.0.join(format!("{profile}.json")) })
    }

    /// The files of all clusters, damaged ones too, by their profiles.
    pub(crate) fn files(&self) -> Result<Vec<RecordFile>, Error> {
        let names = self.names().map_err(|error| failed("read", &self.0, &error))?;
        let profiles = names.iter().filter_map(|name| name.strip_suffix(".json"));
        // What has no profile's name is none of this driver's.
        Ok(profiles.filter_map(|profile| self.file(profile).ok()).collect())
    }

    /// New content that never took its place, and logs of clusters that are gone.
    pub(crate) fn leftovers(&self) -> Result<Vec<Leftover>, Error> {
        let names = self.names().map_err(|error| failed("read", &self.0, &error))?;
        let of_whom = |name: &str| match name.split_once('.')? {
            (profile, "json.new") => Some(profile.to_owned()),
            (profile, "logs") if !names.contains(&format!("{profile}.json")) => {
                Some(profile.to_owned())
            }
            _ => None,
        };
        let found = names.iter().filter_map(|name| {
            let profile = of_whom(name).filter(|profile| check_profile(profile).is_ok())?;
            Some(Leftover { profile, path: self.0.join(name) })
        });
        Ok(found.collect())
    }

    /// The names of all that is in the folder, sorted; none when there is no folder yet.
    fn names(&self) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let names = entries.map(|entry| entry.map(|entry| entry.file_name()));
        let mut names = names.collect::<io::Result<Vec<_>>>()?;
        names.sort();
        Ok(names.into_iter().filter_map(|name| name.into_string().ok()).collect())
    }
}

impl RecordFile {
    pub(crate) fn profile(&self) -> &str {
        &self.profile
    }

    pub(crate) fn exists(&self) -> bool {
        self.path.exists()
    }

    /// Reads the record; `None` when there is no such cluster.
    pub(crate) fn read(&self) -> Result<Option<Record>, Error> {
        match fs::read(&self.path) {
            Ok(bytes) => match state_file::from_json(&bytes, FORMAT) {
                Ok(record) => Ok(Some(record)),
                Err(error) => Err(self.damaged(&error)),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed("read", &error)),
        }
    }

    /// Puts a record in the place of the one before: whole or not at all.
    pub(crate) fn write(&self, record: &Record) -> Result<(), Error> {
        let json = state_file::to_json(record, FORMAT).map_err(io::Error::other);
        let written = json.and_then(|json| {
            make_folder(&self.path)?;
            let mut spare = fs::File::create(self.spare())?;
            spare.write_all(&json)?;
            spare.sync_all()?;
            fs::rename(self.spare(), &self.path)
        });
        written.map_err(|error| {
            let _ = fs::remove_file(self.spare());
            self.failed("write", &error)
        })
    }

    /// Removes the record, damaged or not, with all that is beside it, and says whether
    /// there was one. It goes last, so that a removal that is broken off can be repeated.
    pub(crate) fn remove(&self) -> Result<bool, Error> {
        let (spare, logs) = (self.spare(), self.logs());
        remove(fs::remove_file(&spare)).map_err(|error| failed("remove", &spare, &error))?;
        remove(fs::remove_dir_all(&logs)).map_err(|error| failed("remove", &logs, &error))?;
        remove(fs::remove_file(&self.path)).map_err(|error| self.failed("remove", &error))
    }

    /// The folder of its nodes' logs, there or not.
    pub(crate) fn logs(&self) -> PathBuf {
        self.path.with_extension("logs")
    }

    fn spare(&self) -> PathBuf {
        self.path.with_extension("json.new")
    }

    fn damaged(&self, why: &Unreadable) -> Error {
        let (profile, path) = (&self.profile, self.path.display());
        let message = format!("cannot read the file of mock cluster `{profile}`: `{path}`: {why}");
        let destroy = format!("run `caproni --driver mock --profile {profile} destroy`");
        let hint = match why {
            Unreadable::Newer(_) => format!("update caproni, or {destroy}"),
            _ => destroy,
        };
        Error::new(ErrorKind::BackendFailed, message).with_hint(hint)
    }

    fn failed(&self, verb: &str, error: &io::Error) -> Error {
        failed(verb, &self.path, error)
    }
}

/// What could not be done with a file or a folder.
pub(crate) fn failed(verb: &str, path: &Path, error: &io::Error) -> Error {
    let message = format!("cannot {verb} `{}`: {error}", path.display());
    if let Some(way_out) = resources::way_out(error) {
        return Error::new(ErrorKind::InsufficientResources, message).with_hint(way_out);
    }
    let kind = match error.kind() {
        io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        _ => ErrorKind::BackendFailed,
    };
    Error::new(kind, message)
        .with_hint("mend the folder, or name another one in CAPRONI_MOCK_STATE_DIR")
}

impl Record {
    pub(crate) fn new(phase: Phase, config: &Config) -> Self {
        Self {
            phase,
            config: config.sealed(),
            simulate: config.simulate.clone(),
            images: BTreeSet::new(),
        }
    }

    /// Tells whether its creation came to an end.
    pub(crate) fn is_whole(&self) -> bool {
        self.phase != Phase::Creating
    }

    /// Takes over a config that differs in nothing dearer than `allowed`, and says whether it differs.
    pub(crate) fn take_over(
        &mut self,
        profile: &str,
        config: &Config,
        allowed: &ChangeCost,
    ) -> Result<bool, Error> {
        let found = config.differences(&self.config);
        if found.iter().any(|difference| &difference.change > allowed) {
            return Err(Error::config_mismatch(profile, found));
        }
        let updated = !found.is_empty() || self.simulate != config.simulate;
        self.config = config.sealed();
        self.simulate = config.simulate.clone();
        Ok(updated)
    }

    pub(crate) fn kubernetes_version(&self) -> Option<String> {
        self.config.get("kubernetes_version")?.as_str().map(Into::into)
    }

    /// A field of the config that counts something.
    pub(crate) fn count(&self, field: &str) -> u64 {
        self.config.get(field).and_then(Value::as_u64).unwrap_or_default()
    }
}

/// Whether it was there, since what is not there is as good as removed.
fn remove(removed: io::Result<()>) -> io::Result<bool> {
    match removed {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes the folder that a file is to be in, for its owner only: a config may hold secrets.
fn make_folder(file: &Path) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("/"));
    let (state, name) = (folder.parent(), folder.file_name());
    private_folder(state.unwrap_or(folder), name.unwrap_or_default()).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path().join("made/on/demand"));
        (folder, store)
    }

    fn record() -> Record {
        Record::new(Phase::Running, &Config::parse(&json!({"agents": 2})).unwrap())
    }

    #[test]
    fn a_record_comes_back_as_it_was_written() {
        let (_folder, store) = store();
        let file = store.file("demo").unwrap();
        assert_eq!(file.read().unwrap(), None);
        file.write(&record()).unwrap();
        assert_eq!(file.read().unwrap(), Some(record()));
        assert_eq!(record().count("agents"), 2);
    }

    #[test]
    fn a_removed_record_leaves_nothing_in_the_folder() {
        let (_folder, store) = store();
        let file = store.file("demo").unwrap();
        file.write(&record()).unwrap();
        fs::write(file.spare(), "a write that was broken off").unwrap();
        assert!(file.remove().unwrap());
        assert!(!file.remove().unwrap());
        assert_eq!(fs::read_dir(store.folder()).unwrap().count(), 0);
    }

    #[test]
    fn a_profile_cannot_leave_the_folder() {
        let (_folder, store) = store();
        assert!(store.file("../demo").is_err());
    }

    #[test]
    fn only_what_has_a_profiles_name_is_a_cluster() {
        let (_folder, store) = store();
        assert_eq!(store.files().unwrap().len(), 0);
        for profile in ["b", "a"] {
            store.file(profile).unwrap().write(&record()).unwrap();
        }
        for name in ["Upper.json", "c.json.new", "c.txt"] {
            fs::write(store.folder().join(name), "{}").unwrap();
        }
        let files = store.files().unwrap();
        assert_eq!(files.iter().map(RecordFile::profile).collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn a_damaged_file_is_named_with_the_next_step() {
        let (_folder, store) = store();
        let file = store.file("demo").unwrap();
        file.write(&record()).unwrap();
        fs::write(&file.path, "{\"phase\":").unwrap();
        let error = file.read().unwrap_err();
        assert!(error.message.contains(&file.path.display().to_string()), "{error}");
        assert!(error.data.hint.unwrap().contains("--profile demo destroy"));
    }

    #[test]
    fn a_file_without_a_format_is_read_and_one_of_a_newer_format_is_named() {
        let (_folder, store) = store();
        let file = store.file("demo").unwrap();
        file.write(&record()).unwrap();
        let text = fs::read_to_string(&file.path).unwrap();
        assert!(text.contains("\"format\": 1"), "{text}");
        fs::write(&file.path, text.replace("\"format\": 1,", "")).unwrap();
        assert_eq!(file.read().unwrap(), Some(record()));
        fs::write(&file.path, text.replace("\"format\": 1", "\"format\": 2")).unwrap();
        let error = file.read().unwrap_err();
        assert!(error.message.contains(&file.path.display().to_string()), "{error}");
        assert!(error.data.hint.unwrap().starts_with("update caproni, or run "));
    }

    #[test]
    fn only_what_is_allowed_is_taken_over() {
        let mut record = record();
        let live = Config::parse(&json!({"agents": 2, "labels": {"a": "b"}})).unwrap();
        assert!(record.take_over("demo", &live, &ChangeCost::Live).unwrap());
        assert!(!record.take_over("demo", &live, &ChangeCost::Live).unwrap());
        let other = Config::parse(&json!({"agents": 3, "labels": {}})).unwrap();
        let error = record.take_over("demo", &other, &ChangeCost::Live).unwrap_err();
        let paths: Vec<_> = error.data.diff.iter().map(|d| d.path.as_str()).collect();
        assert_eq!(paths, ["agents", "labels"]);
        assert_eq!(record.count("agents"), 2);
    }
}
