//! Help on commands and topics, and the name under which it is given.

use snapbox::{assert_data_eq, str};

use crate::sandbox::Sandbox;

#[test]
fn a_topic_is_printed_as_it_is() {
    let sandbox = Sandbox::new();
    let output = sandbox.run("help exit-codes");
    assert_eq!(output.stdout, include_str!("../../docs/exit-codes.md"));
    let json = sandbox.run("help moving -o json").json();
    assert_eq!(json["about"], "moving");
    assert!(json["text"].as_str().unwrap().starts_with("# Moving over\n"));
}

#[test]
fn help_on_a_command_is_that_of_its_option() {
    let sandbox = Sandbox::new();
    for command in ["", "start", "drivers check"] {
        let said = sandbox.run(&format!("help {command}"));
        assert_eq!(said.code(), 0);
        assert_eq!(said.stdout, sandbox.run(&format!("{command} --help")).stdout, "{command}");
    }
}

#[test]
fn help_on_what_is_not_there_names_the_nearest() {
    let sandbox = Sandbox::new();
    assert_data_eq!(
        sandbox.run("help exitcodes"),
        str![[r#"
------- stderr -------
error: there is no command and no topic `exitcodes`
hint: did you mean `caproni help exit-codes`?
[exit status: 2]

"#]]
    );
    let hint = sandbox.run("help drivers chek -o json").json_error()["hint"].clone();
    assert_eq!(hint, "did you mean `caproni help drivers check`?");
    let hint = sandbox.run("help quux -o json").json_error()["hint"].clone();
    assert_eq!(hint, "see `caproni help` for the commands and topics");
}

#[test]
fn as_a_plugin_of_kubectl_it_shows_what_can_be_typed() {
    let sandbox = Sandbox::new().with_program_on_path();
    let plugin = sandbox.path("bin/kubectl-caproni");
    sandbox.link(&sandbox.path("bin/caproni"), "bin/kubectl-caproni");
    let output = sandbox.program(&plugin, "stop --help").run();
    assert!(output.stdout.contains("\nUsage: kubectl caproni stop [OPTIONS]\n"), "{output:#?}");
    let output = sandbox.program(&plugin, "--driver mock start").run();
    assert_eq!(output.code(), 0, "{output:#?}");
}

#[test]
fn the_manual_has_a_page_for_every_command() {
    let sandbox = Sandbox::new();
    let output = sandbox.run("man pages");
    let pages: Vec<_> = output.stdout.lines().collect();
    for page in ["caproni.1", "caproni-start.1", "caproni-drivers-check.1"] {
        assert!(pages.contains(&page), "{output:#?}");
    }
    for page in pages {
        let text = std::fs::read_to_string(sandbox.path("project/pages").join(page)).unwrap();
        assert!(text.contains(".SH SYNOPSIS\n") && text.contains(".SH EXAMPLES\n"), "{page}");
    }
}
