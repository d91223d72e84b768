//! The default driver, which becomes the usual one of the platform.

use std::path::PathBuf;
use std::sync::LazyLock;

use serde_json::{Value, json};
use snapbox::{assert_data_eq, str};

use crate::sandbox::{Sandbox, build};

/// The driver it becomes here, and the one it becomes elsewhere.
const USUAL: &str = if cfg!(target_os = "macos") { "colima" } else { "k3d" };
const OTHER: &str = if cfg!(target_os = "macos") { "k3d" } else { "colima" };

/// One file with the sections of both.
const BOTH: &str = "\
cluster:
  driver: auto
  colima: {memory: 12GiB}
  k3d: {agents: 1}
";

static AUTO: LazyLock<PathBuf> =
    LazyLock::new(|| build("caproni-driver-auto", "caproni-driver-auto"));

/// A driver of this name, with one field of config.
fn script(name: &str) -> String {
    let page = caproni_driver::PROTOCOL_TEXT;
    let (_, rest) = page.split_once("```sh\n").unwrap();
    let (smallest, _) = rest.split_once("```\n").unwrap();
    let field = if name == "colima" { "memory" } else { "agents" };
    let schema = format!(
        r#"\"additionalProperties\":false,\"properties\":{{\"{field}\":{{\"description\":\"x\"}}}}"#
    );
    let schema = schema.replace("\\\"", "\"");
    assert!(smallest.contains(r#""properties":{}"#));
    smallest
        .replace(r#""properties":{}"#, &schema)
        .replace(r#""name":"mine""#, &format!(r#""name":"{name}""#))
        .replace("}/mine", &format!("}}/{name}"))
}

/// A sandbox with `auto` and these drivers in one folder.
fn sandbox(yaml: Option<&str>, drivers: &[&str]) -> Sandbox {
    let sandbox = match yaml {
        Some(yaml) => Sandbox::with_config(yaml),
        None => Sandbox::new(),
    };
    // No link: it looks for others beside its own file.
    std::fs::copy(&*AUTO, sandbox.path("drivers/caproni-driver-auto")).unwrap();
    for name in drivers {
        sandbox.executable(&format!("drivers/caproni-driver-{name}"), &script(name));
    }
    sandbox
}

#[test]
fn it_is_the_default_and_status_names_the_driver_that_answers() {
    let sandbox = sandbox(None, &["k3d", "colima"]);
    let status = sandbox.run("-o json status").json();
    assert_eq!((&status["driver"], &status["exists"]), (&json!(USUAL), &json!(false)));
    let started = sandbox.run("-o json start").json();
    assert_eq!((&started["driver"], &started["status"]["driver"]), (&json!(USUAL), &json!(USUAL)));
    assert!(sandbox.path(&format!("state/{USUAL}/caproni")).exists());
    for (verb, change) in [("stop", "stopped"), ("destroy", "destroyed")] {
        let told = sandbox.run(&format!("-o json --yes {verb}")).json();
        assert_eq!((&told["driver"], &told["change"]), (&json!(USUAL), &json!(change)));
    }
    assert_eq!(sandbox.run("-o json version").json()["driver"]["name"], USUAL);
}

#[test]
fn a_driver_that_is_named_anywhere_comes_before_the_default() {
    let sandbox = sandbox(Some("cluster:\n  driver: mock\n  mock: {}\n"), &["k3d", "colima"]);
    let driver =
        |words: &str| sandbox.run(&format!("-o json {words} status")).json()["driver"].clone();
    assert_eq!(driver(""), "mock");
    assert_eq!(driver(&format!("--driver {OTHER}")), OTHER);
    let in_environment = sandbox.caproni("-o json status").env("CAPRONI_DRIVER", OTHER).run();
    assert_eq!(in_environment.json()["driver"], OTHER);
    assert_eq!(driver("--driver auto"), USUAL);
}

#[test]
fn the_section_is_that_of_the_driver_it_becomes_and_both_may_stand_in_the_file() {
    let sandbox = sandbox(Some(BOTH), &["k3d", "colima"]);
    let started = sandbox.run("start");
    assert_eq!((started.code(), started.stderr.as_str()), (0, ""), "{started:#?}");
    sandbox
        .write("project/caproni.yaml", &BOTH.replace("memory", "size").replace("agents", "size"));
    let error = sandbox.run("-o json start").json_error();
    assert_eq!(error["kind"], "InvalidDriverConfig", "{error}");
    let line = if USUAL == "colima" { "caproni.yaml:3:12" } else { "caproni.yaml:4:9" };
    let location = error["violations"][0]["location"].as_str().unwrap();
    assert!(location.ends_with(line), "{location}");
    sandbox.write("project/caproni.yaml", &format!("cluster:\n  driver: auto\n  {OTHER}: {{}}\n"));
    let error = sandbox.run("-o json start").json_error();
    assert_eq!(
        (&error["kind"], &error["section"]),
        (&json!("MissingDriverConfig"), &json!(format!("cluster.{USUAL}")))
    );
}

#[test]
fn without_the_usual_driver_the_others_are_named_and_none_is_guessed() {
    let sandbox = sandbox(None, &[OTHER]);
    let error = sandbox.run("-o json start").json_error();
    let os = std::env::consts::OS;
    assert_eq!(error["kind"], "DriverNotFound");
    assert_eq!(
        error["message"],
        format!("the usual driver of {os} is not installed: no `caproni-driver-{USUAL}`")
    );
    assert_eq!(error["installed"], json!([OTHER, "mock"]));
    assert_eq!(
        error["hint"],
        format!(
            "pass `--driver {OTHER}`, or set `cluster.driver` in `caproni.yaml`; installed: {OTHER}, mock"
        )
    );
    assert!(!sandbox.path(&format!("state/{OTHER}")).exists());
    // Only what was asked for is missing.
    assert_data_eq!(
        sandbox.run("version"),
        str![[r#"
caproni [..] (protocol 1)
[exit status: 0]

"#]]
    );
}

#[test]
fn it_is_listed_with_what_it_becomes_and_that_is_not_kept() {
    let sandbox = sandbox(None, &[USUAL]);
    let row = || -> Value {
        let told = sandbox.run("-o json drivers list").json();
        let rows = told["drivers"].as_array().unwrap();
        rows.iter().find(|row| row["name"] == "auto").unwrap().clone()
    };
    assert_eq!(row()["becomes"], USUAL);
    std::fs::remove_file(sandbox.path(&format!("drivers/caproni-driver-{USUAL}"))).unwrap();
    let row = row();
    assert_eq!(
        (&row["becomes"], &row["problem"]["kind"]),
        (&Value::Null, &json!("DriverNotFound"))
    );
}

#[test]
fn it_breaks_no_rule_that_the_driver_it_becomes_keeps() {
    let sandbox = sandbox(None, &[USUAL]);
    let report = sandbox.run("-o json drivers check --destructive auto").json();
    let rules = report["rules"].as_array().unwrap();
    let failed: Vec<_> = rules.iter().filter(|rule| rule["verdict"] == "failed").collect();
    assert_eq!(failed, Vec::<&Value>::new());
    for id in ["INIT-3", "INIT-6", "LIFE-11"] {
        let rule = rules.iter().find(|rule| rule["id"] == id).unwrap();
        assert_eq!(rule["verdict"], "passed", "{rule}");
    }
}

#[test]
fn one_that_only_bears_the_name_of_another_driver_breaks_a_rule() {
    let sandbox = Sandbox::new();
    sandbox.executable("drivers/caproni-driver-mine", &script("mock"));
    let report = sandbox.run("-o json drivers check --level wire mine").json();
    let rules = report["rules"].as_array().unwrap();
    let broken = rules.iter().find(|rule| rule["id"] == "INIT-6").unwrap();
    assert_eq!(broken["verdict"], "failed", "{broken}");
    assert_eq!(
        broken["findings"][0]["what"],
        "it calls itself `mock`, and `mock` describes itself otherwise"
    );
}

#[test]
fn a_check_without_a_driver_to_become_says_so() {
    let error = sandbox(None, &[OTHER]).run("-o json drivers check auto").json_error();
    assert_eq!(error["kind"], "DriverNotFound", "{error}");
    assert!(error["hint"].as_str().unwrap().contains(&format!("`--driver {OTHER}`")), "{error}");
}

#[test]
fn its_clusters_are_listed_once_and_by_the_driver_that_has_them() {
    let sandbox = sandbox(None, &[USUAL]);
    sandbox.run("start");
    let told = sandbox.run("-o json list").json();
    let clusters = told["clusters"].as_array().unwrap().iter();
    let named: Vec<_> = clusters.map(|one| (&one["driver"], &one["profile"])).collect();
    assert_eq!(named, [(&json!(USUAL), &json!("caproni"))], "{told:#}");
    std::fs::remove_file(sandbox.path(&format!("drivers/caproni-driver-{USUAL}"))).unwrap();
    let told = sandbox.run("-o json list").json();
    assert_eq!((&told["clusters"], &told["problems"]), (&json!([]), &json!([])));
}
