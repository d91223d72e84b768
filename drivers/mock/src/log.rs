//! What happened to each node: `<folder>/<profile>.logs/<node>.log`, a line for each thing.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use caproni_driver::Error;

use crate::status;
use crate::store::{Record, RecordFile, failed};

impl RecordFile {
    /// Adds a line to the log of each node that the record tells of.
    pub(crate) fn log(&self, record: &Record, happened: &str) -> Result<(), Error> {
        #[expect(clippy::disallowed_methods, reason = "for people: when it happened")]
        let now = humantime::format_rfc3339_millis(SystemTime::now());
        for node in status::nodes(self.profile(), record) {
            let path = self.log_of(&node.name);
            let line = format!("{now} {happened}\n");
            append(&path, &line).map_err(|error| failed("write", &path, &error))?;
        }
        Ok(())
    }

    /// The file that is a node's log, there or not.
    pub(crate) fn log_of(&self, node: &str) -> PathBuf {
        self.logs().join(format!("{node}.log"))
    }
}

fn append(path: &Path, line: &str) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    OpenOptions::new().append(true).create(true).open(path)?.write_all(line.as_bytes())
}
