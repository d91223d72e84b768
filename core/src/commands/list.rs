//! `caproni list`

mod ask;

use std::borrow::Cow;
use std::collections::BTreeSet;

use caproni_driver::Cluster;
use clap::Args;

use super::App;
use super::drivers::reason;
use crate::discovery::{Candidate, Driver};
use crate::error::Error;
use crate::exit;
use crate::output::{ClusterList, ListedCluster, SilentDriver};
use crate::ui::{Width, clean, wrapped_table};
use ask::ask_all;

/// List the clusters of all drivers
///
/// Asks every driver at the same time, each with its own deadline; with `--driver` only that
/// one. A driver that cannot tell is a row with the reason, and the exit code is 0. The state is
/// what the driver says: `caproni status` also asks the cluster itself. With `--quiet` only the
/// names are printed, each once whatever its driver, and a driver that cannot tell is a warning.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  caproni list
  caproni --driver kind list -o json
  caproni --driver kind list -q     the names alone")]
pub(crate) struct List {}

impl List {
    pub(crate) async fn run(self, app: &App) -> Result<u8, Error> {
        let candidates = match app.global.driver.as_deref().filter(|driver| !driver.is_empty()) {
            Some(said) => vec![Candidate { driver: app.search.find(said)?, problem: None }],
            None => app.search.candidates(),
        };
        let told = tokio::select! {
            biased;
            () = app.interrupt.first() => return Err(caproni_driver::Error::cancelled().into()),
            told = ask_all(app, candidates) => told,
        };
        warn(app, &told.rows);
        app.ui.result_of(|| to_text(app, &told.rows), || output(&told.rows))?;
        tokio::select! {
            () = app.interrupt.first() => {}
            () = told.farewell() => {}
        }
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

impl Listed {
    fn output(&self, driver: &str) -> ListedCluster {
        let cluster = self.cluster.clone();
        let (config_file, config_file_error) = match self.config_file.clone() {
            Ok(file) => (file, None),
            Err(why) => (None, Some(why)),
        };
        ListedCluster {
            driver: driver.to_owned(),
            profile: cluster.profile,
            state: cluster.state,
            kubernetes_version: cluster.kubernetes_version,
            kube_context: cluster.kube_context,
            config_file,
            config_file_error,
        }
    }

    fn cells<'a>(&'a self, driver: &'a str) -> [Cow<'a, str>; 6] {
        let cluster = &self.cluster;
        [
            driver.into(),
            cluster.profile.as_str().into(),
            cluster.state.to_string().into(),
            or_dash(cluster.kubernetes_version.as_deref()).into(),
            or_dash(cluster.kube_context.as_deref()).into(),
            match &self.config_file {
                Ok(path) => path.as_deref().map(short).unwrap_or_default(),
                Err(why) => format!("unknown: {why}").into(),
            },
        ]
    }
}

fn output(rows: &[Row]) -> ClusterList {
    let (mut clusters, mut problems) = (Vec::new(), Vec::new());
    for Row { driver, clusters: told } in rows {
        match told {
            Ok(told) => clusters.extend(told.iter().map(|listed| listed.output(&driver.name))),
            Err(error) => problems.push(SilentDriver {
                driver: driver.name.clone(),
                path: driver.path.display().to_string(),
                error: error.to_json(),
            }),
        }
    }
    ClusterList { clusters, problems }
}

/// With `--quiet` there is no row of a driver that cannot tell.
fn warn(app: &App, rows: &[Row]) {
    let silent = rows.iter().filter_map(|row| row.clusters.as_ref().err());
    for error in silent.filter(|_| app.ui.is_quiet()) {
        app.ui.warn(&error.message);
    }
}

/// The table, or with `--quiet` the names alone.
fn to_text(app: &App, rows: &[Row]) -> String {
    if app.ui.is_quiet() {
        let told = rows.iter().flat_map(|row| row.clusters.iter().flatten());
        let names: BTreeSet<_> = told.map(|listed| clean(&listed.cluster.profile)).collect();
        return names.into_iter().collect::<Vec<_>>().join("\n");
    }
    let rows: Vec<_> = rows.iter().flat_map(Row::cells).collect();
    match rows.is_empty() {
        true => "no clusters".into(),
        false => app.ui.columns_in_colour(table(rows, app.ui.width()), &["STATE"]),
    }
}

fn table(rows: Vec<[Cow<'_, str>; 6]>, width: u16) -> String {
    let columns = [
        ("DRIVER", Width::Content),
        ("PROFILE", Width::Content),
        ("STATE", Width::Content),
        ("VERSION", Width::Content),
        ("CONTEXT", Width::Content),
        ("CONFIG FILE", Width::Rest),
    ];
    wrapped_table(width, columns, rows.into_iter())
}

impl Row {
    fn cells(&self) -> Vec<[Cow<'_, str>; 6]> {
        let driver = &self.driver.name;
        match &self.clusters {
            Ok(told) => told.iter().map(|listed| listed.cells(driver)).collect(),
            Err(error) => {
                let why = format!("unknown: {}", reason(error, &self.driver));
                let dash = || Cow::from("-");
                vec![[driver.into(), dash(), dash(), dash(), dash(), why.into()]]
            }
        }
    }
}

/// A path as a shell takes it, with `~` for the home folder.
fn short(path: &str) -> Cow<'_, str> {
    let home = std::env::var("HOME").unwrap_or_default();
    let below = path.strip_prefix(&home).filter(|below| !home.is_empty() && below.starts_with('/'));
    below.map_or_else(|| path.into(), |below| format!("~{below}").into())
}

fn or_dash(text: Option<&str>) -> &str {
    text.unwrap_or("-")
}
