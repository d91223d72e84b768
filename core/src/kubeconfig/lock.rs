//! The lock that kubectl and everything else built on client-go take: a file beside the kubeconfig,
//! `config.lock`, that must not exist yet (`lockFile` in
//! <https://github.com/kubernetes/client-go/blob/master/tools/clientcmd/loader.go>).
//!
//! Such a file outlives a holder that is killed, and then nobody can change the kubeconfig any more, not
//! even with kubectl. So ours holds who made it, and is a file lock as well, which goes with its holder:
//! one that says that it is caproni's and that is not locked was left by a caproni that is dead, and is
//! taken over. It appears with its text and locked, by a link, so that at no moment it looks like one
//! that was left; and whoever takes it over first locks it and then sees whether it is still that
//! file which has the name. A lock of others says nothing, is never locked, and never broken.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use caproni_driver::state_file::{remove_leftovers, spare};

/// What the text of our locks begins with.
const OURS: &str = "caproni (process ";

/// The lock, held until this is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    /// Locked, and after the file was removed.
    file: File,
}

/// Why it is not had.
#[derive(Debug)]
pub(super) enum Refused {
    /// Somebody has it; who, where the file says.
    Held(Option<String>),
    /// The folder cannot be written, and the like.
    Failed(io::Error),
}

impl Lock {
    /// Where the lock of a kubeconfig is.
    pub(super) fn path_of(kubeconfig: &Path) -> PathBuf {
        let mut path = kubeconfig.as_os_str().to_owned();
        path.push(".lock");
        path.into()
    }

    /// Tells whether a file says that a caproni made it; one that was left is taken over.
    pub(super) fn is_ours(path: &Path) -> bool {
        let mut text = String::new();
        let read = File::open(path).and_then(|file| file.take(200).read_to_string(&mut text));
        read.is_ok() && text.starts_with(OURS)
    }

    /// Takes it, or says at once why not.
    pub(super) fn take(path: &Path) -> Result<Self, Refused> {
        match Self::make(path) {
            Err(Refused::Held(_)) => Self::take_over(path),
            made => made,
        }
    }

    /// Removes what a killed caproni left, for who finds nothing else to do: that one may have done all
    /// but that.
    pub(super) fn remove_left(path: &Path) {
        match path.parent() {
            _ if Self::is_ours(path) => drop(Self::take_over(path)),
            Some(folder) => remove_leftovers(folder),
            None => {}
        }
    }

    fn make(path: &Path) -> Result<Self, Refused> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut new = spare(folder).map_err(Refused::Failed)?;
        write_holder(new.as_file_mut()).map_err(Refused::Failed)?;
        match std::fs::hard_link(new.path(), path) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Err(Refused::Held(None));
            }
            // A file system without hard links: then it is one like anybody's.
            Err(_) => return Self::make_plain(path),
        }
        let (file, spare) = new.into_parts();
        // The other name of what is the lock now.
        drop(spare);
        Ok(Self { path: path.into(), file })
    }

    fn make_plain(path: &Path) -> Result<Self, Refused> {
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
            Ok(file) => Ok(Self { path: path.into(), file }),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(Refused::Held(None)),
            Err(error) => Err(Refused::Failed(error)),
        }
    }

    /// Takes what a caproni left that was killed.
    fn take_over(path: &Path) -> Result<Self, Refused> {
        let Ok(mut file) = OpenOptions::new().read(true).write(true).open(path) else {
            return Err(Refused::Held(None));
        };
        let mut text = String::new();
        let read = Read::by_ref(&mut file).take(200).read_to_string(&mut text);
        let holder = read.ok().filter(|_| text.starts_with(OURS)).map(|_| text.trim().to_owned());
        if holder.is_none() || file.try_lock().is_err() || !is_at(&file, path) {
            return Err(Refused::Held(holder));
        }
        write_holder(&mut file).map_err(Refused::Failed)?;
        Ok(Self { path: path.into(), file })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Still locked: who opened it before finds that it has lost its name.
        if is_at(&self.file, &self.path) {
            let _ = std::fs::remove_file(&self.path);
        }
        let _ = self.file.unlock();
        // Its holder may have been killed before it had removed the file's first name.
        if let Some(folder) = self.path.parent() {
            remove_leftovers(folder);
        }
    }
}

fn write_holder(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    writeln!(file, "{OURS}{})", std::process::id())
}

/// Tells whether a file is the one of that name.
fn is_at(file: &File, path: &Path) -> bool {
    let of = |metadata: io::Result<std::fs::Metadata>| {
        metadata.ok().map(|metadata| (metadata.dev(), metadata.ino()))
    };
    of(file.metadata()).is_some_and(|ours| of(path.symlink_metadata()) == Some(ours))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = Lock::path_of(&folder.path().join("config"));
        (folder, path)
    }

    fn count(folder: &tempfile::TempDir) -> usize {
        folder.path().read_dir().unwrap().count()
    }

    #[test]
    fn it_is_a_file_beside_the_kubeconfig_as_long_as_it_is_held() {
        let (folder, path) = place();
        let lock = Lock::take(&path).unwrap();
        assert!(path.ends_with("config.lock") && path.exists());
        assert_eq!(count(&folder), 1);
        drop(lock);
        assert_eq!(count(&folder), 0);
    }

    #[test]
    fn one_that_is_held_names_its_holder() {
        let (folder, path) = place();
        let _lock = Lock::take(&path).unwrap();
        let Err(Refused::Held(Some(holder))) = Lock::take(&path) else { panic!("it is held") };
        assert_eq!(holder, format!("caproni (process {})", std::process::id()));
        assert_eq!(count(&folder), 1);
    }

    #[test]
    fn what_a_killed_caproni_left_is_taken_over() {
        let (folder, path) = place();
        std::fs::write(&path, "caproni (process 1)\n").unwrap();
        let lock = Lock::take(&path).unwrap();
        assert!(matches!(Lock::take(&path), Err(Refused::Held(_))), "it is held again");
        drop(lock);
        assert_eq!(count(&folder), 0);
    }

    #[test]
    fn what_a_killed_caproni_left_is_removed_and_what_a_living_one_holds_is_not() {
        let (folder, path) = place();
        std::fs::write(&path, "caproni (process 1)\n").unwrap();
        Lock::remove_left(&path);
        assert_eq!(count(&folder), 0);
        let _lock = Lock::take(&path).unwrap();
        Lock::remove_left(&path);
        assert!(path.exists());
    }

    #[test]
    fn a_lock_of_others_is_never_broken() {
        let (_folder, path) = place();
        for text in ["", "somebody", "caproni"] {
            std::fs::write(&path, text).unwrap();
            Lock::remove_left(&path);
            assert!(matches!(Lock::take(&path), Err(Refused::Held(None))), "{text:?}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn a_lock_that_was_removed_by_hand_does_not_take_the_next_one_with_it() {
        let (_folder, path) = place();
        let first = Lock::take(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let _second = Lock::take(&path).unwrap();
        drop(first);
        assert!(path.exists());
    }

    #[test]
    fn of_many_that_find_one_left_only_one_has_it_at_a_time() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let (folder, path) = place();
        std::fs::write(&path, "caproni (process 1)\n").unwrap();
        let (inside, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    while taken.load(Ordering::SeqCst) < 400 {
                        let Ok(mut lock) = Lock::take(&path) else { continue };
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        taken.fetch_add(1, Ordering::SeqCst);
                        inside.fetch_sub(1, Ordering::SeqCst);
                        if taken.load(Ordering::SeqCst).is_multiple_of(3) {
                            // As one that is killed: the file stays, and its file lock goes.
                            lock.path = folder.path().join("none");
                        }
                    }
                });
            }
        });
        assert!(count(&folder) <= 1);
    }
}
