//! Asking each driver for its clusters, all of them at the same time and each with a deadline of
//! its own.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use caproni_driver::{Cluster, ErrorKind, Status};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use super::{Listed, Row};
use crate::commands::App;
use crate::commands::drivers::late;
use crate::config::DEFAULT_PROFILE;
use crate::discovery::{Candidate, Driver};
use crate::error::Error;
use crate::interrupt::Interrupt;
use crate::session::{Call, Leaving, Session};
use crate::state::ClusterState;
use crate::transport::Listener;

/// How long a driver may take for all its clusters, when the user says nothing.
const LIMIT: Duration = Duration::from_secs(10);

/// How much sooner than the host a driver is told to give up: its own word on a time-out is
/// worth more.
const MARGIN: Duration = Duration::from_millis(500);

/// How many drivers run at once: each takes three of the 256 open files of macOS.
const AT_ONCE: usize = 64;

/// How long a driver may take to end after it has told its clusters.
const FAREWELL: Duration = Duration::from_secs(1);

/// What all drivers came to.
pub(super) struct Told {
    /// In the order of the names.
    pub(super) rows: Vec<Row>,
    leaving: JoinSet<()>,
}

impl Told {
    /// Waits until the drivers have ended. One that does not, though its stdin is closed, is killed.
    pub(super) async fn farewell(self) {
        self.leaving.join_all().await;
    }
}

/// Asks all. Dropped half done, it ends what it has started.
pub(super) async fn ask_all(app: &App, candidates: Vec<Candidate>) -> Told {
    let limit = app.global.timeout.unwrap_or(LIMIT);
    let names: Arc<BTreeSet<String>> =
        Arc::new(candidates.iter().map(|candidate| candidate.driver.name.clone()).collect());
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let (sender, mut told) = mpsc::unbounded_channel();
    let (mut asked, mut rows) = (JoinSet::new(), Vec::new());
    for Candidate { driver, problem } in candidates {
        if let Some(problem) = problem {
            rows.push(Row { driver, clusters: Err(problem) });
            continue;
        }
        let (names, turns, listener) = (names.clone(), turns.clone(), app.listener());
        let (profile, sender) = (app.global.profile.clone(), sender.clone());
        asked.spawn(async move {
            let _turn = turns.acquire_owned().await;
            let profile = profile.as_deref().unwrap_or(DEFAULT_PROFILE);
            let question = Question { driver: &driver, profile, limit, names: &names };
            let Answer { clusters, leaving } = question.answered(listener).await;
            // Whoever waits for it would be gone with this task.
            let _ = sender.send(clusters.transpose().map(|clusters| Row { driver, clusters }));
            drop(sender);
            if let Some(leaving) = leaving {
                leaving.ended_within(FAREWELL).await;
            }
        });
        // To start a driver takes long. Those that have said who they are by now are asked before.
        tokio::task::yield_now().await;
    }
    drop(sender);
    while let Some(row) = told.recv().await {
        rows.extend(row);
    }
    rows.sort_by(|a, b| (&a.driver.name, &a.driver.path).cmp(&(&b.driver.name, &b.driver.path)));
    Told { rows, leaving: asked }
}

/// What a driver answered, and the driver if it runs still.
struct Answer {
    /// `None` when another driver that is here too tells them.
    clusters: Result<Option<Vec<Listed>>, Error>,
    leaving: Option<Leaving>,
}

impl Answer {
    fn of(clusters: Result<Option<Vec<Listed>>, Error>) -> Self {
        Self { clusters, leaving: None }
    }
}

/// What one driver is asked.
struct Question<'a> {
    driver: &'a Driver,
    /// The cluster that a driver without a list is asked for besides those that are known.
    profile: &'a str,
    /// How long it may take.
    limit: Duration,
    /// The drivers that are here.
    names: &'a BTreeSet<String>,
}

impl Question<'_> {
    /// Asks it. Out of time the driver is killed without more ado: it changes nothing.
    async fn answered(&self, listener: Listener) -> Answer {
        let answered = tokio::time::timeout(self.limit, self.ask(listener)).await;
        let late = |_| Answer::of(Err(late(self.driver, "did not tell its clusters", self.limit)));
        answered.unwrap_or_else(late)
    }

    async fn ask(&self, listener: Listener) -> Answer {
        let interrupt = Interrupt::default();
        let session = match Session::open(self.driver, None, &interrupt, listener).await {
            Ok(session) => session,
            // It would be another one that is not installed, which has no clusters here.
            Err(error) if error.is(&ErrorKind::DriverNotFound) => return Answer::of(Ok(None)),
            Err(error) => return Answer::of(Err(error)),
        };
        let name = session.description.name.clone();
        let is_another = name != self.driver.name && self.names.contains(&name);
        let timeout = Some(self.limit.saturating_sub(MARGIN).max(self.limit / 2));
        let call = Call { profile: self.profile, timeout, interrupt: &interrupt };
        let clusters = match is_another {
            true => Ok(None),
            false if session.has_method("list") => session.list(call).await.map(Some),
            false => those_known(&session, &name, call).await.map(Some),
        };
        let leaving = Some(session.leave());
        let clusters = clusters.map(|told| told.map(|clusters| with_files(&name, clusters)));
        Answer { clusters, leaving }
    }
}

/// The clusters of a driver that has no list: of those that were started here, and of the one
/// that the command line names, what there is.
async fn those_known(
    session: &Session,
    driver: &str,
    call: Call<'_>,
) -> Result<Vec<Cluster>, Error> {
    let mut profiles = ClusterState::profiles(driver);
    profiles.insert(call.profile.to_owned());
    let mut clusters = Vec::new();
    for profile in profiles {
        let status = session.status(Call { profile: &profile, ..call }, None).await?;
        if status.exists {
            clusters.push(listed(profile, status));
        }
    }
    Ok(clusters)
}

fn listed(profile: String, status: Status) -> Cluster {
    let mut cluster =
        Cluster::new(profile, status.state).with_kubernetes_version(status.kubernetes_version);
    cluster.kube_context = status.kube_context;
    cluster
}

/// Adds to each cluster the file that it was started with. Of most that others have made there is
/// none, which one look at the folder tells of all.
fn with_files(driver: &str, clusters: Vec<Cluster>) -> Vec<Listed> {
    let kept = if clusters.is_empty() { BTreeSet::new() } else { ClusterState::profiles(driver) };
    let file = |profile: &str| match kept.contains(profile) {
        true => ClusterState::of(driver, profile).config_file(),
        false => Ok(None),
    };
    let listed = |cluster: Cluster| Listed { config_file: file(&cluster.profile), cluster };
    clusters.into_iter().map(listed).collect()
}
