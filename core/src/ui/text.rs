//! How things look as text: readable without colour.

use std::collections::HashSet;

use caproni_driver::{Condition, Difference, ErrorKind, Node};
use comfy_table::Width::Fixed;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use serde_json::Value;

use crate::error::{Error, Kind};
use crate::excerpt::Excerpt;

/// Takes out of a driver's text what could command a terminal: control characters,
/// among them ESC and CR, and the marks that turn text around (CVE-2021-42574).
pub fn clean(text: &str) -> String {
    let plain = caproni_driver::strip_ansi(text);
    plain.chars().filter(|&c| !commands(c)).collect()
}

/// A value as JSON for programs, which may be shown on a terminal all the same: what could
/// command it is written as `\u…`, so that nothing is lost.
pub(super) fn harmless_json(value: &Value) -> String {
    harmless(&format!("{value:#}"))
}

/// As [`harmless_json`], on one line.
pub(super) fn harmless_json_line(value: &Value) -> String {
    harmless(&value.to_string())
}

fn harmless(text: &str) -> String {
    let mut harmless = String::with_capacity(text.len());
    for c in text.chars() {
        // Outside of strings JSON has no such character.
        match commands(c) {
            true => harmless += &format!("\\u{:04x}", u32::from(c)),
            false => harmless.push(c),
        }
    }
    harmless
}

fn commands(c: char) -> bool {
    let turns =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || (c.is_control() && !matches!(c, '\n' | '\t'))
}

/// A table of the fields in which a cluster differs from what was asked for.
pub fn differences_table(differences: &[Difference]) -> String {
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
    let ready: Option<HashSet<&String>> = ready.map(|names| names.iter().collect());
    let rows = nodes.iter().map(|node| {
        let role = serde_json::to_value(&node.role).map(|role| value(&role)).unwrap_or_default();
        let kubernetes = match &ready {
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
    text += &indent(&clean(&crash_report(error)));
    text += &indent(&clean(&answered(error).filter(|_| verbose).unwrap_or_default()));
    for cause in &data.causes {
        text += &indent(&format!("caused by: {}", clean(cause)));
    }
    if !data.diff.is_empty() {
        text += &indent(&clean(&differences_table(&data.diff)));
    }
    let excerpts = error.excerpts();
    if data.violations.len() > 1 {
        for violation in &data.violations {
            let place =
                violation.location.as_deref().map(|at| format!("{at}: ")).unwrap_or_default();
            text += &indent(&clean(&format!("{place}{}", violation.message)));
            let is_its = |excerpt: &&Excerpt| {
                excerpt.message == violation.message
                    && violation.location.as_ref() == Some(&excerpt.location())
            };
            text += &excerpts.iter().find(is_its).map(Excerpt::to_text).unwrap_or_default();
        }
    } else {
        text.extend(excerpts.iter().map(Excerpt::to_text));
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

/// What was asked of a driver that failed to answer, and which driver that is.
fn crash_report(error: &Error) -> String {
    use Kind::{DriverCrashed, DriverProtocolError, DriverUnresponsive};
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let more = &error.data.more;
    let is_fault = matches!(error.kind, DriverCrashed | DriverUnresponsive | DriverProtocolError);
    let Some(request) = more.get("request").filter(|_| is_fault) else { return String::new() };
    let method = text(&request["method"]).unwrap_or_default();
    let profile = text(&request["profile"]).map(|name| format!(" of cluster `{name}`"));
    let seconds = request["ranMs"].as_f64().unwrap_or_default() / 1000.0;
    let path = more.get("path").and_then(text).filter(|path| !error.message.contains(path));
    let version = match more.get("driverVersion").and_then(text) {
        Some(version) => format!("version {version}"),
        None => "no version told yet".into(),
    };
    format!(
        "driver: {}{version}\nrequest: `{method}`{}, failed in {seconds:.1} s",
        path.map(|path| format!("`{path}`, ")).unwrap_or_default(),
        profile.unwrap_or_default(),
    )
}

/// Which driver answered with the error, and to which request.
fn answered(error: &Error) -> Option<String> {
    let more = |field| error.data.more.get(field).and_then(Value::as_str);
    Some(format!("driver: `{}` answered it to `{}`", more("driver")?, more("method")?))
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

/// A value of a config as a person would write it.
pub fn value(value: &Value) -> String {
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
    lines(&plain_table(head, rows))
}

/// How wide a column of a [`wrapped_table`] is.
#[derive(Debug, Clone, Copy)]
pub enum Width {
    /// As wide as what is in it, which is never broken.
    Content,
    /// At most so many columns of the terminal.
    AtMost(u16),
    /// What the others leave.
    Rest,
}

/// A table that keeps to a number of columns, as far as that can be.
pub fn wrapped_table<const N: usize>(
    total: u16,
    columns: [(&str, Width); N],
    rows: impl Iterator<Item = [String; N]>,
) -> String {
    let one_line = |cell: String| clean(&cell).split_whitespace().collect::<Vec<_>>().join(" ");
    let mut table = plain_table(columns.map(|(head, _)| head), rows.map(|row| row.map(one_line)));
    let needed = table.column_max_content_widths();
    let fixed = needed.iter().zip(&columns).map(|(needed, (_, width))| match width {
        Width::Content => needed + PADDING,
        Width::AtMost(most) => needed.min(most) + PADDING,
        Width::Rest => 0,
    });
    let rest = total.saturating_sub(fixed.sum()).max(LEAST_REST);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(u16::MAX);
    table.set_constraints(columns.map(|(_, width)| match width {
        Width::Content => ColumnConstraint::ContentWidth,
        Width::AtMost(most) => ColumnConstraint::UpperBoundary(Fixed(most + PADDING)),
        Width::Rest => ColumnConstraint::UpperBoundary(Fixed(rest)),
    }));
    lines(&table)
}

/// Text in lines of this width, each after this indentation; a longer word stays whole.
pub fn wrap(text: &str, width: u16, indentation: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in clean(text).split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width.into() => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("{indentation}{word}")),
        }
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// The space between two columns.
const PADDING: u16 = 2;

/// What the columns that others leave little for have at least.
const LEAST_REST: u16 = 26;

fn plain_table<const N: usize>(head: [&str; N], rows: impl Iterator<Item = [String; N]>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(head);
    for row in rows {
        table.add_row(row);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, PADDING));
    }
    table
}

fn lines(table: &Table) -> String {
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
    fn json_for_a_terminal_is_harmless_and_says_the_same() {
        let value = json!({"text": "a\u{1b}[2J\u{9b}31m\u{202e}b\u{7f}ü\n"});
        let text = harmless_json(&value);
        assert!(!text.contains(commands), "{text:?}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
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
    fn a_wrapped_table_keeps_to_its_width_and_breaks_no_path() {
        let columns =
            [("NAME", Width::AtMost(6)), ("WHAT", Width::Rest), ("FOLDER", Width::Content)];
        let row = |name: &str, what: &str| {
            [name.into(), what.into(), "/a/folder/that-is/never-broken".into()]
        };
        let rows =
            [row("short", "one\ntwo"), row("a name", "more words than it has room for in it")];
        assert_eq!(
            wrapped_table(72, columns, rows.into_iter()),
            "NAME    WHAT                            FOLDER\n\
             short   one two                         /a/folder/that-is/never-broken\n\
             a name  more words than it has room     /a/folder/that-is/never-broken\n\
             \x20       for in it\n"
        );
    }

    #[test]
    fn wrapped_text_keeps_to_its_width() {
        assert_eq!(wrap("one two three four", 10, "  "), "  one two\n  three\n  four\n");
        assert_eq!(wrap("a-very-long-word b", 8, "  "), "  a-very-long-word\n  b\n");
        assert_eq!(wrap(" \n", 8, "  "), "");
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
