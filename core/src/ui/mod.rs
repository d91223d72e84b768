//! The only place that prints: results on stdout, everything else on stderr.

mod colour;
mod fill;
mod format;
mod progress;
mod table;
mod text;

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use caproni_driver::Action;
use serde::Serialize;
use serde_json::{Value, json};

use crate::error::Error;
use crate::exit;
use crate::interrupt::Interrupt;
use crate::invocation::Invocation;
use crate::options::Level;
use crate::recording::{Mask, Secrets, Side};
use crate::transport::{Event, Listener};
use progress::{Display, Progress};

pub use colour::state;
pub use fill::{hang, wrap};
pub use format::Format;
pub use table::{Width, table, wrapped_table};
pub use text::{clean, condition_line, differences_table, nodes_table, value};

/// Which lines between host and driver are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// None.
    Never,
    /// All, and of a long one its beginning.
    Short,
    /// All as they are.
    Whole,
}

/// How much of a line is shown that is not shown whole, in characters.
const SHOWN: usize = 500;

/// The user at the other end.
#[derive(Clone)]
pub struct Ui {
    format: Format,
    level: Level,
    /// Whether what was done is told only to programs.
    quiet: bool,
    /// Whether one of several results was printed.
    has_begun: Arc<AtomicBool>,
    secrets: Secrets,
    invocation: Invocation,
    progress: Arc<Mutex<Progress>>,
}

/// A terminal that tells a smaller width than this is not believed.
const LEAST_WIDTH: u16 = 20;

impl Ui {
    /// Talks in a format, and tells as much as the level says.
    ///
    /// A program that asks for JSON or YAML gets an error as the one thing on stderr, so
    /// progress and notes are left out for it, unless a person looks on.
    pub fn new(format: Format, level: Level) -> Self {
        let verbose = level >= Level::Debug;
        let is_terminal = std::io::stderr().is_terminal();
        let display = match (is_terminal && can_move_its_cursor(), format) {
            (true, _) if !verbose => Display::Live,
            (false, Format::Json | Format::Yaml) if !verbose && !is_terminal => Display::Nothing,
            _ => Display::Lines,
        };
        let progress = Arc::new(Mutex::new(Progress::new(display)));
        let (secrets, has_begun) = (Secrets::default(), Arc::default());
        let invocation = Invocation::default();
        Self { format, level, quiet: false, has_begun, secrets, invocation, progress }
    }

    /// Advises commands as this program itself was called.
    #[must_use]
    pub fn called(self, invocation: Invocation) -> Self {
        Self { invocation, ..self }
    }

    /// How this program was called.
    pub fn invocation(&self) -> &Invocation {
        &self.invocation
    }

    /// Says nothing any more of what was done well.
    #[must_use]
    pub fn quiet(mut self) -> Self {
        self.quiet = true;
        self
    }

    /// Tells whether only names, results and what went wrong are wanted.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// What is known to be secret: it is shown in no note and in no error.
    pub fn secrets(&self) -> Secrets {
        self.secrets.clone()
    }

    /// Shows what happens now, until the next step or [`Ui::done`].
    pub fn step(&self, step: &str, message: &str) {
        if self.level > Level::Warn {
            self.progress().step(step, &self.secrets.scrub(message));
        }
    }

    /// As [`Ui::step`], for what is looked on at: nothing of it remains.
    pub fn meanwhile(&self, step: &str, message: &str) {
        if self.level > Level::Warn {
            self.progress().meanwhile(step, &self.secrets.scrub(message));
        }
    }

    /// Ends the display of steps.
    pub fn done(&self) {
        self.progress().done();
    }

    /// Tells something that is neither result nor error.
    pub fn note(&self, message: &str) {
        if self.level > Level::Warn {
            self.announce(message);
        }
    }

    /// Tells something as it is, such as a line of a log or a command line.
    fn verbatim(&self, line: &str) {
        if self.level > Level::Warn {
            self.announce_verbatim(line);
        }
    }

    /// Tells what is about to be asked or run, however little else is told.
    pub fn announce(&self, message: &str) {
        let message = clean(&self.secrets.scrub(message));
        self.progress().line(&fill::fill(&message, self.terminal(), ""));
    }

    /// As [`Ui::announce`], a command line that is to be copied.
    fn announce_verbatim(&self, line: &str) {
        self.progress().line(&clean(&self.secrets.scrub(line)));
    }

    /// Tells something that should make the user think.
    pub fn warn(&self, message: &str) {
        let message = self.invocation.complete(&self.secrets.scrub(message));
        let text = text::labelled("warning: ", colour::WARNING, &message, self.terminal());
        self.progress().line(&text);
    }

    /// Tells what one driver does as it comes: its progress, and what the level says.
    pub fn listener(&self) -> Listener {
        let lines = if self.level >= Level::Trace { Lines::Short } else { Lines::Never };
        self.listener_with(lines)
    }

    /// As [`Ui::listener`], and shows what goes over the wire.
    pub fn listener_with(&self, lines: Lines) -> Listener {
        let (ui, begun) = (self.clone(), Instant::now());
        let mask = Mutex::new(Mask::new(self.secrets()));
        let wire = move |ui: &Self, arrow: &str, from: Side, line: &[u8]| {
            let mut mask = mask.lock().unwrap_or_else(PoisonError::into_inner);
            match lines {
                Lines::Never => mask.hear(from, line),
                shown => {
                    let line = mask.line(from, &String::from_utf8_lossy(line));
                    ui.verbatim(&format!("{arrow} {}", shortened(line, shown)));
                }
            }
        };
        Arc::new(move |event| match event {
            Event::Progress(progress) => ui.report(&progress),
            Event::Log(line) if ui.is_verbose() => ui.verbatim(&format!("driver: {line}")),
            Event::Noise(line) if ui.is_verbose() => {
                ui.verbatim(&format!("driver, on stdout where only the protocol belongs: {line}"));
            }
            Event::Log(_) | Event::Noise(_) => {}
            Event::Sent(line) => wire(&ui, "->", Side::Host, &line),
            Event::Received(line) => wire(&ui, "<-", Side::Driver, &line),
            Event::Started(path) if ui.level >= Level::Trace => {
                ui.verbatim(&format!("runs `{}`", path.display()));
            }
            Event::Ended(how) if ui.level >= Level::Trace => {
                let seconds = begun.elapsed().as_secs_f64();
                ui.verbatim(&format!("the driver {how} after {seconds:.1} s"));
            }
            Event::Started(_) | Event::Ended(_) => {}
        })
    }

    fn report(&self, progress: &caproni_driver::Progress) {
        if self.level > Level::Warn {
            let mut progress = progress.clone();
            progress.message = self.secrets.scrub(&progress.message);
            self.progress().report(&progress);
        }
    }

    fn is_verbose(&self) -> bool {
        self.level >= Level::Debug
    }

    /// Prints a command's result: the one thing on stdout. A text that is empty is none.
    ///
    /// # Errors
    /// It cannot be written, to a full disk say. A reader that has gone away is no
    /// failure of ours.
    pub fn result(&self, text: &str, value: &impl Serialize) -> Result<(), Error> {
        let printed = match self.format {
            Format::Text if text.is_empty() => return Ok(()),
            Format::Text => self.print(text.trim_end()),
            Format::Json => self.print(&format::json(&to_value(value)?)),
            Format::Yaml => self.print(format::yaml(&to_value(value)?).trim_end()),
        };
        printed.map(drop)
    }

    /// As [`Ui::result`], of which only the one that is printed is made.
    ///
    /// # Errors
    /// As [`Ui::result`].
    pub fn result_of<T: Serialize>(
        &self,
        text: impl FnOnce() -> String,
        value: impl FnOnce() -> T,
    ) -> Result<(), Error> {
        match self.format {
            Format::Text => self.result(&text(), &()),
            Format::Json | Format::Yaml => self.result("", &value()),
        }
    }

    /// As [`Ui::result`], of a command that was run for what it does: there is nothing to tell a
    /// person who wants to hear only of failures.
    ///
    /// # Errors
    /// As [`Ui::result`].
    pub fn done_result(&self, text: &str, value: &impl Serialize) -> Result<(), Error> {
        self.result(if self.quiet { "" } else { text }, value)
    }

    /// Prints one of the results of a command that goes on: in text and JSON a line, in YAML a
    /// document. Tells whether anybody reads it still.
    ///
    /// # Errors
    /// As [`Ui::result`].
    pub fn event(&self, line: &str, value: &impl Serialize) -> Result<bool, Error> {
        let between = if self.has_begun.swap(true, Ordering::Relaxed) { "---\n" } else { "" };
        match self.format {
            Format::Text => self.print(line),
            Format::Json => self.print(&format::json_line(&to_value(value)?)),
            Format::Yaml => {
                let document = format::yaml(&to_value(value)?);
                self.print(&format!("{between}{}", document.trim_end()))
            }
        }
    }

    fn print(&self, text: &str) -> Result<bool, Error> {
        self.done();
        // At once: anstream's own stream writes each piece of a line by itself.
        let plain = match is_in_colour() || text::is_plain(text) {
            true => text.to_owned(),
            false => anstream::adapter::strip_str(text).to_string(),
        };
        let mut stdout = std::io::stdout().lock();
        let written = stdout.write_all((plain + "\n").as_bytes());
        match written.and_then(|()| stdout.flush()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(Error::system("it worked, but the result cannot be written", &error)),
        }
    }

    /// Prints a failure.
    pub fn error(&self, error: &Error) {
        self.progress().failed();
        let error = error.clone().advised(&self.invocation);
        let mut stderr = anstream::stderr();
        let _ = match self.format {
            Format::Text => {
                let (verbose, terminal) = (self.is_verbose(), self.terminal());
                let shown = text::Shown { verbose, terminal, width: terminal.unwrap_or(columns()) };
                write!(stderr, "{}", self.secrets.scrub(&text::error(&error, shown)))
            }
            Format::Json => writeln!(stderr, "{}", format::json(&self.error_value(&error))),
            Format::Yaml => write!(stderr, "{}", format::yaml(&self.error_value(&error))),
        };
    }

    fn error_value(&self, error: &Error) -> Value {
        let mut value = error_json(error);
        self.secrets.scrub_all(&mut value);
        value["error"]["kind"] = error.kind.to_string().into();
        value
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
        width_of(rustix::stdio::stdout()).unwrap_or(columns())
    }

    /// A table whose words of some columns have their colour, where results are shown in colour.
    pub fn columns_in_colour(&self, table: String, heads: &[&str]) -> String {
        if is_in_colour() { colour::columns(&table, heads) } else { table }
    }

    /// What to do next, as part of a result.
    pub fn advice(&self, text: &str) -> String {
        wrap(&self.invocation.complete(text), self.width(), "")
    }

    /// How wide the terminal is that messages go to, if they go to one.
    fn terminal(&self) -> Option<u16> {
        width_of(rustix::stdio::stderr())
    }

    /// Prints an error as the driver answered it, for those who want to see just that.
    pub fn answered_error(&self, error: &Error, answer: &Value) {
        match self.format {
            Format::Text => {
                self.done();
                let mut answer = answer.clone();
                self.secrets.scrub_all(&mut answer);
                let _ = writeln!(anstream::stderr(), "{answer:#}");
            }
            Format::Json | Format::Yaml => {
                self.error(&error.clone().with("answer", answer.clone()))
            }
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
        let reader = std::thread::Builder::new().spawn(move || {
            let mut line = String::new();
            let _ = std::io::stdin().read_line(&mut line);
            let _ = sender.send(line);
        });
        if let Err(error) = reader {
            let _ = writeln!(stderr, "{error}");
            return false;
        }
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
            self.announce(&format!("{}: {}", action.title, action.reason));
            let rights = if action.privileged { "    (as administrator)" } else { "" };
            self.announce_verbatim(&format!("    {}{rights}", action.command_line()));
        }
    }

    fn progress(&self) -> std::sync::MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn width_of(stream: impl std::os::fd::AsFd) -> Option<u16> {
    let size = rustix::termios::tcgetwinsize(stream);
    size.ok().map(|size| size.ws_col).filter(|&width| width >= LEAST_WIDTH)
}

/// Tells whether results are shown in colour, on a terminal say.
fn is_in_colour() -> bool {
    anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never
}

/// How wide tables are where there is no terminal.
fn columns() -> u16 {
    let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    said.unwrap_or(80)
}

/// Tells whether a line that changes can be shown on the terminal, if stderr is one.
fn can_move_its_cursor() -> bool {
    std::env::var_os("TERM").is_none_or(|name| name != "dumb")
}

fn shortened(line: String, lines: Lines) -> String {
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) if lines == Lines::Short => {
            format!("{}… ({} bytes)", &line[..end], line.len())
        }
        _ => line,
    }
}

fn to_value(value: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(value)
        .map_err(|error| Error::internal("the result cannot be written", error))
}

/// A failure as the one value that tells it all: `{"error": {kind, message, …}}`.
fn error_json(error: &Error) -> Value {
    let mut json = error.to_json();
    json["exitCode"] = exit::code(error).into();
    json!({ "error": json })
}
