//! Files that a driver keeps of its clusters: whole or not at all, and of a format that is told.
//!
//! Who writes may be killed at any moment, and who reads may be older or newer than who wrote.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Map;
use serde_json::value::RawValue;
use tempfile::{Builder, NamedTempFile};

use crate::error::{Error, ErrorKind};

/// What the names of new content begin with until it takes its place.
const SPARE: &str = ".caproni-new-";

/// The field that tells the version of a file's format.
const FORMAT: &str = "format";

/// Puts new content in the place of a file in one step: whoever reads sees the old file or the new
/// one, also after a power failure. `mode` is the new file's, such as `0o600`.
///
/// Content that a killed process has left in the folder is removed.
///
/// # Errors
/// The folder cannot be written, or the disk is full; the old file is as it was.
pub fn replace(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    remove_leftovers(folder);
    let mut new = spare(folder)?;
    new.write_all(content)?;
    new.as_file().set_permissions(Permissions::from_mode(mode))?;
    new.as_file().sync_all()?;
    new.persist(path).map_err(|failed| failed.error)?;
    // The name is in the folder. That not every file system can sync one loses nothing.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

/// A new file in a folder, for its owner only, locked as long as its writer lives: by that
/// [`remove_leftovers`] tells it from what a killed one left.
///
/// # Errors
/// The folder cannot be written.
pub fn spare(folder: &Path) -> io::Result<NamedTempFile> {
    loop {
        let new = Builder::new().prefix(SPARE).tempfile_in(folder)?;
        // Where files cannot be locked nobody removes anything either.
        let _ = new.as_file().lock();
        // Someone may have taken it for a leftover before it was locked.
        if new.as_file().metadata()?.nlink() > 0 {
            return Ok(new);
        }
    }
}

/// Removes the new files that nobody writes any more.
pub fn remove_leftovers(folder: &Path) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(SPARE)) {
        let Ok(file) = OpenOptions::new().write(true).open(entry.path()) else { continue };
        // Locked until it is removed, so that its writer cannot begin in between.
        if file.try_lock().is_ok() {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Why a state file is not read.
#[derive(Debug)]
#[non_exhaustive]
pub enum Unreadable {
    /// A newer version wrote it, in a format of this number.
    Newer(u64),
    /// It is not what any version writes.
    Damaged(serde_json::Error),
}

impl Unreadable {
    /// The error for a file of a cluster: it names the file, and says the next step.
    pub fn error(&self, file: &str) -> Error {
        let hint = match self {
            Self::Newer(_) => "update caproni, or run `caproni destroy` to do without the cluster",
            Self::Damaged(_) => "run `caproni destroy`, then `caproni start`",
        };
        Error::new(ErrorKind::BackendFailed, format!("cannot read `{file}`: {self}"))
            .with_hint(hint)
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Newer(format) => {
                write!(
                    f,
                    "a newer version wrote it, in format {format} that this one does not know"
                )
            }
            Self::Damaged(error) => write!(f, "it is damaged: {error}"),
        }
    }
}

impl std::error::Error for Unreadable {}

/// Writes a value as JSON that tells its format in the field `format`, which must not be one of its own.
///
/// # Errors
/// The value is no JSON object.
pub fn to_json(value: &impl Serialize, format: u64) -> serde_json::Result<Vec<u8>> {
    let mut document = Map::new();
    document.insert(FORMAT.into(), format.into());
    document.append(&mut serde_json::from_value(serde_json::to_value(value)?)?);
    serde_json::to_vec_pretty(&document)
}

/// Reads what [`to_json`] wrote, into a type that overlooks fields which are none of its own. Without
/// a format it is of the time before there was one, and read as format 1.
///
/// # Errors
/// [`Unreadable`], which says why.
pub fn from_json<T: DeserializeOwned>(content: &[u8], newest: u64) -> Result<T, Unreadable> {
    // The members as they stand: what a newer version wrote need not be of this type.
    let document: BTreeMap<String, &RawValue> =
        serde_json::from_slice(content).map_err(Unreadable::Damaged)?;
    match document.get(FORMAT).map(|format| format.get().parse()) {
        Some(Ok(format)) if format > newest => return Err(Unreadable::Newer(format)),
        Some(Err(_)) => {
            return Err(Unreadable::Damaged(serde::de::Error::custom("its format is no number")));
        }
        Some(Ok(_)) | None => {}
    }
    serde_json::from_slice(content).map_err(Unreadable::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Kept {
        name: String,
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_with_its_mode_and_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for (text, mode) in [("old", 0o600), ("new", 0o640)] {
            replace(&path, text.as_bytes(), mode).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, mode);
        }
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[test]
    fn what_a_killed_writer_left_goes_and_what_a_living_one_writes_stays() {
        let folder = tempfile::tempdir().unwrap();
        let left = folder.path().join(format!("{SPARE}left"));
        std::fs::write(&left, "half").unwrap();
        let living = spare(folder.path()).unwrap();
        replace(&folder.path().join("file"), b"whole", 0o600).unwrap();
        assert!(!left.exists() && living.path().exists());
    }

    #[test]
    fn writers_at_once_disturb_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::thread::scope(|scope| {
            for writer in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    for _ in 0..20 {
                        replace(path, writer.to_string().repeat(9000).as_bytes(), 0o600).unwrap();
                        assert_eq!(std::fs::read(path).unwrap().len(), 9000);
                    }
                });
            }
        });
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[test]
    fn what_was_written_is_read_with_a_format_and_without() {
        let kept = Kept { name: "a".into() };
        let text = to_json(&kept, 3).unwrap();
        assert!(String::from_utf8_lossy(&text).contains("\"format\": 3"));
        assert_eq!(from_json::<Kept>(&text, 3).unwrap(), kept);
        assert_eq!(from_json::<Kept>(br#"{"name": "a"}"#, 3).unwrap(), kept);
    }

    #[test]
    fn an_error_names_the_file_and_the_next_step() {
        let error = Unreadable::Newer(2).error("/a/b.json");
        assert!(error.message.starts_with("cannot read `/a/b.json`: a newer version"), "{error}");
        assert!(error.data.hint.unwrap().starts_with("update caproni"));
    }

    #[test]
    fn a_newer_format_and_garbage_say_why_they_are_not_read() {
        let why = |text: &[u8]| from_json::<Kept>(text, 1).unwrap_err().to_string();
        let newer = why(br#"{"format": 2, "shape": "other"}"#);
        assert_eq!(newer, "a newer version wrote it, in format 2 that this one does not know");
        for garbage in [&b""[..], b"\0\xff", b"[]", b"{\"name\":", br#"{"format": "x"}"#] {
            assert!(why(garbage).starts_with("it is damaged: "), "{garbage:?}");
        }
    }
}
