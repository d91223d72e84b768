//! The only place that prints: results on stdout, everything else on stderr.

mod progress;
mod text;

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use caproni_driver::Action;
use serde_json::{Value, json};

use crate::error::Error;
use crate::exit;
use crate::interrupt::Interrupt;
use crate::transport::{Event, Listener};
use progress::{Display, Progress};

pub use text::{Width, clean, condition_line, nodes_table, table, value, wrap, wrapped_table};

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// One JSON value, for programs
    Json,
}

/// The user at the other end.
#[derive(Clone)]
pub struct Ui {
    format: Format,
    verbose: bool,
    progress: Arc<Mutex<Progress>>,
}

impl Ui {
    /// Talks in a format; `verbose` shows the drivers' logs as well.
    ///
    /// A program that asks for JSON gets an error as the one thing on stderr, so
    /// progress and notes are left out for it, unless a person looks on.
    pub fn new(format: Format, verbose: bool) -> Self {
        let display = match (std::io::stderr().is_terminal(), format) {
            (true, _) if !verbose => Display::Live,
            (false, Format::Json) if !verbose => Display::Nothing,
            _ => Display::Lines,
        };
        Self { format, verbose, progress: Arc::new(Mutex::new(Progress::new(display))) }
    }

    /// Shows what happens now, until the next step or [`Ui::done`].
    pub fn step(&self, step: &str, message: &str) {
        self.progress().step(step, message);
    }

    /// Ends the display of steps.
    pub fn done(&self) {
        self.progress().done();
    }

    /// Tells something that is neither result nor error.
    pub fn note(&self, message: &str) {
        self.progress().line(&clean(message));
    }

    /// Tells something that should make the user think.
    pub fn warn(&self, message: &str) {
        self.progress().line(&format!("warning: {}", clean(message)));
    }

    /// Tells the user's drivers' progress as it comes.
    pub fn listener(&self) -> Listener {
        let ui = self.clone();
        Arc::new(move |event| match event {
            Event::Progress(progress) => ui.progress().report(&progress),
            Event::Log(line) if ui.verbose => ui.note(&format!("driver: {line}")),
            Event::Noise(line) if ui.verbose => {
                ui.note(&format!("driver, on stdout where only the protocol belongs: {line}"));
            }
            Event::Log(_) | Event::Noise(_) => {}
            Event::Sent(_) | Event::Received(_) | Event::Started(_) | Event::Ended(_) => {}
        })
    }

    /// Prints a command's result: the one thing on stdout.
    ///
    /// # Errors
    /// It cannot be written, to a full disk say. A reader that has gone away is no
    /// failure of ours.
    pub fn result(&self, text: &str, json: &Value) -> Result<(), Error> {
        let printed = match self.format {
            Format::Text => self.print(text.trim_end()),
            Format::Json => self.print(&text::harmless_json(json)),
        };
        printed.map(drop)
    }

    /// Prints one of the results of a command that goes on, a line whatever the format, and tells
    /// whether anybody reads it still.
    ///
    /// # Errors
    /// As [`Ui::result`].
    pub fn event(&self, line: &str, json: &Value) -> Result<bool, Error> {
        match self.format {
            Format::Text => self.print(line),
            Format::Json => self.print(&text::harmless_json_line(json)),
        }
    }

    fn print(&self, text: &str) -> Result<bool, Error> {
        self.done();
        let mut stdout = anstream::stdout();
        let written = writeln!(stdout, "{text}");
        match written.and_then(|()| stdout.flush()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => {
                Err(Error::internal("it worked, but the result cannot be written", error))
            }
        }
    }

    /// Prints a failure.
    pub fn error(&self, error: &Error) {
        self.done();
        let mut stderr = anstream::stderr();
        let _ = match self.format {
            Format::Text => write!(stderr, "{}", text::error(error, self.verbose)),
            Format::Json => writeln!(stderr, "{}", text::harmless_json(&error_json(error))),
        };
    }

    /// Shows no more steps and notes: stderr belongs to someone else.
    pub fn be_silent(&self) {
        self.progress().silence();
    }

    /// Writes a line of the protocol, where this program plays a driver: the one thing on
    /// stdout then.
    pub fn wire(&self, line: &[u8]) {
        // A host that is gone is told of by the end of stdin.
        let mut stdout = std::io::stdout().lock();
        let _ = stdout.write_all(&[line, b"\n"].concat()).and_then(|()| stdout.flush());
    }

    /// Writes a line of a driver's log, where this program plays one.
    pub fn log(&self, line: &[u8]) {
        let _ = std::io::stderr().lock().write_all(&[line, b"\n"].concat());
    }

    /// How wide a result may be: as the terminal it goes to, else as `COLUMNS` says, else 80.
    pub fn width(&self) -> u16 {
        let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout());
        let terminal = size.ok().map(|size| size.ws_col).filter(|&width| width > 0);
        let said = || std::env::var("COLUMNS").ok()?.parse().ok();
        terminal.or_else(said).unwrap_or(80)
    }

    /// Prints an error as the driver answered it, for those who want to see just that.
    pub fn answered_error(&self, error: &Error, answer: &Value) {
        match self.format {
            Format::Text => {
                self.done();
                let _ = writeln!(anstream::stderr(), "{answer:#}");
            }
            Format::Json => self.error(&error.clone().with("answer", answer.clone())),
        }
    }

    /// Tells whether a person can be asked.
    pub fn can_ask(&self) -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Asks a question that is answered with yes or no; anything but yes is no, and so
    /// is Ctrl-C.
    pub async fn ask(&self, question: &str, interrupt: &Interrupt) -> bool {
        self.done();
        let mut stderr = anstream::stderr();
        let _ = write!(stderr, "{} [y/N] ", clean(question));
        let _ = stderr.flush();
        let (sender, answer) = tokio::sync::oneshot::channel();
        // A thread of its own: one of tokio's, still reading, would keep the program alive.
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = std::io::stdin().read_line(&mut line);
            let _ = sender.send(line);
        });
        let answer = tokio::select! {
            answer = answer => answer.unwrap_or_default(),
            () = interrupt.first() => {
                let _ = writeln!(stderr);
                String::new()
            }
        };
        matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
    }

    /// Shows the commands that would mend an error.
    pub fn show_actions(&self, actions: &[Action]) {
        for action in actions {
            self.note(&format!("{}: {}", action.title, action.reason));
            self.note(&format!("    {}", action.command_line()));
        }
    }

    fn progress(&self) -> std::sync::MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A failure as the one JSON value that tells it all: `{"error": {kind, message, …}}`.
fn error_json(error: &Error) -> Value {
    let mut json = error.to_json();
    json["exitCode"] = exit::code(error).into();
    json!({ "error": json })
}
