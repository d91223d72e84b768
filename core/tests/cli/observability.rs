//! What can be seen of what goes on: `-v`, `-vv`, `CAPRONI_LOG`, `--trace`, and the report of a
//! driver that crashed.

use std::os::unix::fs::PermissionsExt;

use snapbox::{assert_data_eq, str};

use crate::faults::driver;
use crate::sandbox::Sandbox;

const LOGS: &str =
    r#"status() { echo "told $CAPRONI_LOG" >&2; result '{"state":"ready","exists":true}'; }"#;

#[test]
fn twice_v_shows_the_dialogue_and_the_driver_s_process() {
    let output = driver(LOGS).run("--driver odd -vv status");
    for part in [
        "runs `[ROOT]/bin/caproni-driver-odd`\n",
        "-> {\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",",
        "<- {\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{\"protocolVersion\":1,",
        "-> {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\",",
        "driver: told trace\n",
        "<- {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"state\":\"ready\",\"exists\":true}}\n",
        "the driver exited with 0 after ",
    ] {
        assert!(output.stderr.contains(part), "{part}: {output:#?}");
    }
    assert!(!driver(LOGS).run("--driver odd -v status").stderr.contains("->"));
}

#[test]
fn the_level_comes_from_the_command_line_or_from_a_variable() {
    let sandbox = driver(LOGS);
    let status = |words: &str, variable: (&str, &str)| {
        let output = sandbox.caproni(words).env(variable.0, variable.1).run();
        assert_eq!(output.code(), 0, "{output:#?}");
        let shown = |part| output.stderr.contains(part);
        (shown("driver: told debug\n"), shown("driver: told trace\n") && shown("-> {"))
    };
    let nothing = (false, false);
    for (words, variable, seen) in [
        ("", ("CAPRONI_LOG", "info"), nothing),
        ("", ("CAPRONI_LOG", "warn"), nothing),
        ("", ("CAPRONI_LOG", ""), nothing),
        ("", ("CAPRONI_LOG", "debug"), (true, false)),
        ("", ("CAPRONI_LOG", "trace"), (false, true)),
        ("-v", ("CAPRONI_LOG", "warn"), (true, false)),
        ("-v", ("CAPRONI_LOG", "trace"), (false, true)),
        ("", ("CAPRONI_VERBOSE", "1"), (true, false)),
        ("", ("CAPRONI_VERBOSE", "true"), (true, false)),
        ("", ("CAPRONI_VERBOSE", "2"), (false, true)),
        ("", ("CAPRONI_VERBOSE", "0"), nothing),
        ("", ("CAPRONI_VERBOSE", "false"), nothing),
        ("--log debug", ("CAPRONI_VERBOSE", ""), (true, false)),
    ] {
        let words = format!("--driver odd {words} status");
        assert_eq!(status(&words, variable), seen, "{words} {variable:?}");
    }
    let wrong = sandbox.caproni("--driver odd status").env("CAPRONI_LOG", "loud").run();
    assert_eq!(wrong.code(), 2, "{wrong:#?}");
    assert!(wrong.stderr.contains("'loud'") && wrong.stderr.contains("trace"), "{wrong:#?}");
}

#[test]
fn with_warnings_only_there_is_no_progress() {
    let steps = "start() { progress create 'creating'; result '{\"change\":\"created\"}'; }";
    let sandbox = driver(steps);
    assert!(sandbox.run("--driver odd start").stderr.contains("create: creating"));
    assert_eq!(sandbox.run("--driver odd --log warn start").stderr, "");
    let sandbox = Sandbox::with_config("cluster:\n  driver: mock\n  mock: {agents: x}\n");
    let output = sandbox.run("--log warn status");
    assert!(output.stderr.starts_with("warning: the config is not used"), "{output:#?}");
}

#[test]
fn a_long_line_is_shortened_on_the_terminal_and_whole_in_the_trace() {
    let long = "x".repeat(3000);
    let sandbox = driver(&format!(
        "status() {{ progress look {long}; result '{{\"state\":\"ready\",\"exists\":true}}'; }}"
    ));
    let output = sandbox.run("--driver odd -vv --trace it status");
    let line = output.stderr.lines().find(|line| line.contains("\"progress\"")).unwrap();
    assert!(line.len() < 600 && line.ends_with(" bytes)"), "{line}");
    assert!(std::fs::read_to_string(sandbox.path("project/it")).unwrap().contains(&long));
}

#[test]
fn a_trace_of_any_command_can_be_replayed() {
    let sandbox = driver("");
    assert_eq!(sandbox.run("--driver odd --trace it start").code(), 0);
    assert_eq!(sandbox.run("--driver odd drivers replay --yes it").code(), 0);
    let by_variable = sandbox.caproni("--driver odd status").env("CAPRONI_TRACE", "that").run();
    assert_eq!(by_variable.code(), 0);
    let replayed = sandbox.run("--driver odd drivers replay that");
    assert!(replayed.stdout.contains("status"), "{replayed:#?}");
    let text = std::fs::read_to_string(sandbox.path("project/that")).unwrap();
    assert!(text.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
}

#[test]
fn a_trace_is_for_its_owner_s_eyes_and_one_of_before_is_closed_and_emptied() {
    let sandbox = driver("");
    let file = sandbox.write("project/it", "of before");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
    assert_eq!(sandbox.run("--driver odd --trace it status").code(), 0);
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!std::fs::read_to_string(file).unwrap().contains("of before"));
}

#[test]
fn a_trace_that_cannot_be_written_is_told_before_anything_is_done() {
    let sandbox = driver("touch ran");
    for shown in ["", "-o json"] {
        let output = sandbox.run(&format!("--driver odd --trace no/such/folder {shown} start"));
        assert_eq!(output.code(), 2, "{output:#?}");
        let told = "the trace `no/such/folder` cannot be written: No such file";
        assert!(output.stderr.contains(told), "{output:#?}");
    }
    assert!(!sandbox.path("project/ran").exists());
}

#[test]
fn a_crash_report_has_all_that_its_author_will_ask_for() {
    let crash = r#"
        status() { result '{"state":"stopped","exists":false}'; }
        start() { for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do echo "line $n" >&2; done; kill -SEGV $$; }"#;
    let sandbox = driver(crash);
    assert_data_eq!(
        sandbox.run("--driver odd --profile demo start"),
        str![[r#"
------- stderr -------
error: driver `[ROOT]/bin/caproni-driver-odd` was ended by signal: 11 (SIGSEGV)[..] during `start`
  driver: version 1
  request: `start` of cluster `demo`, failed in [N] s
  line 2
  line 3
  line 4
  line 5
  line 6
  line 7
  line 8
  line 9
  line 10
  line 11
  line 12
  line 13
  line 14
  line 15
  line 16
  the cluster is left stopped
hint: run it again: nothing of `demo` is left
[exit status: 20]

"#]]
    );
    let error = sandbox.run("--driver odd --profile demo -o json start").json_error();
    assert_eq!(error["kind"], "DriverCrashed");
    assert_eq!(error["path"], "[ROOT]/bin/caproni-driver-odd");
    assert_eq!(error["driverVersion"], "1");
    assert!(error["ended"].as_str().unwrap().starts_with("was ended by signal: 11 (SIGSEGV)"));
    let request = error["request"].as_object().unwrap();
    assert_eq!(request.keys().collect::<Vec<_>>(), ["method", "profile", "ranMs"], "no config");
    assert_eq!((&request["method"], &request["profile"]), (&"start".into(), &"demo".into()));
    let log = error["stderr"].as_str().unwrap();
    assert!(log.starts_with("line 1\nline 2\n") && log.ends_with("\nline 16"), "{log}");
}

#[test]
fn a_driver_that_fails_before_it_says_who_it_is_is_named_by_its_path() {
    let output = driver("initialize() { forever; }").run("--driver odd --timeout 100ms status");
    assert_data_eq!(
        output,
        str![[r#"
------- stderr -------
error: driver `odd` did not answer `initialize` within 0 s
  driver: `[ROOT]/bin/caproni-driver-odd`, no version told yet
  request: `initialize`, failed in [N] s
hint: give it more time with `--timeout`, or run it with `-vv` to see what the driver does
[exit status: 20]

"#]]
    );
}
