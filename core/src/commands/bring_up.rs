//! Bringing a cluster up: what `start` and `restart` are made of.

mod connection;
mod summary;
mod undo;

use std::time::{Duration, Instant};

use caproni_driver::{Change, ChangeCost, ErrorKind, Kubeconfig, Outcome, State, Status};
use clap::Args;
use serde_json::Value;

use super::comparison::{Comparison, Need, dearest};
use super::{App, LIMIT_TO_ASK, Target, destroy, mend::Mending, status};
use crate::error::Error;
use crate::exit;
use crate::kubeconfig::{CurrentContext, Entry, UserKubeconfig};
use crate::output::BroughtUp;
use crate::readiness::{Look, Readiness};
use crate::session::{Call, Session};
use crate::state::ClusterState;
use connection::{Connection, Usable};
use summary::Context;

/// How long it may take when the user says nothing.
const LIMIT: Duration = Duration::from_secs(600);

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

/// What is done to a cluster that exists; each costs more than those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    Start,
    Restart,
    /// It is destroyed with all its data, and made anew.
    Anew,
}

impl Way {
    /// The cheapest one that makes a cluster what is asked for; `None` where that is dearer than
    /// the user has said.
    pub(super) fn to(found: &Comparison, least: Self, most: Self) -> Option<Self> {
        let needed = match found.need() {
            Need::Restart => Self::Restart,
            Need::Recreate => Self::Anew,
            Need::Nothing | Need::Create | Need::Start | Need::Update => Self::Start,
        };
        Some(needed.max(least)).filter(|way| *way <= most)
    }
}

/// One run of `start` or `restart`.
pub(super) struct BringUp<'a> {
    app: &'a App,
    target: Target,
    least: Way,
    most: Way,
    options: Options,
    limit: Duration,
    begun: Instant,
}

/// A cluster before anything is done to it.
struct Before {
    /// As the driver told it; `None` where it is not what there is any more.
    status: Option<Status>,
    connection: Connection,
}

/// A cluster that is up.
struct Up {
    outcome: Outcome,
    report: status::Report,
    context: Context,
}

impl<'a> BringUp<'a> {
    /// Does at least and at most so much to a cluster that exists.
    pub(super) fn new(
        app: &'a App,
        least: Way,
        most: Way,
        options: Options,
    ) -> Result<Self, Error> {
        let target = app.target()?;
        let limit = app.global.timeout.unwrap_or(LIMIT);
        Ok(Self { app, target, least, most, options, limit, begun: Instant::now() })
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
        let (driver, profile) = (&self.target.driver.name, &self.target.profile);
        // Of a cluster that is restarted in any case it would only be closed again.
        let connection = (self.least == Way::Start).then(|| Connection::begin(driver, profile));
        let session = self.app.open(&self.target).await?;
        let connection = match connection {
            Some(connection) => connection.of(&session.driver.name),
            None => Connection::none(&session.driver.name, profile),
        };
        let up = self.with(&session, connection).await;
        session.close().await;
        match up {
            Ok(up) => Ok(up),
            Err(error) => Err(self.app.look_back(&self.target, error).await),
        }
    }

    /// What is left to know when the cluster was changed since it was looked at.
    fn changed(&self, session: &Session) -> Before {
        let connection = Connection::none(&session.driver.name, &self.target.profile);
        Before { status: None, connection }
    }

    async fn with(&self, session: &Session, connection: Connection) -> Result<Up, Error> {
        let config = self.target.config(session)?;
        let kubeconfig = match session.has_method("kubeconfig") {
            true => Some(UserKubeconfig::locate()?),
            false => None,
        };
        // Before anything is made: afterwards would be too late.
        kubeconfig.as_ref().map(UserKubeconfig::check).transpose()?;
        let before = session.status(self.call_to_ask(), Some(config.clone())).await?;
        let way = self.way(&Comparison::new(&self.target, session, &before, &config))?;
        if way == Way::Anew {
            return self.anew(session, &config, kubeconfig).await;
        }
        let before = Before { status: Some(before), connection };
        let gone = match self.go(way, session, &config, kubeconfig.as_ref(), before).await {
            Err(error) => match self.dearer(way, &error) {
                Some(Way::Anew) => self.anew(session, &config, kubeconfig).await,
                Some(dearer) => {
                    let before = self.changed(session);
                    self.go(dearer, session, &config, kubeconfig.as_ref(), before).await
                }
                None => Err(error),
            },
            up => up,
        };
        gone.map_err(|error| self.with_way_out(error))
    }

    /// A driver that tells its config gets this check for free; one that is careful
    /// makes it once more, under its own lock.
    fn way(&self, found: &Comparison) -> Result<Way, Error> {
        Way::to(found, self.least, self.most).ok_or_else(|| {
            let differences = found.known().to_vec();
            let error = caproni_driver::Error::config_mismatch(&self.target.profile, differences);
            self.with_way_out(error.into())
        })
    }

    /// What is left to do where only the driver itself has found that something differs.
    fn dearer(&self, tried: Way, error: &Error) -> Option<Way> {
        if !error.is(&ErrorKind::ConfigMismatch) {
            return None;
        }
        let needed = match dearest(&error.data.diff) {
            Some(ChangeCost::Live | ChangeCost::Restart) => Way::Restart,
            Some(_) | None => Way::Anew,
        };
        Some(needed).filter(|way| *way > tried && *way <= self.most)
    }

    /// Brings it up, and undoes what it has done where that fails.
    async fn go(
        &self,
        way: Way,
        session: &Session,
        config: &Value,
        kubeconfig: Option<&UserKubeconfig>,
        mut before: Before,
    ) -> Result<Up, Error> {
        let outcome = self.change(way, session, config.clone()).await?;
        if outcome.change != Change::None {
            before.status = None;
        }
        let usable = match self.given_up_on(&outcome) {
            Some(cancelled) => Err(cancelled),
            None => self.make_usable(session, config, kubeconfig, before).await,
        };
        match usable {
            Ok((status, look)) => {
                self.keep_config_file(session);
                let context = self.context(kubeconfig, status.kube_context.as_deref());
                let report = status::Report::new(&self.target, session, status, look);
                Ok(Up { outcome, report, context })
            }
            Err(error) => Err(self.roll_back(session, &outcome, config.clone(), error).await),
        }
    }

    /// Destroys the cluster, and makes it anew.
    async fn anew(
        &self,
        session: &Session,
        config: &Value,
        kubeconfig: Option<UserKubeconfig>,
    ) -> Result<Up, Error> {
        let question =
            format!("Destroy cluster `{}` and all its data, to make it anew?", self.target.profile);
        destroy::confirm(self.app, &question).await?;
        let context = destroy::context(self.app, &self.target, session, Some(config)).await;
        session.destroy(self.call(), Some(config.clone())).await?;
        ClusterState::of(&session.driver.name, &self.target.profile).forget();
        let before = self.changed(session);
        let made = self.go(Way::Start, session, config, kubeconfig.as_ref(), before).await;
        let failed = match made {
            Ok(mut up) => {
                up.outcome.change = recreated();
                return Ok(up);
            }
            Err(failed) => failed,
        };
        // It leads nowhere any more. Until now it stayed, since it may be the current one.
        let forgotten = destroy::forget_context(context).await;
        let failed = failed.with_cause("the cluster as it was is destroyed, as `--recreate` says");
        Err(match forgotten {
            Ok(()) => failed,
            Err(error) => failed.with_cause(error.message),
        })
    }

    async fn change(&self, way: Way, session: &Session, config: Value) -> Result<Outcome, Error> {
        match way {
            Way::Start | Way::Anew => session.start(self.call(), config).await,
            Way::Restart if session.has_method("restart") => {
                session.restart(self.call(), config).await
            }
            Way::Restart => {
                session.stop(self.call(), Some(config.clone())).await?;
                session.start(self.call(), config).await
            }
        }
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
        user: Option<&UserKubeconfig>,
        before: Before,
    ) -> Result<(Status, Option<Look>), Error> {
        let Before { status, mut connection } = before;
        // Where nothing had to be done it still is what it was.
        let unchanged = status.filter(|status| status.state == State::Ready);
        if let (Some(status), Some(user)) = (&unchanged, user)
            && let Some(Usable { given, entry, look }) = self.looked(&mut connection, status).await
        {
            self.keep_kubeconfig(session, &given)?;
            user.put(&entry, self.current_context()).await?;
            return Ok((status.clone(), Some(look)));
        }
        let status = match unchanged {
            Some(status) => status,
            None => session.status(self.call_to_ask(), Some(config.clone())).await?,
        };
        let given = session.kubeconfig(self.call_to_ask(), Some(config.clone())).await?;
        let (Some(given), Some(user)) = (given, user) else { return Ok((status, None)) };
        let entry = Entry::parse(&given.kubeconfig, &given.context)?;
        self.keep_kubeconfig(session, &given)?;
        let look = self.wait(&given, &status).await?;
        connection.keep(&given, &status);
        user.put(&entry, self.current_context()).await?;
        Ok((status, Some(look)))
    }

    /// What a look at a cluster that is known shows, if that is ready.
    async fn looked(&self, connection: &mut Connection, status: &Status) -> Option<Usable> {
        tokio::time::timeout(self.remaining(), connection.ready(status)).await.ok()?
    }

    async fn wait(&self, given: &Kubeconfig, status: &Status) -> Result<Look, Error> {
        let readiness = Readiness::new(&given.kubeconfig).await?;
        let (interrupt, ui) = (&self.app.interrupt, &self.app.ui);
        ui.step("ready", "waiting until the API and every node are ready");
        readiness.wait(&status.nodes, self.remaining(), interrupt, ui).await
    }

    fn keep_kubeconfig(&self, session: &Session, given: &Kubeconfig) -> Result<(), Error> {
        ClusterState::of(&session.driver.name, &self.target.profile)
            .keep_kubeconfig(&given.kubeconfig)
    }

    fn current_context(&self) -> CurrentContext {
        if self.options.switch_context { CurrentContext::Switch } else { CurrentContext::Keep }
    }

    fn with_way_out(&self, error: Error) -> Error {
        if !error.is(&ErrorKind::ConfigMismatch) || error.data.hint.is_some() {
            return error;
        }
        let need = match dearest(&error.data.diff) {
            Some(ChangeCost::Live | ChangeCost::Restart) if self.least == Way::Start => {
                Need::Restart
            }
            _ => Need::Recreate,
        };
        error.with_hint(need.command().unwrap_or_default())
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
        let Up { outcome, report, context } = up;
        let (status, look) = (&report.status, &report.look);
        let seconds = self.begun.elapsed().as_secs_f64();
        let code = if look.is_some() { exit::OK } else { exit::status_code(&status.state) };
        let brought_up = BroughtUp {
            profile: self.target.profile.clone(),
            driver: report.driver.clone(),
            change: outcome.change.clone(),
            message: outcome.message.clone(),
            seconds: (seconds * 1000.0).round() / 1000.0,
            status: report.output(),
        };
        let text = summary::text(&self.app.ui, outcome, report, *context, seconds);
        self.app.ui.done_result(&text, &brought_up)?;
        Ok(code)
    }

    /// Whether a context is the current one. That the file cannot be read any more is no failure of
    /// a cluster that is up.
    fn context(&self, user: Option<&UserKubeconfig>, name: Option<&str>) -> Context {
        match user.and_then(|user| user.current_context().ok()?) {
            current if current.as_deref() != name || name.is_none() => Context::Other,
            _ if self.options.switch_context => Context::Switched,
            _ => Context::Current,
        }
    }
}

/// A change that only the host makes, of two of the driver's.
fn recreated() -> Change {
    Change::Other("recreated".into())
}
