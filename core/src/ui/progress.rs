//! What happens now: live on a terminal, plain lines elsewhere.

use std::io::Write;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::clean;

/// How often a terminal is redrawn.
const TICK: Duration = Duration::from_millis(100);

/// How many plain lines within one step before the rest of it is left out. A log of
/// CI should tell what happened, not each of a hundred thousand messages.
const LINES_PER_STEP: u32 = 50;

/// How many plain lines may come at once, whatever their steps, and how many a second after
/// that: the ten of PROG-2.
const BURST: f64 = 100.0;
const LINES_PER_SECOND: f64 = 10.0;

/// How steps are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Display {
    /// On a terminal: one line that changes.
    Live,
    /// A line for each step.
    Lines,
    /// Not at all, and notes neither.
    Nothing,
}

/// The display of the steps of one command.
pub(super) struct Progress {
    display: Display,
    bar: Option<ProgressBar>,
    step: String,
    message: String,
    lines: u32,
    /// Whether it was said that lines are left out, since the last one that was not.
    left_out: bool,
    allowance: Allowance,
    begun: Instant,
}

/// How many lines may still be printed.
struct Allowance {
    lines: f64,
    counted: Instant,
}

impl Allowance {
    fn take(&mut self) -> bool {
        let earned = self.counted.elapsed().as_secs_f64() * LINES_PER_SECOND;
        self.counted = Instant::now();
        self.lines = (self.lines + earned).min(BURST);
        let enough = self.lines >= 1.0;
        self.lines -= f64::from(u8::from(enough));
        enough
    }
}

impl Progress {
    pub(super) fn new(display: Display) -> Self {
        Self {
            display,
            bar: None,
            step: String::new(),
            message: String::new(),
            lines: 0,
            left_out: false,
            allowance: Allowance { lines: BURST, counted: Instant::now() },
            begun: Instant::now(),
        }
    }

    /// A driver's report, with its count where it has one.
    pub(super) fn report(&mut self, progress: &caproni_driver::Progress) {
        let count = match (progress.current, progress.total) {
            (Some(current), Some(total)) => {
                let unit =
                    progress.unit.as_deref().map(|unit| format!(" {unit}")).unwrap_or_default();
                format!(" ({current}/{total}{unit})")
            }
            _ => String::new(),
        };
        self.step(&progress.step, &format!("{}{count}", progress.message));
    }

    pub(super) fn step(&mut self, step: &str, message: &str) {
        let (step, message) = (&one_line(step), one_line(message));
        if self.step == *step && self.message == message {
            return;
        }
        if self.step != *step {
            self.step.clone_from(step);
            self.lines = 0;
        }
        match self.display {
            Display::Live => self.bar().set_message(format!("{step}: {message}")),
            Display::Lines => self.plain(step, &message),
            Display::Nothing => {}
        }
        self.message = message;
    }

    fn bar(&mut self) -> &ProgressBar {
        self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::new_spinner();
            let style = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.enable_steady_tick(TICK);
            bar
        })
    }

    fn plain(&mut self, step: &str, message: &str) {
        self.lines += 1;
        if self.lines <= LINES_PER_STEP && self.allowance.take() {
            self.left_out = false;
            self.print(&format!("[{}] {step}: {message}", self.elapsed()));
        } else if !self.left_out {
            self.left_out = true;
            self.print(&format!("[{}] {step}: (more of it is left out)", self.elapsed()));
        }
    }

    fn elapsed(&self) -> String {
        format!("{:>5.1}s", self.begun.elapsed().as_secs_f64())
    }

    /// A line of its own, above the live display.
    pub(super) fn line(&self, line: &str) {
        if self.display == Display::Nothing {
            return;
        }
        match &self.bar {
            Some(bar) => bar.suspend(|| self.print(line)),
            None => self.print(line),
        }
    }

    pub(super) fn silence(&mut self) {
        self.display = Display::Nothing;
    }

    fn print(&self, line: &str) {
        // Nobody reads it any more: the work goes on all the same.
        let _ = writeln!(anstream::stderr(), "{line}");
    }

    pub(super) fn done(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// What a driver says in one line, which it must not use to say something in our name.
fn one_line(text: &str) -> String {
    clean(text).replace(['\n', '\t'], " ")
}
