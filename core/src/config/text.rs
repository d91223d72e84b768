//! Reading the text of a config file, as far as it can be one.

use std::fs::File;
use std::io::{Error, ErrorKind, Read};
use std::path::Path;

use super::yaml::MAX_LENGTH;

/// Reads a file; of one that is too long so much that this is seen.
///
/// # Errors
/// What the system says, and where the file is not UTF-8.
pub(super) fn read(path: &Path) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    let enough = u64::try_from(MAX_LENGTH + 1).unwrap_or(u64::MAX);
    File::open(path)?.take(enough).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_LENGTH {
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()].split(|b| *b == b'\n');
        Error::new(ErrorKind::InvalidData, format!("line {} is not UTF-8", line.count()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_end_is_read_as_far_as_it_can_be_a_config() {
        assert_eq!(read(Path::new("/dev/zero")).unwrap().len(), MAX_LENGTH + 1);
    }

    #[test]
    fn the_line_is_told_that_is_not_utf_8() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("caproni.yaml");
        std::fs::write(&path, b"a: 1\nb: \xff\n").unwrap();
        assert_eq!(read(&path).unwrap_err().to_string(), "line 2 is not UTF-8");
    }
}
