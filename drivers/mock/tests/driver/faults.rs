//! Faults on demand.

use serde_json::json;

use crate::home::{Home, demo};

#[tokio::test]
async fn half_a_cluster_is_left_on_demand() {
    let home = Home::new();
    let fail = json!({"operation": "start", "kind": "BackendFailed"});
    let error = home.start(json!({"simulate": {"fail": fail, "leave_half": true}})).await;
    assert_eq!(error["error"]["data"]["state"], "not-ready");
    assert_eq!(home.status().await["conditions"][0]["name"], "creation");
}

#[tokio::test]
async fn what_a_cluster_was_started_with_is_remembered_until_it_is_started_without() {
    let home = Home::new();
    home.start(json!({"simulate": {"nodes_not_ready": 1}})).await;
    assert_eq!(home.status().await["state"], "not-ready");
    assert_eq!(home.start(json!({})).await["result"]["change"], "updated");
    assert_eq!(home.status().await["state"], "ready");
}

#[tokio::test]
async fn the_environment_counts_before_the_config() {
    let home = Home::new();
    home.start(json!({"simulate": {"state": "starting"}})).await;
    let driver = home.spawn(Some(json!({"state": "hibernating"})));
    assert_eq!(driver.ask("status", demo()).await["result"]["state"], "hibernating");
    assert_eq!(home.status().await["state"], "starting");
}

#[tokio::test]
async fn chatter_does_not_break_the_wire() {
    let home = Home::new();
    let driver = home.spawn(Some(json!({"chatter": true})));
    let offer = json!({"protocolVersions": [1], "host": {"name": "test", "version": "0"}});
    assert_eq!(driver.ask("initialize", offer).await["result"]["name"], "mock");
    let start = json!({"profile": "demo", "config": {}});
    assert_eq!(driver.ask("start", start).await["result"]["change"], "created");
    assert_eq!(driver.progress().len(), 2);
    assert!(driver.log().await.contains("Checking for updates"));
}

#[tokio::test]
async fn a_crash_ends_the_process_in_the_middle_of_the_request() {
    let home = Home::new();
    let mut driver = home.spawn(Some(json!({"crash": "start"})));
    driver.begin("start", json!({"profile": "demo", "config": {}})).await;
    let status = driver.exit().await;
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(6), "{status}");
    assert_eq!(home.status().await["state"], "not-ready");
}

#[tokio::test]
async fn a_hang_answers_neither_cancel_nor_the_end_of_input() {
    let home = Home::new();
    let mut driver = home.spawn(Some(json!({"hang": "start"})));
    driver.begin("start", json!({"profile": "demo", "config": {}})).await;
    driver.until_step("boot").await;
    driver.cancel().await;
    driver.close_input().await;
    assert_eq!(home.status().await["state"], "starting");
    assert!(driver.child.try_wait().unwrap().is_none());
}
