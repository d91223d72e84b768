//! Finding a driver's executable by its name, as git finds its subcommands.
//!
//! Searched are the folders of `CAPRONI_DRIVER_PATH`, the folder of the `caproni`
//! executable, then `PATH`. Empty and relative entries are skipped: they would run
//! whatever lies in the folder a user happens to stand in (compare git's
//! CVE-2022-24765 and `cmd.exe`'s search order). What runs is an absolute path, and no file that
//! others can write or put in its place.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use caproni_driver::ErrorKind;
use caproni_driver::trust::{ALLOW_WRITABLE, distrust};

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

/// A driver's file on the search path: one that would run, or one that should and cannot.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The file, and what it shadows.
    pub driver: Driver,
    /// Why it cannot be run, if so.
    pub problem: Option<Error>,
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
    /// `DriverNotExecutable` and `DriverNotTrusted` with what stands in the way, `Usage`
    /// for a name that cannot be one.
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
        let Some(path) = candidates.iter().find(|path| refusal(path).is_none()).cloned() else {
            let first = candidates.first().and_then(|broken| refusal(broken));
            return Err(first.unwrap_or_else(|| self.not_found(name)));
        };
        let shadowed =
            candidates.into_iter().filter(|other| *other != path && !same_file(other, &path));
        Ok(Driver { name: name.into(), shadowed: shadowed.collect(), path })
    }

    /// The driver that this one has become, if it says the name of another that is installed
    /// (rule INIT-6). A name that nobody has is a mistake in the driver, not another one.
    pub fn become_by(&self, driver: &Driver, said: &str) -> Option<Driver> {
        if said == driver.name { None } else { self.find_name(said).ok() }
    }

    /// The names of all drivers that could be run, sorted.
    pub fn names(&self) -> BTreeSet<String> {
        let runs = |(name, files): &(String, Vec<PathBuf>)| {
            check_name(name).is_ok() && files.iter().any(|file| refusal(file).is_none())
        };
        self.files().into_iter().filter(runs).map(|(name, _)| name).collect()
    }

    /// Every driver on the search path, sorted by name: the file that runs, and before it those
    /// of the same name that come first and cannot be run.
    pub fn candidates(&self) -> Vec<Candidate> {
        self.files().into_iter().flat_map(|(name, files)| candidates_of(&name, files)).collect()
    }

    /// All files that are named like a driver, by the driver's name, in the order of the search.
    fn files(&self) -> BTreeMap<String, Vec<PathBuf>> {
        let mut found: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
        // On many systems `/bin` is a link to `/usr/bin`.
        let mut seen = BTreeSet::new();
        for folder in &self.folders {
            let Ok(real) = folder.canonicalize() else { continue };
            if seen.insert(real) {
                for (name, file) in files_in(folder) {
                    found.entry(name).or_default().push(file);
                }
            }
        }
        found
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
    if let Some(refused) = refusal(&absolute) {
        return Err(refused);
    }
    let file = absolute.file_name().unwrap_or_default().to_string_lossy();
    let name = file.strip_prefix(PREFIX).unwrap_or(&file).to_owned();
    Ok(Driver { name, path: absolute, shadowed: Vec::new() })
}

/// The files of one folder that are named like a driver. A folder of thousands of programs is
/// read once, and only these are looked at.
fn files_in(folder: &Path) -> Vec<(String, PathBuf)> {
    let entries = folder.read_dir().into_iter().flatten().flatten();
    let named = entries.filter_map(|entry| {
        let file = entry.file_name();
        // As bytes: of the thousands of programs in a folder few are worth more than a glance.
        let name = file.as_bytes().strip_prefix(PREFIX.as_bytes())?;
        Some((String::from_utf8_lossy(name).into_owned(), entry.path()))
    });
    let mut files: Vec<_> = named.collect();
    let names: BTreeSet<String> = files.iter().map(|(name, _)| name.clone()).collect();
    files.retain(|(name, file)| !is_companion(name, file, &names));
    files
}

/// Tells whether a file only lies beside a driver and is named after it, as a manual
/// (`caproni-driver-mine.1`) or what a compiler leaves (`caproni-driver-mine.d`).
fn is_companion(name: &str, file: &Path, names: &BTreeSet<String>) -> bool {
    let mut stems = name.match_indices('.').map(|(dot, _)| &name[..dot]);
    stems.any(|stem| names.contains(stem)) && file.is_file() && obstacle(file).is_some()
}

fn candidates_of(name: &str, mut files: Vec<PathBuf>) -> Vec<Candidate> {
    let candidate = |path: PathBuf, shadowed: Vec<PathBuf>, problem: Option<Error>| Candidate {
        driver: Driver { name: name.into(), path, shadowed },
        problem,
    };
    if let Err(error) = check_name(name) {
        let refused = files.into_iter().map(|path| candidate(path, vec![], Some(error.clone())));
        return refused.collect();
    }
    let first = files.iter().position(|file| refusal(file).is_none());
    let mut later = files.split_off(first.unwrap_or(files.len())).into_iter();
    let broken = files.into_iter().map(|path| {
        let problem = refusal(&path);
        candidate(path, vec![], problem)
    });
    let mut all: Vec<_> = broken.collect();
    if let Some(path) = later.next() {
        let shadowed = later.filter(|other| !same_file(other, &path)).collect();
        all.push(candidate(path, shadowed, None));
    }
    all
}

/// Holds a driver's name against what one may be.
///
/// # Errors
/// `Usage`.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    let valid = !name.is_empty()
        && !name.starts_with(['-', '.'])
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if valid {
        return Ok(());
    }
    let message = format!("`{}` is not a driver's name", name.escape_debug());
    Err(Error::usage(message).with_hint(
        "use letters, digits, `-`, `_` and `.`, and neither `-` nor `.` at the beginning",
    ))
}

/// Tells whether anything has that name, be it a symbolic link that leads nowhere.
fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// Why a file is not run, if it is not.
fn refusal(path: &Path) -> Option<Error> {
    if obstacle(path).is_some() {
        return Some(not_executable(path));
    }
    let distrust = distrust(path)?;
    let shown = path.display().to_string();
    let message = format!("driver `{shown}` is not run, since others can change it");
    let refused = Error::new(Kind::DriverNotTrusted, message)
        .with_cause(distrust.why)
        .with_hint(format!(
            "run `{}`, or set {ALLOW_WRITABLE}=1 to run it all the same",
            distrust.remedy
        ))
        .with("path", shown);
    Some(refused)
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
    fn what_others_can_write_is_not_run_and_passed_over_for_what_they_cannot() {
        let folders = Folders::new();
        let open = folders.file("a/caproni-driver-x", 0o757);
        let error = folders.search(&["a", "b"]).find("x").unwrap_err();
        assert_eq!(error.kind, Kind::DriverNotTrusted);
        assert!(error.data.causes[0].contains("its mode is 0757, its owner is user"), "{error:?}");
        let remedy =
            format!("run `chmod go-w {}`, or set CAPRONI_ALLOW_WRITABLE_DRIVERS=1", open.display());
        assert!(error.data.hint.as_ref().unwrap().starts_with(&remedy), "{error:?}");
        let closed = folders.file("b/caproni-driver-x", 0o755);
        let search = folders.search(&["a", "b"]);
        assert_eq!(search.find("x").unwrap().path, closed);
        assert_eq!(search.find(open.to_str().unwrap()).unwrap_err().kind, Kind::DriverNotTrusted);
        let rows: Vec<_> =
            search.candidates().into_iter().map(|c| (c.driver.path, c.problem.is_some())).collect();
        assert_eq!(rows, [(open, true), (closed, false)]);
    }

    #[test]
    fn candidates_are_what_runs_and_what_comes_first_and_cannot() {
        let folders = Folders::new();
        let broken = folders.file("a/caproni-driver-x", 0o644);
        let runs = folders.file("b/caproni-driver-x", 0o755);
        let shadowed = folders.file("c/caproni-driver-x", 0o644);
        let odd = folders.file("c/caproni-driver-a b", 0o755);
        folders.file("c/caproni-driver", 0o755);
        let found = folders.search(&["a", "b", "c"]).candidates();
        let rows: Vec<_> = found
            .iter()
            .map(|c| (&c.driver.path, &c.driver.shadowed[..], c.problem.as_ref().map(|p| &p.kind)))
            .collect();
        assert_eq!(
            rows,
            [
                (&odd, &[][..], Some(&Kind::Usage)),
                (&broken, &[][..], Some(&Kind::DriverNotExecutable)),
                (&runs, &[shadowed][..], None),
            ]
        );
    }

    #[test]
    fn a_file_seen_through_two_folders_is_one_candidate() {
        let folders = Folders::new();
        folders.file("usr/caproni-driver-x", 0o644);
        std::os::unix::fs::symlink("usr", folders.root.path().join("bin")).unwrap();
        assert_eq!(folders.search(&["usr", "bin"]).candidates().len(), 1);
    }

    #[test]
    fn what_only_lies_beside_a_driver_is_none() {
        let folders = Folders::new();
        folders.file("a/caproni-driver-x", 0o755);
        folders.file("a/caproni-driver-x.d", 0o644);
        folders.file("a/caproni-driver-x.sh", 0o755);
        folders.file("b/caproni-driver-x.d", 0o644);
        let found = folders.search(&["a", "b"]).candidates();
        let names: Vec<_> = found.iter().map(|c| c.driver.name.as_str()).collect();
        assert_eq!(names, ["x", "x.d", "x.sh"]);
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
        for name in NO_NAMES {
            assert_eq!(
                SearchPath::default().find_name(name).unwrap_err().kind,
                Kind::Usage,
                "{name:?}"
            );
        }
    }

    #[test]
    fn a_driver_becomes_no_path_and_no_option() {
        let folders = Folders::new();
        folders.file("a/caproni-driver-x", 0o755);
        let driver = folders.search(&["a"]).find("x").unwrap();
        for said in NO_NAMES {
            assert_eq!(folders.search(&["a"]).become_by(&driver, said), None, "{said:?}");
        }
    }

    const NO_NAMES: [&str; 16] = [
        "", "-x", "--driver", ".", "..", ".x", "../x", "a/b", "/bin/sh", "a b", "$(x)", "x;y",
        "a\nb", "x\0", "~", "ü",
    ];

    #[test]
    fn what_a_name_may_be_is_one() {
        for name in ["k3d", "K3D", "my-driver", "a_b", "k3d.v2", "3"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
    }
}
