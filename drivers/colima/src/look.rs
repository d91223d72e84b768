//! Everything that is seen of one machine, gathered without changing anything.

use std::time::Duration;

use caproni_driver::backend::PrivateFolder;
use caproni_driver::{Error, Request, lock};
use tokio::net::TcpStream;

use crate::NAME;
use crate::guest::{self, Guest};
use crate::lima::{Instance, Lima};
use crate::machine::Machine;
use crate::record::Record;
use crate::saved::Saved;

/// How long the cluster's API may take to take a connection from this machine.
const CONNECT: Duration = Duration::from_secs(3);

/// What is seen of a machine.
#[derive(Debug, Default)]
pub(crate) struct Look {
    /// What lima has of it.
    pub(crate) instance: Option<Instance>,
    /// What colima kept of the last start that worked.
    pub(crate) saved: Option<Saved>,
    /// What this driver kept of it.
    pub(crate) record: Option<Record>,
    /// Why what this driver or colima kept of it cannot be read.
    pub(crate) unreadable: Option<Error>,
    /// Whether colima's file is there and cannot be read, of a machine that this driver made.
    pub(crate) damaged: bool,
    /// What the machine says, if it runs.
    pub(crate) guest: Option<Guest>,
    /// Whether the API takes connections from here; `None` where nobody asked.
    pub(crate) reachable: Option<bool>,
    /// Whether its data disk is there.
    pub(crate) disk: bool,
    /// Whether its folder is there, be there a machine in it or not.
    pub(crate) folder: bool,
    /// Whether a creation was killed.
    pub(crate) broken_off: bool,
    /// Who changes it right now, such as `start (process 4711)`.
    pub(crate) holder: Option<String>,
}

impl Look {
    /// Whether the machine is somebody's for containers only, and no cluster.
    pub(crate) fn is_foreign(&self) -> bool {
        self.instance.is_some()
            && !self.broken_off
            && self.saved.as_ref().is_some_and(|saved| !saved.has_kubernetes())
    }

    /// Whether anything is there that `destroy` would remove.
    pub(crate) fn exists(&self) -> bool {
        !self.is_foreign()
            && (self.instance.is_some() || self.folder || self.disk || self.broken_off)
    }

    /// Whether it is not a whole cluster: its creation was killed, or it was never started with
    /// success, or only its disk is left.
    pub(crate) fn is_half(&self) -> bool {
        let never_started = self.saved.is_none() && !self.damaged;
        self.exists() && (self.broken_off || self.instance.is_none() || never_started)
    }

    /// Whether lima says that it runs.
    pub(crate) fn is_running(&self) -> bool {
        self.instance.as_ref().is_some_and(Instance::is_running)
    }

    /// Whether k3s runs in it and is reached from here.
    pub(crate) fn is_up(&self) -> bool {
        let Some(Guest::Seen(seen)) = &self.guest else { return false };
        seen.k3s_runs && self.reachable != Some(false)
    }
}

/// Looks at one machine.
///
/// # Errors
/// `BackendUnavailable`, `BackendFailed`, `Cancelled`, `TimedOut`.
pub(crate) async fn look(
    request: &Request,
    lima: &Lima<'_>,
    machine: &Machine,
) -> Result<Look, Error> {
    let all = lima.instances(request).await?;
    let instance = all.into_iter().find(|instance| instance.name == machine.id);
    of(request, lima, machine, instance).await
}

/// Looks at a machine of which lima's word is known.
///
/// # Errors
/// As [`look`].
pub(crate) async fn of(
    request: &Request,
    lima: &Lima<'_>,
    machine: &Machine,
    instance: Option<Instance>,
) -> Result<Look, Error> {
    let mut look = at_rest(machine, instance)?;
    if look.is_running() && !look.is_foreign() {
        let guest = guest::look(request, lima, machine).await?;
        look.reachable = reachable(&guest).await;
        look.guest = Some(guest);
    }
    Ok(look)
}

/// What shows without asking the machine.
///
/// # Errors
/// `BackendFailed` when colima's file is damaged, and the machine may be somebody's for containers only.
pub(crate) fn at_rest(machine: &Machine, instance: Option<Instance>) -> Result<Look, Error> {
    let (record, unreadable) = match Record::read(machine) {
        Ok(record) => (record, None),
        Err(error) => (None, Some(error)),
    };
    let is_ours = record.is_some() || unreadable.is_some();
    let (saved, damage) = match Saved::read(machine) {
        Ok(saved) => (saved, None),
        Err(error) if is_ours => (None, Some(error)),
        Err(error) => return Err(error),
    };
    Ok(Look {
        instance,
        saved,
        record,
        damaged: damage.is_some(),
        unreadable: unreadable.or(damage),
        disk: machine.disk().exists(),
        folder: machine.folder().exists(),
        broken_off: PrivateFolder::was_left(NAME, &machine.profile),
        holder: lock::holder(&lock::state_dir(), NAME, &machine.profile),
        ..Look::default()
    })
}

/// Whether the API takes connections: colima says Running also when the machine's network is gone.
async fn reachable(guest: &Guest) -> Option<bool> {
    let Guest::Seen(seen) = guest else { return None };
    if !seen.k3s_runs {
        return None;
    }
    let address = (seen.host(), seen.api_port()?);
    let connected = tokio::time::timeout(CONNECT, TcpStream::connect(address)).await;
    Some(matches!(connected, Ok(Ok(_))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::tests::with_lima;

    #[test]
    fn a_damaged_file_is_told_of_a_cluster_of_ours_and_refuses_any_other_machine() {
        let folder = tempfile::tempdir().unwrap();
        let machine = with_lima(folder.path()).machine("demo").unwrap();
        std::fs::create_dir(machine.folder()).unwrap();
        std::fs::write(machine.state_file(), "cpu: [").unwrap();
        assert!(at_rest(&machine, None).is_err());
        Record::default().write(&machine).unwrap();
        let look = at_rest(&machine, None).unwrap();
        assert!(look.damaged && look.exists());
        assert!(look.unreadable.is_some_and(|error| error.message.contains("colima.yaml")));
    }
}
