//! No room on the disk: what was there stays whole, and what was begun is undone.
//!
//! A limit on the size of files stands for a full disk: a write fails in the same place, for
//! every user and on every file system.

use super::assert_told;
use crate::faults::driver;
use crate::output::Output;
use crate::resources::api::api_of_a_ready_cluster;
use crate::sandbox::{MOCK, Sandbox};

/// Without the signal, which a full disk does not send.
fn with_room_for(sandbox: &Sandbox, blocks: u32, words: &str) -> Output {
    sandbox.caproni(words).after(&format!("trap '' XFSZ; ulimit -f {blocks}")).run()
}

const HINT: &str = "raise the limit of the size of files, see `ulimit -f`";

#[test]
fn a_creation_for_which_there_is_no_room_leaves_nothing() {
    let sandbox = Sandbox::with_config(MOCK);
    let output = with_room_for(&sandbox, 0, "start");
    assert_told(&output, 8, "cannot write `[ROOT]/state/mock/caproni.json`", HINT);
    assert_eq!(std::fs::read_dir(sandbox.path("state/mock")).unwrap().count(), 0);
    assert_eq!(sandbox.run("start").code(), 0);
}

#[test]
fn a_change_for_which_there_is_no_room_leaves_the_cluster_as_it_was() {
    let sandbox = Sandbox::with_config(MOCK);
    sandbox.run("start");
    let before = sandbox.mock_cluster();
    assert_told(&with_room_for(&sandbox, 0, "stop"), 8, "cannot write `[ROOT]/state/mock", HINT);
    assert_eq!(sandbox.mock_cluster(), before);
    // What removes and what asks needs no room.
    assert_eq!(with_room_for(&sandbox, 0, "status").code(), 0);
    assert_eq!(with_room_for(&sandbox, 0, "list").code(), 0);
    assert_eq!(with_room_for(&sandbox, 0, "destroy").code(), 0);
    assert_eq!(sandbox.mock_cluster(), None);
}

#[test]
fn a_recording_for_which_there_is_no_room_stops_no_command() {
    let sandbox = Sandbox::with_config(MOCK);
    let output = sandbox.caproni("start").env("CAPRONI_TRACE", "/dev/full").run();
    assert_eq!(output.code(), 0, "{output:#?}");
    let warnings = output.stderr.lines().filter(|line| line.contains("no more is recorded: "));
    assert_eq!(warnings.count(), 1, "{output:#?}");
}

/// A driver whose clusters are ready; the cluster is the file `cluster` in the project folder,
/// which is empty and so needs no room.
fn with_api() -> Sandbox {
    let api = api_of_a_ready_cluster();
    driver(&format!(
        r#"
        methods='"kubeconfig"'
        status() {{
            if [ -e cluster ]; then result '{{"state":"ready","exists":true}}'
            else result '{{"state":"stopped","exists":false}}'; fi
        }}
        start() {{ : >cluster; result '{{"change":"created"}}'; }}
        destroy() {{ rm cluster; result '{{"change":"destroyed"}}'; }}
        kubeconfig() {{
            result '{{"context":"odd","kubeconfig":"{{current-context: odd, contexts: [{{name: odd, context: {{cluster: odd, user: odd}}}}], clusters: [{{name: odd, cluster: {{server: \"{api}\"}}}}], users: [{{name: odd, user: {{}}}}]}}"}}'
        }}"#
    ))
}

/// A kubeconfig of more than a block.
fn user_kubeconfig() -> String {
    let context = |n| format!("- {{name: c{n}, context: {{cluster: c{n}, user: u{n}}}}}\n");
    format!("apiVersion: v1\nkind: Config\ncontexts:\n{}", (0..50).map(context).collect::<String>())
}

#[test]
fn with_room_for_the_kubeconfig_a_cluster_is_made() {
    let sandbox = with_api();
    let kubeconfig = sandbox.write("home/.kube/config", &user_kubeconfig());
    assert_eq!(sandbox.run("--driver odd start").code(), 0);
    assert!(std::fs::read_to_string(kubeconfig).unwrap().contains("odd"));
}

#[test]
fn a_kubeconfig_for_which_there_is_no_room_stays_whole_and_the_creation_is_undone() {
    let sandbox = with_api();
    let kubeconfig = sandbox.write("home/.kube/config", &user_kubeconfig());
    // The host's own copy is that of one cluster, and has room.
    let output = with_room_for(&sandbox, 2, "--driver odd start");
    assert_told(
        &output,
        6,
        "kubeconfig `[ROOT]/home/.kube/config` cannot be written",
        "removed again",
    );
    assert!(output.stderr.contains("File too large"), "{output:#?}");
    assert_eq!(std::fs::read_to_string(&kubeconfig).unwrap(), user_kubeconfig());
    let beside = std::fs::read_dir(kubeconfig.parent().unwrap()).unwrap();
    assert_eq!(beside.count(), 1, "neither a lock nor half a file is left");
    assert!(!sandbox.path("project/cluster").exists());
}

#[test]
fn a_creation_whose_private_kubeconfig_has_no_room_is_undone() {
    let sandbox = with_api();
    let output = with_room_for(&sandbox, 0, "--driver odd start");
    let said = "cannot write `[ROOT]/state/clusters/odd-caproni/kubeconfig`: File too large";
    assert_told(&output, 8, said, "removed again");
    assert!(!sandbox.path("project/cluster").exists());
    assert!(!sandbox.path("state/clusters/odd-caproni").exists());
}
