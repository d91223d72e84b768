//! Where drivers are, by the host's rule: the folders of `CAPRONI_DRIVER_PATH`, the program's own
//! folder, then `PATH`; entries that are empty or relative are skipped.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use caproni_driver::trust;

/// What a driver's file name starts with.
pub(crate) const PREFIX: &str = "caproni-driver-";

/// The folders in which drivers are looked for, in order.
#[derive(Debug, Default)]
pub(crate) struct Search {
    folders: Vec<PathBuf>,
    /// This driver's own file, which it cannot become.
    own: Option<PathBuf>,
}

impl Search {
    /// The search path of this process.
    pub(crate) fn of_process() -> Self {
        let own = std::env::current_exe().and_then(|own| own.canonicalize()).ok();
        Self::new(std::env::var_os("CAPRONI_DRIVER_PATH"), own, std::env::var_os("PATH"))
    }

    fn new(before: Option<OsString>, own: Option<PathBuf>, path: Option<OsString>) -> Self {
        let split = |list: &Option<OsString>| -> Vec<PathBuf> {
            list.iter().flat_map(std::env::split_paths).collect()
        };
        let beside = own.as_deref().and_then(Path::parent).map(Path::to_path_buf);
        let all = split(&before).into_iter().chain(beside).chain(split(&path));
        Self { folders: all.filter(|folder| folder.is_absolute()).collect(), own }
    }

    /// The executable of a driver, as an absolute path.
    pub(crate) fn find(&self, name: &str) -> Option<PathBuf> {
        let file = format!("{PREFIX}{name}");
        let found = self.folders.iter().map(|folder| folder.join(&file));
        found.into_iter().find(|file| is_runnable(file) && !self.is_own(file))
    }

    /// The names of all drivers but this one, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let files = self.folders.iter().filter_map(|folder| folder.read_dir().ok()).flatten();
        let names = files.filter_map(|file| {
            let name = file.ok()?.file_name().into_string().ok()?;
            Some(name.strip_prefix(PREFIX)?.to_owned())
        });
        let names: BTreeSet<String> = names.filter(|name| self.find(name).is_some()).collect();
        names.into_iter().collect()
    }

    /// The folders, for people.
    pub(crate) fn shown(&self) -> Vec<String> {
        self.folders.iter().map(|folder| folder.display().to_string()).collect()
    }

    /// Under whatever name: becoming itself it would do nothing else for ever.
    fn is_own(&self, file: &Path) -> bool {
        self.own.is_some() && file.canonicalize().ok() == self.own
    }
}

/// What others can write is not run: by the host's rule, too.
fn is_runnable(file: &Path) -> bool {
    which::which_in(file, None::<OsString>, "/").is_ok() && trust::distrust(file).is_none()
}

#[cfg(test)]
pub(crate) mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    /// A folder of drivers.
    pub(crate) struct Folder(tempfile::TempDir);

    impl Folder {
        pub(crate) fn with(names: &[&str]) -> Self {
            let folder = Self(tempfile::tempdir().unwrap());
            names.iter().for_each(|name| folder.add(name, 0o755));
            folder
        }

        pub(crate) fn search(&self) -> Search {
            Search::new(Some(self.0.path().into()), None, None)
        }

        pub(crate) fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(format!("{PREFIX}{name}"))
        }

        fn add(&self, name: &str, mode: u32) {
            std::fs::write(self.path(name), "#!/bin/sh\n").unwrap();
            std::fs::set_permissions(self.path(name), PermissionsExt::from_mode(mode)).unwrap();
        }
    }

    #[test]
    fn the_driver_path_comes_before_the_own_folder_and_that_before_path() {
        let [first, own, last] = [(); 3].map(|()| Folder::with(&["k3d"]));
        let own_file = own.path("auto");
        let search = |before: Option<&Folder>, own_file: Option<PathBuf>| {
            let before = before.map(|folder| folder.0.path().into());
            Search::new(before, own_file, Some(last.0.path().into())).find("k3d")
        };
        assert_eq!(search(Some(&first), Some(own_file.clone())), Some(first.path("k3d")));
        assert_eq!(search(None, Some(own_file)), Some(own.path("k3d")));
        assert_eq!(search(None, None), Some(last.path("k3d")));
    }

    #[test]
    fn what_cannot_be_run_is_passed_over() {
        let (broken, good) = (Folder::with(&[]), Folder::with(&["k3d"]));
        broken.add("k3d", 0o644);
        let open = Folder::with(&[]);
        open.add("k3d", 0o757);
        let path = std::env::join_paths([broken.0.path(), open.0.path(), good.0.path()]).unwrap();
        assert_eq!(Search::new(None, None, Some(path)).find("k3d"), Some(good.path("k3d")));
    }

    #[test]
    fn relative_and_empty_entries_are_skipped() {
        let search = Search::new(Some(":.:bin".into()), None, Some("::bin:".into()));
        assert_eq!(search.shown(), Vec::<String>::new());
    }

    #[test]
    fn it_is_never_itself_under_another_name() {
        let folder = Folder::with(&["auto", "kind"]);
        symlink(folder.path("auto"), folder.path("k3d")).unwrap();
        let own = folder.path("auto").canonicalize().unwrap();
        let search = Search::new(Some(folder.0.path().into()), Some(own), None);
        assert_eq!(search.find("k3d"), None);
        assert_eq!(search.names(), ["kind"]);
    }
}
