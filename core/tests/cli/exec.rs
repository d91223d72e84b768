//! `caproni exec` and `caproni logs`: somebody else's program at the user's terminal.

use std::path::Path;

use serde_json::json;
use snapbox::{assert_data_eq, str};

use crate::faults::driver;
use crate::sandbox::{MOCK, Sandbox};

fn started() -> Sandbox {
    let sandbox = Sandbox::with_config("cluster:\n  driver: mock\n  mock: {agents: 1}\n");
    assert_eq!(sandbox.run("start").code(), 0);
    sandbox
}

#[test]
fn the_exit_code_is_that_of_the_command() {
    let sandbox = started();
    let output = sandbox.caproni("exec -- sh -c").arg("echo out; echo err >&2; exit 42").run();
    assert_data_eq!(
        output,
        str![[r#"
out
------- stderr -------
err
[exit status: 42]

"#]]
    );
    assert_eq!(sandbox.run("exec -- no-such-program").code(), 127);
    // Without `--` too: the first word that is no option begins the command.
    assert_eq!(sandbox.caproni("exec sh -c").arg("exit 7").run().code(), 7);
}

#[test]
fn every_argument_reaches_the_command_as_it_is() {
    let sandbox = started();
    let words = ["", "a  b", "\"q\" 'q'", "$HOME $(id)", "line\nline\n", "-it", "--", "ü*?"];
    let command = sandbox.caproni("exec -- printf %s|");
    let output = words.iter().fold(command, |command, word| command.arg(word)).run();
    let expected: String = words.iter().map(|word| format!("{word}|")).collect();
    assert_eq!((output.stdout, output.stderr), (expected, String::new()));
}

#[test]
fn what_runs_finds_nothing_in_the_current_folder() {
    let sandbox = started();
    sandbox.executable("project/helper", "#!/bin/sh\necho taken over\n");
    let line = sandbox.caproni("exec -- sh -c").arg("echo $PATH; helper");
    let output = line.env("PATH", ".:bin:/usr/bin:/bin:").run();
    assert_eq!((output.stdout.as_str(), output.code()), ("/usr/bin:/bin\n", 127), "{output:#?}");
}

#[test]
fn stdin_is_passed_on() {
    let sandbox = started().with_program_on_path();
    let line = "printf 'a\\nb\\n' | caproni exec -i -- cat -n; printf ' c' | caproni exec -- cat";
    let output = sandbox.program(Path::new("/bin/sh"), "-c").arg(line).run();
    assert_eq!(output.stdout, "     1\ta\n     2\tb\n c");
}

#[test]
fn the_first_server_is_meant_unless_a_node_is_named() {
    let sandbox = started();
    let node = "echo $CAPRONI_MOCK_NODE";
    let on = |words: &str| sandbox.caproni(words).arg(node).run().stdout;
    assert_eq!(on("exec -- sh -c"), "mock-caproni-server-0\n");
    assert_eq!(on("exec --node mock-caproni-agent-0 -- sh -c"), "mock-caproni-agent-0\n");
    assert_data_eq!(
        sandbox.run("exec --node other -- true"),
        str![[r#"
------- stderr -------
error: cluster `caproni` has no node `other`
hint: pass `--node` with one of mock-caproni-server-0, mock-caproni-agent-0
[exit status: 2]

"#]]
    );
}

#[test]
fn a_cluster_that_does_not_run_has_nothing_to_run_it_on() {
    let sandbox = started();
    sandbox.run("stop");
    let error = sandbox.run("-o json exec -- true");
    assert_eq!((&error.json_error()["kind"], error.code()), (&json!("ClusterNotRunning"), 3));
}

#[test]
fn a_driver_without_the_method_says_so() {
    assert_data_eq!(
        driver("").run("--driver odd exec -- true"),
        str![[r#"
------- stderr -------
error: driver `odd` cannot run commands on its nodes
hint: run `caproni drivers describe odd` to see what it can do
[exit status: 2]

"#]]
    );
}

#[test]
fn a_plan_that_cannot_be_followed_is_the_drivers_fault() {
    let with = |plan: &str| {
        let sandbox = driver(&format!("methods='\"logs\"'\nlogs() {{ result '{plan}'; }}"));
        sandbox.run("--driver odd -o json logs").json_error()
    };
    let relative = with(r#"{"argv":["./true"]}"#);
    assert_eq!(relative["kind"], "DriverProtocolError", "{relative}");
    assert_eq!(with(r#"{"argv":[]}"#)["kind"], "DriverProtocolError");
    let missing = with(r#"{"argv":["none-such-program"]}"#);
    assert_eq!((&missing["kind"], &missing["exitCode"]), (&json!("BackendMissing"), &json!(7)));
}

#[test]
fn without_a_terminal_none_can_be_insisted_on() {
    assert_data_eq!(
        Sandbox::with_config(MOCK).run("exec -t -- true"),
        str![[r#"
------- stderr -------
error: there is no terminal that `--tty` could pass on
hint: leave `--tty` out, or run it where stdin and stdout are a terminal
[exit status: 2]

"#]]
    );
}

#[test]
#[cfg(target_os = "linux")]
fn a_command_at_a_terminal_has_its_size_and_its_ctrl_c() {
    let sandbox = started();
    let script =
        "stty size; trap 'echo caught; exit 130' INT; echo waits; while :; do sleep 1; done";
    let mut exec = sandbox.caproni_in_session("exec -it -- sh -c").arg(script).spawn_at_terminal();
    let said = exec.until("waits");
    assert!(said.contains("24 120"), "{said}");
    exec.type_keys("\u{3}");
    let output = exec.end();
    assert!(output.stderr.contains("caught"), "{output:#?}");
    assert_eq!(output.code(), 130);
}

#[test]
#[cfg(target_os = "linux")]
fn a_command_that_ctrl_c_ends_ends_as_it_would_by_itself() {
    let sandbox = started();
    let script = "echo waits; exec sleep 1000";
    let mut exec = sandbox.caproni_in_session("exec -- sh -c").arg(script).spawn_at_terminal();
    exec.until("waits");
    exec.type_keys("\u{3}");
    assert_eq!(exec.end().code(), 130);
}

#[test]
fn without_a_command_it_is_a_shell() {
    let sandbox = started();
    let mut shell = sandbox.caproni("exec").spawn_at_terminal();
    shell.type_line("echo $((6 * 7))-; exit 5");
    shell.until("42-");
    assert_eq!(shell.end().code(), 5);
}

#[test]
fn the_log_of_a_node_is_printed_of_a_stopped_one_too() {
    let sandbox = started();
    sandbox.run("stop");
    let all = sandbox.run("logs");
    assert_eq!((all.code(), all.stdout.lines().count()), (0, 3), "{all:#?}");
    let last = sandbox.run("logs --node mock-caproni-agent-0 --tail 1");
    assert!(last.stdout.ends_with(" stopped\n") && last.stdout.lines().count() == 1, "{last:#?}");
    assert_eq!(sandbox.run("logs --node other").code(), 2);
    assert_eq!(sandbox.run("logs --tail many").code(), 2);
}

#[test]
fn a_log_that_is_followed_goes_on_until_ctrl_c() {
    let sandbox = started();
    let mut logs = sandbox.caproni("logs -f").spawn_at_terminal();
    logs.until("created");
    sandbox.run("stop");
    logs.until("stopped");
    logs.signal(rustix::process::Signal::INT);
    assert_eq!(logs.end().code(), 130);
}
