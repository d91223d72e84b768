//! Many at once: starts of one cluster, of many clusters, and kubectl at the kubeconfig.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::{Place, Run, docker_lines};

/// Runs a verb for all of these profiles at once.
fn all_at_once(place: &Place, profiles: &[String], verb: &str) -> Vec<Run> {
    let commands = profiles.iter().map(|profile| {
        let mut command = place.command_for(profile, &["-o", "json", verb]);
        command.spawn().expect("caproni runs")
    });
    let children: Vec<_> = commands.collect();
    let outputs = children.into_iter().map(|child| child.wait_with_output().expect("it ends"));
    outputs.map(|output| Run::of(&output)).collect()
}

fn changes(runs: &[Run]) -> Vec<String> {
    let change = |run: &Run| run.json()["change"].as_str().unwrap_or_default().to_owned();
    let mut changes: Vec<_> = runs.iter().map(change).collect();
    changes.sort();
    changes
}

#[test]
fn of_ten_starts_of_one_cluster_one_creates_it_and_nine_find_it_done() {
    let place = Place::new("ten");
    let runs = all_at_once(&place, &vec![place.profile.clone(); 10], "start");
    assert!(runs.iter().all(|run| run.code == Some(0)), "{runs:#?}");
    let mut expected = vec!["none".to_owned(); 9];
    expected.insert(0, "created".into());
    assert_eq!(changes(&runs), expected);
}

#[test]
fn ten_clusters_that_are_started_at_once_are_all_ready() {
    let place = Place::new("many");
    let profiles: Vec<_> = (0..10).map(|n| format!("{}-{n}", place.profile)).collect();
    let started = all_at_once(&place, &profiles, "start");
    let listed = place.caproni(&["list", "-o", "json"]);
    let destroyed = all_at_once(&place, &profiles, "destroy");
    assert!(started.iter().all(|run| run.code == Some(0)), "{started:#?}");
    assert!(started.iter().all(|run| run.json()["status"]["state"] == "ready"), "{started:#?}");
    assert_eq!(changes(&started), vec!["created"; 10]);
    let rows = listed.json()["clusters"].as_array().cloned().unwrap_or_default();
    let ready = rows.iter().filter(|row| {
        let is_k3d_s = row["driver"] == "k3d" && row["state"] == "ready";
        is_k3d_s && profiles.iter().any(|profile| row["profile"] == **profile)
    });
    assert_eq!(ready.count(), 10, "{rows:#?}");
    assert_eq!(changes(&destroyed), vec!["destroyed"; 10]);
}

#[test]
fn clusters_that_share_a_network_make_it_once() {
    let place = Place::new("shared");
    let network = format!("{}-net", place.profile);
    place.write_config(&format!("network: {network}"));
    let networks =
        || docker_lines(&["network", "ls", "-q", "--filter", &format!("name={network}")]);
    let profiles: Vec<_> = (0..4).map(|n| format!("{}-{n}", place.profile)).collect();
    let started = all_at_once(&place, &profiles, "start");
    let made = networks().len();
    let destroyed = all_at_once(&place, &profiles, "destroy");
    assert_eq!(changes(&started), vec!["created"; 4], "{started:#?}");
    assert_eq!(made, 1);
    assert_eq!(changes(&destroyed), vec!["destroyed"; 4]);
    assert_eq!(networks(), Vec::<String>::new());
}

/// kubectl compares with what it has read before it took the lock, so that it may take out again
/// what was put in meanwhile: that is not for others to prevent. What kubectl has put in must stay.
#[test]
fn nothing_that_kubectl_writes_at_the_same_time_is_lost() {
    let place = Place::new("kubectl");
    place.caproni(&["start"]).expect_code(0);
    let kubeconfig = place.path("home/.kube/config");
    let kubectl = |args: &[&str]| {
        let mut command = Command::new("kubectl");
        command.arg("--kubeconfig").arg(&kubeconfig).args(args).env("HOME", place.path("home"));
        command.output().expect("kubectl runs")
    };
    // kubectl does not wait for a lock, it fails.
    let insist = |args: &[&str]| while !kubectl(args).status.success() {};
    let context = format!("k3d-{}", place.profile);
    let done = AtomicBool::new(false);
    let names: Vec<_> = (0..15).map(|n| format!("other-{n}")).collect();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for name in &names {
                insist(&["config", "set-context", name, "--cluster", "c", "--user", "u"]);
                kubectl(&["config", "delete-context", &context]);
            }
            done.store(true, Ordering::SeqCst);
        });
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    place.caproni(&["start"]).expect_code(0);
                }
            });
        }
    });
    place.caproni(&["start"]).expect_code(0);
    let listed = kubectl(&["config", "get-contexts", "-o", "name"]);
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let mut expected = [names, vec![context]].concat();
    expected.sort();
    let mut listed: Vec<_> = listed.lines().collect();
    listed.sort_unstable();
    assert_eq!(listed, expected);
}
