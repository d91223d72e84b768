//! The profile that a config file asks for.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::sources::folder_of;

/// The profile where nothing says otherwise.
pub const DEFAULT_PROFILE: &str = "caproni";

/// How long the folder's part of a name may be: k3d takes 32 characters in all.
const LONGEST: usize = 24;

/// What `cluster.name.strategy` can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strategy {
    /// The one name for all: [`DEFAULT_PROFILE`].
    Static,
    /// One for each folder with a config file, so that each checkout has its own cluster.
    Directory,
}

impl Strategy {
    /// Each with its name.
    pub(super) const ALL: [(&'static str, Self); 2] =
        [("static", Self::Static), ("directory", Self::Directory)];

    /// The profile for a config file.
    pub(super) fn profile(self, file: &Path) -> String {
        match self {
            Self::Static => DEFAULT_PROFILE.to_owned(),
            Self::Directory => of_folder(&folder_of(file)),
        }
    }
}

/// The folder's name as far as a profile can hold it, and a digest of its whole path: two
/// checkouts may well have the same name.
fn of_folder(folder: &Path) -> String {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
    let name = folder.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name: String = words.collect::<Vec<_>>().join("-").chars().take(LONGEST).collect();
    let name = match name.trim_end_matches('-') {
        "" => DEFAULT_PROFILE,
        name => name,
    };
    let digest = Sha256::digest(folder.as_os_str().as_encoded_bytes());
    let digest: String = digest.iter().take(3).map(|byte| format!("{byte:02x}")).collect();
    format!("{name}-{digest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_folder_has_a_profile_of_its_own_that_is_a_name() {
        let root = tempfile::tempdir().unwrap();
        let mut all = std::collections::BTreeSet::new();
        for name in ["a/My Project_2", "b/My Project_2", "ü", "-", "x.y", &"long-".repeat(20)] {
            let folder = root.path().join(name);
            std::fs::create_dir_all(&folder).unwrap();
            let profile = Strategy::Directory.profile(&folder.join("caproni.yaml"));
            assert!(caproni_driver::check_profile(&profile).is_ok(), "{profile}");
            assert!(profile.len() <= 32, "{profile}");
            assert_eq!(profile, Strategy::Directory.profile(&folder.join("other.yaml")));
            all.insert(profile);
        }
        assert_eq!(all.len(), 6, "{all:?}");
        assert_eq!(all.iter().filter(|profile| profile.starts_with("my-project-2-")).count(), 2);
    }

    #[test]
    fn a_link_to_a_folder_is_the_same_folder() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("real")).unwrap();
        std::os::unix::fs::symlink(root.path().join("real"), root.path().join("link")).unwrap();
        let profile = |name: &str| Strategy::Directory.profile(&root.path().join(name).join("f"));
        assert_eq!(profile("link"), profile("real"));
    }
}
