//! Tests the driver: by a cluster's life, and where caproni is on `PATH` by the rules of the
//! protocol.

use std::path::PathBuf;
use std::process::Stdio;

use caproni_driver::testing::Host;
use caproni_driver::{Change, DriverClient, State};
use serde_json::json;
use tokio::process::Command;

const DRIVER: &str = env!("CARGO_BIN_EXE_caproni-driver-{{name}}");

/// An empty folder for the driver's files.
fn folder() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("life");
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

#[tokio::test]
async fn a_cluster_lives_from_start_to_destroy() {
    let mut command = Command::new(DRIVER);
    command.env("CAPRONI_STATE_DIR", folder()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut driver = command.kill_on_drop(true).spawn().expect("it runs");
    let (output, input) = (driver.stdout.take(), driver.stdin.take());
    // Its waits have deadlines.
    let host = Host::over(output.expect("a pipe"), input.expect("a pipe"));
    let offer = json!({"protocolVersions": [1], "host": {"name": "test", "version": "1"}});
    let described = host.ask("initialize", offer).await;
    assert_eq!(described["result"]["name"], "{{name}}");

    let profile = || "demo".to_owned();
    let start = async || host.start(profile(), json!({}), None).await.expect("started").change;
    let status = async || host.status(profile(), None, None).await.expect("a status");
    assert!(!status().await.exists);
    assert_eq!(start().await, Change::Created);
    assert_eq!(start().await, Change::None);
    assert_eq!(status().await.state, State::Ready);
    let stopped = host.stop(profile(), None, None).await.expect("stopped");
    assert_eq!(stopped.change, Change::Stopped);
    assert_eq!(status().await.state, State::Stopped);
    assert_eq!(start().await, Change::Started);
    let destroyed = host.destroy(profile(), None, None).await.expect("destroyed");
    assert_eq!(destroyed.change, Change::Destroyed);
    assert!(!status().await.exists);
    host.end().await;
}

#[tokio::test]
async fn it_breaks_no_rule() {
    let mut caproni = Command::new("caproni");
    match caproni.args(["drivers", "check", "--destructive", DRIVER]).output().await {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("skipped: the rules are checked where caproni is on PATH");
        }
        check => {
            let check = check.expect("caproni runs");
            let report = String::from_utf8_lossy(&check.stdout);
            assert!(check.status.success(), "{report}");
        }
    }
}
