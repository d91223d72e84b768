//! `caproni status`

use std::time::Duration;

use caproni_driver::{Condition, State, Status as ClusterStatus};
use clap::Args;
use serde_json::{Value, json};

use super::{App, LIMIT_TO_ASK, Target};
use crate::error::Error;
use crate::exit;
use crate::readiness::{Look, Readiness};
use crate::session::{Call, Session};
use crate::ui::{Ui, clean, condition_line, hang, nodes_table, state as coloured};

/// Tell the state of the cluster, and whether it takes workloads
///
/// Changes nothing. Exits with 0 when the cluster is ready, 3 when it is stopped or
/// does not exist, 4 when it is starting or not ready.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Status {
    /// Go on with what it becomes, until Ctrl-C or for `--timeout`; the exit code is the last state's
    ///
    /// Prints a line for each change; with `-o json` one JSON value on one line.
    #[arg(long, short)]
    watch: bool,
}

const EXAMPLES: &str = "\
Examples:
  caproni status
  caproni status --watch -o json | jq .state";

impl Status {
    pub(crate) async fn run(self, app: &App) -> Result<u8, Error> {
        let target = app.target()?;
        if self.watch {
            return super::watch::watch(app, &target).await;
        }
        let session = app.open(&target).await?;
        let limit = app.global.timeout.unwrap_or(LIMIT_TO_ASK);
        let report = report(app, &target, &session, limit).await;
        session.close().await;
        let report = report?;
        app.ui.result(&report.to_text(&app.ui), &report.to_json())?;
        Ok(exit::status_code(&report.status.state))
    }
}

/// Looks at a cluster; the driver may take so long for each of its two answers.
pub(super) async fn report(
    app: &App,
    target: &Target,
    session: &Session,
    limit: Duration,
) -> Result<Report, Error> {
    let config = app.config_if_valid(target, session);
    let call = Call { timeout: Some(limit), ..app.call(target, limit) };
    let status = session.status(call, config.clone()).await?;
    if status.state != State::Ready {
        return Ok(Report::new(target, session, status, None));
    }
    let look = match session.kubeconfig(call, config).await {
        Ok(Some(given)) => Some(Readiness::new(&given.kubeconfig).await?.look(&status.nodes).await),
        Ok(None) => None,
        Err(error) if super::is_unsupported(&error) => None,
        Err(error) => {
            // Without a kubeconfig the API cannot be asked, so nobody can use the cluster.
            let conditions = vec![Condition::failed("kubeconfig", error.message)];
            Some(Look { conditions, ..Look::default() })
        }
    };
    Ok(Report::new(target, session, status, look))
}

/// What is known of a cluster: the driver's word, and what was measured.
pub(super) struct Report {
    /// The cluster's name.
    pub(super) profile: String,
    /// The driver that answers.
    pub(super) driver: String,
    pub(super) status: ClusterStatus,
    pub(super) look: Option<Look>,
}

impl Report {
    /// Puts both together: a cluster that its driver calls ready and that does not
    /// answer so is not ready.
    pub(super) fn new(
        target: &Target,
        session: &Session,
        mut status: ClusterStatus,
        look: Option<Look>,
    ) -> Self {
        if let Some(look) = &look {
            if !look.is_ready() && status.state == State::Ready {
                status.state = State::NotReady;
            }
            status.conditions.extend(look.conditions.iter().cloned());
            status.kubernetes_version =
                look.kubernetes_version.clone().or(status.kubernetes_version);
        }
        let driver = session.driver.name.clone();
        Self { profile: target.profile.clone(), driver, status, look }
    }

    pub(super) fn to_json(&self) -> Value {
        let mut json = json!({"profile": self.profile, "driver": self.driver});
        if let (Some(json), Ok(Value::Object(status))) =
            (json.as_object_mut(), serde_json::to_value(&self.status))
        {
            json.extend(status.into_iter().filter(|(key, _)| key != "driver"));
            json.insert("measured".into(), self.look.is_some().into());
        }
        json
    }

    /// The state in one line, with the first thing that is not as it should be.
    pub(super) fn line(&self) -> String {
        let status = &self.status;
        let state = coloured(&clean(&status.state.to_string()));
        let state = if status.exists { state } else { format!("{state} (it does not exist)") };
        match status.conditions.iter().find(|one| !one.ok) {
            Some(condition) => format!("{state}: {}", clean(&condition_line(condition))),
            None => state,
        }
    }

    pub(super) fn to_text(&self, ui: &Ui) -> String {
        let mut text = self.head();
        if !self.status.nodes.is_empty() {
            let ready = self.look.as_ref().map(|look| look.ready_nodes.as_slice());
            text += &format!("\n{}", nodes_table(&self.status.nodes, ready));
        }
        for (index, condition) in self.status.conditions.iter().filter(|one| !one.ok).enumerate() {
            let gap = if index == 0 { "\n" } else { "" };
            let line = ui.invocation().complete(&condition_line(condition));
            text += &format!("{gap}{}", hang(&line, ui.width()));
        }
        text
    }

    /// What there is of it, a line for each thing.
    fn head(&self) -> String {
        let status = &self.status;
        let state = coloured(&clean(&status.state.to_string()));
        let state = match (status.exists, self.look.is_some() || status.state != State::Ready) {
            (false, _) => "stopped (it does not exist)".into(),
            (true, true) => state,
            (true, false) => {
                format!("{state} (its driver's word; it has no API that could be asked)")
            }
        };
        let cluster = clean(&format!("{} ({})", self.profile, self.driver));
        let mut text = format!("cluster     {cluster}\nstate       {state}\n");
        let rows = [
            ("kubernetes", &status.kubernetes_version),
            ("context", &status.kube_context),
            ("address", &status.ip_address),
        ];
        for (name, value) in rows {
            if let Some(value) = value {
                text += &clean(&format!("{name:<11} {value}\n"));
            }
        }
        text
    }
}
