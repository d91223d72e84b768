//! Which executable is the driver, and what is said where there is none.

use snapbox::{assert_data_eq, str};

use crate::sandbox::Sandbox;

const READY: &str = include_str!("caproni-driver-mine");

#[test]
fn a_name_that_is_not_there_brings_the_nearest_one() {
    let sandbox = Sandbox::new();
    assert_data_eq!(
        sandbox.run("--driver moc status"),
        str![[r#"
------- stderr -------
error: no driver `moc`: `caproni-driver-moc` was not found
hint: did you mean `--driver mock`?
[exit status: 10]

"#]]
    );
    assert_data_eq!(
        sandbox.run("--driver k3d -o json status"),
        str![[r#"
------- stderr -------
{
  "error": {
    "kind": "DriverNotFound",
    "message": "no driver `k3d`: `caproni-driver-k3d` was not found",
    "hint": "put an executable `caproni-driver-k3d` on PATH; there is `mock`",
    "searched": [
      "[ROOT]/drivers",
      "[PROGRAM]",
      "[ROOT]/bin",
      "/usr/bin",
      "/bin"
    ],
    "similar": [],
    "exitCode": 10
  }
}
[exit status: 10]

"#]]
    );
}

#[test]
fn a_machine_without_any_driver_is_told_where_to_put_one() {
    let sandbox = Sandbox::new();
    let output = sandbox.caproni("--driver k3d status").without_env("CAPRONI_DRIVER_PATH").run();
    assert_data_eq!(
        output,
        str![[r#"
------- stderr -------
error: no driver `k3d`: `caproni-driver-k3d` was not found
hint: put an executable `caproni-driver-k3d` on PATH, or into a folder named in CAPRONI_DRIVER_PATH
[exit status: 10]

"#]]
    );
}

#[test]
fn a_name_that_cannot_be_one_is_refused() {
    assert_data_eq!(
        Sandbox::new().run("--driver $(date) status"),
        str![[r#"
------- stderr -------
error: `$(date)` is not a driver's name
hint: use letters, digits, `-`, `_` and `.`, and neither `-` nor `.` at the beginning
[exit status: 2]

"#]]
    );
}

#[test]
fn a_file_that_is_not_executable_is_told_with_its_mode_and_the_way_out() {
    let sandbox = Sandbox::new();
    sandbox.write("bin/caproni-driver-plain", READY);
    let output = sandbox.run("--driver plain status");
    assert_eq!(output.code(), 20);
    for part in [
        "error: driver `[ROOT]/bin/caproni-driver-plain` cannot be run\n",
        "its mode is 0644",
        "hint: run `chmod +x [ROOT]/bin/caproni-driver-plain`\n",
    ] {
        assert!(output.stderr.contains(part), "{output:#?}");
    }
}

#[test]
fn a_driver_whose_interpreter_is_missing_is_told_so() {
    let sandbox = Sandbox::with_driver("py", "#!/no/such/python3\n");
    assert_data_eq!(
        sandbox.run("--driver py status"),
        str![[r#"
------- stderr -------
error: driver `[ROOT]/bin/caproni-driver-py` cannot be run
  caused by: its first line names `/no/such/python3`, which is not there
hint: install `/no/such/python3`, or mend the first line of `[ROOT]/bin/caproni-driver-py`
[exit status: 20]

"#]]
    );
}

#[test]
fn nothing_in_the_current_folder_runs_for_an_empty_or_relative_entry_of_a_path() {
    let sandbox = Sandbox::new();
    for file in ["project/caproni-driver-evil", "project/bin/caproni-driver-evil"] {
        sandbox.executable(file, "#!/bin/sh\ntouch ran\n");
    }
    let output = sandbox
        .caproni("--driver evil status")
        .env("PATH", ":.:bin:/usr/bin:/bin:")
        .env("CAPRONI_DRIVER_PATH", ":.:bin")
        .run();
    assert_data_eq!(
        output,
        str![[r#"
------- stderr -------
error: no driver `evil`: `caproni-driver-evil` was not found
  caused by: relative folders of the search path are skipped: ., bin, ., bin
hint: put an executable `caproni-driver-evil` on PATH, or into a folder named in CAPRONI_DRIVER_PATH
[exit status: 10]

"#]]
    );
    assert!(!sandbox.path("project/ran").exists());
}

#[test]
fn a_path_on_the_command_line_runs_from_where_one_stands() {
    let sandbox = Sandbox::new();
    sandbox.executable("project/my-driver", READY);
    assert_data_eq!(
        sandbox.run("--driver ./my-driver status"),
        str![[r#"
cluster     caproni (my-driver)
state       stopped (it does not exist)
[exit status: 3]

"#]]
    );
    assert_data_eq!(
        sandbox.run("--driver ./no-driver status"),
        str![[r#"
------- stderr -------
error: no driver at `[ROOT]/project/no-driver`
hint: give the path of an executable file, or a driver's name without a `/`
[exit status: 10]

"#]]
    );
}

#[test]
fn the_driver_path_comes_before_path_and_the_shadowed_one_is_shown_with_v() {
    let sandbox = Sandbox::with_driver("mock", "#!/bin/sh\ntouch ran\n");
    assert_eq!(sandbox.run("--driver mock status").stderr, "");
    assert_data_eq!(
        sandbox.run("--driver mock -v status"),
        str![[r#"
cluster     caproni (mock)
state       stopped (it does not exist)
------- stderr -------
`[ROOT]/bin/caproni-driver-mock` is shadowed by `[ROOT]/drivers/caproni-driver-mock`
[exit status: 3]

"#]]
    );
    assert!(!sandbox.path("project/ran").exists());
}
