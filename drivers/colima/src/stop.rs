//! `stop`, `restart` and `destroy`, and the end of a machine that does not end by itself.

use std::fs;
use std::time::Duration;

use caproni_driver::backend::PrivateFolder;
use caproni_driver::{Change, ChangeCost, Error, ErrorKind, Outcome, Request};

use crate::NAME;
use crate::colima::{Colima, Disk, private};
use crate::config::ColimaConfig;
use crate::guest::Guest;
use crate::lima::Lima;
use crate::look::{Look, look};
use crate::machine::Machine;
use crate::start::{self, Start};

/// How long a machine may take to end by itself; colima would wait for ever (abiosoft/colima#966,
/// #1521).
const GRACE: Duration = Duration::from_secs(120);

/// How much of the request's time is kept for the end by force.
const FORCE: Duration = Duration::from_secs(15);

/// How a machine is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// By itself, and by force only after its deadline.
    Gracefully,
    /// At once.
    ByForce,
}

/// What became of ending a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It ended by itself.
    ByItself,
    /// It was ended by force after this many seconds.
    Forced(u64),
}

/// Stops a cluster and keeps its data.
///
/// # Errors
/// What colima's words mean, `Cancelled`, `TimedOut`.
pub(crate) async fn stop(
    request: &Request,
    lima: &Lima<'_>,
    machine: &Machine,
) -> Result<Outcome, Error> {
    let seen = look(request, lima, machine).await?;
    if !runs(&seen) {
        return Ok(Outcome::new(Change::None));
    }
    request.progress("stop", format!("stopping cluster `{}`", machine.profile));
    let outcome = Outcome::new(Change::Stopped);
    Ok(match end(request, lima, machine, &seen, End::Gracefully).await? {
        Ended::ByItself => outcome,
        Ended::Forced(seconds) => outcome.with_message(format!(
            "the machine did not end by itself within {seconds} s, and was ended by force"
        )),
    })
}

/// Stops a cluster and starts it again, with what of the config a restart can change.
///
/// # Errors
/// As [`stop`] and [`start::start`]; nothing is stopped that could not be started.
pub(crate) async fn restart(
    request: &Request,
    lima: &Lima<'_>,
    machine: &Machine,
    config: &ColimaConfig,
) -> Result<Outcome, Error> {
    let seen = look(request, lima, machine).await?;
    if seen.is_foreign() || !seen.exists() || seen.is_half() {
        return start::start(request, lima, machine, config).await;
    }
    let start = Start::new(request, lima, machine, config).await?;
    if let Some(error) = seen.unreadable {
        return Err(error);
    }
    let mut found = start::differences(&seen, config);
    if found.iter().any(|difference| difference.change == ChangeCost::Recreate) {
        found.retain(|difference| difference.change == ChangeCost::Recreate);
        return Err(Error::config_mismatch(&machine.profile, found));
    }
    let ran = runs(&seen);
    if ran {
        request.progress("stop", format!("stopping cluster `{}`", machine.profile));
        end(request, lima, machine, &seen, End::Gracefully).await?;
    }
    let stopped = look(request, lima, machine).await?;
    let outcome = start.bring_up(&stopped).await?;
    Ok(if ran { Outcome::new(Change::Restarted) } else { outcome })
}

/// Removes a cluster and its data.
///
/// # Errors
/// What colima's words mean, `Cancelled`, `TimedOut`.
pub(crate) async fn destroy(
    request: &Request,
    lima: &Lima<'_>,
    machine: &Machine,
) -> Result<Outcome, Error> {
    let seen = look(request, lima, machine).await?;
    if !seen.exists() {
        return Ok(Outcome::new(Change::None));
    }
    request.progress("destroy", format!("removing cluster `{}`", machine.profile));
    remove(request, lima, machine, Disk::Delete).await?;
    Ok(Outcome::new(Change::Destroyed))
}

/// Whether there is anything to stop.
fn runs(look: &Look) -> bool {
    let word = look.instance.as_ref().map(|instance| instance.status.as_str());
    !look.is_foreign() && !matches!(word, None | Some("" | "Stopped" | "Uninitialized"))
}

/// Ends a machine, by force after its deadline.
///
/// # Errors
/// What colima's words mean, `Cancelled`, `TimedOut`.
pub(crate) async fn end(
    request: &Request,
    lima: &Lima<'_>,
    machine: &Machine,
    seen: &Look,
    how: End,
) -> Result<Ended, Error> {
    let private = private(&machine.profile, "stop")?;
    let colima = Colima::find(machine, lima)?;
    // colima first talks to what is in the machine: one that does not answer would keep it.
    let answers = matches!(seen.guest, Some(Guest::Seen(_)));
    let limit = grace(request);
    if how == End::Gracefully && seen.is_running() && answers {
        match colima.stop(request, limit, &private).await {
            Ok(()) => return Ok(Ended::ByItself),
            Err(error) if error.kind() == &ErrorKind::Cancelled => return Err(error),
            Err(_) => request.progress("stop", "the machine does not end by itself"),
        }
    }
    lima.stop_by_force(request, machine).await?;
    colima.tidy_up(request, &private).await?;
    Ok(Ended::Forced(if answers { limit.as_secs() } else { 0 }))
}

/// What is left for a graceful end, when the one by force is to have its time as well.
fn grace(request: &Request) -> Duration {
    match request.remaining() {
        Some(left) => left.saturating_sub(FORCE).max(left / 2).min(GRACE),
        None => GRACE,
    }
}

/// Removes a machine and all that belongs to it, be it whole or not.
///
/// # Errors
/// What colima's words mean, `Cancelled`, `TimedOut`.
pub(crate) async fn remove(
    request: &Request,
    lima: &Lima<'_>,
    machine: &Machine,
    disk: Disk,
) -> Result<(), Error> {
    let private = private(&machine.profile, "destroy")?;
    let colima = Colima::find(machine, lima)?;
    let seen = look(request, lima, machine).await?;
    if runs(&seen) && !matches!(seen.guest, Some(Guest::Seen(_))) {
        lima.stop_by_force(request, machine).await?;
    }
    if seen.instance.is_some() {
        colima.delete(request, disk, &private).await?;
    }
    remove_rest(request, lima, machine, disk).await?;
    PrivateFolder::remove(NAME, &machine.profile);
    Ok(())
}

/// What colima leaves of a machine that was never whole.
async fn remove_rest(
    request: &Request,
    lima: &Lima<'_>,
    machine: &Machine,
    disk: Disk,
) -> Result<(), Error> {
    let mut rest = vec![machine.folder(), machine.wish_folder(), machine.kube_folder()];
    if disk == Disk::Delete {
        if machine.disk().exists() {
            lima.delete_disk(request, machine).await?;
        }
        rest.push(machine.store_file());
    }
    for path in rest {
        let removed =
            if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        if let Err(error) = removed
            && error.kind() != std::io::ErrorKind::NotFound
        {
            let message = format!("cannot remove `{}`: {error}", path.display());
            return Err(Error::new(ErrorKind::BackendFailed, message)
                .with_hint(format!("remove `{}`", path.display())));
        }
    }
    Ok(())
}
