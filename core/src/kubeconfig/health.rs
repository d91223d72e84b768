//! Whether the user's kubeconfig is one that can be worked with.

use std::path::Path;
use std::time::Duration;

use caproni_driver::{Action, HealthCheck, Verdict};
use serde_json::Value;

use super::lock::Lock;
use super::{UserKubeconfig, find};
use crate::error::Error;

/// client-go holds its lock for as long as a file is written: one of this age was left.
const OLD: Duration = Duration::from_secs(60);

impl UserKubeconfig {
    /// Looks at the file, its lock, and its current context, and changes none of it.
    pub fn health(&self) -> Vec<HealthCheck> {
        let file = match self.check() {
            Ok(()) => self.well(),
            Err(error) => failed(&error),
        };
        let others = [self.left_lock(), self.dangling_context()];
        std::iter::once(file).chain(others.into_iter().flatten()).collect()
    }

    fn well(&self) -> HealthCheck {
        let path = self.path.display();
        let message = match self.path.exists() {
            true => format!("`{path}` can be read and written"),
            false => format!("`{path}` is made by the first cluster"),
        };
        HealthCheck::new("kubeconfig", Verdict::Ok, message)
    }

    /// A lock of another program that has ended without removing it: with it nobody can write
    /// the file any more. One of a caproni that has ended is taken over, and is none.
    fn left_lock(&self) -> Option<HealthCheck> {
        let path = Lock::path_of(&self.path);
        let age = age(&path)?;
        if age < OLD || Lock::is_ours(&path) {
            return None;
        }
        let shown = path.display().to_string();
        let age = humantime::format_duration(Duration::from_secs(age.as_secs()));
        let message = format!("`{shown}` has locked the kubeconfig for {age}");
        let title = "Remove the lock, if no program that made it runs any more";
        let remove = Action::new(title, "nobody can write the kubeconfig", ["rm", "--", &shown]);
        let check = HealthCheck::new("kubeconfig-lock", Verdict::Failed, message);
        Some(check.with_actions([remove]))
    }

    fn dangling_context(&self) -> Option<HealthCheck> {
        let document = self.read().ok()?;
        let current = document.get("current-context").and_then(Value::as_str)?;
        if current.is_empty() || find(&document, "contexts", current).is_some() {
            return None;
        }
        let message = format!("the current context `{current}` does not exist");
        let check = HealthCheck::new("context", Verdict::Warning, message);
        Some(
            check.with_hint("run `caproni use`, or switch to one of `kubectl config get-contexts`"),
        )
    }
}

#[expect(clippy::disallowed_methods, reason = "a file's age is told by the wall clock alone")]
fn age(path: &Path) -> Option<Duration> {
    path.symlink_metadata().ok()?.modified().ok()?.elapsed().ok()
}

fn failed(error: &Error) -> HealthCheck {
    let check = HealthCheck::new("kubeconfig", Verdict::Failed, &error.message);
    check.with_hint(error.data.hint.as_deref().unwrap_or("mend or move the file"))
}

#[cfg(test)]
mod tests {
    use std::fs::{File, FileTimes};
    use std::time::SystemTime;

    use super::*;

    fn user(text: &str) -> (tempfile::TempDir, UserKubeconfig) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        std::fs::write(&path, text).unwrap();
        (folder, UserKubeconfig::at(path))
    }

    fn wrong(user: &UserKubeconfig) -> Vec<String> {
        let checks = user.health().into_iter().filter(|check| check.verdict != Verdict::Ok);
        checks.map(|check| check.name).collect()
    }

    /// A lock that is new, or from 1970.
    fn leave_lock(user: &UserKubeconfig, text: &str, is_old: bool) {
        let path = Lock::path_of(&user.path);
        std::fs::write(&path, text).unwrap();
        if is_old {
            let file = File::options().write(true).open(&path).unwrap();
            file.set_times(FileTimes::new().set_modified(SystemTime::UNIX_EPOCH)).unwrap();
        }
    }

    #[test]
    fn a_file_that_is_well_is_told_and_one_that_is_not_there_too() {
        let (folder, user) = user("");
        assert_eq!(wrong(&user), [""; 0]);
        let none = UserKubeconfig::at(folder.path().join("none"));
        assert_eq!((wrong(&none).len(), none.health().len()), (0, 1));
    }

    #[test]
    fn a_broken_file_and_a_context_that_is_gone_are_told() {
        assert_eq!(wrong(&user("contexts: 1").1), ["kubeconfig"]);
        assert_eq!(wrong(&user("current-context: gone").1), ["context"]);
    }

    #[test]
    fn a_lock_that_others_left_is_told_and_a_fresh_one_or_our_own_is_not() {
        let (_folder, user) = user("");
        let ours = "caproni (process 1)\n";
        for (text, is_old, told) in [("", false, 0), ("", true, 1), (ours, true, 0)] {
            leave_lock(&user, text, is_old);
            assert_eq!(wrong(&user).len(), told, "{text:?}, {is_old}");
        }
    }
}
