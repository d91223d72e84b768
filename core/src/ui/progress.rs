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
    begun: Instant,
}

impl Progress {
    pub(super) fn new(display: Display) -> Self {
        Self {
            display,
            bar: None,
            step: String::new(),
            message: String::new(),
            lines: 0,
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
        let message = clean(message);
        if self.step == step && self.message == message {
            return;
        }
        if self.step != step {
            self.step = step.to_owned();
            self.lines = 0;
        }
        match self.display {
            Display::Live => self.bar().set_message(format!("{}: {message}", clean(step))),
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
        let step = clean(step);
        match self.lines {
            ..=LINES_PER_STEP => self.print(&format!("[{}] {step}: {message}", self.elapsed())),
            n if n == LINES_PER_STEP + 1 => {
                self.print(&format!("[{}] {step}: (more of it is left out)", self.elapsed()));
            }
            _ => {}
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
