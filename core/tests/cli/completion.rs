//! Tab in a shell: the answers of `caproni`, and a real bash that asks for them.

use std::path::Path;

use crate::output::Output;
use crate::sandbox::Sandbox;

/// What bash gets for a command line whose last word is being typed.
fn completed(sandbox: &Sandbox, line: &str) -> Output {
    let last = line.split_whitespace().count() - 1;
    let asked = sandbox.caproni(&format!("-- {line}")).env("CAPRONI_COMPLETE", "bash");
    asked.env("_CLAP_COMPLETE_INDEX", last.to_string()).run()
}

#[test]
fn tab_in_bash_completes_commands_drivers_and_profiles() {
    const CLEAR_LINE: &str = "\u{15}";
    let sandbox = Sandbox::new().with_program_on_path();
    assert_eq!(sandbox.run("--driver mock --profile demo start").code(), 0);
    let bash = sandbox.program(Path::new("/bin/bash"), "--norc --noprofile -i");
    let mut bash = bash.env("PS1", "ready$ ").env("HISTFILE", "").spawn_at_terminal();
    bash.until("ready$ ");
    bash.type_line("source <(caproni completion bash) && echo it is sour''ced");
    bash.until("it is sourced");
    for (typed, completed) in [
        ("caproni destr", "caproni destroy "),
        ("caproni --driver mo", "caproni --driver mock "),
        ("caproni --driver=moc", "caproni --driver=mock "),
        ("caproni -d mock -p de", "caproni -d mock -p demo "),
        ("caproni drivers describe m", "caproni drivers describe mock "),
    ] {
        bash.type_keys(&format!("{typed}\t"));
        bash.until(completed);
        bash.type_keys(CLEAR_LINE);
    }
    bash.type_line("exit");
    assert_eq!(bash.end().code(), 0);
}

#[test]
fn names_are_completed_without_starting_a_driver() {
    let sandbox = Sandbox::with_driver("spy", "#!/bin/sh\ntouch \"$HOME/started\"\n");
    std::fs::create_dir_all(sandbox.path("state/clusters/spy-night")).unwrap();
    assert_eq!(completed(&sandbox, "caproni --driver s").stdout, "spy");
    assert_eq!(completed(&sandbox, "caproni --profile n").stdout, "night");
    assert!(!sandbox.path("home/started").exists());
}

#[test]
fn a_profile_is_completed_until_it_is_destroyed() {
    let sandbox = Sandbox::new();
    sandbox.run("--driver mock --profile demo start");
    assert_eq!(completed(&sandbox, "caproni -p d").stdout, "demo");
    sandbox.run("--driver mock --profile demo destroy");
    assert_eq!(completed(&sandbox, "caproni -p d").stdout, "");
}

#[test]
fn a_driver_can_be_completed_as_a_path() {
    let sandbox = Sandbox::new();
    sandbox.executable("project/caproni-driver-mine", "#!/bin/sh\n");
    assert_eq!(completed(&sandbox, "caproni --driver ./capr").stdout, "./caproni-driver-mine");
}

#[test]
fn tab_is_never_an_error() {
    let sandbox = Sandbox::with_config("no: [yaml");
    std::fs::remove_dir(sandbox.path("state")).unwrap();
    for line in ["caproni --no-such-option x", "caproni --profile x", "caproni no such command"] {
        let output = completed(&sandbox, line);
        assert_eq!((output.code(), output.stderr.as_str()), (0, ""), "{line}: {output:#?}");
    }
    let of_no_shell = sandbox.caproni("-- caproni st").env("CAPRONI_COMPLETE", "tcsh").run();
    let said = (of_no_shell.code(), &*of_no_shell.stdout, &*of_no_shell.stderr);
    assert_eq!(said, (0, "", ""));
}

#[test]
fn every_shell_has_a_script_that_asks_caproni() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = sandbox.run(&format!("completion {shell}"));
        assert!(output.stdout.contains("CAPRONI_COMPLETE"), "{shell}: {output:#?}");
    }
    let json = sandbox.run("completion zsh -o json").json();
    assert_eq!(json["shell"], "zsh");
    assert!(json["script"].as_str().unwrap().starts_with("#compdef caproni\n"));
}
