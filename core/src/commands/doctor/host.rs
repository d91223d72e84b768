//! What the host itself needs, whatever the driver.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use caproni_driver::{Action, HealthCheck, Verdict, lock, trust};
use rustix::fs::{Access, access, statvfs};

use super::certificates;
use super::finding::{Finding, from_error};
use crate::commands::App;
use crate::exit;
use crate::kubeconfig::UserKubeconfig;
use crate::takeover::find;

/// Less than this keeps a start from writing what it must, in bytes.
const LEAST_DISK: u64 = 64 * MIB;

/// Less than this will soon be too little.
const LITTLE_DISK: u64 = 1024 * MIB;

const MIB: u64 = 1024 * 1024;

/// All of it, in the order in which it should be mended.
pub(super) fn findings(app: &App) -> Vec<Finding> {
    let state = lock::state_dir();
    let mut findings = vec![
        Finding::of_host(folder(&state), exit::RESOURCES),
        Finding::of_host(disk(&state), exit::RESOURCES),
    ];
    let kubeconfig = UserKubeconfig::locate().map(|user| user.health());
    let kubeconfig = kubeconfig.unwrap_or_else(|error| vec![from_error("kubeconfig", &error)]);
    findings.extend(kubeconfig.into_iter().map(|check| Finding::of_host(check, exit::CONFIG)));
    let certificates = certificates::checks(&state);
    findings.extend(certificates.into_iter().map(|check| Finding::of_host(check, exit::CONFIG)));
    findings.push(Finding::of_host(kubectl(), exit::BACKEND));
    findings.push(Finding::of_host(drivers(app), exit::NO_DRIVER));
    findings
}

/// Asks for the right to write without writing: a look leaves no trace.
fn folder(state: &Path) -> HealthCheck {
    let name = "state";
    let shown = state.display();
    let failed = |message: String| {
        let hint = "mend the folder, or name another one in CAPRONI_STATE_DIR";
        HealthCheck::new(name, Verdict::Failed, message).with_hint(hint)
    };
    let Some(there) = state.ancestors().find(|folder| folder.exists()) else {
        return failed(format!("`{shown}` cannot be made"));
    };
    if !there.is_dir() {
        return failed(format!("`{}` is not a folder", there.display()));
    }
    if let Err(error) = access(there, Access::WRITE_OK | Access::EXEC_OK) {
        return failed(format!("`{}` cannot be written: {error}", there.display()));
    }
    if there != state {
        let message = format!("`{shown}` is made by the first cluster");
        return HealthCheck::new(name, Verdict::Ok, message);
    }
    match exposed(state) {
        Some(check) => check,
        None => {
            HealthCheck::new(name, Verdict::Ok, format!("`{shown}` is yours, and can be written"))
        }
    }
}

/// Who else can write to the folder, or owns it: credentials lie in it.
fn exposed(state: &Path) -> Option<HealthCheck> {
    let metadata = state.metadata().ok()?;
    let shown = state.display();
    if !trust::is_ours(metadata.uid()) {
        let message = format!("`{shown}` belongs to user {}, not to you", metadata.uid());
        let check = HealthCheck::new("state", Verdict::Failed, message);
        return Some(check.with_hint("name a folder of your own in CAPRONI_STATE_DIR"));
    }
    let mode = metadata.permissions().mode();
    // One with the sticky bit is shared as `/tmp` is: what is below is closed.
    (mode & 0o022 != 0 && mode & 0o1000 == 0).then(|| {
        let message = format!("`{shown}` can be written by others (mode {:04o})", mode & 0o7777);
        let argv = ["chmod".into(), "go-w".into(), shown.to_string()];
        let close = Action::new("Close the state folder", "credentials lie in it", argv);
        HealthCheck::new("state", Verdict::Failed, message).with_actions([close])
    })
}

fn disk(state: &Path) -> HealthCheck {
    let name = "disk";
    let there = state.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"));
    let Ok(space) = statvfs(there) else {
        let message = format!("the free space of `{}` is not known", there.display());
        return HealthCheck::new(name, Verdict::Warning, message)
            .with_hint(format!("run `df {}` to see why", there.display()));
    };
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    let message = format!("{} MiB are free at `{}`", free / MIB, there.display());
    let hint = "make room on the disk, or name another folder in CAPRONI_STATE_DIR";
    match free {
        ..LEAST_DISK => HealthCheck::new(name, Verdict::Failed, message).with_hint(hint),
        LEAST_DISK..LITTLE_DISK => {
            HealthCheck::new(name, Verdict::Warning, message).with_hint(hint)
        }
        _ => HealthCheck::new(name, Verdict::Ok, message),
    }
}

fn kubectl() -> HealthCheck {
    match find("kubectl") {
        Some(path) => HealthCheck::new("kubectl", Verdict::Ok, format!("`{}`", path.display())),
        // Clusters work without; `caproni kubectl` does not.
        None => HealthCheck::new("kubectl", Verdict::Warning, "kubectl is not installed")
            .with_hint("install kubectl as https://kubernetes.io/docs/tasks/tools says"),
    }
}

fn drivers(app: &App) -> HealthCheck {
    let names: Vec<String> = app.search.names().into_iter().collect();
    if names.is_empty() {
        return HealthCheck::new("drivers", Verdict::Failed, "no driver is installed")
            .with_hint("put an executable `caproni-driver-NAME` on PATH");
    }
    HealthCheck::new("drivers", Verdict::Ok, format!("found: {}", names.join(", ")))
}
