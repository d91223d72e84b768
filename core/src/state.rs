//! What the host keeps of a cluster between runs: its own copy of the kubeconfig, and which
//! file the cluster was started with.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// The folder of one cluster in the state folder.
#[derive(Debug, Clone)]
pub struct ClusterState {
    folder: PathBuf,
}

impl ClusterState {
    /// The folder of a driver's cluster; nothing is made yet.
    pub fn of(driver: &str, profile: &str) -> Self {
        Self::under(&caproni_driver::lock::state_dir(), driver, profile)
    }

    fn under(state: &Path, driver: &str, profile: &str) -> Self {
        Self { folder: state.join("clusters").join(format!("{driver}-{profile}")) }
    }

    /// The clusters of a driver of which something is kept. Where another driver's name begins
    /// with this one's, its clusters may be among them.
    pub fn profiles(driver: &str) -> BTreeSet<String> {
        Self::profiles_under(&caproni_driver::lock::state_dir(), driver)
    }

    fn profiles_under(state: &Path, driver: &str) -> BTreeSet<String> {
        let folders = std::fs::read_dir(state.join("clusters")).into_iter().flatten().flatten();
        let names = folders.filter_map(|folder| folder.file_name().into_string().ok());
        let profile = |name: String| Some(name.strip_prefix(driver)?.strip_prefix('-')?.to_owned());
        let profiles = names.filter_map(profile);
        profiles.filter(|profile| caproni_driver::check_profile(profile).is_ok()).collect()
    }

    /// The config file that the cluster was started with last, if there was one.
    pub fn config_file(&self) -> Option<String> {
        std::fs::read_to_string(self.folder.join("config-file")).ok()
    }

    /// Remembers the config file that the cluster is started with, for those who look for it.
    ///
    /// # Errors
    /// The state folder cannot be written.
    pub fn keep_config_file(&self, path: Option<&Path>) -> std::io::Result<()> {
        let file = self.folder.join("config-file");
        let Some(path) = path else {
            return match std::fs::remove_file(file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        };
        let text = std::path::absolute(path)?.to_string_lossy().into_owned();
        if self.config_file().as_ref() == Some(&text) {
            return Ok(());
        }
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        write_private(&file, &text)
    }

    /// The private kubeconfig, if there is one.
    pub fn kubeconfig(&self) -> Option<String> {
        std::fs::read_to_string(self.kubeconfig_file()).ok()
    }

    /// Where the private kubeconfig is, or would be.
    pub fn kubeconfig_file(&self) -> PathBuf {
        self.folder.join("kubeconfig")
    }

    /// Keeps a kubeconfig that only this user can read (mode 0600).
    ///
    /// # Errors
    /// The state folder cannot be written.
    pub fn keep_kubeconfig(&self, text: &str) -> Result<(), Error> {
        if self.kubeconfig().as_deref() == Some(text) {
            return Ok(());
        }
        let kept = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder);
        kept.and_then(|()| write_private(&self.kubeconfig_file(), text)).map_err(|error| {
            Error::internal(&format!("cannot write `{}`", self.kubeconfig_file().display()), error)
                .with_hint("make the folder writable, or name another one in CAPRONI_STATE_DIR")
        })
    }

    /// Forgets everything of the cluster.
    pub fn forget(&self) {
        // What is left of it is overwritten by the next cluster of the name.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Replaces a file in one step, so that a reader sees the old text or the new one.
/// The file is readable for its owner only, unless it exists and says otherwise.
pub fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let kept = path.metadata().map_or(OWNER_ONLY, |metadata| metadata.permissions().mode() & 0o777);
    write_with_mode(path, text, kept)
}

/// As [`write_private`], and readable for its owner only whatever it was before.
pub fn write_secret(path: &Path, text: &str) -> std::io::Result<()> {
    write_with_mode(path, text, OWNER_ONLY)
}

/// The mode of a file that its owner alone may read.
const OWNER_ONLY: u32 = 0o600;

fn write_with_mode(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    // A kubeconfig is often a link into a folder of dotfiles: the link stays.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    // What is no file, such as `/dev/null`, is written to: root could replace it by one.
    if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        return OpenOptions::new().write(true).open(&path)?.write_all(text.as_bytes());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(text.as_bytes())?;
    new.as_file().set_permissions(PermissionsExt::from_mode(mode))?;
    new.as_file().sync_all()?;
    new.persist(&path).map_err(|failed| failed.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_private_kubeconfig_is_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let state = ClusterState::under(folder.path(), "k3d", "demo");
        assert_eq!(state.kubeconfig(), None);
        state.keep_kubeconfig("text").unwrap();
        assert_eq!(state.kubeconfig().as_deref(), Some("text"));
        assert_eq!(state.kubeconfig_file().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(state.folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        state.forget();
        assert!(!state.folder.exists());
    }

    #[test]
    fn the_profiles_of_a_driver_are_those_of_which_something_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("caproni.yaml");
        for (driver, profile) in [("k3d", "a"), ("k3d", "b-c"), ("kind", "d")] {
            ClusterState::under(folder.path(), driver, profile)
                .keep_config_file(Some(&file))
                .unwrap();
        }
        std::fs::create_dir(folder.path().join("clusters/k3d-No Name")).unwrap();
        let profiles = ClusterState::profiles_under(folder.path(), "k3d");
        assert_eq!(profiles.into_iter().collect::<Vec<_>>(), ["a", "b-c"]);
        assert!(ClusterState::profiles_under(&file, "k3d").is_empty());
    }

    #[test]
    fn the_config_file_is_that_of_the_last_start() {
        let folder = tempfile::tempdir().unwrap();
        let state = ClusterState::under(folder.path(), "k3d", "demo");
        assert_eq!(state.config_file(), None);
        state.keep_config_file(Some(Path::new("/a/caproni.yaml"))).unwrap();
        assert_eq!(state.config_file().as_deref(), Some("/a/caproni.yaml"));
        state.keep_config_file(None).unwrap();
        state.keep_config_file(None).unwrap();
        assert_eq!(state.config_file(), None);
    }

    #[test]
    fn a_device_stays_a_device() {
        use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&terminal).and_then(|()| unlockpt(&terminal)).unwrap();
        let name = ptsname(&terminal, Vec::new()).unwrap();
        let device = Path::new(name.to_str().unwrap());
        // Held open, so that what is written is not lost with the last one who has it open.
        let _end = std::fs::File::open(device).unwrap();
        write_private(device, "text").unwrap();
        let mut read = [0; 4];
        rustix::io::read(&terminal, &mut read).unwrap();
        assert_eq!(&read, b"text");
        assert!(!device.metadata().unwrap().is_file());
    }

    #[test]
    fn a_secret_is_for_its_owner_only_whatever_the_file_was() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "old").unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
        write_secret(&file, "new").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_link_stays_a_link_and_the_mode_stays_the_mode() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        std::fs::write(&target, "old").unwrap();
        std::fs::set_permissions(&target, PermissionsExt::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        write_private(&link, "new").unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "new");
        assert_eq!(target.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    }
}
