//! What drivers have said of themselves, kept with the files that said it.
//!
//! A driver is a file: as long as it is the same one it says the same (rule INIT-1: it
//! looks at nothing else). So nothing has to run to list drivers a second time.

use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use caproni_driver::{Capabilities, PROTOCOL_VERSION};
use serde::{Deserialize, Serialize};

/// Raised when what is kept changes its form or its meaning.
const FORM: u32 = 1;

/// How much of the file is read at most, in bytes: thousands of drivers.
const MOST: u64 = 4 * 1024 * 1024;

/// What a listing tells of a driver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Facts {
    pub(super) version: String,
    pub(super) capabilities: Capabilities,
}

/// What tells whether a file is still the one that was asked. A new file in its place has
/// another inode, one that was written to another time of change, whatever `touch` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    device: u64,
    inode: u64,
}

impl Stamp {
    /// Of the file that a link leads to; `None` when there is none.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let file = path.metadata().ok()?;
        Some(Self {
            size: file.size(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
            device: file.dev(),
            inode: file.ino(),
        })
    }
}

/// The answers that are kept.
#[derive(Debug)]
pub(super) struct Cache {
    file: PathBuf,
    kept: BTreeMap<String, Entry>,
    is_new: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    stamp: Stamp,
    facts: Facts,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    made_by: String,
    drivers: BTreeMap<String, Entry>,
}

impl Cache {
    /// What earlier listings have kept. A file that is not as this version writes it is
    /// nothing but a lost cache.
    pub(super) fn read(state: &Path) -> Self {
        let empty = Self::empty(state);
        let kept = read_file(&empty.file).filter(|kept| kept.made_by == made_by());
        Self { kept: kept.map(|kept| kept.drivers).unwrap_or_default(), ..empty }
    }

    /// Knows nothing, and takes the place of what is kept.
    pub(super) fn empty(state: &Path) -> Self {
        Self { file: state.join("drivers.json"), kept: BTreeMap::new(), is_new: false }
    }

    /// What is known of a file, if it is still the same.
    pub(super) fn facts(&self, path: &Path, stamp: &Stamp) -> Option<Facts> {
        let entry = self.kept.get(path.to_str()?)?;
        (entry.stamp == *stamp).then(|| entry.facts.clone())
    }

    /// Remembers what a file said that had this stamp before it was asked.
    pub(super) fn keep(&mut self, path: &Path, stamp: Stamp, facts: Facts) {
        if let Some(path) = path.to_str() {
            self.kept.insert(path.to_owned(), Entry { stamp, facts });
            self.is_new = true;
        }
    }

    /// Writes down what is new, in one step: a reader sees the old file or this one.
    pub(super) fn write(mut self) -> std::io::Result<()> {
        if !self.is_new {
            return Ok(());
        }
        self.kept.retain(|path, _| Path::new(path).exists());
        let folder = self.file.parent().unwrap_or(Path::new("."));
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let text = serde_json::to_vec(&Kept { made_by: made_by(), drivers: self.kept })?;
        caproni_driver::state_file::replace(&self.file, &text, 0o600)
    }
}

fn made_by() -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!("caproni {version}, protocol {PROTOCOL_VERSION}, form {FORM}")
}

fn read_file(path: &Path) -> Option<Kept> {
    if !path.metadata().ok()?.is_file() {
        return None;
    }
    let mut text = Vec::new();
    std::fs::File::open(path).ok()?.take(MOST).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(version: &str) -> Facts {
        Facts { version: version.into(), capabilities: Capabilities::default() }
    }

    fn kept(folder: &Path) -> (PathBuf, Stamp) {
        let driver = folder.join("driver");
        std::fs::write(&driver, "one").unwrap();
        let stamp = Stamp::of(&driver).unwrap();
        let mut cache = Cache::read(folder);
        cache.keep(&driver, stamp.clone(), facts("1"));
        cache.write().unwrap();
        (driver, stamp)
    }

    #[test]
    fn what_is_kept_is_known_to_the_next_listing() {
        let folder = tempfile::tempdir().unwrap();
        let (driver, stamp) = kept(folder.path());
        assert_eq!(Cache::read(folder.path()).facts(&driver, &stamp), Some(facts("1")));
        assert_eq!(Cache::empty(folder.path()).facts(&driver, &stamp), None);
    }

    #[test]
    fn another_file_in_its_place_is_not_known_even_with_size_and_time_of_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let (driver, stamp) = kept(folder.path());
        let new = folder.path().join("new");
        std::fs::write(&new, "two").unwrap();
        let time = driver.metadata().unwrap().modified().unwrap();
        std::fs::File::options().write(true).open(&new).unwrap().set_modified(time).unwrap();
        std::fs::rename(&new, &driver).unwrap();
        let other = Stamp::of(&driver).unwrap();
        assert_eq!((other.size, other.modified), (stamp.size, stamp.modified));
        assert_eq!(Cache::read(folder.path()).facts(&driver, &other), None);
    }

    #[test]
    fn garbage_half_a_file_and_another_version_are_an_empty_cache() {
        let folder = tempfile::tempdir().unwrap();
        let (driver, stamp) = kept(folder.path());
        let file = folder.path().join("drivers.json");
        let good = std::fs::read_to_string(&file).unwrap();
        let other = good.replace("form 1", "form 0");
        assert_ne!(other, good);
        for bad in ["", "\0\0", "[]", &good[..good.len() / 2], &other] {
            std::fs::write(&file, bad).unwrap();
            assert_eq!(Cache::read(folder.path()).facts(&driver, &stamp), None, "{bad}");
        }
    }

    #[test]
    fn drivers_that_are_gone_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let (driver, stamp) = kept(folder.path());
        std::fs::rename(&driver, folder.path().join("elsewhere")).unwrap();
        let mut cache = Cache::read(folder.path());
        cache.keep(&folder.path().join("elsewhere"), stamp, facts("1"));
        cache.write().unwrap();
        let text = std::fs::read_to_string(folder.path().join("drivers.json")).unwrap();
        assert!(text.contains("/elsewhere") && !text.contains("/driver\""), "{text}");
    }
}
