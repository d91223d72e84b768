//! What the driver keeps of a machine, beside what colima keeps: what cannot be read back from that.

use caproni_driver::{Error, ErrorKind};
use serde::{Deserialize, Serialize};

use crate::config::ColimaConfig;
use crate::machine::Machine;

/// What a machine was last started with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Record {
    /// colima does not tell the home folder from nothing.
    pub(crate) mounts: Vec<String>,
    /// colima does not keep them.
    pub(crate) extra_args: Vec<String>,
}

impl Record {
    /// What is to be kept of a config.
    pub(crate) fn of(config: &ColimaConfig) -> Self {
        Self { mounts: config.mounts.clone(), extra_args: config.extra_args.clone() }
    }

    /// Reads what is kept; nothing of a machine that the driver did not make, or cannot be read.
    pub(crate) fn read(machine: &Machine) -> Option<Self> {
        let text = std::fs::read_to_string(machine.record_file()).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Keeps it in the machine's folder, with which it goes.
    ///
    /// # Errors
    /// `PermissionDenied` when it cannot be written.
    pub(crate) fn write(&self, machine: &Machine) -> Result<(), Error> {
        let path = machine.record_file();
        let text = serde_json::to_string(self).unwrap_or_default();
        std::fs::write(&path, text).map_err(|error| {
            let message = format!("cannot write `{}`: {error}", path.display());
            Error::new(ErrorKind::PermissionDenied, message).with_hint("make the folder writable")
        })
    }
}
