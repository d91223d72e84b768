//! Colour is there on a terminal, and nowhere else unless it is asked for.

use serde_json::json;

use crate::output::Output;
use crate::sandbox::{CommandLine, MOCK, Sandbox};

const ESCAPE: &str = "\u{1b}[";

fn has_colours(output: &Output) -> bool {
    output.stdout.contains(ESCAPE) || output.stderr.contains(ESCAPE)
}

fn at_terminal(command: CommandLine<'_>) -> Output {
    command.spawn_at_terminal_of(80).end()
}

#[test]
fn a_state_has_a_colour_on_a_terminal_unless_somebody_wants_none() {
    let sandbox = Sandbox::with_config(MOCK);
    sandbox.run("start");
    let status = || sandbox.caproni("status").env("TERM", "xterm");
    let shown = at_terminal(status());
    assert!(shown.stderr.contains("\u{1b}[32mready\u{1b}[0m"), "{shown:#?}");
    assert!(!has_colours(&at_terminal(status().env("NO_COLOR", "1"))));
    assert!(!has_colours(&at_terminal(status().env("TERM", "dumb"))));
    let piped = sandbox.run("status");
    assert!(!has_colours(&piped) && piped.stdout.contains("\nstate       ready "), "{piped:#?}");
    assert!(has_colours(&status().env("CLICOLOR_FORCE", "1").run()));
    assert!(!has_colours(&at_terminal(status().env("CLICOLOR", "0"))));
}

#[test]
fn an_error_and_its_hint_begin_in_colour_on_a_terminal() {
    let sandbox = Sandbox::with_config(MOCK);
    let fail = json!({"fail": {"operation": "status", "kind": "Busy", "hint": "wait"}});
    let status = || sandbox.caproni("status").simulate(&fail).env("TERM", "xterm");
    let shown = at_terminal(status()).stderr;
    assert!(shown.contains("\u{1b}[1m\u{1b}[31merror:\u{1b}[0m this failure"), "{shown:?}");
    assert!(shown.contains("\u{1b}[1m\u{1b}[36mhint:\u{1b}[0m wait"), "{shown:?}");
    assert!(!has_colours(&at_terminal(status().env("NO_COLOR", "1"))));
    assert!(!has_colours(&status().run()));
}

#[test]
fn json_has_no_colours_on_a_terminal_either() {
    let sandbox = Sandbox::with_config(MOCK);
    for words in ["-o json status", "-o json list", "-o json doctor"] {
        let output = at_terminal(sandbox.caproni(words).env("TERM", "xterm"));
        assert!(!has_colours(&output), "{output:#?}");
    }
}

#[test]
fn a_terminal_that_cannot_move_its_cursor_gets_plain_lines() {
    let sandbox = Sandbox::with_config(MOCK);
    let output = at_terminal(sandbox.caproni("start").env("TERM", "dumb"));
    assert!(!output.stderr.contains('\u{1b}'), "{output:#?}");
    assert!(output.stderr.contains("s] create: creating the nodes\r\n"), "{output:#?}");
}
