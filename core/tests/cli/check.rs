//! `caproni drivers check`: what passes, what fails, and how it is told.

use serde_json::{Value, json};
use snapbox::{assert_data_eq, str};

use crate::sandbox::Sandbox;

/// The driver that `protocol.md` shows.
fn smallest() -> String {
    let page = caproni_driver::PROTOCOL_TEXT;
    let (_, rest) = page.split_once("```sh\n").unwrap();
    rest.split_once("```\n").unwrap().0.to_owned()
}

/// The smallest driver with something in it replaced by something else.
fn smallest_with(right: &str, wrong: &str) -> Sandbox {
    let text = smallest();
    assert!(text.contains(right), "{right}");
    Sandbox::with_driver("mine", &text.replace(right, wrong))
}

fn verdicts(report: &Value, wanted: &str) -> Vec<String> {
    let rules = report["rules"].as_array().unwrap().iter();
    let those = rules.filter(|rule| rule["verdict"] == wanted);
    those.map(|rule| rule["id"].as_str().unwrap().to_owned()).collect()
}

/// The rules that a check of this sandbox's driver `mine` fails, exit code held.
fn failed(sandbox: &Sandbox, words: &str) -> Vec<String> {
    let output = sandbox.run(&format!("-o json --timeout 5s drivers check {words} mine"));
    let report = output.json();
    let failed = verdicts(&report, "failed");
    assert_eq!(output.code(), i32::from(!failed.is_empty()), "{report:#}");
    assert_eq!(report["passed"], failed.is_empty());
    failed
}

#[test]
fn the_smallest_driver_of_the_page_breaks_no_rule() {
    let sandbox = Sandbox::with_driver("mine", &smallest());
    let output = sandbox.run("-o json drivers check --destructive mine");
    let report = output.json();
    assert_eq!((verdicts(&report, "failed"), output.code()), (vec![], 0), "{report:#}");
    // What it says of itself in the page: it takes messages apart by place, and has no lock,
    // which shows only where two creations happen to meet.
    let warned = verdicts(&report, "warning");
    assert!(warned == ["FRAME-11"] || warned == ["FRAME-11", "CALL-5"], "{report:#}");
    assert!(verdicts(&report, "passed").len() > 40, "{report:#}");
}

#[test]
fn the_mock_driver_breaks_no_rule_and_is_warned_of_none() {
    let sandbox = Sandbox::new();
    let output = sandbox.run("-o json drivers check --destructive mock");
    let report = output.json();
    assert_eq!((verdicts(&report, "failed"), output.code()), (vec![], 0), "{report:#}");
    assert_eq!(verdicts(&report, "warning"), Vec::<String>::new(), "{report:#}");
    assert!(verdicts(&report, "passed").len() > 55, "{report:#}");
    assert_eq!(sandbox.mock_cluster(), None, "the check works in a state folder of its own");
}

#[test]
fn without_destructive_no_cluster_is_made() {
    let sandbox = smallest_with("    start:*)", "    start:*) touch \"$HOME/made\"");
    assert_eq!(failed(&sandbox, ""), Vec::<String>::new());
    assert!(!sandbox.path("home/made").exists());
}

#[test]
fn a_driver_that_is_wrong_is_told_which_rule_it_breaks() {
    let faults = [
        ("while IFS=", "echo hello\nwhile IFS=", "--level wire", "LIFE-2"),
        ("initialize:*) ", "initialize:*) touch \"$HOME/x\"; ", "--level wire", "INIT-1"),
        ("\"name\":\"mine\"", "\"name\":\"yours\"", "--level wire", "INIT-3"),
        ("\"version\":\"1.0\",", "", "--level wire", "CALL-7"),
        ("    *) answer", "    *) exit; answer", "--level wire", "LIFE-9"),
        ("\"exists\":false", "\"exists\":true", "", "STATUS-2"),
        ("destroy:absent) change none", "destroy:absent) change destroyed", "", "DESTROY-1"),
        ("start:ready |", "start:nothing |", "--destructive", "CALL-6"),
        ("stop:*) echo stopped", "stop:*) echo ready", "--destructive", "STOP-1"),
        ("rm \"$file\" </dev/null >&2 &&", ":;", "--destructive", "DESTROY-1"),
    ];
    std::thread::scope(|scope| {
        for (right, wrong, words, rule) in faults {
            scope.spawn(move || {
                let failed = failed(&smallest_with(right, wrong), words);
                assert!(failed.iter().any(|id| id == rule), "{wrong}: {failed:?}, not {rule}");
            });
        }
    });
}

#[test]
fn what_is_broken_is_shown_with_the_talk() {
    let sandbox = smallest_with("\"exists\":false", "\"exists\":true");
    let output = sandbox.run("drivers check mine");
    let told = &output.stdout;
    assert!(told.contains("FAILED [STATUS-2] No cluster is no failure: `state` is"), "{told}");
    assert!(
        told.contains(
            "  the status of a cluster that nobody made is not `stopped` with `exists` false\n"
        ),
        "{told}"
    );
    assert!(told.contains("    -> {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\""), "{told}");
    assert!(told.contains("    <- {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{"), "{told}");
    assert!(told.contains("with --destructive it is also checked with a cluster"), "{told}");
}

#[test]
fn a_file_that_cannot_be_run_breaks_the_first_rule() {
    let sandbox = Sandbox::new();
    let file = sandbox.write("bin/caproni-driver-flat", "#!/bin/sh\n");
    for word in ["flat", &file.display().to_string()] {
        let output = sandbox.run(&format!("-o json drivers check {word}"));
        assert_eq!((verdicts(&output.json(), "failed"), output.code()), (vec!["FILE-1".into()], 1));
    }
}

#[test]
fn a_driver_that_is_not_there_is_no_outcome() {
    assert_data_eq!(
        Sandbox::new().run("drivers check moc"),
        str![[r#"
------- stderr -------
error: no driver `moc`: `caproni-driver-moc` was not found
hint: did you mean `--driver mock`?
[exit status: 10]

"#]]
    );
}

#[test]
fn the_rules_are_listed_each_with_its_check_or_a_reason() {
    let sandbox = Sandbox::new();
    let listed = sandbox.run("-o json drivers check --rules").json();
    let rules = listed["rules"].as_array().unwrap();
    assert!(rules.len() > 90, "{}", rules.len());
    for rule in rules {
        let words = [&rule["check"], &rule["reason"]].into_iter().filter_map(Value::as_str);
        assert_eq!(words.filter(|words| !words.is_empty()).count(), 1, "{rule}");
        assert_eq!(rule["level"].is_null(), rule["check"].is_null(), "{rule}");
    }
    let text = sandbox.run("drivers check --rules").stdout;
    assert!(
        text.contains("\n[FRAME-3] There are no batches.\n    wire: every line is judged\n"),
        "{text}"
    );
}

#[test]
fn junit_has_a_case_for_each_rule() {
    let sandbox = smallest_with("\"exists\":false", "\"exists\":true");
    let output = sandbox.run("-o json drivers check --junit out.xml mine");
    let report = output.json();
    let xml = std::fs::read_to_string(sandbox.path("project/out.xml")).unwrap();
    let count = |what: &str| xml.matches(what).count();
    assert_eq!(count("<testcase "), report["rules"].as_array().unwrap().len());
    assert_eq!(count("<failure "), verdicts(&report, "failed").len());
    let skipped =
        verdicts(&report, "not-checked").len() + verdicts(&report, "not-applicable").len();
    assert_eq!(count("<skipped "), skipped);
    assert!(xml.starts_with(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"caproni-driver-mine\""
    ));
    assert!(!xml.replace("&quot;", "").contains("-> {\""), "quotes are spelt out");
}

#[test]
fn a_backend_that_is_not_to_be_had_is_no_fault_of_the_driver() {
    let sandbox = Sandbox::new();
    let told = sandbox.caproni("-o json drivers check mock").simulate(&json!({
        "fail": {"operation": "status", "kind": "BackendUnavailable"}
    }));
    let report = told.run().json();
    let sent =
        &report["rules"].as_array().unwrap().iter().find(|rule| rule["id"] == "STATUS-2").unwrap();
    assert_eq!(sent["verdict"], "not-applicable", "{sent}");
    assert!(
        sent["check"].as_str().unwrap().starts_with("its backend is not to be had here"),
        "{sent}"
    );
}
