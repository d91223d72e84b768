//! What nobody else can make the program do, and what it keeps to itself: see the threat model,
//! `.github/SECURITY.md`.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::json;
use snapbox::{assert_data_eq, str};

use crate::faults::driver;
use crate::output::Output;
use crate::sandbox::{MOCK, Sandbox};

/// The secret that is looked for in all that is printed and kept.
const CANARY: &str = "canary-4f1d8a63";

/// A driver that leaves the file `ran` when it runs.
const TELLTALE: &str = "echo ran >>\"$HOME/ran\"";

fn chmod(sandbox: &Sandbox, path: &str, mode: u32) {
    std::fs::set_permissions(sandbox.path(path), PermissionsExt::from_mode(mode)).unwrap();
}

fn refused(output: &Output, of: &str) {
    let told = format!("error: driver `{of}` is not run, since others can change it\n");
    assert!(output.stderr.starts_with(&told), "{output:#?}");
    assert_eq!(output.code(), 8, "{output:#?}");
}

#[test]
fn a_driver_that_others_can_write_is_run_by_no_command() {
    let sandbox = driver(TELLTALE);
    chmod(&sandbox, "bin/caproni-driver-odd", 0o757);
    let file = "[ROOT]/bin/caproni-driver-odd";
    for words in [
        "--driver odd start",
        "--driver odd status",
        "--driver odd list",
        "drivers describe odd",
        "drivers check odd",
        "drivers call odd status",
    ] {
        refused(&sandbox.run(words), file);
    }
    let by_path =
        format!("--driver {} destroy --yes", sandbox.path("bin/caproni-driver-odd").display());
    refused(&sandbox.run(&by_path), file);
    let own =
        sandbox.caproni("--driver odd status").env("CAPRONI_DRIVER_PATH", sandbox.path("bin"));
    refused(&own.run(), file);
    for words in ["list", "drivers list"] {
        let output = sandbox.caproni(words).env("COLUMNS", "400").run();
        assert!(output.stdout.contains("others can change it"), "{output:#?}");
        assert_eq!(output.code(), 0, "{output:#?}");
    }
    assert!(!sandbox.path("home/ran").exists());
    assert_data_eq!(
        sandbox.run("--driver odd status"),
        str![[r#"
------- stderr -------
error: driver `[ROOT]/bin/caproni-driver-odd` is not run, since others can change it
  caused by: `[ROOT]/bin/caproni-driver-odd` can be written by everybody: its mode is 0757, its owner is user [..], its group is [..]
hint: run `chmod go-w [ROOT]/bin/caproni-driver-odd`, or set CAPRONI_ALLOW_WRITABLE_DRIVERS=1 to run it all the same
[exit status: 8]

"#]]
    );
}

#[test]
fn a_driver_in_a_folder_that_others_can_write_is_run_when_that_is_wanted() {
    let sandbox = driver(TELLTALE);
    chmod(&sandbox, "bin", 0o777);
    refused(&sandbox.run("--driver odd status"), "[ROOT]/bin/caproni-driver-odd");
    let allowed = |value| {
        sandbox.caproni("--driver odd status").env("CAPRONI_ALLOW_WRITABLE_DRIVERS", value).run()
    };
    refused(&allowed("0"), "[ROOT]/bin/caproni-driver-odd");
    assert_eq!(allowed("1").code(), 0);
    // As `/tmp` is: nobody can replace there what is another's.
    chmod(&sandbox, "bin", 0o1777);
    assert_eq!(sandbox.run("--driver odd status").code(), 0);
}

#[test]
fn a_driver_behind_a_link_that_others_can_write_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.executable("far/program", include_str!("rules.sh"));
    sandbox.link(&sandbox.path("far/program"), "bin/caproni-driver-odd");
    assert_eq!(sandbox.run("--driver odd status").code(), 0);
    chmod(&sandbox, "far", 0o777);
    refused(&sandbox.run("--driver odd status"), "[ROOT]/bin/caproni-driver-odd");
}

#[test]
fn what_a_driver_runs_finds_nothing_in_the_current_folder_either() {
    let sandbox = driver(
        "status() { echo \"PATH=$PATH\" >&2; helper >&2; result '{\"state\":\"ready\",\"exists\":true}'; }",
    );
    sandbox.executable("project/helper", "#!/bin/sh\necho taken over\n");
    let status = |path: String| sandbox.caproni("--driver odd -v status").env("PATH", path).run();
    let bin = sandbox.path("bin").display().to_string();
    let output = status(format!(":.:{bin}:bin:/usr/bin:/bin:"));
    assert!(output.stderr.contains("driver: PATH=[ROOT]/bin:/usr/bin:/bin\n"), "{output:#?}");
    assert!(!output.stderr.contains("taken over"), "{output:#?}");
    // An empty `PATH` would mean the current folder.
    let own = sandbox.caproni("--driver odd -v status").env("CAPRONI_DRIVER_PATH", &bin);
    let output = own.env("PATH", ".:").run();
    assert!(output.stderr.contains("driver: PATH=/usr/bin:/bin\n"), "{output:#?}");
}

#[test]
fn a_command_that_mends_is_no_program_of_the_current_folder() {
    for (program, why) in [
        ("./install", "`./install` is a relative path, which is never run"),
        ("install-it", "`install-it` cannot be run: "),
    ] {
        let sandbox = Sandbox::with_config(MOCK);
        for file in ["project/install", "project/install-it"] {
            sandbox.executable(file, "#!/bin/sh\ntouch ran\n");
        }
        let action = json!({"title": "Install", "reason": "it is missing", "argv": [program]});
        let fail = json!({"fail": {
            "operation": "start", "kind": "BackendMissing", "message": "not installed",
            "data": {"actions": [action]},
        }});
        let start = sandbox.caproni("start --yes").simulate(&fail);
        let output = start.env("PATH", ":.:/usr/bin:/bin").run();
        assert!(output.stderr.contains(why), "{output:#?}");
        assert!(!sandbox.path("project/ran").exists());
    }
}

#[test]
fn a_project_s_file_names_a_driver_and_never_a_path_or_a_command() {
    for named in [
        "./evil",
        "evil/",
        "../project/evil",
        "/bin/sh",
        "-x",
        "--help",
        "..",
        ".",
        "evil; sh",
        "$(sh)",
        "`sh`",
        "a b",
        "~/evil",
        "evil\\n",
    ] {
        let sandbox = Sandbox::with_config(&format!("cluster:\n  driver: \"{named}\"\n"));
        for file in ["project/evil", "project/caproni-driver-evil"] {
            sandbox.executable(file, "#!/bin/sh\ntouch \"$HOME/ran\"\n");
        }
        let output = sandbox.caproni("start --yes").env("PATH", ":.:/usr/bin:/bin").run();
        assert!([2, 6].contains(&output.code()), "{named}: {output:#?}");
        assert!(!sandbox.path("home/ran").exists(), "{named}");
    }
}

#[test]
fn a_profile_is_no_option_no_path_and_no_word_of_a_shell() {
    let sandbox = Sandbox::with_config(MOCK);
    for name in [
        "-x", "--yes", ".", "..", "../x", "a/b", "/tmp", "a b", "$(x)", "a;b", "`x`", "a\nb", "~",
        "ü", "x-",
    ] {
        let output = sandbox.caproni("start").env("CAPRONI_PROFILE", name).run();
        assert_eq!(output.code(), 2, "{name:?}: {output:#?}");
    }
    assert!(!sandbox.path("state/mock").exists());
}

#[test]
fn all_that_is_kept_is_in_folders_of_the_user_alone() {
    let sandbox = Sandbox::with_config(MOCK);
    assert_eq!(sandbox.run("start").code(), 0);
    let folders = ["clusters", "clusters/mock-caproni", "locks", "mock"];
    for folder in folders {
        let mode = sandbox.path("state").join(folder).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{folder}");
    }
}

/// A driver that says the secret wherever it can say something.
fn leaky() -> Sandbox {
    let leaks = r#"
        schema='{"type":"object","properties":{"token":{"type":"string","x-caproni-sensitive":true}}}'
        leak() {
            echo "log: CANARY" >&2
            echo "noise CANARY"
            progress create "using CANARY"
        }
        status() { result '{"state":"stopped","exists":false}'; }
        start() {
            leak
            say "{\"jsonrpc\":\"2.0\",\"id\":$id,\"error\":{\"code\":1010,\"message\":\"no CANARY\",\"data\":{\"kind\":\"BackendFailed\",\"hint\":\"try CANARY\",\"causes\":[\"it was CANARY\"],\"command\":\"backend --token CANARY\",\"output\":\"bad CANARY\",\"diff\":[{\"path\":\"token\",\"running\":\"x\",\"requested\":\"CANARY\",\"change\":\"recreate\"}]}}}"
        }
        stop() { leak; exit 3; }
        destroy() { leak; forever; }"#;
    let sandbox = driver(&leaks.replace("CANARY", CANARY));
    let config = format!("cluster:\n  driver: odd\n  odd: {{token: {CANARY}}}\n");
    sandbox.write("project/caproni.yaml", &config);
    sandbox
}

/// All that is in a folder, as one text.
fn kept(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path().is_dir() {
            true => text += &kept(&entry.path()),
            false => text += &String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap()),
        }
    }
    text
}

#[test]
fn a_secret_is_in_no_log_no_trace_no_error_and_no_crash_report() {
    let all = ["", "-v", "-vv", "-o json", "-vv -o json"];
    for (verb, code, shown) in [
        ("start", 1, &all[..]),
        ("stop", 20, &all),
        // It never ends, which takes some seconds to find out.
        ("--timeout 1s destroy --yes", 20, &["-vv"]),
    ] {
        for shown in shown {
            let sandbox = leaky();
            let words = format!("{shown} --trace it {verb}");
            let output = sandbox.run(&words);
            assert_eq!(output.code(), code, "{words}: {output:#?}");
            let all = format!(
                "{output:#?}{}{}",
                kept(&sandbox.path("state")),
                kept(&sandbox.path("home"))
            );
            assert!(!all.contains(CANARY), "{words}: {all}");
            let trace = std::fs::read_to_string(sandbox.path("project/it")).unwrap();
            assert!(trace.contains("(hidden 1)") && !trace.contains(CANARY), "{words}: {trace}");
        }
    }
    // The driver was in fact told, and did say it: with the fault in the config's place.
    let output = leaky().run("-v start");
    assert!(output.stderr.contains("driver: log: (hidden 1)\n"), "{output:#?}");
}

#[test]
fn a_secret_is_in_no_answer_that_is_shown_as_it_came() {
    let sandbox = leaky();
    for shown in ["", "-v", "-o json", "-v -o json"] {
        let params = format!(r#"{{"profile":"x","config":{{"token":"{CANARY}"}}}}"#);
        let output = sandbox.run(&format!("{shown} drivers call odd start {params}"));
        assert_eq!(output.code(), 1, "{output:#?}");
        assert!(!format!("{output:#?}").contains(CANARY), "{output:#?}");
    }
}

#[test]
fn a_mismatch_of_a_secret_shows_neither_value() {
    let config = |token: &str| MOCK.replace("mock: {}", &format!("mock: {{token: {token}}}"));
    let sandbox = Sandbox::with_config(&config(CANARY));
    assert_eq!(sandbox.run("start").code(), 0);
    sandbox.write("project/caproni.yaml", &config("another-one"));
    for words in ["-vv start", "-o json start", "-vv restart"] {
        let output = sandbox.run(words);
        assert_eq!(output.code(), 5, "{output:#?}");
        let all = format!("{output:#?}{}", kept(&sandbox.path("state")));
        assert!(!all.contains(CANARY) && !all.contains("another-one"), "{all}");
        assert!(all.contains("(hidden)"), "{all}");
    }
}

/// The command line and the environment of every process that can be looked at.
#[cfg(target_os = "linux")]
fn processes() -> String {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let ids = entries.filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok());
    let files = ids.flat_map(|id| ["cmdline", "environ"].map(|file| id.path().join(file)));
    // One that has ended in the meantime has nothing to hide any more.
    let texts = files.filter_map(|file| std::fs::read(file).ok());
    texts.map(|text| String::from_utf8_lossy(&text).into_owned()).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn a_secret_is_in_no_process_list_while_a_cluster_is_made() {
    // One of its own: another test gives its driver a secret on the command line.
    let secret = CANARY.replace("canary", "goldfinch");
    let config = MOCK.replace("mock: {}", &format!("mock: {{token: {secret}}}"));
    let sandbox = Sandbox::with_config(&config);
    let slow = json!({"delay_ms": 60_000});
    let mut start = sandbox.caproni("start").simulate(&slow).spawn();
    start.until("create: ");
    let listed = processes();
    start.signal(rustix::process::Signal::INT);
    assert_eq!(start.end().code(), 130);
    assert!(listed.contains("caproni-driver-mock"), "the driver is among them");
    assert!(!listed.contains(&secret));
}

/// The text of all sources below a folder.
fn sources(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    let texts = entries.map(|path| match path.extension().and_then(|ending| ending.to_str()) {
        Some("rs") => std::fs::read_to_string(path).unwrap(),
        _ if path.is_dir() => sources(&path),
        _ => String::new(),
    });
    texts.collect()
}

#[test]
fn every_test_that_the_threat_model_names_is_there() {
    let model = include_str!("../../../.github/SECURITY.md");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let sources =
        ["core/src", "core/tests", "drivers"].map(|part| sources(&root.join(part))).concat();
    let quoted = model.split('`').skip(1).step_by(2);
    let tests: Vec<_> =
        quoted.filter(|name| name.matches('_').count() > 2 && !name.contains("CAPRONI")).collect();
    assert!(tests.len() > 8, "{tests:?}");
    for name in tests {
        let begins = format!("fn {}", name.trim_end_matches('…'));
        assert!(sources.contains(&begins), "{name}");
    }
}
