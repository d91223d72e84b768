//! How things look as text: readable without colour.

use std::collections::HashSet;

use caproni_driver::{Condition, Difference, ErrorKind, Node};
use serde_json::Value;

use super::colour::{self, ADVICE, ERROR, paint};
use super::fill::fill;
use super::table::{PADDING, Width, table, wrapped_table};
use crate::error::{Error, Kind};
use crate::excerpt::Excerpt;

/// Takes out of a driver's text what could command a terminal: control characters,
/// among them ESC and CR, and the marks that turn text around (CVE-2021-42574).
pub fn clean(text: &str) -> String {
    let plain = caproni_driver::strip_ansi(text);
    plain.chars().filter(|&c| !commands(c)).collect()
}

/// Tells whether a terminal could take it for a command, or show what is around it in another order.
pub(super) fn commands(c: char) -> bool {
    let turns =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || (c.is_control() && !matches!(c, '\n' | '\t'))
}

/// Tells whether a text is nothing but lines of ASCII: no colour is in it, and no command.
pub(super) fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n'))
}

/// A table of the fields in which a cluster differs from what was asked for, in lines of this width.
pub fn differences_table(differences: &[Difference], width: u16) -> String {
    let path = differences.iter().map(|difference| difference.path.chars().count());
    let path = u16::try_from(path.max().unwrap_or_default()).unwrap_or(u16::MAX);
    let others = path.saturating_add(3 * PADDING + LONGEST_CHANGE);
    let side = Width::AtMost((width.saturating_sub(others) / 2).max(LEAST_SIDE));
    let columns = [
        ("FIELD", Width::Content),
        ("RUNNING", side),
        ("REQUESTED", side),
        ("CHANGE", Width::Content),
    ];
    let rows = differences.iter().map(|difference| {
        [
            difference.path.clone(),
            value(&difference.running),
            value(&difference.requested),
            difference.change.to_string(),
        ]
    });
    wrapped_table(width, columns, rows)
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
    let table = clean(&table(["NODE", "ROLE", "STATE", "KUBERNETES"], rows));
    colour::columns(&table, &["STATE", "KUBERNETES"])
}

/// How a failure is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    /// With all that is known.
    pub(super) verbose: bool,
    /// How wide the terminal is; without one each message is one line, for programs that search.
    pub(super) terminal: Option<u16>,
    /// How wide tables are.
    pub(super) width: u16,
}

/// A failure with everything the user needs, and nothing twice: what, why, and what to do.
pub(super) fn error(error: &Error, shown: Shown) -> String {
    let mut text = labelled("error: ", ERROR, &error.message, shown.terminal);
    text += &reasons(error, shown);
    text += &output(error, shown.verbose);
    text += &way_out(error, shown.terminal);
    text
}

/// A label in its colour, and what is said under it.
pub(super) fn labelled(
    label: &str,
    style: anstyle::Style,
    message: &str,
    width: Option<u16>,
) -> String {
    // Lines below the first are to be copied.
    let message = clean(message);
    let (first, below) = message.split_once('\n').unwrap_or((&message, ""));
    let first = fill(first, width, label);
    let first = if first.is_empty() { format!("{label}\n") } else { first };
    let plain = first + below;
    let gap = if below.is_empty() || below.ends_with('\n') { "" } else { "\n" };
    plain.replacen(label.trim_end(), &paint(style, label.trim_end()), 1) + gap
}

fn reasons(error: &Error, shown: Shown) -> String {
    let data = &error.data;
    let detail = |text: &str| fill(&clean(text), shown.terminal, "  ");
    let mut text = String::new();
    if let Kind::Driver(ErrorKind::Other(kind)) = &error.kind {
        text += &detail(&format!("kind: {kind}"));
    }
    text += &detail(&crash_report(error));
    text += &detail(&answered(error).filter(|_| shown.verbose).unwrap_or_default());
    text.extend(data.causes.iter().map(|cause| detail(&format!("caused by: {cause}"))));
    if !data.diff.is_empty() {
        text += &indent(&differences_table(&data.diff, shown.width.saturating_sub(2)));
    }
    text += &violations(error, detail);
    text.extend(data.conditions.iter().map(|condition| detail(&condition_line(condition))));
    text
}

fn violations(error: &Error, detail: impl Fn(&str) -> String) -> String {
    let excerpts = error.excerpts();
    let [_, _, ..] = error.data.violations.as_slice() else {
        return excerpts.iter().map(Excerpt::to_text).collect();
    };
    let mut text = String::new();
    for violation in &error.data.violations {
        let place = violation.location.as_deref().map(|at| format!("{at}: ")).unwrap_or_default();
        text += &detail(&format!("{place}{}", violation.message));
        let is_its = |excerpt: &&Excerpt| {
            excerpt.message == violation.message
                && violation.location.as_ref() == Some(&excerpt.location())
        };
        text += &excerpts.iter().find(is_its).map(Excerpt::to_text).unwrap_or_default();
    }
    text
}

/// The command that failed, and what it and the driver have said last: as they are.
fn output(error: &Error, verbose: bool) -> String {
    let data = &error.data;
    let mut text = String::new();
    if let Some(command) = &data.command {
        text += &indent(&clean(&format!("command: {command}")));
    }
    let said = [data.output.as_deref(), data.more.get("stderr").and_then(Value::as_str)];
    for output in said.into_iter().flatten() {
        text += &indent(&clean(&last_lines(output, if verbose { usize::MAX } else { 15 })));
    }
    text
}

fn way_out(error: &Error, width: Option<u16>) -> String {
    let data = &error.data;
    let mut text = String::new();
    if let Some(state) = &data.state {
        text += &fill(&clean(&format!("the cluster is left {state}")), width, "  ");
    }
    for action in &data.actions {
        // A command line is to be copied, and stays whole.
        text += &indent(&clean(&format!("{}: {}", action.title, action.command_line())));
    }
    if let Some(hint) = &data.hint {
        text += &labelled("hint: ", ADVICE, hint, width);
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

/// What each side of a comparison has at least.
const LEAST_SIDE: u16 = 12;

/// How long the longest of the prices of a change is, `recreate`.
const LONGEST_CHANGE: u16 = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use caproni_driver::{ChangeCost, NodeRole, NodeState};
    use serde_json::json;

    /// A failure without its colours.
    fn plain(failed: &Error, terminal: Option<u16>) -> String {
        let shown = Shown { verbose: false, terminal, width: terminal.unwrap_or(80) };
        caproni_driver::strip_ansi(&error(failed, shown))
    }

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
        let text = plain(&shown.with_hint("do").into(), None);
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
            caproni_driver::strip_ansi(&nodes_table(&nodes, Some(&[]))),
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
            plain(&failed, None),
            "error: `k3d` exited with 1\n  command: k3d cluster list\n  FATA no\n"
        );
    }

    #[test]
    fn a_terminal_has_no_line_that_is_too_long_but_for_what_is_to_be_copied() {
        let long = ["words"; 40].join(" ");
        let mut failed = Error::driver(ErrorKind::BackendFailed, &long)
            .with_cause(&long)
            .with_conditions(vec![caproni_driver::Condition::failed("api", &long).with_hint(&long)])
            .with_hint(format!("{long} `{}`", "command ".repeat(15)));
        failed.data.command = Some("k3d ".repeat(40));
        failed.data.diff = vec![Difference::new(
            "registries.config",
            json!("x".repeat(300)),
            json!(long),
            ChangeCost::Recreate,
        )];
        let text = plain(&failed, Some(80));
        let too_long: Vec<&str> = text.lines().filter(|line| line.chars().count() > 80).collect();
        assert_eq!(too_long.len(), 2, "{text}");
        assert!(
            too_long[0].starts_with("  command: k3d") && too_long[1].starts_with("      `comm")
        );
        assert!(plain(&failed, None).contains(&format!("error: {long}\n")));
    }
}
