//! How things look as text: readable without colour.

use caproni_driver::{Condition, Difference, ErrorKind, Node};
use comfy_table::{Table, presets};
use serde_json::Value;

use crate::error::{Error, Kind};

/// Takes out of a driver's text what could command a terminal: control characters,
/// among them ESC and CR, and the marks that turn text around (CVE-2021-42574).
pub fn clean(text: &str) -> String {
    let plain = caproni_driver::strip_ansi(text);
    let harmless = |c: &char| {
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        matches!(c, '\n' | '\t') || !(c.is_control() || turns)
    };
    plain.chars().filter(harmless).collect()
}

/// A table of the fields in which a cluster differs from what was asked for.
fn differences_table(differences: &[Difference]) -> String {
    let rows = differences.iter().map(|difference| {
        [
            difference.path.clone(),
            value(&difference.running),
            value(&difference.requested),
            difference.change.to_string(),
        ]
    });
    table(["FIELD", "RUNNING", "REQUESTED", "CHANGE"], rows)
}

/// A table of a cluster's nodes; `ready` are the names the API calls Ready.
pub fn nodes_table(nodes: &[Node], ready: Option<&[String]>) -> String {
    let rows = nodes.iter().map(|node| {
        let role = serde_json::to_value(&node.role).map(|role| value(&role)).unwrap_or_default();
        let kubernetes = match ready {
            Some(ready) if ready.contains(&node.name) => "Ready",
            Some(_) if node.role.in_kubernetes() => "NotReady",
            _ => "-",
        };
        [node.name.clone(), role, node.state.to_string(), kubernetes.to_owned()]
    });
    table(["NODE", "ROLE", "STATE", "KUBERNETES"], rows)
}

/// A failure with everything the user needs, and nothing twice.
pub(super) fn error(error: &Error, verbose: bool) -> String {
    let data = &error.data;
    let mut text = format!("error: {}\n", clean(&error.message));
    if let Kind::Driver(ErrorKind::Other(kind)) = &error.kind {
        text += &indent(&clean(&format!("kind: {kind}")));
    }
    for cause in &data.causes {
        text += &indent(&format!("caused by: {}", clean(cause)));
    }
    if !data.diff.is_empty() {
        text += &indent(&clean(&differences_table(&data.diff)));
    }
    if data.violations.len() > 1 {
        for violation in &data.violations {
            let place =
                violation.location.as_deref().map(|at| format!("{at}: ")).unwrap_or_default();
            text += &indent(&clean(&format!("{place}{}", violation.message)));
        }
    }
    for condition in &data.conditions {
        text += &indent(&clean(&condition_line(condition)));
    }
    if let Some(command) = &data.command {
        text += &indent(&clean(&format!("command: {command}")));
    }
    let said = [data.output.as_deref(), data.more.get("stderr").and_then(Value::as_str)];
    for output in said.into_iter().flatten() {
        text += &indent(&clean(&last_lines(output, if verbose { usize::MAX } else { 15 })));
    }
    if let Some(state) = &data.state {
        text += &indent(&clean(&format!("the cluster is left {state}")));
    }
    for action in &data.actions {
        text += &indent(&clean(&format!("{}: {}", action.title, action.command_line())));
    }
    if let Some(hint) = &data.hint {
        text += &format!("hint: {}\n", clean(hint));
    }
    text
}

/// One condition in one line.
pub fn condition_line(condition: &Condition) -> String {
    let hint = condition.hint.as_deref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    format!("{}: {}{hint}", condition.name, condition.message)
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

fn value(value: &Value) -> String {
    match value {
        Value::Null => "-".into(),
        Value::String(text) => text.clone(),
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// Rows under a head, in columns as wide as they must be.
pub fn table<const N: usize>(head: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(head);
    for row in rows {
        table.add_row(row);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let text = table.to_string();
    text.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use caproni_driver::{ChangeCost, NodeRole, NodeState};
    use serde_json::json;

    #[test]
    fn nothing_of_a_driver_can_command_the_terminal() {
        let text = "a\u{1b}[2Jb\rc\u{202e}d\u{7}e\u{9b}31mf\ng";
        assert_eq!(clean(text), "abcde31mf\ng");
    }

    #[test]
    fn a_mismatch_shows_each_field_in_a_row() {
        let mut difference: Difference = serde_json::from_value(json!({
            "path": "agents", "running": 0, "requested": 1, "change": "recreate",
        }))
        .unwrap();
        let mut shown = caproni_driver::Error::config_mismatch("demo", vec![difference.clone()]);
        difference.path = "port_mappings".into();
        difference.running = json!(["80:80"]);
        difference.requested = json!([]);
        difference.change = ChangeCost::Live;
        shown.data.diff.push(difference);
        let text = error(&shown.with_hint("do").into(), false);
        assert_eq!(
            text,
            "error: cluster `demo` exists with another config: 1 field differs\n\
             \x20 FIELD          RUNNING  REQUESTED  CHANGE\n\
             \x20 agents         0        1          recreate\n\
             \x20 port_mappings  80:80    []         live\n\
             hint: do\n"
        );
    }

    #[test]
    fn a_node_shows_what_backend_and_kubernetes_say() {
        let nodes = [
            Node::new("s", NodeRole::Server, NodeState::Running),
            Node::new("lb", NodeRole::LoadBalancer, NodeState::Paused),
        ];
        assert_eq!(
            nodes_table(&nodes, Some(&[])),
            "NODE  ROLE           STATE    KUBERNETES\n\
             s     server         running  NotReady\n\
             lb    load-balancer  paused   -\n"
        );
    }

    #[test]
    fn a_failed_command_can_be_pasted() {
        let mut failed = Error::driver(ErrorKind::BackendFailed, "`k3d` exited with 1");
        failed.data.command = Some("k3d cluster list".into());
        failed.data.output = Some("FATA no".into());
        assert_eq!(
            error(&failed, false),
            "error: `k3d` exited with 1\n  command: k3d cluster list\n  FATA no\n"
        );
    }
}
