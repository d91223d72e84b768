//! The process groups of the programs that run, so that none outlives its driver.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::process::Child;

use super::POLL;
use crate::error::Error;

/// The process group of a program that runs: known to [`end_all`] until this is dropped.
pub(super) struct Group(Pid);

impl Group {
    /// Starts a program, unless the driver is at its end.
    pub(super) fn of(
        spawn: impl FnOnce() -> Result<Child, Error>,
    ) -> Result<(Child, Option<Self>), Error> {
        // Held while it starts, so that none slips through between the two.
        let mut groups = Groups::lock();
        if groups.is_over {
            return Err(Error::cancelled());
        }
        let child = spawn()?;
        let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        groups.running.extend(group);
        Ok((child, group.map(Self)))
    }

    pub(super) fn signal(&self, signal: Signal) {
        // ESRCH: all are gone, which is what is wanted.
        let _ = kill_process_group(self.0, signal);
    }

    pub(super) fn has_members(&self) -> bool {
        test_kill_process_group(self.0).is_ok()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        Groups::lock().running.retain(|group| group != &self.0);
    }
}

/// Ends every program that runs, for a driver that must end at once; none starts any more.
/// Those that do not heed SIGTERM within `grace` get SIGKILL.
pub(crate) async fn end_all(grace: Duration) {
    Groups::lock().end();
    let all_gone = async {
        while !Groups::lock().are_gone() {
            tokio::time::sleep(POLL).await;
        }
    };
    let _ = tokio::time::timeout(grace, all_gone).await;
    Groups::lock().signal(Signal::KILL);
}

/// The groups of all programs that run.
static GROUPS: Mutex<Groups> = Mutex::new(Groups { running: Vec::new(), is_over: false });

struct Groups {
    running: Vec<Pid>,
    /// The driver is at its end: no program starts any more.
    is_over: bool,
}

impl Groups {
    fn lock() -> MutexGuard<'static, Self> {
        GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&mut self) {
        self.is_over = true;
        self.signal(Signal::TERM);
    }

    fn signal(&self, signal: Signal) {
        for group in &self.running {
            // ESRCH: all are gone, which is what is wanted.
            let _ = kill_process_group(*group, signal);
        }
    }

    fn are_gone(&self) -> bool {
        !self.running.iter().any(|group| test_kill_process_group(*group).is_ok())
    }
}
