//! What a machine does not have: a home, a temporary folder, file descriptors.

use crate::support::Place;

#[test]
fn a_cluster_is_made_without_home_and_temporary_folder_and_with_few_descriptors() {
    let place = Place::new("bare");
    let bare = "ulimit -n 32; unset HOME; TMPDIR=/dev/null/x KUBECONFIG=../kubeconfig; \
        export TMPDIR KUBECONFIG";
    let run = |args: &[&str]| place.caproni_after(bare, args);
    run(&["status"]).expect_code(3);
    run(&["start"]).expect_code(0);
    run(&["status"]).expect_code(0);
    run(&["destroy"]).expect_code(0);
    assert_eq!(place.left(), Vec::<String>::new());
}

#[test]
fn what_is_missing_is_told_before_anything_is_made() {
    let place = Place::new("poor");
    let told = |script: &str, code: i32, message: &str| {
        let run = place.caproni_after(script, &["-o", "json", "start"]).expect_code(code);
        let said = run.error();
        assert!(said["message"].as_str().unwrap_or_default().contains(message), "{said:#}");
        assert!(said["hint"].is_string(), "{said:#}");
    };
    told("unset HOME", 6, "HOME is not set");
    told("HOME=/dev/null/home", 6, "kubeconfig `/dev/null/home/.kube/config` cannot be read");
    let elsewhere = "unset CAPRONI_STATE_DIR; HOME=/dev/null/home; export KUBECONFIG=../kubeconfig";
    told(elsewhere, 8, "cannot lock `/dev/null/home/.local/state/caproni/");
    for count in [6, 10, 14, 17] {
        told(&format!("ulimit -n {count}"), 8, "Too many open files");
    }
    assert_eq!(place.left(), Vec::<String>::new());
}
