//! The kubeconfig with which a cluster was found ready last, for the next look at its API.
//!
//! It serves looking, while the driver is still asked how the cluster is, and a `start` that finds the
//! cluster ready with it: whoever else wants a kubeconfig to use gets it from the driver. It is as
//! secret as the cluster's own, so that only its user can read it, and what anybody else could have
//! written is not read.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use caproni_driver::{Kubeconfig, lock::state_dir, private_folder, state_file, trust::is_ours};
use rustix::fs::{Mode, OFlags, open};
use serde::{Deserialize, Serialize};

/// Raised when what is kept changes so that older versions would misread it.
const FORMAT: u64 = 1;

/// The folder of all of them in the state folder.
const FOLDER: &str = "seen";

/// The longest file that is read or written, in bytes: a kubeconfig has some thousand.
const LONGEST: usize = 256 * 1024;

/// A kubeconfig, and which cluster it is of.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The `identity` that the cluster's status had.
    pub identity: String,
    /// What the driver gave.
    #[serde(flatten)]
    pub given: Kubeconfig,
}

/// There are keys in it, which nobody is to see in a log.
impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen").field("identity", &self.identity).finish_non_exhaustive()
    }
}

/// Where the kubeconfig of one cluster is kept.
#[derive(Debug, Clone)]
pub struct SeenFile {
    state: PathBuf,
    folder: PathBuf,
    name: String,
}

impl SeenFile {
    /// The file of a driver's cluster; `None` for names of which no file can be made. Nothing is
    /// made yet.
    pub fn of(driver: &str, profile: &str) -> Option<Self> {
        Self::under(&state_dir(), driver, profile)
    }

    pub(crate) fn under(state: &Path, driver: &str, profile: &str) -> Option<Self> {
        let name = format!("{profile}.json");
        let folder = Path::new(FOLDER).join(driver);
        (is_one_part(driver) && is_one_part(&name)).then(|| Self {
            state: state.into(),
            folder,
            name,
        })
    }

    /// Reads what is kept. What is damaged, of a newer version, or not its user's alone is as good
    /// as nothing.
    pub fn read(&self) -> Option<Seen> {
        let content = read_private(&self.path()).ok()?;
        state_file::from_json(&content, FORMAT).ok()
    }

    /// Keeps it in the place of what was kept before. That it cannot be kept costs time the next
    /// time, and nothing else.
    pub fn keep(&self, seen: &Seen) {
        let Ok(content) = state_file::to_json(seen, FORMAT) else { return };
        if content.len() <= LONGEST && private_folder(&self.state, &self.folder).is_ok() {
            let _ = state_file::replace(&self.path(), &content, 0o600);
        }
    }

    /// Removes it; none is fine.
    pub fn forget(&self) {
        let _ = std::fs::remove_file(self.path());
    }

    fn path(&self) -> PathBuf {
        self.state.join(&self.folder).join(&self.name)
    }
}

fn is_one_part(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == name)
}

/// Reads a file that its user alone can read and write; a link, a pipe and a device are none.
fn read_private(path: &Path) -> io::Result<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(open(path, flags, Mode::empty())?);
    let metadata = file.metadata()?;
    if !metadata.is_file() || !is_ours(metadata.uid()) || metadata.mode() & 0o077 != 0 {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let mut content = Vec::new();
    file.take(LONGEST as u64 + 1).read_to_end(&mut content)?;
    if content.len() > LONGEST {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn seen() -> Seen {
        let given = Kubeconfig::new("client-key-data: c2VjcmV0", "odd");
        Seen { identity: "a".into(), given }
    }

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_is_kept_is_for_its_user_alone_and_is_read_until_it_is_forgotten() {
        let state = tempfile::tempdir().unwrap();
        let file = SeenFile::under(state.path(), "k3d", "demo").unwrap();
        assert_eq!(file.read(), None);
        file.keep(&seen());
        assert_eq!(file.read(), Some(seen()));
        assert_eq!((mode(&file.path()), mode(file.path().parent().unwrap())), (0o600, 0o700));
        file.forget();
        file.forget();
        assert_eq!(file.read(), None);
    }

    #[test]
    fn clusters_of_two_drivers_whose_names_run_together_are_kept_apart() {
        let state = tempfile::tempdir().unwrap();
        let file = |driver, profile| SeenFile::under(state.path(), driver, profile).unwrap();
        file("a-b", "c").keep(&seen());
        assert_eq!(file("a", "b-c").read(), None);
    }

    #[test]
    fn garbage_and_what_is_too_long_is_as_good_as_nothing() {
        let state = tempfile::tempdir().unwrap();
        let file = SeenFile::under(state.path(), "k3d", "demo").unwrap();
        file.keep(&seen());
        let of_no_context = r#"{"format": 1, "identity": "a", "kubeconfig": "{}"}"#;
        let long = of_no_context
            .replace("{}\"", &format!("{}\", \"context\": \"b\"", "x".repeat(LONGEST)));
        let texts = ["", "garbage", "{}", "[]", r#"{"format": 2}"#, "{\"format\": 1,"];
        for text in texts.into_iter().chain([of_no_context, &long]) {
            std::fs::write(file.path(), text).unwrap();
            assert_eq!(file.read(), None, "{text:.40}");
        }
        file.keep(&Seen { given: Kubeconfig::new("x".repeat(LONGEST), "odd"), ..seen() });
        assert_eq!(file.read(), None);
    }

    #[test]
    fn what_others_could_have_written_is_not_read() {
        let state = tempfile::tempdir().unwrap();
        let file = SeenFile::under(state.path(), "k3d", "demo").unwrap();
        file.keep(&seen());
        for open in [0o604, 0o640, 0o620] {
            std::fs::set_permissions(file.path(), PermissionsExt::from_mode(open)).unwrap();
            assert_eq!(file.read(), None, "{open:o}");
        }
        std::fs::set_permissions(file.path(), PermissionsExt::from_mode(0o600)).unwrap();
        let elsewhere = state.path().join("elsewhere");
        std::fs::rename(file.path(), &elsewhere).unwrap();
        symlink(&elsewhere, file.path()).unwrap();
        assert_eq!(file.read(), None);
        file.forget();
        std::fs::create_dir(file.path()).unwrap();
        assert_eq!(file.read(), None);
        assert!(elsewhere.exists());
    }

    #[test]
    fn a_name_that_leads_elsewhere_has_no_file() {
        for (driver, profile) in
            [("..", "a"), ("a/b", "c"), ("", "a"), ("/a", "b"), ("a", "x/../y")]
        {
            assert!(SeenFile::of(driver, profile).is_none(), "{driver} {profile}");
        }
    }

    #[test]
    fn its_keys_are_in_no_log() {
        assert_eq!(format!("{:?}", seen()), r#"Seen { identity: "a", .. }"#);
    }
}
