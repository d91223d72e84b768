//! A cluster in use: commands and logs of its nodes, images onto them, what they use, and its API
//! from where it is asked.

mod beside;
mod terminal;

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Backend, Place, Run, docker};

/// Runs `caproni` with this on its stdin.
fn with_input(place: &Place, args: &[&str], input: &str) -> Run {
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    std::io::Write::write_all(&mut writer, input.as_bytes()).expect("it fits");
    drop(writer);
    let output = place.command(args).stdin(Stdio::from(reader)).output();
    Run::of(&output.expect("caproni runs"))
}

/// kubectl itself: that of Google's SDK is a program before it, `kubectl.1.*` beside it, and reads a
/// kubeconfig twice, which a pipe cannot be.
fn kubectl_program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("kubectl"));
    let found =
        found.filter_map(|file| file.canonicalize().ok()).next().expect("kubectl is on PATH");
    let beside = found.parent().and_then(|folder| folder.read_dir().ok()).into_iter().flatten();
    let beside = beside.filter_map(|entry| Some(entry.ok()?.path()));
    let named = |file: &PathBuf| file.to_string_lossy().contains("/kubectl.1.");
    beside.filter(named).max().unwrap_or(found)
}

#[track_caller]
fn kubectl(args: &[&str]) -> String {
    let output = Command::new(kubectl_program()).args(args).output().expect("kubectl runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// What holds for every driver whose nodes are containers; the first server is the first of `nodes`.
pub(crate) fn commands_and_logs(place: &Place, nodes: &[&str]) {
    let (first, last) = (nodes[0], nodes[nodes.len() - 1]);
    let run = |args: &[&str]| place.caproni(&[&["exec"], args].concat());
    run(&["--", "sh", "-c", "exit 42"]).expect_code(42);
    let words = ["", "a  b", "'q' \"q\"", "$HOME $(id)", "line\nline\n", "-it", "--", "*"];
    let said = run(&[&["--", "printf", "%s|"], &words[..]].concat()).expect_code(0).stdout;
    assert_eq!(said, words.map(|word| format!("{word}|")).concat());
    let host = |args: &[&str]| run(&[args, &["--", "hostname"]].concat()).expect_code(0).stdout;
    assert_eq!(host(&[]).trim(), first);
    assert_eq!(host(&["--node", last]).trim(), last);
    let piped = with_input(place, &["exec", "--", "cat"], "a\nb").expect_code(0);
    assert_eq!(piped.stdout, "a\nb");

    let missing = place.caproni(&["exec", "--node", "other", "-o", "json", "--", "true"]);
    let error = missing.expect_code(2).error();
    assert_eq!((&error["kind"], &error["resource"]), (&json!("NotFound"), &json!("other")));
    let hint = error["hint"].as_str().expect("a hint");
    assert!(nodes.iter().all(|node| hint.contains(node)), "{hint}");

    terminal::has_its_size_and_its_ctrl_c(place);

    let log = place.caproni(&["logs", "--tail", "2", "--node", last]).expect_code(0);
    assert_eq!(log.stdout.lines().count() + log.stderr.lines().count(), 2, "{log:#?}");
}

/// What is known of every node that is a container.
pub(crate) fn usage(place: &Place, nodes: &[&str]) {
    let told = place.caproni(&["usage", "-o", "json"]).expect_code(0).json();
    let used = told["nodes"].as_array().expect("nodes");
    let mut names: Vec<_> = used.iter().filter_map(|node| node["name"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, nodes, "{told:#}");
    for node in used {
        let number =
            |field: &str| node[field].as_f64().unwrap_or_else(|| panic!("{field}: {node:#}"));
        assert!(number("cpuCores") <= number("cpuCoresLimit"), "{node:#}");
        assert!(number("memoryBytes") > 0.0, "{node:#}");
        assert!(number("memoryBytes") < number("memoryBytesLimit"), "{node:#}");
        assert!(number("diskBytes") > 0.0, "{node:#}");
    }
}

#[test]
fn a_k3d_cluster_in_use() {
    let place = Place::new("using");
    place.write_config("agents: 1");
    place.caproni(&["start"]).expect_code(0);
    let (server, agent) = (place.node("server-0"), place.node("agent-0"));
    commands_and_logs(&place, &[&server, &agent]);
    usage(&place, &[&agent, &server, &place.node("serverlb")]);
    images(&place, &[&server, &agent]);
    kubeconfigs(&place, &format!("node/{agent}\nnode/{server}"));
    // k3d publishes the API at every address: any container gets there through its gateway.
    beside::reaches_the_api(&place, None, &server).expect_code(0);

    when_stopped(&place);
}

/// A cluster that is stopped runs nothing, and has a log all the same.
pub(crate) fn when_stopped(place: &Place) {
    place.caproni(&["stop"]).expect_code(0);
    for verb in ["exec", "usage"] {
        let error = place.caproni(&[verb, "-o", "json"]).expect_code(3).error();
        assert_eq!(error["kind"], "ClusterNotRunning");
    }
    let log = place.caproni(&["logs", "--tail", "3"]).expect_code(0);
    assert_eq!(log.stdout.lines().count() + log.stderr.lines().count(), 3, "{log:#?}");
}

/// The real `k3d image import`.
fn images(place: &Place, nodes: &[&str]) {
    let tag = "caproni-test/using:1";
    docker(&["tag", &Backend::K3d.image(), tag]);
    let archive = place.path("work/app.tar").display().to_string();
    docker(&["save", "-o", &archive, tag]);
    let has = |node: &str| {
        let asked = Command::new("docker").args(["exec", node, "crictl", "inspecti", tag]).output();
        asked.expect("docker runs").status.success()
    };
    let missing = place.caproni(&["image", "load", tag, "no-such-image:1", "-o", "json"]);
    assert_eq!(missing.expect_code(2).error()["resource"], "no-such-image:1");
    assert!(!nodes.iter().any(|node| has(node)));
    let loaded =
        place.caproni(&["image", "load", tag, "app.tar", "-o", "json"]).expect_code(0).json();
    assert_eq!((&loaded["change"], &loaded["images"]), (&json!("loaded"), &json!([tag, archive])));
    assert!(nodes.iter().all(|node| has(node)));
    docker(&["rmi", tag]);
}

/// The cluster's kubeconfig in each of its forms, from the host.
fn kubeconfigs(place: &Place, nodes: &str) {
    let file = place.path("work/kubeconfig.yaml").display().to_string();
    place.caproni(&["kubeconfig", "--file", "kubeconfig.yaml"]).expect_code(0);
    assert_eq!(kubectl(&["--kubeconfig", &file, "get", "nodes", "-o", "name"]), nodes);
    let printed = place.caproni(&["kubeconfig"]).expect_code(0).stdout;
    assert!(!printed.contains("0.0.0.0"), "{printed}");
    let script = format!(
        "{} --kubeconfig <(\"$CAPRONI\" --profile {} kubeconfig) get nodes -o name",
        kubectl_program().display(),
        place.profile
    );
    let mut shell = place.command_of("bash");
    shell.args(["-c", &script]).env("CAPRONI", env!("CARGO_BIN_EXE_caproni"));
    let shown = Run::of(&shell.output().expect("bash runs")).expect_code(0);
    assert_eq!(shown.stdout.trim(), nodes);
    let ours = place.caproni(&["kubectl", "--", "get", "nodes", "-o", "name"]).expect_code(0);
    assert_eq!(ours.stdout.trim(), nodes);
    place.caproni(&["kubectl", "get", "no-such-thing"]).expect_code(1);

    let line = place.caproni(&["env", "--shell", "sh"]).expect_code(0).stdout;
    let script = format!("{line}\nkubectl get nodes -o name");
    let output = Command::new("sh").args(["-c", &script]).output().expect("sh runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), nodes, "{output:?}");
    let told: Value = place.caproni(&["use", "-o", "json"]).expect_code(0).json();
    assert_eq!((&told["from"], &told["to"]), (&Value::Null, &told["context"]));
    let user = place.path("home/.kube/config").display().to_string();
    assert_eq!(kubectl(&["--kubeconfig", &user, "config", "current-context"]), told["to"]);
}

#[test]
fn a_kind_cluster_in_use() {
    let place = Place::of(Backend::Kind, "kind-using");
    place.write_config("nodes: {workers: 1}");
    place.caproni(&["start"]).expect_code(0);
    let (server, worker) = (place.node("control-plane"), place.node("worker"));
    commands_and_logs(&place, &[&server, &worker]);
    usage(&place, &[&server, &worker]);
    // kind publishes the API at 127.0.0.1 alone: who is in the nodes' network gets there.
    beside::reaches_the_api(&place, Some("kind"), &server).expect_code(0);
    let refused = beside::reaches_the_api(&place, None, &server);
    assert!(refused.stderr.contains("docker network connect kind "), "{refused:#?}");
    when_stopped(&place);
}
