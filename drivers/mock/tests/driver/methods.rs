//! The optional methods.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::home::{Home, demo};

#[tokio::test]
async fn all_clusters_are_listed_with_what_their_status_says() {
    let home = Home::new();
    assert_eq!(home.ask("list", json!({})).await["result"], json!({"clusters": []}));
    home.ask("start", json!({"profile": "old", "config": {"kubernetes_version": "v1.33.0"}})).await;
    home.ask("stop", json!({"profile": "old"})).await;
    home.start(json!({"simulate": {"nodes_not_ready": 1}})).await;
    home.ask("start", json!({"profile": "broken", "config": {}})).await;
    fs::write(home.file().with_file_name("broken.json"), "{").unwrap();
    let _driver = home.starting("new").await;
    assert_eq!(
        home.ask("list", json!({})).await["result"]["clusters"],
        json!([
            {"profile": "broken", "state": "not-ready"},
            {"profile": "demo", "state": "not-ready", "kubernetesVersion": "v1.34.0"},
            {"profile": "new", "state": "starting"},
            {"profile": "old", "state": "stopped", "kubernetesVersion": "v1.33.0"},
        ])
    );
}

#[tokio::test]
async fn the_optional_methods_are_those_it_names() {
    let home = Home::new();
    let offer = json!({"protocolVersions": [1], "host": {"name": "test", "version": "0"}});
    let description = home.ask("initialize", offer).await["result"].clone();
    assert_eq!(
        description["capabilities"]["methods"],
        json!(["restart", "version", "list", "exec", "logs", "usage", "diagnose", "loadImage"])
    );
    let folder = home.ask("version", json!({})).await["result"]["programs"][0]["location"].clone();
    assert_eq!(folder, json!(home.clusters()));
    assert_eq!(home.ask("kubeconfig", demo()).await["error"]["data"]["kind"], "Unsupported");
}

/// What a plan's command prints, as a host runs it.
async fn run(plan: &Value) -> String {
    let argv: Vec<String> = serde_json::from_value(plan["argv"].clone()).unwrap();
    let env: BTreeMap<String, String> =
        serde_json::from_value(plan["env"].clone()).unwrap_or_default();
    let output = Command::new(&argv[0]).args(&argv[1..]).envs(env).output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What happened, without the time at which it did.
fn events(log: &str) -> Vec<&str> {
    log.lines().map(|line| line.split_once(' ').unwrap().1).collect()
}

#[tokio::test]
async fn a_command_runs_here_with_the_nodes_name_and_its_arguments_as_they_are() {
    let home = Home::new();
    home.start(json!({"agents": 1})).await;
    let odd = ["a b", "$(id)", "\"'\\", "line\nbreak", "", "-n", "ü*?"];
    let script = "printf '%s|' \"$CAPRONI_MOCK_NODE\" \"$@\"";
    let argv: Vec<&str> = ["sh", "-c", script, "sh"].into_iter().chain(odd).collect();
    let params = json!({"profile": "demo", "node": "mock-demo-agent-0", "argv": argv});
    let plan = home.ask("exec", params).await["result"].clone();
    assert_eq!(run(&plan).await, format!("mock-demo-agent-0|{}|", odd.join("|")));
}

#[tokio::test]
async fn without_a_command_it_is_a_shell_on_the_first_server() {
    let home = Home::new();
    home.start(json!({})).await;
    for argv in [Value::Null, json!([])] {
        let params = json!({"profile": "demo", "argv": argv, "tty": true});
        let expected =
            json!({"argv": ["/bin/sh"], "env": {"CAPRONI_MOCK_NODE": "mock-demo-server-0"}});
        assert_eq!(home.ask("exec", params).await["result"], expected);
    }
}

#[tokio::test]
async fn what_needs_a_running_cluster_says_so_when_it_does_not_run() {
    let home = Home::new();
    let params = json!({"profile": "demo", "images": []});
    for method in ["exec", "usage", "loadImage", "logs"] {
        let kind = home.ask(method, params.clone()).await["error"]["data"]["kind"].clone();
        assert_eq!(kind, "ClusterNotRunning", "{method}");
    }
    home.start(json!({})).await;
    home.ask("stop", demo()).await;
    for method in ["exec", "usage", "loadImage"] {
        let kind = home.ask(method, params.clone()).await["error"]["data"]["kind"].clone();
        assert_eq!(kind, "ClusterNotRunning", "{method}");
    }
}

#[tokio::test]
async fn a_node_that_is_not_there_is_named() {
    let home = Home::new();
    home.start(json!({})).await;
    for method in ["exec", "logs"] {
        let params = json!({"profile": "demo", "node": "mock-demo-agent-7"});
        let error = home.ask(method, params).await["error"].clone();
        assert_eq!(error["data"]["kind"], "NotFound", "{method}");
        assert_eq!(error["data"]["resource"], "mock-demo-agent-7", "{method}");
        assert!(error["data"]["hint"].as_str().unwrap().contains("mock-demo-server-0"), "{error}");
    }
}

#[tokio::test]
async fn a_log_tells_what_happened_to_its_node_also_when_it_is_stopped() {
    let home = Home::new();
    home.start(json!({"agents": 1})).await;
    home.start(json!({"agents": 1, "labels": {"a": "b"}})).await;
    home.ask("loadImage", json!({"profile": "demo", "images": ["app:1"]})).await;
    home.ask("restart", json!({"profile": "demo", "config": {"agents": 1}})).await;
    home.ask("stop", demo()).await;
    let all = [
        "created",
        "started",
        "took over a changed config",
        "image `app:1` loaded",
        "stopped",
        "started",
        "stopped",
    ];
    for node in ["mock-demo-server-0", "mock-demo-agent-0"] {
        let params = json!({"profile": "demo", "node": node});
        let plan = home.ask("logs", params).await["result"].clone();
        assert_eq!(events(&run(&plan).await), all, "{node}");
    }
    let last = home.ask("logs", json!({"profile": "demo", "tail": 2})).await["result"].clone();
    assert_eq!(events(&run(&last).await), all[5..]);
    let none = home.ask("logs", json!({"profile": "demo", "tail": 0})).await["result"].clone();
    assert_eq!(run(&none).await, "");
}

#[tokio::test]
async fn a_log_that_is_followed_goes_on() {
    use std::process::Stdio;
    use tokio::io::{AsyncBufReadExt, BufReader};

    let home = Home::new();
    home.start(json!({})).await;
    let params = json!({"profile": "demo", "follow": true, "tail": 1});
    let plan = home.ask("logs", params).await["result"].clone();
    let argv: Vec<String> = serde_json::from_value(plan["argv"].clone()).unwrap();
    let mut tail = Command::new(&argv[0]);
    tail.args(&argv[1..]).stdout(Stdio::piped()).kill_on_drop(true);
    let mut tail = tail.spawn().unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    let mut next = async || {
        let line = tokio::time::timeout(crate::home::PATIENCE, lines.next_line()).await;
        line.expect("a line in time").unwrap().unwrap()
    };
    assert!(next().await.ends_with(" started"));
    home.ask("stop", demo()).await;
    assert!(next().await.ends_with(" stopped"));
}

#[tokio::test]
async fn the_logs_go_with_their_cluster() {
    let home = Home::new();
    home.start(json!({})).await;
    home.ask("destroy", demo()).await;
    assert_eq!(home.files(), 0);
    home.start(json!({})).await;
    let plan = home.ask("logs", demo()).await["result"].clone();
    assert_eq!(events(&run(&plan).await), ["created", "started"]);
}

#[tokio::test]
async fn usage_is_what_the_files_hold_and_nothing_is_made_up() {
    let home = Home::new();
    home.start(json!({})).await;
    let log = home.clusters().join("demo.logs/mock-demo-server-0.log");
    let size = fs::metadata(&log).unwrap().len();
    assert!(size > 0);
    assert_eq!(
        home.ask("usage", demo()).await["result"],
        json!({"nodes": [{"name": "mock-demo-server-0", "diskBytes": size}]})
    );
}

#[tokio::test]
async fn usage_is_what_it_is_told_to_say() {
    let home = Home::new();
    let said = json!({"cpu_cores": 0.5, "memory_bytes": 1024, "memory_bytes_limit": 4096});
    home.start(json!({"agents": 1, "simulate": {"usage": said, "nodes_not_ready": 1}})).await;
    let nodes = home.ask("usage", demo()).await["result"]["nodes"].clone();
    assert_eq!(nodes.as_array().unwrap().len(), 1, "one of the two does not run: {nodes}");
    assert_eq!((&nodes[0]["cpuCores"], &nodes[0]["memoryBytes"]), (&json!(0.5), &json!(1024)));
    assert_eq!(nodes[0]["memoryBytesLimit"], 4096);
    assert_eq!(nodes[0].get("cpuCoresLimit"), None);
}

#[tokio::test]
async fn images_are_remembered_until_the_cluster_goes() {
    let home = Home::new();
    home.start(json!({})).await;
    let archive = home.path().join("app.tar");
    fs::write(&archive, "an archive").unwrap();
    let load = |images: Value| home.ask("loadImage", json!({"profile": "demo", "images": images}));
    let images = json!([archive, "app:1", "app:1"]);
    assert_eq!(load(images.clone()).await["result"]["change"], "loaded");
    assert_eq!(load(images).await["result"]["change"], "none");
    home.ask("stop", demo()).await;
    home.start(json!({})).await;
    let record: Value = serde_json::from_slice(&fs::read(home.file()).unwrap()).unwrap();
    assert_eq!(record["images"], json!([archive, "app:1"]));
}

#[tokio::test]
async fn with_one_image_missing_none_is_loaded() {
    let home = Home::new();
    home.start(json!({})).await;
    for missing in [home.path().join("nothing.tar"), home.path().to_path_buf()] {
        let params = json!({"profile": "demo", "images": ["app:1", missing]});
        let error = home.ask("loadImage", params).await["error"].clone();
        assert_eq!(error["data"]["kind"], "NotFound");
        assert_eq!(error["data"]["resource"], json!(missing));
    }
    assert!(!fs::read_to_string(home.file()).unwrap().contains("app:1"));
}

#[tokio::test]
async fn a_load_waits_for_a_change_that_is_under_way() {
    let home = Home::new();
    let (_driver, _) = home.starting("demo").await;
    let params = json!({"profile": "demo", "images": ["app:1"], "timeoutMs": 0});
    assert_eq!(home.ask("loadImage", params).await["error"]["data"]["kind"], "Busy");
}

/// The verdicts of a diagnosis, each with the name of its check.
fn verdicts(diagnosis: &Value) -> Vec<(&str, &str)> {
    let checks = diagnosis["checks"].as_array().unwrap().iter();
    checks.map(|c| (c["name"].as_str().unwrap(), c["verdict"].as_str().unwrap())).collect()
}

const WELL: [(&str, &str); 4] =
    [("folder", "ok"), ("locks", "ok"), ("files", "ok"), ("leftovers", "ok")];

#[tokio::test]
async fn all_is_well_with_no_cluster_and_with_one_and_nothing_is_made_by_looking() {
    let home = Home::new();
    let diagnosis = home.ask("diagnose", json!({})).await["result"].clone();
    assert_eq!(verdicts(&diagnosis), WELL);
    assert!(!home.clusters().exists() && !home.path().join("state").exists());
    home.start(json!({})).await;
    let diagnosis = home.ask("diagnose", demo()).await["result"].clone();
    assert_eq!(verdicts(&diagnosis), WELL);
}

#[tokio::test]
async fn a_diagnosis_names_damaged_files_half_clusters_and_leftovers() {
    let home = Home::new();
    for profile in ["broken", "well"] {
        home.ask("start", json!({"profile": profile, "config": {}})).await;
    }
    let (mut driver, _) = home.starting("half").await;
    driver.child.kill().await.unwrap();
    fs::write(home.clusters().join("broken.json"), "{").unwrap();
    fs::write(home.clusters().join("well.json.new"), "{").unwrap();
    fs::create_dir(home.clusters().join("gone.logs")).unwrap();

    let diagnosis = home.ask("diagnose", json!({})).await["result"].clone();
    let expected = [
        ("folder", "ok"),
        ("locks", "ok"),
        ("files", "failed"),
        ("files", "warning"),
        ("leftovers", "warning"),
        ("leftovers", "warning"),
    ];
    assert_eq!(verdicts(&diagnosis), expected);
    for (at, name) in [(2, "broken"), (3, "half"), (4, "gone"), (5, "well")] {
        let check = &diagnosis["checks"][at];
        assert!(check["message"].as_str().unwrap().contains(name), "{check}");
        assert!(check["hint"].is_string(), "{check}");
    }
    let of_one = home.ask("diagnose", json!({"profile": "gone"})).await["result"].clone();
    assert_eq!(verdicts(&of_one)[3], ("leftovers", "warning"));
    assert_eq!(verdicts(&of_one)[2], ("files", "ok"));

    for profile in ["broken", "half", "gone", "well"] {
        home.ask("destroy", json!({"profile": profile})).await;
    }
    let mended = home.ask("diagnose", json!({})).await["result"].clone();
    assert_eq!(verdicts(&mended), WELL);
}

#[tokio::test]
async fn what_is_under_way_is_no_leftover() {
    let home = Home::new();
    let (_driver, _) = home.starting("demo").await;
    fs::write(home.clusters().join("demo.json.new"), "{").unwrap();
    assert_eq!(verdicts(&home.ask("diagnose", json!({})).await["result"]), WELL);
}

#[tokio::test]
async fn a_folder_that_is_none_is_a_check_that_failed_and_no_error() {
    let home = Home::new();
    fs::write(home.clusters(), "no folder").unwrap();
    let diagnosis = home.ask("diagnose", json!({})).await["result"].clone();
    let failed = [("folder", "failed"), ("locks", "ok"), ("files", "failed")];
    assert_eq!(verdicts(&diagnosis)[..3], failed);
}

#[tokio::test]
async fn faults_can_be_simulated_in_each_method() {
    let home = Home::new();
    home.start(json!({})).await;
    for method in ["list", "exec", "logs", "usage", "diagnose", "loadImage"] {
        let fail = json!({"operation": method, "kind": "BackendUnavailable"});
        let driver = home.spawn(Some(json!({"fail": fail})));
        let params = json!({"profile": "demo", "images": []});
        let error = driver.ask(method, params).await["error"].clone();
        assert_eq!(error["data"]["kind"], "BackendUnavailable", "{method}");
    }
    let driver = home.spawn(Some(json!("no section")));
    let diagnosis = driver.ask("diagnose", json!({})).await["result"].clone();
    assert_eq!(verdicts(&diagnosis).last(), Some(&("simulate", "failed")));
}

#[tokio::test]
async fn a_look_takes_as_long_as_it_is_told_and_can_be_cancelled() {
    let home = Home::new();
    home.start(json!({})).await;
    for method in ["list", "exec", "logs", "usage", "diagnose"] {
        let driver = home.spawn(Some(json!({"status_delay_ms": crate::home::FOR_EVER})));
        let mut params = demo();
        params["timeoutMs"] = json!(1);
        let error = driver.ask(method, params).await["error"].clone();
        assert_eq!(error["data"]["kind"], "TimedOut", "{method}");
    }
}
