//! Looking at a cluster again and again: what `status --watch` and `wait` do.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::status::{Report, report};
use super::{App, LIMIT_TO_ASK, Target};
use crate::error::Error;
use crate::exit;
use crate::session::Session;
use crate::ui::clean;

/// How long to wait between two looks.
pub(super) const PAUSE: Duration = Duration::from_millis(500);

/// A cluster that is looked at more than once, through one driver process.
pub(super) struct Watch<'a> {
    app: &'a App,
    target: &'a Target,
    session: Session,
}

impl<'a> Watch<'a> {
    /// Starts the driver.
    pub(super) async fn open(app: &'a App, target: &'a Target) -> Result<Self, Error> {
        Ok(Self { app, target, session: app.open(target).await? })
    }

    /// Looks once, for so long at most.
    pub(super) async fn look(&self, limit: Duration) -> Result<Report, Error> {
        report(self.app, self.target, &self.session, limit).await
    }

    /// Ends the driver.
    pub(super) async fn close(self) {
        self.session.close().await;
    }
}

/// Prints the state, and what it becomes, until Ctrl-C or until the user's time is over. The exit
/// code is that of the last state.
///
/// # Errors
/// What the first look fails with. Later failures are printed and looked past: they tell what is
/// with the cluster as well.
pub(super) async fn watch(app: &App, target: &Target) -> Result<u8, Error> {
    app.expect_interrupt();
    let first = Watch::open(app, target).await?;
    let report = match first.look(LIMIT_TO_ASK).await {
        Ok(report) => report,
        Err(error) => {
            first.close().await;
            return Err(error);
        }
    };
    let mut watching = Watching { app, target, begun: Instant::now(), watch: Some(first) };
    let last = watching.go_on(Ok(report)).await;
    if let Some(watch) = watching.watch {
        watch.close().await;
    }
    app.ui.done();
    Ok(code(&last?))
}

/// What one look came to.
type Seen = Result<Report, Error>;

struct Watching<'a> {
    app: &'a App,
    target: &'a Target,
    begun: Instant,
    /// The driver, unless its last look failed: then the next one is a fresh one's.
    watch: Option<Watch<'a>>,
}

impl Watching<'_> {
    /// Tells of each change until the end, and gives the last look.
    async fn go_on(&mut self, first: Seen) -> Result<Seen, Error> {
        let mut is_read = self.tell(&first)?;
        let mut seen = first;
        while is_read && self.pause(&seen).await {
            let now = self.look().await;
            if self.app.interrupt.is_raised() {
                break;
            }
            if self.to_json(&now) != self.to_json(&seen) {
                is_read = self.tell(&now)?;
                seen = now;
            }
        }
        Ok(seen)
    }

    /// Waits for the next look; false when there is to be none.
    async fn pause(&self, seen: &Seen) -> bool {
        self.app.ui.meanwhile("watch", &format!("{}; Ctrl-C ends", line(seen)));
        let left = self.app.global.timeout.map(|limit| limit.saturating_sub(self.begun.elapsed()));
        tokio::select! {
            () = self.app.interrupt.first() => false,
            () = tokio::time::sleep(PAUSE.min(left.unwrap_or(PAUSE))) => {
                left.is_none_or(|left| left > PAUSE)
            }
        }
    }

    async fn look(&mut self) -> Seen {
        let watch = match self.watch.take() {
            Some(watch) => watch,
            None => Watch::open(self.app, self.target).await?,
        };
        let looked = watch.look(LIMIT_TO_ASK).await;
        match &looked {
            Ok(_) => self.watch = Some(watch),
            Err(_) => watch.close().await,
        }
        looked
    }

    fn tell(&self, seen: &Seen) -> Result<bool, Error> {
        let at = self.begun.elapsed().as_secs_f64();
        self.app.ui.event(&format!("[{at:>5.1}s] {}", line(seen)), &self.to_json(seen))
    }

    fn to_json(&self, seen: &Seen) -> Value {
        match seen {
            Ok(report) => report.to_json(),
            Err(error) => json!({"profile": self.target.profile, "error": error.to_json()}),
        }
    }
}

fn line(seen: &Seen) -> String {
    match seen {
        Ok(report) => report.line(),
        Err(error) => clean(&format!("unknown: {}", error.message)),
    }
}

fn code(seen: &Seen) -> u8 {
    match seen {
        Ok(report) => exit::status_code(&report.status.state),
        Err(error) => exit::code(error),
    }
}
