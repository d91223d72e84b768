//! `caproni list`

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use caproni_driver::{Cluster, ErrorKind, Status};
use clap::Args;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::App;
use super::drivers::reason;
use crate::config::DEFAULT_PROFILE;
use crate::discovery::{Candidate, Driver};
use crate::error::{Error, Kind};
use crate::exit;
use crate::interrupt::Interrupt;
use crate::session::{Call, Session};
use crate::state::ClusterState;
use crate::transport::Listener;
use crate::ui::{Width, columns_in_colour, value, wrapped_table};

/// How long a driver may take for all its clusters, when the user says nothing.
const LIMIT: Duration = Duration::from_secs(10);

/// How much sooner than the host a driver is told to give up: its own word on a time-out is
/// worth more.
const MARGIN: Duration = Duration::from_millis(500);

/// How many drivers run at once: each takes three of the 256 open files of macOS.
const AT_ONCE: usize = 64;

/// List the clusters of all drivers
///
/// Asks every driver at the same time, each with its own deadline; with `--driver` only that
/// one. A driver that cannot tell is a row with the reason, and the exit code is 0. The state is
/// what the driver says: `caproni status` also asks the cluster itself.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  caproni list
  caproni --driver kind list -o json")]
pub(crate) struct List {}

impl List {
    pub(crate) async fn run(self, app: &App) -> Result<u8, Error> {
        let candidates = match app.global.driver.as_deref().filter(|driver| !driver.is_empty()) {
            Some(said) => vec![Candidate { driver: app.search.find(said)?, problem: None }],
            None => app.search.candidates(),
        };
        let rows = tokio::select! {
            biased;
            () = app.interrupt.first() => return Err(caproni_driver::Error::cancelled().into()),
            rows = rows(app, candidates) => rows,
        };
        app.ui.result(&to_text(&rows, app.ui.width()), &to_json(&rows))?;
        Ok(exit::OK)
    }
}

/// What one driver came to.
struct Row {
    driver: Driver,
    clusters: Result<Vec<Listed>, Error>,
}

/// One cluster, and the file that it was started with, if it was started here.
struct Listed {
    cluster: Cluster,
    /// Or why it is not known.
    config_file: Result<Option<String>, String>,
}

/// All rows, in the order of the names. Dropped half done, it ends what it has started.
async fn rows(app: &App, candidates: Vec<Candidate>) -> Vec<Row> {
    let limit = app.global.timeout.unwrap_or(LIMIT);
    let names: Arc<BTreeSet<String>> =
        Arc::new(candidates.iter().map(|candidate| candidate.driver.name.clone()).collect());
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut asked = JoinSet::new();
    let mut rows = Vec::new();
    for Candidate { driver, problem } in candidates {
        if let Some(problem) = problem {
            rows.push(Row { driver, clusters: Err(problem) });
            continue;
        }
        let (names, turns, listener) = (names.clone(), turns.clone(), app.listener());
        let profile = app.global.profile.clone().unwrap_or_else(|| DEFAULT_PROFILE.into());
        asked.spawn(async move {
            let _turn = turns.acquire_owned().await;
            let clusters = in_time(&driver, &profile, limit, listener, &names).await;
            clusters.transpose().map(|clusters| Row { driver, clusters })
        });
    }
    while let Some(joined) = asked.join_next().await {
        rows.extend(joined.ok().flatten());
    }
    rows.sort_by(|a, b| (&a.driver.name, &a.driver.path).cmp(&(&b.driver.name, &b.driver.path)));
    rows
}

/// As [`ask`]. Out of time the driver is killed without more ado: it changes nothing.
async fn in_time(
    driver: &Driver,
    profile: &str,
    limit: Duration,
    listener: Listener,
    names: &BTreeSet<String>,
) -> Result<Option<Vec<Listed>>, Error> {
    let asked = ask(driver, profile, limit.saturating_sub(MARGIN).max(limit / 2), listener, names);
    tokio::time::timeout(limit, asked).await.unwrap_or_else(|_| Err(late(driver, limit)))
}

/// The driver's clusters; `None` when another driver that is here too tells them.
async fn ask(
    driver: &Driver,
    profile: &str,
    limit: Duration,
    listener: Listener,
    names: &BTreeSet<String>,
) -> Result<Option<Vec<Listed>>, Error> {
    let interrupt = Interrupt::default();
    let session = match Session::open(driver, None, &interrupt, listener).await {
        Ok(session) => session,
        // It would be another one that is not installed, which has no clusters here.
        Err(error) if error.is(&ErrorKind::DriverNotFound) => return Ok(None),
        Err(error) => return Err(error),
    };
    let name = session.description.name.clone();
    let is_another = name != driver.name && names.contains(&name);
    let call = Call { profile, timeout: Some(limit), interrupt: &interrupt };
    let clusters = match is_another {
        true => Ok(None),
        false if session.has_method("list") => session.list(call).await.map(Some),
        false => those_known(&session, &name, call).await.map(Some),
    };
    session.close().await;
    Ok(clusters?.map(|clusters| clusters.into_iter().map(|it| Listed::of(&name, it)).collect()))
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

fn late(driver: &Driver, limit: Duration) -> Error {
    let (path, limit) = (driver.path.display(), humantime::format_duration(limit));
    let message = format!("driver `{path}` did not tell its clusters within {limit}");
    Error::new(Kind::DriverUnresponsive, message).with("path", path.to_string())
}

impl Listed {
    fn of(driver: &str, cluster: Cluster) -> Self {
        let config_file = ClusterState::of(driver, &cluster.profile).config_file();
        Self { cluster, config_file }
    }

    fn to_json(&self, driver: &str) -> Value {
        let cluster = &self.cluster;
        let mut row = json!({
            "driver": driver,
            "profile": cluster.profile,
            "state": cluster.state,
            "kubernetesVersion": cluster.kubernetes_version,
            "kubeContext": cluster.kube_context,
            "configFile": self.config_file.as_ref().ok(),
        });
        if let Err(why) = &self.config_file {
            row["configFileError"] = json!(why);
        }
        row
    }

    fn cells(&self, driver: &str) -> [String; 6] {
        let cluster = &self.cluster;
        [
            driver.to_owned(),
            cluster.profile.clone(),
            value(&json!(cluster.state)),
            or_dash(cluster.kubernetes_version.as_deref()),
            or_dash(cluster.kube_context.as_deref()),
            match &self.config_file {
                Ok(path) => path.as_deref().map(short).unwrap_or_default(),
                Err(why) => format!("unknown: {why}"),
            },
        ]
    }
}

fn to_json(rows: &[Row]) -> Value {
    let (mut clusters, mut problems) = (Vec::new(), Vec::new());
    for Row { driver, clusters: told } in rows {
        match told {
            Ok(told) => clusters.extend(told.iter().map(|listed| listed.to_json(&driver.name))),
            Err(error) => problems.push(json!({
                "driver": driver.name, "path": driver.path.display().to_string(), "error": error.to_json()
            })),
        }
    }
    json!({ "clusters": clusters, "problems": problems })
}

fn to_text(rows: &[Row], width: u16) -> String {
    let cells: Vec<[String; 6]> = rows.iter().flat_map(Row::cells).collect();
    if cells.is_empty() {
        return "no clusters".into();
    }
    let columns = [
        ("DRIVER", Width::Content),
        ("PROFILE", Width::Content),
        ("STATE", Width::Content),
        ("VERSION", Width::Content),
        ("CONTEXT", Width::Content),
        ("CONFIG FILE", Width::Rest),
    ];
    columns_in_colour(&wrapped_table(width, columns, cells.into_iter()), &["STATE"])
}

impl Row {
    fn cells(&self) -> Vec<[String; 6]> {
        let driver = &self.driver.name;
        match &self.clusters {
            Ok(told) => told.iter().map(|listed| listed.cells(driver)).collect(),
            Err(error) => {
                let dash = || "-".to_owned();
                let why = format!("unknown: {}", reason(error, &self.driver));
                vec![[driver.clone(), dash(), dash(), dash(), dash(), why]]
            }
        }
    }
}

/// A path as a shell takes it, with `~` for the home folder.
fn short(path: &str) -> String {
    let home = std::env::var("HOME").unwrap_or_default();
    let below = path.strip_prefix(&home).filter(|below| !home.is_empty() && below.starts_with('/'));
    below.map_or_else(|| path.to_owned(), |below| format!("~{below}"))
}

fn or_dash(text: Option<&str>) -> String {
    text.unwrap_or("-").to_owned()
}
