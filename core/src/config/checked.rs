//! Which configs were found valid before, by which schemas.
//!
//! To compile a schema takes longer than anything else that `status` does, and what comes of
//! it depends on nothing but schema and config. So the digest of what was found valid is kept.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

/// Raised when something is found valid no more that was so before.
const FORM: u32 = 2;

/// How many digests are kept: more than a user has clusters.
const MOST: usize = 64;

/// The length of a line of the file, in bytes.
const LINE: usize = 65;

/// The name of the file in the cluster's folder.
const NAME: &str = "checked";

/// What is known of earlier checks.
#[derive(Debug, Clone, Default)]
pub struct Checked {
    state: Option<PathBuf>,
}

impl Checked {
    /// What is kept in a cluster's folder, which goes with the cluster.
    pub fn in_folder(state: &Path) -> Self {
        Self { state: Some(state.to_path_buf()) }
    }

    /// Tells whether a config was found valid before; runs the check where it was not, and
    /// keeps it in mind if that finds nothing.
    ///
    /// # Errors
    /// What the check gives.
    pub(super) fn or_check<T, E>(
        &self,
        schema: &Value,
        config: &Value,
        check: impl FnOnce() -> Result<Vec<T>, E>,
    ) -> Result<Vec<T>, E> {
        let Some(state) = &self.state else { return check() };
        let digest = digest(schema, config);
        let kept = read(&state.join(NAME));
        if kept.lines().any(|line| line == digest) {
            return Ok(Vec::new());
        }
        let found = check()?;
        if found.is_empty() {
            keep(state, &kept, &digest);
        }
        Ok(found)
    }
}

fn digest(schema: &Value, config: &Value) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let text = format!("caproni {version}, form {FORM}\n{schema}\n{config}");
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What was kept. Anything else in that place is nothing but a lost memory.
fn read(path: &Path) -> String {
    let mut text = String::new();
    let most = u64::try_from(MOST * LINE).unwrap_or(u64::MAX);
    let is_file = path.metadata().is_ok_and(|it| it.is_file() && it.len() <= most);
    if let Some(Ok(file)) = is_file.then(|| File::open(path))
        && file.take(most).read_to_string(&mut text).is_err()
    {
        text.clear();
    }
    text
}

/// Where nothing can be written the next run checks again.
fn keep(state: &Path, kept: &str, digest: &str) {
    let lines: Vec<&str> = kept.lines().collect();
    let first = (lines.len() + 1).saturating_sub(MOST);
    let mut text = String::new();
    for line in lines[first..].iter().chain([&digest]) {
        text += line;
        text.push('\n');
    }
    // Where there is no folder there is no cluster, of which nothing may be left.
    if state.is_dir() {
        let _ = caproni_driver::state_file::replace(&state.join(NAME), text.as_bytes(), 0o600);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::cell::Cell;

    fn checks(checked: &Checked, config: &Value, found: &[&str]) -> bool {
        let ran = Cell::new(false);
        let check = || -> Result<_, ()> {
            ran.set(true);
            Ok(found.iter().map(ToString::to_string).collect())
        };
        checked.or_check(&json!({}), config, check).unwrap();
        ran.get()
    }

    #[test]
    fn what_was_found_valid_is_not_checked_again_and_anything_else_is() {
        let state = tempfile::tempdir().unwrap();
        let checked = Checked::in_folder(state.path());
        assert!(checks(&checked, &json!({"a": 1}), &[]));
        assert!(!checks(&checked, &json!({"a": 1}), &[]));
        assert!(checks(&checked, &json!({"a": 2}), &["wrong"]));
        assert!(checks(&checked, &json!({"a": 2}), &["wrong"]));
        assert!(checks(&Checked::default(), &json!({"a": 1}), &[]));
    }

    #[test]
    fn of_many_the_latest_are_known() {
        let state = tempfile::tempdir().unwrap();
        let checked = Checked::in_folder(state.path());
        (0..MOST + 3).for_each(|n| assert!(checks(&checked, &json!(n), &[])));
        assert!(checks(&checked, &json!(0), &[]));
        assert!(!checks(&checked, &json!(MOST + 2), &[]));
        let length = state.path().join(NAME).metadata().unwrap().len();
        assert_eq!(usize::try_from(length).unwrap(), MOST * LINE);
    }

    #[test]
    fn what_cannot_be_read_or_written_is_checked_each_time() {
        let state = tempfile::tempdir().unwrap();
        let checked = Checked::in_folder(&state.path().join("file"));
        std::fs::write(state.path().join("file"), "").unwrap();
        assert!(checks(&checked, &json!(1), &[]) && checks(&checked, &json!(1), &[]));
        let checked = Checked::in_folder(state.path());
        std::fs::write(state.path().join(NAME), [0xff; 100]).unwrap();
        assert!(checks(&checked, &json!(1), &[]) && !checks(&checked, &json!(1), &[]));
    }
}
