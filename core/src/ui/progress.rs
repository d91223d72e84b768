//! What happens now: live on a terminal, plain lines elsewhere.

use std::fmt;
use std::io::Write;
use std::time::{Duration, Instant};

use caproni_driver::resources;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use super::clean;
use super::colour::{BAD, GOOD, paint};

/// How often a terminal is redrawn.
const TICK: Duration = Duration::from_millis(100);

/// The line that changes. The time stands below that of the steps that are done.
const LINE: &str = "{spinner} {took} {wide_msg}";

/// The step that begins when what was done is undone: the one before it has failed.
const ROLLBACK: &str = "rollback";

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
    /// On a terminal: one line that changes, and above it one for each step that is done.
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
    step: Step,
    message: String,
    lines: u32,
    /// Whether it was said that lines are left out, since the last one that was not.
    left_out: bool,
    allowance: Allowance,
    begun: Instant,
}

/// What is being done.
#[derive(Default)]
struct Step {
    name: String,
    /// What was said when it began.
    what: String,
    begun: Option<Instant>,
    /// Whether it remains on the terminal when it is done.
    remains: bool,
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
            step: Step::default(),
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
        self.show(&progress.step, &progress.message, &count, true);
    }

    pub(super) fn step(&mut self, step: &str, message: &str) {
        self.show(step, message, "", true);
    }

    /// A step of which nothing remains on a terminal.
    pub(super) fn meanwhile(&mut self, step: &str, message: &str) {
        self.show(step, message, "", false);
    }

    fn show(&mut self, step: &str, what: &str, count: &str, remains: bool) {
        let (step, what) = (&one_line(step), one_line(what));
        let message = format!("{what}{}", one_line(count));
        if self.step.name == *step && self.message == message {
            return;
        }
        if self.step.name != *step {
            self.end_step(if step == ROLLBACK { FAILED } else { DONE });
            let (name, begun) = (step.clone(), Some(Instant::now()));
            self.step = Step { name, what, begun, remains };
            self.lines = 0;
        }
        match self.display {
            Display::Live => self.live(format!("{step}: {message}")),
            Display::Lines => self.plain(step, &message),
            Display::Nothing => {}
        }
        self.message = message;
    }

    /// Leaves a line of the step, with the time that it took.
    fn end_step(&mut self, mark: Mark) {
        let Step { name, what, begun, remains } = std::mem::take(&mut self.step);
        let Some(begun) = begun else { return };
        if let Some(bar) = &self.bar {
            bar.reset_elapsed();
        }
        if self.display == Display::Live && remains {
            let mark = paint(mark.1, mark.0);
            self.line(&format!("{mark} {} {name}: {what}", seconds(begun.elapsed())));
        }
    }

    fn live(&mut self, message: String) {
        let is_new = self.bar.is_none();
        let bar = self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::new_spinner();
            let style = ProgressStyle::with_template(LINE).map(|style| {
                style.with_key("took", |state: &ProgressState, line: &mut dyn fmt::Write| {
                    // A line that cannot be written to is not shown either.
                    let _ = line.write_str(&seconds(state.elapsed()));
                })
            });
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar
        });
        bar.set_message(message);
        // It moves by a thread of indicatif's.
        if is_new && resources::threads(1).is_ok() {
            bar.enable_steady_tick(TICK);
        }
    }

    fn plain(&mut self, step: &str, message: &str) {
        self.lines += 1;
        if self.lines <= LINES_PER_STEP && self.allowance.take() {
            self.left_out = false;
            self.print(&format!("{} {step}: {message}", self.elapsed()));
        } else if !self.left_out {
            self.left_out = true;
            self.print(&format!("{} {step}: (more of it is left out)", self.elapsed()));
        }
    }

    fn elapsed(&self) -> String {
        seconds(self.begun.elapsed())
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
        let _ = writeln!(anstream::stderr(), "{}", line.trim_end_matches('\n'));
    }

    /// Ends the display; the step that was under way is done.
    pub(super) fn done(&mut self) {
        self.end(DONE);
    }

    /// Ends the display; the step that was under way has failed.
    pub(super) fn failed(&mut self) {
        self.end(FAILED);
    }

    fn end(&mut self, mark: Mark) {
        self.end_step(mark);
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// What stands before a step that has ended.
type Mark = (&'static str, anstyle::Style);

const DONE: Mark = ("\u{2713}", GOOD);
const FAILED: Mark = ("\u{2717}", BAD);

fn seconds(time: Duration) -> String {
    format!("[{:>5.1}s]", time.as_secs_f64())
}

/// What a driver says in one line, which it must not use to say something in our name.
fn one_line(text: &str) -> String {
    clean(text).replace(['\n', '\t'], " ")
}
