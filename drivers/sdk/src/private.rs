//! Folders that nobody but their user can read or write, for what holds credentials.

use std::fs::{DirBuilder, Permissions, set_permissions, symlink_metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::trust::is_ours;

/// Makes a folder below the state folder, which only its user can read (mode 0700), and each of
/// those in between. One that is there already and more open is closed; the state folder itself
/// stays as it is, since it may be one that the user shares.
///
/// # Errors
/// What the system says, and `PermissionDenied` for a folder that belongs to somebody else: in
/// `/tmp` anyone can be there first.
pub fn private_folder(state: &Path, below: impl AsRef<Path>) -> io::Result<PathBuf> {
    make(state, below.as_ref(), is_ours)
}

fn make(state: &Path, below: &Path, is_ours: fn(u32) -> bool) -> io::Result<PathBuf> {
    DirBuilder::new().recursive(true).mode(0o700).create(state)?;
    check_owner(state, is_ours)?;
    let mut folder = state.to_path_buf();
    for part in below {
        folder.push(part);
        match DirBuilder::new().mode(0o700).create(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => close(&folder, is_ours)?,
        }
    }
    Ok(folder)
}

fn close(folder: &Path, is_ours: fn(u32) -> bool) -> io::Result<()> {
    check_owner(folder, is_ours)?;
    let metadata = folder.metadata()?;
    if !metadata.is_dir() {
        let message = format!("`{}` is not a folder", folder.display());
        return Err(io::Error::new(io::ErrorKind::NotADirectory, message));
    }
    match metadata.mode() & 0o077 {
        0 => Ok(()),
        _ => set_permissions(folder, Permissions::from_mode(0o700)),
    }
}

/// The owner of a link counts, and that of what it leads to.
fn check_owner(folder: &Path, is_ours: fn(u32) -> bool) -> io::Result<()> {
    let owners = [symlink_metadata(folder)?.uid(), folder.metadata()?.uid()];
    match owners.into_iter().find(|&owner| !is_ours(owner)) {
        None => Ok(()),
        Some(owner) => {
            let message = format!("`{}` belongs to user {owner}, not to you", folder.display());
            Err(io::Error::new(io::ErrorKind::PermissionDenied, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().mode() & 0o777
    }

    #[test]
    fn every_folder_below_the_state_folder_is_closed_also_one_that_was_open() {
        let root = tempfile::tempdir().unwrap();
        let state = root.path().join("shared/state");
        std::fs::create_dir_all(state.join("clusters")).unwrap();
        for folder in [&state, &state.join("clusters")] {
            set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
        }
        let made = private_folder(&state, "clusters/mock-demo").unwrap();
        assert_eq!(made, state.join("clusters/mock-demo"));
        assert_eq!((mode(&made), mode(&state.join("clusters"))), (0o700, 0o700));
        assert_eq!(mode(&state), 0o755, "the user's own folder stays as it is");
    }

    #[test]
    fn a_state_folder_that_is_made_is_closed() {
        let root = tempfile::tempdir().unwrap();
        let state = root.path().join("new");
        private_folder(&state, "locks").unwrap();
        assert_eq!((mode(&state), mode(&state.join("locks"))), (0o700, 0o700));
    }

    #[test]
    fn what_is_no_folder_is_told() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("clusters"), "").unwrap();
        let error = private_folder(root.path(), "clusters/x").unwrap_err();
        assert!(error.to_string().ends_with("is not a folder"), "{error}");
    }

    #[test]
    fn a_folder_of_somebody_else_is_refused_and_stays_as_it_is() {
        let root = tempfile::tempdir().unwrap();
        let theirs = root.path().join("clusters");
        std::fs::create_dir(&theirs).unwrap();
        set_permissions(&theirs, Permissions::from_mode(0o755)).unwrap();
        let error = make(root.path(), Path::new("clusters/x"), |_| false).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert!(error.to_string().contains("belongs to user"), "{error}");
        assert_eq!((mode(&theirs), theirs.join("x").exists()), (0o755, false));
    }
}
