//! What the driver keeps of a machine, beside what colima keeps: what cannot be read back from that.

use caproni_driver::{Error, ErrorKind, state_file};
use serde::{Deserialize, Serialize};

use crate::config::ColimaConfig;
use crate::machine::Machine;

/// Raised when a record changes so that older versions would misread it.
const FORMAT: u64 = 1;

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

    /// Reads what is kept; nothing of a machine that the driver did not make.
    ///
    /// # Errors
    /// `BackendFailed` with the file when it is damaged, or a newer version's.
    pub(crate) fn read(machine: &Machine) -> Result<Option<Self>, Error> {
        let path = machine.record_file();
        let Ok(text) = std::fs::read(&path) else { return Ok(None) };
        let read = state_file::from_json(&text, FORMAT).map(Some);
        read.map_err(|why| why.error(&path.display().to_string()))
    }

    /// Keeps it in the machine's folder, with which it goes.
    ///
    /// # Errors
    /// `PermissionDenied` when it cannot be written.
    pub(crate) fn write(&self, machine: &Machine) -> Result<(), Error> {
        let path = machine.record_file();
        let text = state_file::to_json(self, FORMAT).unwrap_or_default();
        state_file::replace(&path, &text, 0o600).map_err(|error| {
            let message = format!("cannot write `{}`: {error}", path.display());
            Error::new(ErrorKind::PermissionDenied, message).with_hint("make the folder writable")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::tests::with_lima;

    #[test]
    fn a_record_is_read_with_a_format_and_without_and_else_named() {
        let folder = tempfile::tempdir().unwrap();
        let machine = with_lima(folder.path()).machine("demo").unwrap();
        std::fs::create_dir(machine.folder()).unwrap();
        assert_eq!(Record::read(&machine).unwrap(), None);
        let record = Record { mounts: vec!["none".into()], ..Record::default() };
        record.write(&machine).unwrap();
        assert_eq!(Record::read(&machine).unwrap().as_ref(), Some(&record));
        let path = machine.record_file();
        assert!(std::fs::read_to_string(&path).unwrap().contains("\"format\": 1"));
        std::fs::write(&path, serde_json::to_string(&record).unwrap()).unwrap();
        assert_eq!(Record::read(&machine).unwrap(), Some(record));
        for text in ["", "garbage", r#"{"format": 2}"#] {
            std::fs::write(&path, text).unwrap();
            let error = Record::read(&machine).unwrap_err();
            assert!(error.message.contains(&path.display().to_string()), "{error}");
        }
    }
}
