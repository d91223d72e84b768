//! `drivers list`: what there is, what is broken and why, and that nothing runs twice.

use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use snapbox::{assert_data_eq, str};

use crate::sandbox::{CommandLine, Sandbox};

/// A driver of this name that keeps every rule but for what `fault` says. It leaves its name in
/// the file `ran` each time it runs.
pub(crate) fn script(name: &str, fault: &str) -> String {
    let (rules, odd) = (include_str!("rules.sh"), r#"\"name\":\"odd\""#);
    assert!(rules.contains(odd));
    let named = rules.replace(odd, &format!(r#"\"name\":\"{name}\""#));
    named.replace("# (here)\n", &format!("echo {name} >>\"$HOME/ran\"\n{fault}\n"))
}

/// A sandbox with these drivers in `bin`, without the mock driver.
fn drivers(drivers: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::new();
    std::fs::remove_file(sandbox.path("drivers/caproni-driver-mock")).unwrap();
    for (name, fault) in drivers {
        sandbox.executable(&format!("bin/caproni-driver-{name}"), &script(name, fault));
    }
    sandbox
}

fn ran(sandbox: &Sandbox) -> Vec<String> {
    let text = std::fs::read_to_string(sandbox.path("home/ran")).unwrap_or_default();
    let mut names: Vec<String> = text.lines().map(str::to_owned).collect();
    names.sort();
    names
}

fn rows(command: CommandLine<'_>) -> Vec<Value> {
    let output = command.run();
    assert_eq!(output.code(), 0, "{output:#?}");
    output.json()["drivers"].as_array().unwrap().clone()
}

#[test]
fn every_driver_is_a_row_and_shadowed_files_are_told() {
    let sandbox = drivers(&[
        ("mine", "methods='\"restart\",\"mine/compact\"' features='\"cancel\"'"),
        ("plain", ""),
    ]);
    sandbox.executable("drivers/caproni-driver-plain", &script("plain", ""));
    assert_data_eq!(
        sandbox.caproni("drivers list").env("COLUMNS", "200").run(),
        str![[r#"
NAME   VERSION  CAPABILITIES                   FOLDER
mine   1        restart, mine/compact, cancel  [ROOT]/bin
plain  1                                       [ROOT]/drivers

`[ROOT]/bin/caproni-driver-plain` is shadowed by `[ROOT]/drivers/caproni-driver-plain`
[exit status: 0]

"#]]
    );
    assert_data_eq!(
        sandbox.run("drivers list -o json"),
        str![[r#"
{
  "drivers": [
    {
      "name": "mine",
      "version": "1",
      "path": "[ROOT]/bin/caproni-driver-mine",
      "capabilities": {
        "methods": [
          "restart",
          "mine/compact"
        ],
        "features": [
          "cancel"
        ]
      },
      "shadowed": []
    },
    {
      "name": "plain",
      "version": "1",
      "path": "[ROOT]/drivers/caproni-driver-plain",
      "capabilities": {
        "methods": [],
        "features": []
      },
      "shadowed": [
        "[ROOT]/bin/caproni-driver-plain"
      ]
    }
  ]
}
[exit status: 0]

"#]]
    );
    assert_eq!(ran(&sandbox), ["mine", "plain"], "what is shadowed never runs");
}

#[test]
fn no_driver_at_all_is_an_empty_list() {
    let sandbox = drivers(&[]);
    assert_data_eq!(
        sandbox.run("drivers list"),
        str![[r#"
no drivers; put an executable `caproni-driver-NAME` on PATH
[exit status: 0]

"#]]
    );
    assert_eq!(sandbox.run("drivers list -o json").json(), json!({"drivers": []}));
}

#[test]
fn each_way_to_be_broken_is_a_row_with_its_reason() {
    let sandbox = drivers(&[
        ("crash", "initialize() { echo 'no config' >&2; exit 3; }"),
        ("noend", "trap '' TERM; initialize() { describe 1; exec 0</dev/null; forever >&2; }"),
        ("hang", "initialize() { forever; }"),
        ("new", "initialize() { describe 2; }"),
        ("renamed", ""),
        ("wire", "initialize() { say '{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":{}}'; }"),
    ]);
    let bin = |name: &str| sandbox.path(&format!("bin/caproni-driver-{name}"));
    std::fs::rename(bin("renamed"), bin("other")).unwrap();
    sandbox.executable("bin/caproni-driver-py", "#!/no/such/python3\n");
    sandbox.write("bin/caproni-driver-mode", "");
    symlink("/nowhere", bin("link")).unwrap();
    std::fs::create_dir(bin("folder")).unwrap();
    sandbox.executable("bin/caproni-driver-a b", "");

    let rows = rows(sandbox.caproni("drivers list -o json --timeout 2s"));
    let told: Vec<String> = rows
        .iter()
        .map(|row| {
            let problem = &row["problem"];
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let why = [&problem["causes"][0], &problem["stderr"]].map(text).concat();
            let (name, kind) = (text(&row["name"]), text(&problem["kind"]));
            format!("{name}: {kind}: {}: {why}\n", text(&problem["message"]))
        })
        .collect();
    assert_data_eq!(
        told.concat(),
        str![[r#"
a b: Usage: `a b` is not a driver's name: 
crash: DriverCrashed: driver `[ROOT]/bin/caproni-driver-crash` exited with 3 during `initialize`: no config
folder: DriverNotExecutable: driver `[ROOT]/bin/caproni-driver-folder` cannot be run: it is not a file
hang: DriverUnresponsive: driver `[ROOT]/bin/caproni-driver-hang` did not answer `initialize` within 2s: 
link: DriverNotExecutable: driver `[ROOT]/bin/caproni-driver-link` cannot be run: it is a symbolic link that leads nowhere: No such file or directory (os error 2)
mode: DriverNotExecutable: driver `[ROOT]/bin/caproni-driver-mode` cannot be run: Permission denied (os error 13): its mode is 0644, its owner is user [..], you are user [..]
new: DriverProtocolError: driver `[ROOT]/bin/caproni-driver-new` chose protocol version 2, which was not offered: 
noend: DriverUnresponsive: driver `[ROOT]/bin/caproni-driver-noend` answered, but did not end with its stdin, within 2s: 
other: DriverProtocolError: driver `[ROOT]/bin/caproni-driver-other` says that its name is `renamed`: 
py: DriverNotExecutable: driver `[ROOT]/bin/caproni-driver-py` cannot be run: its first line names `/no/such/python3`, which is not there
wire: DriverProtocolError: driver `[ROOT]/bin/caproni-driver-wire` broke the protocol in its answer to `initialize`: it answered with id 9 where 0 was asked: 

"#]]
    );
    let version = |name: &str| &rows.iter().find(|row| row["name"] == name).unwrap()["version"];
    assert_eq!((version("noend"), version("hang")), (&json!("1"), &Value::Null));
}

#[test]
fn a_broken_driver_is_a_row_of_the_table_with_its_last_words() {
    let sandbox = drivers(&[("crash", "initialize() { echo 'no config at all' >&2; exit 3; }")]);
    sandbox.executable("bin/caproni-driver-py", "#!/no/such/python3\n");
    assert_data_eq!(
        sandbox.caproni("drivers list").env("COLUMNS", "200").run(),
        str![[r#"
NAME   VERSION  CAPABILITIES                                                                        FOLDER
crash  -        broken: exited with 3 during `initialize`: no config at all                         [ROOT]/bin
py     -        broken: cannot be run: its first line names `/no/such/python3`, which is not there  [ROOT]/bin
[exit status: 0]

"#]]
    );
}

#[test]
fn what_was_asked_once_does_not_run_again_until_its_file_changes() {
    let sandbox = drivers(&[("a", ""), ("b", "")]);
    let first = sandbox.run("drivers list -o json");
    let second = sandbox.run("drivers list -o json");
    assert_eq!((&first.stdout, first.code()), (&second.stdout, second.code()));
    assert_eq!(ran(&sandbox), ["a", "b"]);

    sandbox.executable("bin/caproni-driver-b", &script("b", "initialize() { describe 1; } # new"));
    sandbox.run("drivers list");
    assert_eq!(ran(&sandbox), ["a", "b", "b"]);

    sandbox.run("drivers list --no-cache");
    assert_eq!(ran(&sandbox), ["a", "a", "b", "b", "b"]);
}

#[test]
fn a_broken_driver_is_asked_each_time() {
    let sandbox = drivers(&[("crash", "initialize() { exit 3; }")]);
    sandbox.run("drivers list");
    sandbox.run("drivers list");
    assert_eq!(ran(&sandbox), ["crash", "crash"]);
}

#[test]
fn a_cache_that_is_garbage_is_written_anew_and_one_that_cannot_be_written_does_no_harm() {
    let sandbox = drivers(&[("a", "")]);
    sandbox.write("state/drivers.json", "\0 not ours");
    sandbox.run("drivers list");
    sandbox.run("drivers list");
    assert_eq!(ran(&sandbox), ["a"]);

    sandbox.write("file", "");
    let state = sandbox.path("file/state");
    let output = sandbox.caproni("drivers list").env("CAPRONI_STATE_DIR", &state).run();
    assert_eq!((output.code(), output.stderr.as_str()), (0, ""), "{output:#?}");
    let verbose = sandbox.caproni("drivers list -v").env("CAPRONI_STATE_DIR", &state).run();
    assert!(verbose.stderr.contains("what the drivers say is not kept: "), "{verbose:#?}");
}

#[test]
fn ctrl_c_ends_the_list_and_every_driver() {
    let sandbox = drivers(&[("deaf", "trap '' TERM; initialize() { echo here >&2; forever; }")]);
    let mut list = sandbox.caproni("drivers list -v --timeout 1h").spawn();
    list.until("driver: here");
    list.signal(rustix::process::Signal::INT);
    let output = list.end();
    assert_eq!((output.code(), output.stdout.as_str()), (130, ""), "{output:#?}");
}

#[test]
fn a_hundred_drivers_among_five_thousand_files_are_listed_and_bad_ones_hold_up_nobody() {
    let bad = [
        ("hang", "initialize() { forever; }"),
        ("deaf", "trap '' TERM; initialize() { forever; }"),
        ("crash", "initialize() { exit 1; }"),
    ];
    let sandbox = drivers(&[]);
    let folders: Vec<String> = (0..20).map(|folder| format!("path/{folder}")).collect();
    for (number, folder) in folders.iter().enumerate() {
        for file in 0..250 {
            sandbox.write(&format!("{folder}/program-{number}-{file}"), "");
        }
        let good = (0..5).map(|driver| format!("d{number}-{driver}"));
        for name in good.skip(usize::from(number < 5)) {
            sandbox.executable(&format!("{folder}/caproni-driver-{name}"), &script(&name, ""));
        }
    }
    for (name, fault) in bad {
        sandbox.executable(&format!("path/7/caproni-driver-{name}"), &script(name, fault));
    }
    sandbox.write("path/11/caproni-driver-mode", "");
    sandbox.executable("path/19/caproni-driver-py", "#!/no/such/python3\n");
    let path = folders.iter().map(|folder| sandbox.path(folder).display().to_string());
    let path = path.chain(["/usr/bin".into(), "/bin".into()]).collect::<Vec<_>>().join(":");
    let begun = Instant::now();
    let rows = rows(sandbox.caproni("drivers list -o json --timeout 8s").env("PATH", &path));
    // One deadline, and not one after the other.
    assert!(begun.elapsed() < Duration::from_secs(16), "{:?}", begun.elapsed());
    assert_eq!(rows.len(), 100);
    let broken = rows.iter().filter(|row| row.get("problem").is_some());
    let broken: Vec<_> = broken.map(|row| (&row["name"], &row["problem"]["kind"])).collect();
    assert_eq!(
        json!(broken),
        json!([
            ["crash", "DriverCrashed"],
            ["deaf", "DriverUnresponsive"],
            ["hang", "DriverUnresponsive"],
            ["mode", "DriverNotExecutable"],
            ["py", "DriverNotExecutable"],
        ])
    );
    assert_eq!(ran(&sandbox).len(), 98, "the good ones and three of the bad ones");
    let again = sandbox.caproni("drivers list --timeout 300ms").env("PATH", &path).run();
    assert_eq!(again.code(), 0, "{again:#?}");
    assert_eq!(ran(&sandbox).len(), 101, "the three bad ones alone");
}
