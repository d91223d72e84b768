//! A creation that is interrupted, at several moments, in three ways.

use super::place;
use crate::support::{Place, Run, Running, signal};

/// How far the creation is, in lines of progress, when it is interrupted. A creation of one
/// node prints some sixteen; the container is made after the sixth.
const MOMENTS: [usize; 5] = [0, 2, 6, 8, 11];

/// What is true after any interruption: no process is left, `status` tells what is there, and
/// the cluster can be started or destroyed.
fn expect_order(place: &Place, moment: usize) {
    place.expect_no_process();
    let status = place.caproni(&["status", "-o", "json"]);
    let told = status.json();
    let exists = !place.left().is_empty() || folder(place).exists();
    assert_eq!(told["exists"], exists, "moment {moment}: {status:#?}");
    if moment.is_multiple_of(3) {
        // With another config: what was never finished is nothing that it could differ from.
        place.write_config("memory: 2g");
        place.caproni(&["start"]).expect_code(0);
        place.write_config("");
    }
    place.caproni(&["destroy"]).expect_code(0);
    assert_eq!(place.left(), Vec::<String>::new(), "moment {moment}");
    assert!(!folder(place).exists(), "moment {moment}");
}

fn folder(place: &Place) -> std::path::PathBuf {
    place.path("home/.minikube/profiles").join(&place.profile)
}

fn at_every_moment(name: &str, interrupt: impl Fn(&Running), check: impl Fn(&Place, usize, Run)) {
    let place = place(name);
    for moment in MOMENTS {
        let mut start = place.start_slowly(&["start"]);
        start.driver();
        assert!(start.wait_for_lines(moment), "moment {moment} came too late");
        interrupt(&start);
        let run = start.finish();
        check(&place, moment, run);
        expect_order(&place, moment);
    }
}

#[test]
fn ctrl_c_rolls_back_at_every_moment() {
    at_every_moment(
        "mk-sigint",
        |start| start.signal("INT"),
        |place, moment, run| {
            assert_eq!(run.code, Some(130), "moment {moment}: {run:#?}");
            place.expect_no_process();
            assert_eq!(place.left(), Vec::<String>::new(), "moment {moment}: {run:#?}");
            assert!(!folder(place).exists(), "moment {moment}");
        },
    );
}

#[test]
fn after_kill_9_of_caproni_the_driver_rolls_back_at_every_moment() {
    at_every_moment(
        "mk-kill9",
        |start| start.signal("KILL"),
        |place, moment, _| {
            place.expect_no_process();
            assert_eq!(place.left(), Vec::<String>::new(), "moment {moment}");
        },
    );
}

#[test]
fn what_a_killed_driver_left_is_told_and_swept() {
    at_every_moment(
        "mk-driver9",
        |start| signal(start.driver(), "KILL"),
        |_, moment, run| assert_eq!(run.code, Some(20), "moment {moment}: {run:#?}"),
    );
}

#[test]
fn an_interrupted_start_of_a_stopped_cluster_leaves_it_stopped() {
    let place = place("mk-stopagain");
    place.caproni(&["start"]).expect_code(0);
    place.caproni(&["stop"]).expect_code(0);
    let mut start = place.start_slowly(&["start"]);
    assert!(start.wait_for("start: starting cluster"));
    start.signal("INT");
    start.finish().expect_code(130);
    let status = place.caproni(&["status", "-o", "json"]).expect_code(3).json();
    assert_eq!((&status["state"], &status["exists"]), (&"stopped".into(), &true.into()));
}
