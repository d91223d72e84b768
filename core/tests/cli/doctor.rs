//! What keeps clusters from working, as `doctor` finds and mends it.

use std::fs::{File, FileTimes};
use std::os::unix::fs::PermissionsExt;
use std::time::SystemTime;

use serde_json::{Value, json};
use snapbox::{assert_data_eq, str};

use crate::faults::driver;
use crate::sandbox::{MOCK, Sandbox};

/// A driver whose engine runs once the file `mended` is there, in the folder that it is run in.
const SICK: &str = r#"
    methods='"diagnose"'
    diagnose() {
        if [ -e mended ]; then result '{"checks":[{"name":"engine","verdict":"ok","message":"it runs"}]}'
        else result '{"checks":[{"name":"engine","verdict":"failed","message":"the engine does not run","actions":[{"title":"Start the engine","reason":"clusters run in it","argv":["sh","-c","echo starting; touch mended"],"privileged":true}]}]}'; fi
    }"#;

fn sandbox_with_kubectl(sandbox: Sandbox) -> Sandbox {
    sandbox.executable("bin/kubectl", "#!/bin/sh\n");
    sandbox
}

fn check<'a>(told: &'a Value, of: &str, name: &str) -> &'a Value {
    let checks = told["checks"].as_array().unwrap();
    let found = checks.iter().find(|check| check["of"] == of && check["name"] == name);
    found.unwrap_or_else(|| panic!("no `{name}` of `{of}`: {told:#}"))
}

#[test]
fn all_that_is_well_is_told_with_exit_code_0() {
    let sandbox = sandbox_with_kubectl(Sandbox::with_config(MOCK));
    // Wide, since what is broken into lines holds paths of a length that differs.
    let output = sandbox.caproni("doctor").env("COLUMNS", "200").run();
    assert_data_eq!(
        output.stdout.as_str(),
        str![[r#"
caproni
  ok       state       `[ROOT]/state` is yours, and can be written
  ok       disk        [..] MiB are free at `[ROOT]/state`
  ok       kubeconfig  `[ROOT]/home/.kube/config` is made by the first cluster
  ok       clock       no cluster started here has a certificate to hold it against
  ok       kubectl     `[ROOT]/bin/kubectl`
  ok       drivers     found: mock

mock
  ok       folder      `[ROOT]/state/mock` is made by the first cluster
  ok       locks       `[ROOT]/state` can be written
  ok       files       0 clusters, and no file is damaged
  ok       leftovers   nothing is left of what was broken off

nothing keeps clusters from working

"#]]
    );
    assert_eq!((output.code(), output.stderr.as_str()), (0, ""));
}

#[test]
fn json_is_one_value_with_every_check() {
    let sandbox = sandbox_with_kubectl(Sandbox::with_config(MOCK));
    let output = sandbox.run("-o json doctor");
    let told = output.json();
    assert_eq!((&told["ok"], &told["exitCode"], output.code()), (&json!(true), &json!(0), 0));
    let folder = check(&told, "mock", "folder");
    assert_eq!((&folder["verdict"], &folder["counts"]), (&json!("ok"), &json!(true)));
    assert_eq!((&folder["hint"], &folder["actions"]), (&Value::Null, &json!([])));
}

#[test]
fn what_mends_it_is_shown_and_not_run() {
    let sandbox = driver(SICK);
    let output = sandbox.run("--driver odd doctor");
    assert_eq!(output.code(), 7, "{output:#?}");
    let shown = "\
odd
  failed   engine      the engine does not run
                       Start the engine (as administrator):
                         sh -c 'echo starting; touch mended'
";
    assert!(output.stdout.contains(shown), "{}", output.stdout);
    assert!(output.stdout.contains("1 check failed"), "{}", output.stdout);
    for line in output.stdout.lines().filter(|line| !line.contains('/')) {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert!(!sandbox.path("project/mended").exists());
    let told = sandbox.run("-o json --driver odd doctor").json();
    let action = &check(&told, "odd", "engine")["actions"][0];
    assert_eq!((&action["argv"][0], &action["privileged"]), (&json!("sh"), &json!(true)));
}

#[test]
fn fix_runs_what_mends_it_and_looks_again() {
    let sandbox = driver(SICK);
    let output = sandbox.run("--driver odd doctor --fix --yes");
    assert_eq!(output.code(), 0, "{output:#?}");
    assert!(output.stdout.contains("ok       engine      it runs"), "{output:#?}");
    assert_data_eq!(
        output.stderr,
        str![[r#"
this would mend what was found:
Start the engine: clusters run in it
    sh -c 'echo starting; touch mended'    (as administrator)
starting

"#]]
    );
}

#[test]
fn fix_without_a_terminal_runs_nothing_and_says_so() {
    let sandbox = driver(SICK);
    let output = sandbox.run("--driver odd doctor --fix");
    assert_eq!(output.code(), 7, "{output:#?}");
    assert!(output.stderr.contains("pass `--yes`"), "{output:#?}");
    assert!(!sandbox.path("project/mended").exists());
}

#[test]
fn a_person_is_asked_before_anything_is_mended() {
    let sandbox = driver(SICK);
    for (answer, code) in [("n", 7), ("y", 0)] {
        let mut doctor = sandbox.caproni("--driver odd doctor --fix").spawn_at_terminal();
        doctor.until("Run it now? [y/N] ");
        assert!(!sandbox.path("project/mended").exists());
        doctor.type_line(answer);
        let output = doctor.end();
        assert_eq!(output.code(), code, "{output:#?}");
    }
}

#[test]
fn a_command_that_fails_is_told_and_the_check_still_fails() {
    let sandbox = driver(&SICK.replace("echo starting; touch mended", "exit 3"));
    let output = sandbox.run("--driver odd doctor --fix --yes");
    assert_eq!(output.code(), 7, "{output:#?}");
    assert!(output.stderr.contains("`sh -c 'exit 3'` ended with exit status: 3"), "{output:#?}");
}

#[test]
fn a_driver_that_crashes_or_hangs_is_a_row_and_20_if_it_is_the_one_in_use() {
    let methods = "methods='\"diagnose\"'\n";
    for (fault, told) in [
        ("diagnose() { echo 'out of cheese' >&2; exit 3; }", "out of cheese"),
        ("diagnose() { forever; }", "did not tell what it finds within 3s"),
        ("diagnose() { result '{\"checks\":7}'; }", "diagnose"),
    ] {
        let sandbox = driver(&format!("{methods}{fault}"));
        let named = sandbox.run("-o json --timeout 3s --driver odd doctor");
        assert_eq!(named.code(), 20, "{named:#?}");
        let row = check(&named.json(), "odd", "driver").clone();
        assert!(row["message"].as_str().unwrap().contains(told), "{row:#}");
        assert!(row["hint"].is_string(), "{row:#}");
        sandbox.write("project/caproni.yaml", MOCK);
        let beside = sandbox.run("-o json --timeout 3s doctor");
        assert_eq!(beside.code(), 0, "{beside:#?}");
        let told = beside.json();
        assert_eq!(check(&told, "odd", "driver")["verdict"], "failed");
        assert_eq!(check(&told, "odd", "driver")["counts"], false);
        assert_eq!(check(&told, "mock", "files")["verdict"], "ok");
    }
}

#[test]
fn a_driver_without_checks_of_its_own_is_well_when_it_answers() {
    let told = driver("").run("-o json --driver odd doctor").json();
    let row = check(&told, "odd", "driver");
    assert_eq!(row["message"], "version 1 answers, and has no checks of its own");
}

#[test]
fn a_driver_that_others_can_write_is_a_row_with_what_mends_it() {
    let sandbox = driver("");
    let file = sandbox.path("bin/caproni-driver-odd");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o777)).unwrap();
    let told = sandbox.run("-o json doctor").json();
    let row = check(&told, "odd", "driver");
    assert_eq!(row["verdict"], "failed");
    assert!(row["hint"].as_str().unwrap().contains("chmod"), "{row:#}");
    assert_eq!(row["actions"][0]["argv"][0], "chmod");
    assert_eq!(sandbox.run("--driver odd doctor").code(), 8);
    let mended = sandbox.run("--driver odd doctor --fix --yes");
    assert_eq!(mended.code(), 0, "{mended:#?}");
}

#[test]
fn a_driver_that_is_shadowed_is_a_warning() {
    let sandbox = Sandbox::with_config(MOCK);
    sandbox.executable("bin/caproni-driver-mock", "#!/bin/sh\n");
    let output = sandbox.run("-o json doctor");
    let told = output.json();
    let row = check(&told, "caproni", "shadowed");
    assert_eq!((&row["verdict"], output.code()), (&json!("warning"), 0));
}

#[test]
fn a_broken_kubeconfig_and_a_lock_that_was_left_are_6_and_the_lock_is_mended() {
    let sandbox = Sandbox::with_config(MOCK);
    let kubeconfig = sandbox.write("home/.kube/config", "contexts: 1\n");
    let output = sandbox.run("-o json doctor");
    assert_eq!(output.code(), 6, "{output:#?}");
    assert_eq!(check(&output.json(), "caproni", "kubeconfig")["verdict"], "failed");
    std::fs::write(kubeconfig, "current-context: gone\n").unwrap();
    let lock = sandbox.write("home/.kube/config.lock", "");
    let times = FileTimes::new().set_modified(SystemTime::UNIX_EPOCH);
    File::options().write(true).open(&lock).unwrap().set_times(times).unwrap();
    let output = sandbox.run("-o json doctor");
    assert_eq!(output.code(), 6, "{output:#?}");
    assert_eq!(check(&output.json(), "caproni", "context")["verdict"], "warning");
    let mended = sandbox.run("-o json doctor --fix --yes");
    assert_eq!(mended.code(), 0, "{mended:#?}");
    assert!(!lock.exists());
}

#[test]
fn a_state_folder_that_others_can_write_is_8_and_is_mended() {
    let sandbox = Sandbox::with_config(MOCK);
    let state = sandbox.path("state");
    std::fs::set_permissions(&state, PermissionsExt::from_mode(0o777)).unwrap();
    let output = sandbox.run("doctor");
    assert_eq!(output.code(), 8, "{output:#?}");
    let output = sandbox.run("doctor --fix --yes");
    assert_eq!(output.code(), 0, "{output:#?}");
    assert_eq!(state.metadata().unwrap().permissions().mode() & 0o777, 0o755);
}

#[test]
fn a_broken_config_file_is_a_row_and_all_else_is_looked_at() {
    let sandbox = Sandbox::with_config("cluster: [\n");
    let output = sandbox.run("-o json doctor");
    assert_eq!(output.code(), 6, "{output:#?}");
    let told = output.json();
    assert_eq!(check(&told, "caproni", "config")["verdict"], "failed");
    assert_eq!(check(&told, "mock", "files")["verdict"], "ok");
}

#[test]
fn a_driver_that_is_not_there_is_an_error() {
    assert_eq!(Sandbox::new().run("--driver nowhere doctor").code(), 10);
}

#[test]
fn a_profile_narrows_what_the_driver_looks_at() {
    let sandbox = Sandbox::with_config(MOCK);
    sandbox.run("--profile one start");
    let files = |words: &str| {
        let told = sandbox.run(&format!("-o json {words} doctor")).json();
        check(&told, "mock", "files")["message"].as_str().unwrap().to_owned()
    };
    assert_eq!(files("--profile one"), "1 cluster, and no file is damaged");
    assert_eq!(files("--profile two"), "0 clusters, and no file is damaged");
}

#[test]
fn ctrl_c_ends_it_and_every_driver() {
    let sandbox = driver("methods='\"diagnose\"'\ndiagnose() { echo here >&2; forever; }");
    let mut doctor = sandbox.caproni("-v --driver odd doctor --timeout 1h").spawn();
    doctor.until("driver: here");
    doctor.signal(rustix::process::Signal::INT);
    assert_eq!(doctor.end().code(), 130);
}
