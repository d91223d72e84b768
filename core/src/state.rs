//! What the host keeps of a cluster between runs: its own copy of the kubeconfig, and which
//! file the cluster was started with.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use caproni_driver::state_file;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::seen::SeenFile;

/// Raised when what is kept changes so that older versions would misread it.
const FORMAT: u64 = 1;

/// What is kept of a cluster, besides its kubeconfig.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    config_file: Option<String>,
}

/// The folder of all clusters in the state folder.
const CLUSTERS: &str = "clusters";

/// The folder of one cluster in the state folder.
#[derive(Debug, Clone)]
pub struct ClusterState {
    state: PathBuf,
    folder: PathBuf,
    seen: Option<SeenFile>,
}

impl ClusterState {
    /// The folder of a driver's cluster; nothing is made yet.
    pub fn of(driver: &str, profile: &str) -> Self {
        Self::under(&caproni_driver::lock::state_dir(), driver, profile)
    }

    fn under(state: &Path, driver: &str, profile: &str) -> Self {
        let below = Path::new(CLUSTERS).join(format!("{driver}-{profile}"));
        let seen = SeenFile::under(state, driver, profile);
        Self { state: state.into(), folder: state.join(below), seen }
    }

    /// The clusters of a driver of which something is kept. Where another driver's name begins
    /// with this one's, its clusters may be among them.
    pub fn profiles(driver: &str) -> BTreeSet<String> {
        Self::profiles_under(&caproni_driver::lock::state_dir(), driver)
    }

    fn profiles_under(state: &Path, driver: &str) -> BTreeSet<String> {
        let folders = std::fs::read_dir(state.join(CLUSTERS)).into_iter().flatten().flatten();
        let names = folders.filter_map(|folder| folder.file_name().into_string().ok());
        let profile = |name: String| Some(name.strip_prefix(driver)?.strip_prefix('-')?.to_owned());
        let profiles = names.filter_map(profile);
        profiles.filter(|profile| caproni_driver::check_profile(profile).is_ok()).collect()
    }

    /// The config file that the cluster was started with last, if there was one. None was where
    /// the folder's name is no name: a driver's list is foreign text.
    ///
    /// # Errors
    /// What is kept is damaged, or a newer version's; says which file it is, and the next step.
    pub fn config_file(&self) -> Result<Option<String>, String> {
        let is_one_part = self.folder.parent() == Some(&self.state.join(CLUSTERS));
        if !is_one_part {
            return Ok(None);
        }
        let path = self.folder.join("cluster.json");
        let Ok(text) = std::fs::read(&path) else {
            // Of the time before it had a format.
            return Ok(std::fs::read_to_string(self.folder.join("config-file")).ok());
        };
        let kept: Result<Kept, _> = state_file::from_json(&text, FORMAT);
        kept.map(|kept| kept.config_file).map_err(|why| {
            format!("cannot read `{}`: {why}; `caproni start` writes it anew", path.display())
        })
    }

    /// Remembers the config file that the cluster is started with, for those who look for it.
    ///
    /// # Errors
    /// The state folder cannot be written.
    pub fn keep_config_file(&self, path: Option<&Path>) -> std::io::Result<()> {
        let absolute = path.map(std::path::absolute).transpose()?;
        let config_file = absolute.map(|path| path.to_string_lossy().into_owned());
        // The folder itself says that there is such a cluster: completion reads no more.
        self.make_folder()?;
        if self.config_file().as_ref() == Ok(&config_file) {
            return Ok(());
        }
        let text = state_file::to_json(&Kept { config_file }, FORMAT)?;
        state_file::replace(&self.folder.join("cluster.json"), &text, 0o600)?;
        // As versions before kept it.
        let _ = std::fs::remove_file(self.folder.join("config-file"));
        Ok(())
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
        let kept = self.make_folder().and_then(|()| match self.kubeconfig().as_deref() {
            Some(kept) if kept == text => Ok(()),
            _ => write_private(&self.kubeconfig_file(), text),
        });
        let closed = kept.and_then(|()| close(&self.kubeconfig_file()));
        closed.map_err(|error| {
            let failed = Error::system(
                &format!("cannot write `{}`", self.kubeconfig_file().display()),
                &error,
            );
            failed.or_hint("make the folder writable, or name another one in CAPRONI_STATE_DIR")
        })
    }

    /// Forgets everything of the cluster.
    pub fn forget(&self) {
        // What is left of it is overwritten by the next cluster of the name.
        let _ = std::fs::remove_dir_all(&self.folder);
        self.seen.iter().for_each(SeenFile::forget);
    }

    fn make_folder(&self) -> std::io::Result<()> {
        let below = self.folder.strip_prefix(&self.state).unwrap_or(&self.folder);
        caproni_driver::private_folder(&self.state, below).map(drop)
    }
}

/// Sees to it that a file is for its owner only, also one that was not made here.
fn close(file: &Path) -> std::io::Result<()> {
    match file.metadata()?.permissions().mode() & 0o077 {
        0 => Ok(()),
        _ => std::fs::set_permissions(file, PermissionsExt::from_mode(0o600)),
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
    state_file::replace(&path, text.as_bytes(), mode)
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
    fn a_name_that_a_driver_tells_leads_to_no_other_folder() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("clusters/odd-x")).unwrap();
        std::fs::write(folder.path().join("config-file"), "/etc/shadow").unwrap();
        for profile in ["x/../..", "x/../../.", "/..", "x/../../clusters/.."] {
            let state = ClusterState::under(folder.path(), "odd", profile);
            assert_eq!(state.config_file(), Ok(None), "{profile}");
        }
    }

    #[test]
    fn what_was_left_open_to_others_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let state = ClusterState::under(folder.path(), "k3d", "demo");
        state.keep_kubeconfig("text").unwrap();
        let open = |path: &Path, mode| {
            std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        };
        open(&state.kubeconfig_file(), 0o644);
        open(&state.folder, 0o755);
        state.keep_kubeconfig("text").unwrap();
        assert_eq!(state.kubeconfig_file().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(state.folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
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
        assert_eq!(state.config_file(), Ok(None));
        state.keep_config_file(Some(Path::new("/a/caproni.yaml"))).unwrap();
        assert_eq!(state.config_file(), Ok(Some("/a/caproni.yaml".into())));
        state.keep_config_file(None).unwrap();
        state.keep_config_file(None).unwrap();
        assert_eq!(state.config_file(), Ok(None));
    }

    #[test]
    fn what_older_versions_kept_is_read_and_what_newer_ones_did_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let state = ClusterState::under(folder.path(), "k3d", "demo");
        std::fs::create_dir_all(&state.folder).unwrap();
        std::fs::write(state.folder.join("config-file"), "/old/caproni.yaml").unwrap();
        assert_eq!(state.config_file(), Ok(Some("/old/caproni.yaml".into())));
        let path = state.folder.join("cluster.json");
        for text in ["", "garbage", "{\"format\": 2}"] {
            std::fs::write(&path, text).unwrap();
            let why = state.config_file().unwrap_err();
            assert!(why.contains(&path.display().to_string()), "{why}");
            assert!(why.ends_with("`caproni start` writes it anew"), "{why}");
        }
        state.keep_config_file(Some(Path::new("/new/caproni.yaml"))).unwrap();
        assert_eq!(state.config_file(), Ok(Some("/new/caproni.yaml".into())));
        assert!(!state.folder.join("config-file").exists());
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
