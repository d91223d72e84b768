//! Every text keeps to 80 columns, where it can be broken.

use serde_json::json;

use crate::output::Output;
use crate::sandbox::{CommandLine, MOCK, Sandbox};
use crate::screen::screen;

const COLUMNS: usize = 80;

/// A value that is longer than a line.
const LONG: &str = "a-label-of-more-than-twenty-characters";

/// Whether a line is too long for no reason. What cannot be broken may be: a path, a word, a command
/// line in backticks, at the end of its line.
fn is_too_long(line: &str) -> bool {
    let mut quoted = false;
    let mut gaps = line.chars().enumerate().filter_map(|(at, c)| {
        quoted ^= c == '`';
        (c == ' ' && !quoted).then_some(at)
    });
    line.chars().count() > COLUMNS && gaps.any(|at| at >= COLUMNS)
}

#[track_caller]
fn expect_narrow(what: &str, output: &Output) {
    let texts = [&output.stdout, &output.stderr];
    let lines = texts.iter().flat_map(|text| text.lines());
    let too_long: Vec<&str> =
        lines.map(|line| line.trim_end()).filter(|line| is_too_long(line)).collect();
    assert_eq!(too_long, [""; 0], "{what}");
}

/// What a command leaves at a terminal of 80 columns, as one shows it that is wider.
fn at_terminal(command: CommandLine<'_>) -> Output {
    let output = command.env("TERM", "xterm").spawn_at_terminal_of(80).end();
    Output { stderr: screen(200, 1000, &output.stderr), ..output }
}

#[test]
fn help_on_every_command_and_topic() {
    let sandbox = Sandbox::new();
    let mut left = vec![String::new()];
    let mut seen = 0;
    while let Some(command) = left.pop() {
        let help = sandbox.caproni(&format!("{command} --help")).env("COLUMNS", "80").run();
        assert_eq!(help.code(), 0, "{help:#?}");
        expect_narrow(&command, &help);
        seen += 1;
        let below = help.stdout.lines().skip_while(|line| *line != "Commands:").skip(1);
        let below = below.take_while(|line| line.starts_with("  "));
        let names = below.filter(|line| !line.starts_with("   "));
        let names = names.filter_map(|line| line.split_whitespace().next());
        left.extend(names.map(|name| format!("{command} {name}")));
    }
    assert!(seen > 30, "{seen} commands");
    for topic in ["exit-codes", "config", "drivers", "environment", "moving"] {
        expect_narrow(topic, &sandbox.run(&format!("help {topic}")));
    }
}

#[test]
fn results_at_a_terminal() {
    let sandbox = Sandbox::with_config(MOCK);
    sandbox.executable("bin/caproni-driver-broken", "#!/bin/sh\necho it has no backend >&2\n");
    for words in [
        "start",
        "status",
        "list",
        "doctor",
        "diff",
        "usage",
        "version",
        "config init -c other.yaml",
        "config show",
        "config validate",
        "drivers list",
        "drivers describe mock",
        "stop",
        "destroy --yes",
    ] {
        expect_narrow(words, &at_terminal(sandbox.caproni(words)));
    }
}

#[test]
fn a_mismatch_of_long_values() {
    let config = |value: &str| {
        format!(
            "cluster:\n  driver: mock\n  mock: {{labels: {{a: {value}, b: {value}}}, agents: 1}}\n"
        )
    };
    let sandbox = Sandbox::with_config(&config(LONG));
    sandbox.run("start");
    sandbox.write("project/caproni.yaml", &config(&LONG.to_uppercase()));
    for words in ["diff", "start --dry-run", "start", "restart", "status"] {
        expect_narrow(words, &at_terminal(sandbox.caproni(words)));
    }
}

#[test]
fn failures_and_conditions() {
    let sandbox = Sandbox::with_config(MOCK);
    let long = "what went wrong is told at some length, ".repeat(5);
    let data = json!({
        "causes": [long, long],
        "conditions": [{"name": "api", "ok": false, "message": long, "hint": long}],
    });
    for kind in ["ClusterNotReady", "BackendFailed", "KindOfItsOwn"] {
        let fail = json!({"fail": {
            "operation": "status", "kind": kind, "message": long, "hint": long, "data": data,
        }});
        expect_narrow(kind, &at_terminal(sandbox.caproni("status").simulate(&fail)));
    }
    sandbox.run("start");
    let fewer = sandbox.caproni("status").simulate(&json!({"nodes_not_ready": 1}));
    expect_narrow("status", &at_terminal(fewer));
}

#[test]
fn a_message_that_is_piped_is_one_line_that_can_be_searched() {
    let sandbox = Sandbox::with_config(MOCK);
    let long = "what went wrong is told at some length, ".repeat(5);
    let fail = json!({"fail": {"operation": "status", "kind": "Busy", "message": long}});
    let said = sandbox.caproni("status").env("COLUMNS", "40").simulate(&fail).run().stderr;
    assert!(said.starts_with(&format!("error: {}", long.trim_end())), "{said}");
}
