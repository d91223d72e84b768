//! What is said at the end of a `start`: what there is now, and what to do next.

use caproni_driver::{Change, Outcome};

use super::status::Report;
use crate::commands::change_name;
use crate::ui::{Ui, clean, state};

/// Where the cluster's context stands in the user's kubeconfig.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    /// It has become the current one, as the user has said.
    Switched,
    /// It is the current one.
    Current,
    /// Another one is, or none.
    Other,
}

/// All of it, a line for each thing.
pub(super) fn text(
    ui: &Ui,
    outcome: &Outcome,
    report: &Report,
    context: Context,
    seconds: f64,
) -> String {
    let did = match &outcome.change {
        Change::None => "nothing to do".into(),
        change => format!("{} in {seconds:.1} s", clean(&change_name(change))),
    };
    let is = if report.look.is_some() { state("ready") } else { "up".into() };
    let mut text = format!("cluster `{}` is {is} ({did})\n", report.profile);
    for (name, value) in rows(outcome, report, context) {
        text += &format!("{name:<11} {}\n", clean(&value));
    }
    text + &format!("{:<11} {}\n", "next", ui.invocation().command(next(report, context)))
}

fn rows(outcome: &Outcome, report: &Report, context: Context) -> Vec<(&'static str, String)> {
    let status = &report.status;
    let alone =
        if report.look.is_some() { "" } else { " (its word alone: there is no API to ask)" };
    let mut rows = vec![("driver", format!("{}{alone}", report.driver))];
    if let Some(version) = &status.kubernetes_version {
        rows.push(("kubernetes", format!("{version}, {}", nodes(report))));
    }
    if let Some(name) = report.look.as_ref().and(status.kube_context.as_ref()) {
        rows.push(("context", format!("{name} ({})", context.in_words())));
    }
    if let Some(message) = &outcome.message {
        rows.push(("note", message.clone()));
    }
    rows
}

fn nodes(report: &Report) -> String {
    let all = report.status.nodes.iter().filter(|node| node.role.in_kubernetes()).count();
    match &report.look {
        Some(look) => {
            let ready = look.ready_nodes.len();
            format!("{ready} of {} nodes ready", all.max(ready))
        }
        None if all == 1 => "1 node".into(),
        None => format!("{all} nodes"),
    }
}

fn next(report: &Report, context: Context) -> &'static str {
    match (&report.look, context) {
        (None, _) => "status",
        (Some(_), Context::Other) => "use",
        (Some(_), Context::Switched | Context::Current) => "kubectl -- get pods -A",
    }
}

impl Context {
    fn in_words(self) -> &'static str {
        match self {
            Self::Switched => "now the current one",
            Self::Current => "the current one",
            Self::Other => "not the current one",
        }
    }
}
