//! A dialogue between host and driver as lines of JSON: written down while it happens, without
//! its secrets, and read to be gone through again.

#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod mask;
mod read;
mod secrets;

use std::fs::{File, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::transport::{Event, Listener};

pub use mask::Mask;
pub use read::{Exchange, Recording, Session, reply, request};
pub use secrets::{HIDDEN, Secrets};

/// One line of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// When it came, in milliseconds since the recording began.
    pub t: u64,
    /// Which run of a driver it belongs to, from 1 on.
    pub session: u64,
    /// Whose it is.
    pub from: Side,
    /// The line as it was, but for its end and for what is secret.
    pub line: String,
    /// The bytes of a line that is not UTF-8, as hex digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hex: Option<String>,
}

/// Whose a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The host wrote it to the driver's stdin.
    Host,
    /// The driver wrote it to its stdout, whatever it is.
    Driver,
    /// The driver wrote it to its stderr.
    Stderr,
    /// Nobody wrote it: the driver's process began or ended.
    Event,
}

/// Writes down what it is told of.
pub struct Recorder {
    file: Mutex<Place>,
    begun: Instant,
    sessions: AtomicU64,
    secrets: Secrets,
    complain: Box<dyn Fn(&str) + Send + Sync>,
}

/// Where a recording goes.
enum Place {
    /// Not emptied before there is something to write: a driver may be a caproni as well, which
    /// gets the same variables, and must leave its host's recording alone.
    Path(PathBuf),
    File(File),
    Nowhere,
}

impl Recorder {
    /// Will write to this file, without these secrets and those that it learns. `complain` is
    /// told when that can be done no more.
    ///
    /// # Errors
    /// What the system says of a file that cannot be written.
    pub fn new(
        path: &Path,
        secrets: Secrets,
        complain: impl Fn(&str) + Send + Sync + 'static,
    ) -> std::io::Result<Arc<Self>> {
        // Whether it can be is known at once, and what is in it stays for now.
        close(&File::options().append(true).create(true).mode(0o600).open(path)?)?;
        Ok(Arc::new(Self {
            file: Mutex::new(Place::Path(path.to_owned())),
            begun: Instant::now(),
            sessions: AtomicU64::new(1),
            secrets,
            complain: Box::new(complain),
        }))
    }

    /// Listens to one session, and passes everything on.
    pub fn listener(self: &Arc<Self>, next: Listener) -> Listener {
        let recorder = Arc::clone(self);
        let session = self.sessions.fetch_add(1, Ordering::Relaxed);
        let mask = Mutex::new(Mask::new(self.secrets.clone()));
        Arc::new(move |event| {
            if let Some((from, line)) = line_of(&event) {
                let mut mask = mask.lock().unwrap_or_else(PoisonError::into_inner);
                recorder.write(session, from, &line, &mut mask);
            }
            next(event);
        })
    }

    fn write(&self, session: u64, from: Side, line: &[u8], mask: &mut Mask) {
        let t = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let text = String::from_utf8_lossy(line);
        let masked = mask.line(from, &text);
        let is_exact = std::str::from_utf8(line).is_ok() || masked != text;
        let hex = (!is_exact).then(|| line.iter().map(|byte| format!("{byte:02x}")).collect());
        let line = Line { t, session, from, line: masked, hex };
        let text = serde_json::to_string(&line).unwrap_or_default() + "\n";
        let mut place = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = place.write(&text) {
            *place = Place::Nowhere;
            (self.complain)(&format!("no more is recorded: {error}"));
        }
    }
}

impl Place {
    fn write(&mut self, text: &str) -> std::io::Result<()> {
        if let Self::Path(path) = self {
            *self = Self::File(create(path)?);
        }
        match self {
            Self::File(file) => file.write_all(text.as_bytes()),
            Self::Path(_) | Self::Nowhere => Ok(()),
        }
    }
}

/// Makes an empty recording, in the place of one that is there, for its owner's eyes only.
///
/// # Errors
/// What the system says.
pub fn create(path: &Path) -> std::io::Result<File> {
    let file = File::options().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    close(&file)?;
    Ok(file)
}

/// Closes a file to others that was there already, and more open.
fn close(file: &File) -> std::io::Result<()> {
    let metadata = file.metadata()?;
    match metadata.is_file() && metadata.permissions().mode() & 0o077 != 0 {
        true => file.set_permissions(Permissions::from_mode(0o600)),
        false => Ok(()),
    }
}

fn line_of(event: &Event) -> Option<(Side, Vec<u8>)> {
    match event {
        Event::Sent(line) => Some((Side::Host, line.clone())),
        Event::Received(line) => Some((Side::Driver, line.clone())),
        Event::Log(line) => Some((Side::Stderr, line.clone().into_bytes())),
        Event::Started(path) => {
            let (version, path) = (env!("CARGO_PKG_VERSION"), path.display());
            let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
            Some((Side::Event, format!("caproni {version}, {os}, {arch}: runs {path}").into()))
        }
        Event::Ended(how) => Some((Side::Event, how.clone().into_bytes())),
        // Both are lines that were received.
        Event::Progress(_) | Event::Noise(_) => None,
    }
}
