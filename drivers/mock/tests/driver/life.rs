//! The life of a cluster across processes, and what is left when it is broken off.

use std::fs;

use serde_json::json;

use crate::home::{FOR_EVER, Home, demo};

#[tokio::test]
async fn a_cluster_lives_its_whole_life_across_processes() {
    let home = Home::new();
    assert_eq!(home.status().await["exists"], false);
    assert_eq!(home.start(json!({"agents": 1})).await["result"]["change"], "created");
    assert_eq!(home.start(json!({"agents": 1})).await["result"]["change"], "none");

    let status = home.status().await;
    assert_eq!(status["state"], "ready");
    assert_eq!(status["driver"], "mock");
    assert_eq!(status["kubernetesVersion"], "v1.34.0");
    assert_eq!(status["nodes"][1]["name"], "mock-demo-agent-0");

    assert_eq!(home.ask("stop", demo()).await["result"]["change"], "stopped");
    assert_eq!(home.ask("stop", demo()).await["result"]["change"], "none");
    assert_eq!(home.status().await["state"], "stopped");
    assert_eq!(home.start(json!({"agents": 1})).await["result"]["change"], "started");

    let params = json!({"profile": "demo", "config": {"agents": 1}});
    assert_eq!(home.ask("restart", params).await["result"]["change"], "restarted");
    assert_eq!(home.status().await["state"], "ready");
    assert_eq!(home.ask("destroy", demo()).await["result"]["change"], "destroyed");
    assert_eq!(home.ask("destroy", demo()).await["result"]["change"], "none");
    assert_eq!(home.files(), 0);
}

#[tokio::test]
async fn clusters_of_different_names_are_apart() {
    let home = Home::new();
    home.start(json!({})).await;
    assert_eq!(home.ask("status", json!({"profile": "other"})).await["result"]["exists"], false);
}

#[tokio::test]
async fn another_config_is_a_mismatch_and_touches_nothing() {
    let home = Home::new();
    home.start(json!({"token": "hunter2"})).await;
    let before = fs::read(home.file()).unwrap();
    let error = home.start(json!({"servers": 3, "labels": {"a": "b"}})).await["error"].clone();
    assert_eq!(error["code"], 1003);
    let fields: Vec<_> = error["data"]["diff"].as_array().unwrap().iter().collect();
    let rows: Vec<_> = fields.iter().map(|d| (&d["path"], &d["change"])).collect();
    assert_eq!(
        json!(rows),
        json!([["servers", "recreate"], ["labels", "live"], ["token", "recreate"]])
    );
    assert_eq!(fs::read(home.file()).unwrap(), before);
    assert!(!error.to_string().contains("hunter2") && !error.to_string().contains("sha256"));
    assert!(!String::from_utf8(before).unwrap().contains("hunter2"));
}

#[tokio::test]
async fn a_live_change_is_taken_over() {
    let home = Home::new();
    home.start(json!({})).await;
    let config = json!({"labels": {"team": "a"}});
    assert_eq!(home.start(config.clone()).await["result"]["change"], "updated");
    assert_eq!(home.status().await["config"]["labels"], json!({"team": "a"}));
    assert_eq!(home.start(config).await["result"]["change"], "none");
}

#[tokio::test]
async fn a_cancelled_start_leaves_nothing() {
    let home = Home::new();
    let (driver, id) = home.starting("demo").await;
    assert!(home.file().exists());
    driver.cancel().await;
    let reply = driver.reply(id).await;
    assert_eq!(reply["error"]["data"], json!({"kind": "Cancelled", "state": "stopped"}));
    assert_eq!(home.files(), 0);
    assert_eq!(driver.ask("status", demo()).await["result"]["exists"], false);
}

#[tokio::test]
async fn the_end_of_input_in_a_start_ends_the_driver_and_leaves_nothing() {
    let home = Home::new();
    let (driver, id) = home.starting("demo").await;
    driver.close_input().await;
    assert_eq!(driver.reply(id).await["error"]["data"]["kind"], "Cancelled");
    assert!(driver.end().await.success());
    assert_eq!(home.files(), 0);
}

#[tokio::test]
async fn time_that_is_up_in_a_start_leaves_nothing() {
    let home = Home::new();
    let config = json!({"simulate": {"delay_ms": FOR_EVER}});
    let params = json!({"profile": "demo", "config": config, "timeoutMs": 1});
    assert_eq!(home.ask("start", params).await["error"]["data"]["kind"], "TimedOut");
    assert_eq!(home.files(), 0);
}

#[tokio::test]
async fn a_start_under_way_shows_as_starting_to_others() {
    let home = Home::new();
    let _driver = home.starting("demo").await;
    assert_eq!(home.status().await["state"], "starting");
}

#[tokio::test]
async fn a_killed_start_is_told_by_status_and_mended_by_start_or_destroy() {
    for (method, change) in [("start", "created"), ("destroy", "destroyed")] {
        let home = Home::new();
        let (mut driver, _) = home.starting("demo").await;
        driver.child.kill().await.unwrap();

        let status = home.status().await;
        assert_eq!((&status["state"], &status["exists"]), (&json!("not-ready"), &json!(true)));
        assert_eq!(status["conditions"][0]["name"], "creation");
        assert_eq!(home.ask("stop", demo()).await["result"]["change"], "none");
        let params = json!({"profile": "demo", "config": {}});
        assert_eq!(home.ask(method, params).await["result"]["change"], change);
    }
}

#[tokio::test]
async fn a_damaged_file_is_an_error_with_its_name_and_destroy_removes_it() {
    let home = Home::new();
    home.start(json!({})).await;
    fs::write(home.file(), "{\"phase\": \"runn").unwrap();
    for method in ["start", "status", "stop"] {
        let error =
            home.ask(method, json!({"profile": "demo", "config": {}})).await["error"].clone();
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(home.file().to_str().unwrap()), "{method}: {message}");
        assert!(error["data"]["hint"].as_str().unwrap().contains("destroy"), "{error}");
    }
    assert_eq!(home.ask("destroy", demo()).await["result"]["change"], "destroyed");
    assert_eq!(home.files(), 0);
}
