//! Finding a driver's executable by its name, as git finds its subcommands.
//!
//! Searched are the folders of `CAPRONI_DRIVER_PATH`, the folder of the `caproni`
//! executable, then `PATH`. Empty and relative entries are skipped: they would run
//! whatever lies in the folder a user happens to stand in (compare git's
//! CVE-2022-24765 and `cmd.exe`'s search order). What runs is an absolute path.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use caproni_driver::ErrorKind;

use crate::error::{Error, Kind};

/// What a driver's file name starts with.
pub const PREFIX: &str = "caproni-driver-";

/// The executable that was found for a driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Driver {
    /// The name it was asked for, or that its file name tells.
    pub name: String,
    /// The file that runs, absolute.
    pub path: PathBuf,
    /// Files of the same name further down the search path, which never run.
    pub shadowed: Vec<PathBuf>,
}

/// The folders in which drivers are looked for, in order.
#[derive(Debug, Clone, Default)]
pub struct SearchPath {
    folders: Vec<PathBuf>,
    skipped: Vec<String>,
}

impl SearchPath {
    /// The search path of this process.
    pub fn from_env() -> Self {
        let exe = std::env::current_exe().ok().and_then(|exe| exe.canonicalize().ok());
        Self::new(
            std::env::var_os("CAPRONI_DRIVER_PATH"),
            exe.as_deref().and_then(Path::parent),
            std::env::var_os("PATH"),
        )
    }

    /// A search path of its three parts, the first and last as lists split by `:`.
    pub fn new(own: Option<OsString>, exe: Option<&Path>, path: Option<OsString>) -> Self {
        let mut search = Self::default();
        search.add_all(own);
        search.add(exe.map(Path::to_path_buf).unwrap_or_default());
        search.add_all(path);
        search
    }

    fn add_all(&mut self, list: Option<OsString>) {
        for folder in list.iter().flat_map(std::env::split_paths) {
            self.add(folder);
        }
    }

    fn add(&mut self, folder: PathBuf) {
        if !folder.is_absolute() {
            self.skipped.push(folder.display().to_string());
        } else if !self.folders.contains(&folder) {
            self.folders.push(folder);
        }
    }

    /// Finds the driver for what a user gave on the command line: a name, or a path with a `/`.
    ///
    /// # Errors
    /// `DriverNotFound` with the folders searched and similar names,
    /// `DriverNotExecutable` with what stands in the way, `Usage` for a name that
    /// cannot be one.
    pub fn find(&self, name_or_path: &str) -> Result<Driver, Error> {
        if name_or_path.contains('/') {
            find_file(name_or_path)
        } else {
            self.find_name(name_or_path)
        }
    }

    /// Finds the driver of a name. A config file may give names only: a path in a
    /// project's file would run whatever the project brings along.
    ///
    /// # Errors
    /// As [`SearchPath::find`].
    pub fn find_name(&self, name: &str) -> Result<Driver, Error> {
        check_name(name)?;
        let file = format!("{PREFIX}{name}");
        let candidates: Vec<_> =
            self.folders.iter().map(|folder| folder.join(&file)).filter(|f| exists(f)).collect();
        let runs = |path: &&PathBuf| obstacle(path).is_none();
        let Some(path) = candidates.iter().find(runs).cloned() else {
            return Err(match candidates.first() {
                Some(broken) => not_executable(broken),
                None => self.not_found(name),
            });
        };
        let shadowed =
            candidates.into_iter().filter(|other| *other != path && !same_file(other, &path));
        Ok(Driver { name: name.into(), shadowed: shadowed.collect(), path })
    }

    /// The names of all drivers that could be run, sorted.
    pub fn names(&self) -> BTreeSet<String> {
        let entries = self.folders.iter().filter_map(|folder| folder.read_dir().ok()).flatten();
        let names = entries.flatten().filter_map(|entry| {
            let file = entry.file_name().into_string().ok()?;
            let name = file.strip_prefix(PREFIX)?;
            (check_name(name).is_ok() && obstacle(&entry.path()).is_none()).then(|| name.to_owned())
        });
        names.collect()
    }

    fn not_found(&self, name: &str) -> Error {
        let known = self.names();
        let similar: Vec<String> =
            known.iter().filter(|other| strsim::jaro_winkler(name, other) > 0.8).cloned().collect();
        let hint = match (similar.first(), known.is_empty()) {
            (Some(similar), _) => format!("did you mean `--driver {similar}`?"),
            (None, true) => {
                format!(
                    "put an executable `{PREFIX}{name}` on PATH, or into a folder named in CAPRONI_DRIVER_PATH"
                )
            }
            (None, false) => {
                let names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
                format!("put an executable `{PREFIX}{name}` on PATH; there is {}", names.join(", "))
            }
        };
        let searched: Vec<String> =
            self.folders.iter().map(|folder| folder.display().to_string()).collect();
        let skipped: Vec<String> =
            self.skipped.iter().filter(|entry| !entry.is_empty()).cloned().collect();
        let mut error = Error::driver(
            ErrorKind::DriverNotFound,
            format!("no driver `{name}`: `{PREFIX}{name}` was not found"),
        )
        .with_hint(hint)
        .with("searched", searched)
        .with("similar", similar);
        if !skipped.is_empty() {
            error = error.with_cause(format!(
                "relative folders of the search path are skipped: {}",
                skipped.join(", ")
            ));
        }
        error
    }
}

fn find_file(path: &str) -> Result<Driver, Error> {
    let absolute = std::path::absolute(path)
        .map_err(|error| Error::usage(format!("`{path}` is no path: {error}")))?;
    if !exists(&absolute) {
        let message = format!("no driver at `{}`", absolute.display());
        return Err(Error::driver(ErrorKind::DriverNotFound, message)
            .with_hint("give the path of an executable file, or a driver's name without a `/`"));
    }
    if obstacle(&absolute).is_some() {
        return Err(not_executable(&absolute));
    }
    let file = absolute.file_name().unwrap_or_default().to_string_lossy();
    let name = file.strip_prefix(PREFIX).unwrap_or(&file).to_owned();
    Ok(Driver { name, path: absolute, shadowed: Vec::new() })
}

fn check_name(name: &str) -> Result<(), Error> {
    let valid = !name.is_empty()
        && !name.starts_with('-')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if valid {
        return Ok(());
    }
    let message = format!("`{}` is not a driver's name", name.escape_debug());
    Err(Error::usage(message).with_hint("use letters, digits, `-`, `_` and `.`"))
}

/// Tells whether anything has that name, be it a symbolic link that leads nowhere.
fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// What keeps a file from being run, if anything.
fn obstacle(path: &Path) -> Option<String> {
    let metadata = match path.metadata() {
        Ok(metadata) => metadata,
        Err(error) if path.is_symlink() => {
            return Some(format!("it is a symbolic link that leads nowhere: {error}"));
        }
        Err(error) => return Some(error.to_string()),
    };
    if !metadata.is_file() {
        return Some("it is not a file".into());
    }
    rustix::fs::access(path, rustix::fs::Access::EXEC_OK).err().map(|error| {
        let mode = metadata.permissions().mode() & 0o7777;
        let (user, owner) = (rustix::process::geteuid().as_raw(), metadata.uid());
        format!("{error}: its mode is {mode:04o}, its owner is user {owner}, you are user {user}")
    })
}

fn not_executable(path: &Path) -> Error {
    let why = obstacle(path).unwrap_or_else(|| "it cannot be run".into());
    let shown = path.display().to_string();
    let hint = match path.metadata() {
        Ok(metadata) if metadata.is_file() => format!("run `chmod +x {shown}`"),
        _ => format!("remove `{shown}` or put an executable in its place"),
    };
    Error::new(Kind::DriverNotExecutable, format!("driver `{shown}` cannot be run"))
        .with_cause(why)
        .with_hint(hint)
        .with("path", shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folders {
        root: tempfile::TempDir,
    }

    impl Folders {
        fn new() -> Self {
            Self { root: tempfile::tempdir().unwrap() }
        }

        fn file(&self, path: &str, mode: u32) -> PathBuf {
            let file = self.root.path().join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, "#!/bin/sh\n").unwrap();
            std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
            file
        }

        fn search(&self, folders: &[&str]) -> SearchPath {
            let folders = folders.iter().map(|folder| self.root.path().join(folder));
            SearchPath::new(None, None, Some(std::env::join_paths(folders).unwrap()))
        }
    }

    #[test]
    fn the_first_folder_wins_and_the_others_are_shadowed() {
        let folders = Folders::new();
        let first = folders.file("a/caproni-driver-x", 0o755);
        let second = folders.file("b/caproni-driver-x", 0o755);
        let driver = folders.search(&["a", "b"]).find("x").unwrap();
        assert_eq!(driver, Driver { name: "x".into(), path: first, shadowed: vec![second] });
    }

    #[test]
    fn own_path_comes_before_the_executables_folder_and_that_before_path() {
        let search =
            SearchPath::new(Some("/own".into()), Some(Path::new("/exe")), Some("/p:/own".into()));
        assert_eq!(search.folders, ["/own", "/exe", "/p"].map(PathBuf::from));
    }

    #[test]
    fn empty_and_relative_entries_are_skipped() {
        let search = SearchPath::new(None, None, Some(":.:bin:/usr/bin:".into()));
        assert_eq!(search.folders, [PathBuf::from("/usr/bin")]);
    }

    #[test]
    fn a_file_that_cannot_run_is_passed_over_for_one_that_can() {
        let folders = Folders::new();
        folders.file("a/caproni-driver-x", 0o644);
        let runs = folders.file("b/caproni-driver-x", 0o755);
        assert_eq!(folders.search(&["a", "b"]).find("x").unwrap().path, runs);
    }

    #[test]
    fn a_lone_file_that_cannot_run_is_named_with_its_mode() {
        let folders = Folders::new();
        let file = folders.file("a/caproni-driver-x", 0o644);
        let error = folders.search(&["a"]).find("x").unwrap_err();
        assert_eq!(error.kind, Kind::DriverNotExecutable);
        assert!(error.data.causes[0].contains("0644"), "{:?}", error.data.causes);
        assert_eq!(error.data.hint, Some(format!("run `chmod +x {}`", file.display())));
    }

    #[test]
    fn a_link_that_leads_nowhere_and_a_folder_are_not_executable() {
        let folders = Folders::new();
        std::os::unix::fs::symlink("/nowhere", folders.root.path().join("caproni-driver-link"))
            .unwrap();
        std::fs::create_dir(folders.root.path().join("caproni-driver-dir")).unwrap();
        for name in ["link", "dir"] {
            let error = folders.search(&[""]).find(name).unwrap_err();
            assert_eq!(error.kind, Kind::DriverNotExecutable, "{name}");
        }
    }

    #[test]
    fn a_name_that_is_not_there_brings_similar_ones() {
        let folders = Folders::new();
        folders.file("a/caproni-driver-minikube", 0o755);
        let error = folders.search(&["a"]).find("minikub").unwrap_err();
        assert!(error.is(&ErrorKind::DriverNotFound));
        assert_eq!(error.data.hint.as_deref(), Some("did you mean `--driver minikube`?"));
    }

    #[test]
    fn a_path_runs_as_an_absolute_path() {
        let folders = Folders::new();
        let file = folders.file("my-driver", 0o755);
        let driver = SearchPath::default().find(file.to_str().unwrap()).unwrap();
        assert_eq!((driver.name.as_str(), driver.path), ("my-driver", file));
    }

    #[test]
    fn what_cannot_be_a_name_is_refused() {
        for name in ["", "-x", "a b", "$(x)", "ü"] {
            assert_eq!(SearchPath::default().find(name).unwrap_err().kind, Kind::Usage, "{name:?}");
        }
    }
}
