//! What is looked at when a cluster is not well, or before there is one.

use std::path::Path;

use caproni_driver::{HealthCheck, Verdict, lock};
use rustix::fs::{Access, access};

use crate::store::{Leftover, Phase, Store};
use crate::{NAME, STATE_DIR};

/// Looks at the folders, and at the files of one cluster or of all.
pub(crate) fn checks(store: &Store, locks: &Path, profile: Option<&str>) -> Vec<HealthCheck> {
    let mut checks = vec![
        writable("folder", store.folder(), STATE_DIR),
        writable("locks", locks, "CAPRONI_STATE_DIR"),
    ];
    checks.extend(files(store, locks, profile));
    checks.extend(leftovers(store, locks, profile));
    checks
}

/// Asks for the right to write without writing: a diagnosis leaves no trace.
fn writable(name: &str, folder: &Path, variable: &str) -> HealthCheck {
    let shown = folder.display();
    let Some(there) = folder.ancestors().find(|folder| folder.exists()) else {
        return HealthCheck::new(name, Verdict::Failed, format!("`{shown}` cannot be made"));
    };
    let hint = format!("mend the folder, or name another one in {variable}");
    match access(there, Access::WRITE_OK | Access::EXEC_OK) {
        _ if !there.is_dir() => {
            let message = format!("`{}` is no folder", there.display());
            HealthCheck::new(name, Verdict::Failed, message).with_hint(hint)
        }
        Err(error) => {
            let message = format!("`{}` cannot be written: {error}", there.display());
            HealthCheck::new(name, Verdict::Failed, message).with_hint(hint)
        }
        Ok(()) if there == folder => {
            HealthCheck::new(name, Verdict::Ok, format!("`{shown}` can be written"))
        }
        Ok(()) => {
            HealthCheck::new(name, Verdict::Ok, format!("`{shown}` is made by the first cluster"))
        }
    }
}

fn files(store: &Store, locks: &Path, profile: Option<&str>) -> Vec<HealthCheck> {
    let mut files = match store.files() {
        Ok(files) => files,
        Err(error) => return vec![HealthCheck::new("files", Verdict::Failed, error.message)],
    };
    files.retain(|file| profile.is_none_or(|profile| file.profile() == profile));
    let wrong = files.iter().filter_map(|file| match file.read() {
        Err(error) => {
            let check = HealthCheck::new("files", Verdict::Failed, error.message);
            Some(check.with_hint(error.data.hint.unwrap_or_default()))
        }
        Ok(Some(record)) if record.phase == Phase::Creating => broken_off(locks, file.profile()),
        Ok(_) => None,
    });
    let wrong: Vec<_> = wrong.collect();
    if !wrong.is_empty() {
        return wrong;
    }
    let count =
        if files.len() == 1 { "1 cluster".into() } else { format!("{} clusters", files.len()) };
    vec![HealthCheck::new("files", Verdict::Ok, format!("{count}, and no file is damaged"))]
}

fn broken_off(locks: &Path, profile: &str) -> Option<HealthCheck> {
    if lock::holder(locks, NAME, profile).is_some() {
        return None; // under way
    }
    let message = format!("the creation of `{profile}` was broken off, half a cluster is left");
    let check = HealthCheck::new("files", Verdict::Warning, message);
    Some(check.with_hint("run `caproni start` to make it anew or `caproni destroy` to remove it"))
}

fn leftovers(store: &Store, locks: &Path, profile: Option<&str>) -> Vec<HealthCheck> {
    // One that cannot be listed was told of above.
    let mut found = store.leftovers().unwrap_or_default();
    found.retain(|leftover| {
        let is_asked_for = profile.is_none_or(|profile| leftover.profile == profile);
        // Looked at again, since a change may just have come to its end.
        let is_left = || leftover.path.exists();
        is_asked_for && lock::holder(locks, NAME, &leftover.profile).is_none() && is_left()
    });
    let told = found.iter().map(|Leftover { profile, path }| {
        let message = format!("`{}` is left of a change that was broken off", path.display());
        let hint = format!("run `caproni --driver {NAME} --profile {profile} destroy`");
        HealthCheck::new("leftovers", Verdict::Warning, message).with_hint(hint)
    });
    let told: Vec<_> = told.collect();
    if !told.is_empty() {
        return told;
    }
    vec![HealthCheck::new("leftovers", Verdict::Ok, "nothing is left of what was broken off")]
}
