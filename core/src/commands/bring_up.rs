//! Bringing a cluster up: what `start` and `restart` are made of.

use std::time::{Duration, Instant};

use caproni_driver::config::differences;
use caproni_driver::{Change, ChangeCost, ErrorKind, Outcome, Status};
use clap::Args;
use serde_json::{Value, json};

use super::{App, LIMIT_TO_ASK, Target, change_name, mend::Mending, status};
use crate::config;
use crate::error::Error;
use crate::exit;
use crate::kubeconfig::{CurrentContext, Entry, UserKubeconfig};
use crate::readiness::{Look, Readiness};
use crate::session::{Call, Session};
use crate::state::ClusterState;

/// How long it may take when the user says nothing.
const LIMIT: Duration = Duration::from_secs(600);

/// How long the removal of a failed creation may take.
const LIMIT_TO_ROLL_BACK: Duration = Duration::from_secs(120);

/// What `start` and `restart` take.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Make the cluster's context the current one in the kubeconfig
    #[arg(long)]
    pub(crate) switch_context: bool,

    /// Keep a new cluster that did not become ready, for a look at it
    #[arg(long)]
    pub(crate) no_rollback: bool,
}

/// Which of the two it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Start,
    Restart,
}

/// One run of `start` or `restart`.
pub(super) struct BringUp<'a> {
    app: &'a App,
    target: Target,
    verb: Verb,
    options: Options,
    limit: Duration,
    begun: Instant,
}

/// A cluster that is up.
struct Up {
    outcome: Outcome,
    report: status::Report,
}

impl<'a> BringUp<'a> {
    pub(super) fn new(app: &'a App, verb: Verb, options: Options) -> Result<Self, Error> {
        let target = app.target()?;
        let limit = app.global.timeout.unwrap_or(LIMIT);
        Ok(Self { app, target, verb, options, limit, begun: Instant::now() })
    }

    /// Does it, and mends what a command can mend in between.
    pub(super) async fn run(self) -> Result<u8, Error> {
        let mut mending = Mending::new(self.app);
        loop {
            match self.attempt().await {
                Ok(up) => return self.tell(&up),
                Err(error) => mending.mend(error).await?,
            }
        }
    }

    async fn attempt(&self) -> Result<Up, Error> {
        let session = self.app.open(&self.target).await?;
        let up = self.with(&session).await;
        session.close().await;
        match up {
            Ok(up) => Ok(up),
            Err(error) => Err(self.app.look_back(&self.target, error).await),
        }
    }

    async fn with(&self, session: &Session) -> Result<Up, Error> {
        let config = self.config(session)?;
        let kubeconfig = match session.has_method("kubeconfig") {
            true => Some(UserKubeconfig::locate()?),
            false => None,
        };
        // Before anything is made: afterwards would be too late.
        kubeconfig.as_ref().map(UserKubeconfig::check).transpose()?;
        let before = session.status(self.call_to_ask(), Some(config.clone())).await?;
        self.refuse_mismatch(session, &before, &config)?;
        let outcome = self.change(session, config.clone()).await?;
        let usable = match self.given_up_on(&outcome) {
            Some(cancelled) => Err(cancelled),
            None => self.make_usable(session, &config, kubeconfig).await,
        };
        match usable {
            Ok((status, look)) => {
                self.keep_config_file(session);
                let report = status::Report::new(&self.target, session, status, look);
                Ok(Up { outcome, report })
            }
            Err(error) => Err(self.roll_back(session, &outcome, config, error).await),
        }
    }

    fn config(&self, session: &Session) -> Result<Value, Error> {
        let driver = &session.driver.name;
        let section = self.target.file.as_ref().map(|file| file.section(driver)).transpose()?;
        config::validate(section.as_ref(), &session.description.config_schema, driver)
    }

    /// A driver that tells its config gets this check for free; one that is careful
    /// makes it once more, under its own lock.
    fn refuse_mismatch(
        &self,
        session: &Session,
        before: &Status,
        config: &Value,
    ) -> Result<(), Error> {
        let Some(running) = before.config.as_ref().filter(|_| before.exists) else { return Ok(()) };
        let found = differences(&session.description.config_schema, running, config);
        let can_apply = |cost: &ChangeCost| match self.verb {
            Verb::Start => *cost == ChangeCost::Live,
            Verb::Restart => matches!(cost, ChangeCost::Live | ChangeCost::Restart),
        };
        if found.iter().all(|difference| can_apply(&difference.change)) {
            return Ok(());
        }
        let error = caproni_driver::Error::config_mismatch(&self.target.profile, found);
        Err(self.with_way_out(error.into()))
    }

    async fn change(&self, session: &Session, config: Value) -> Result<Outcome, Error> {
        let changed = match self.verb {
            Verb::Start => session.start(self.call(), config).await,
            Verb::Restart if session.has_method("restart") => {
                session.restart(self.call(), config).await
            }
            Verb::Restart => match session.stop(self.call(), Some(config.clone())).await {
                Ok(_) => session.start(self.call(), config).await,
                Err(error) => Err(error),
            },
        };
        changed.map_err(|error| self.with_way_out(error))
    }

    /// The user's cancel, where the driver was just done when it came.
    fn given_up_on(&self, outcome: &Outcome) -> Option<Error> {
        let undone = matches!(outcome.change, Change::Created | Change::Started);
        (undone && self.app.interrupt.is_raised())
            .then(|| Error::driver(ErrorKind::Cancelled, "cancelled"))
    }

    /// For `caproni list`. That it cannot be kept is no reason to undo a cluster.
    fn keep_config_file(&self, session: &Session) {
        let path = self.target.file.as_ref().map(|file| file.path.as_path());
        let state = ClusterState::of(&session.driver.name, &self.target.profile);
        if let Err(error) = state.keep_config_file(path) {
            self.app.ui.warn(&format!("`caproni list` will not know the config file: {error}"));
        }
    }

    /// Measures that the cluster is ready, and puts its context into the user's kubeconfig.
    async fn make_usable(
        &self,
        session: &Session,
        config: &Value,
        user: Option<UserKubeconfig>,
    ) -> Result<(Status, Option<Look>), Error> {
        let status = session.status(self.call_to_ask(), Some(config.clone())).await?;
        let given = session.kubeconfig(self.call_to_ask(), Some(config.clone())).await?;
        let (Some(given), Some(user)) = (given, user) else { return Ok((status, None)) };
        let entry = Entry::parse(&given.kubeconfig, &given.context)?;
        ClusterState::of(&session.driver.name, &self.target.profile)
            .keep_kubeconfig(&given.kubeconfig)?;
        let readiness = Readiness::new(&given.kubeconfig).await?;
        let look = readiness
            .wait(&status.nodes, self.remaining(), &self.app.interrupt, &self.app.ui)
            .await?;
        let current =
            if self.options.switch_context { CurrentContext::Switch } else { CurrentContext::Keep };
        user.put(&entry, current).await?;
        Ok((status, Some(look)))
    }

    /// Undoes what this run has made of the cluster.
    async fn roll_back(
        &self,
        session: &Session,
        outcome: &Outcome,
        config: Value,
        error: Error,
    ) -> Error {
        let cancelled = error.is(&ErrorKind::Cancelled);
        let interrupt = self.app.interrupt.for_cleanup();
        let call = Call {
            profile: &self.target.profile,
            timeout: Some(LIMIT_TO_ROLL_BACK),
            interrupt: &interrupt,
        };
        match outcome.change {
            Change::Created if !self.options.no_rollback => {
                self.app.ui.step("rollback", "removing the new cluster again");
                let undone = session.destroy(call, Some(config)).await;
                ClusterState::of(&session.driver.name, &self.target.profile).forget();
                let error = error.with_hint(ROLLED_BACK);
                self.after_undoing(error, undone, caproni_driver::State::Stopped)
            }
            Change::Started if cancelled => {
                self.app.ui.step("rollback", "stopping the cluster again");
                let undone = session.stop(call, Some(config)).await;
                self.after_undoing(error, undone, caproni_driver::State::Stopped)
            }
            _ => self.left_as_it_is(session, call, error).await,
        }
    }

    fn after_undoing(
        &self,
        error: Error,
        undone: Result<Outcome, Error>,
        state: caproni_driver::State,
    ) -> Error {
        match undone {
            Ok(_) => error.with_state(state),
            Err(failed) => error
                .with_cause(format!("undoing it failed: {}", failed.message))
                .with_hint("run `caproni destroy` to remove what is left"),
        }
    }

    async fn left_as_it_is(&self, session: &Session, call: Call<'_>, error: Error) -> Error {
        match session.status(call, None).await {
            // Its nodes run; that it is not ready is what was just measured.
            Ok(status) if status.state == caproni_driver::State::Ready => {
                error.with_state(caproni_driver::State::NotReady)
            }
            Ok(status) => error.with_state(status.state),
            Err(_) => error,
        }
    }

    fn with_way_out(&self, error: Error) -> Error {
        if error.is(&ErrorKind::ConfigMismatch) && error.data.hint.is_none() {
            let way_out = self.way_out(&error);
            return error.with_hint(way_out);
        }
        error
    }

    fn way_out(&self, error: &Error) -> String {
        let restart_is_enough =
            error.data.diff.iter().all(|difference| {
                matches!(difference.change, ChangeCost::Live | ChangeCost::Restart)
            });
        if restart_is_enough && self.verb == Verb::Start {
            return "put the config back, or run `caproni restart` to apply it".into();
        }
        "put the config back, or run `caproni destroy` and `caproni start` to make the cluster anew, \
         which loses its data"
            .into()
    }

    fn call(&self) -> Call<'_> {
        Call {
            profile: &self.target.profile,
            timeout: Some(self.remaining()),
            interrupt: &self.app.interrupt,
        }
    }

    fn call_to_ask(&self) -> Call<'_> {
        Call { timeout: Some(LIMIT_TO_ASK), ..self.call() }
    }

    fn remaining(&self) -> Duration {
        self.limit.saturating_sub(self.begun.elapsed())
    }

    fn tell(&self, up: &Up) -> Result<u8, Error> {
        let Up { outcome, report } = up;
        let (status, look) = (&report.status, &report.look);
        let profile = &self.target.profile;
        let seconds = self.begun.elapsed().as_secs_f64();
        let measured = match look {
            Some(_) => "is ready",
            None => "is up, as its driver says (it has no API that could be asked)",
        };
        let did = match &outcome.change {
            Change::None => "nothing to do".into(),
            change => format!("{} in {seconds:.1} s", change_name(change)),
        };
        let mut text = format!("cluster `{profile}` {measured} ({did})");
        if let Some(context) = look.as_ref().and(status.kube_context.as_ref()) {
            text += &format!("\ncontext `{}`", crate::ui::clean(context));
        }
        if let Some(message) = &outcome.message {
            text += &format!("\n{}", crate::ui::clean(message));
        }
        let code = if look.is_some() { exit::OK } else { exit::status_code(&status.state) };
        self.app.ui.result(
            &text,
            &json!({
                "profile": profile,
                "driver": report.driver,
                "change": outcome.change,
                "message": outcome.message,
                "seconds": (seconds * 1000.0).round() / 1000.0,
                "status": report.to_json(),
            }),
        )?;
        Ok(code)
    }
}

const ROLLED_BACK: &str =
    "the new cluster was removed again; run with `--no-rollback` to keep it for a look";
