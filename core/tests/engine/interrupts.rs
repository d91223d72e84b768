//! A creation that is interrupted, at ten moments, in four ways.

use crate::support::{Place, Run, Running, signal};

/// How far the creation is, in lines of progress, when it is interrupted. A creation
/// prints some fifteen.
const MOMENTS: [usize; 10] = [0, 1, 2, 3, 4, 5, 6, 8, 10, 12];

/// What is true after any interruption: no process is left, `status` tells what is
/// there, and the cluster can be started or destroyed.
fn expect_order(place: &Place, moment: usize) {
    place.expect_no_process();
    let (status, left) = status_of_what_stands_still(place);
    let told = status.json();
    match (status.code, told["exists"] == true) {
        (Some(3), false) => assert_eq!(left, Vec::<String>::new(), "moment {moment}: {told:#}"),
        (Some(3 | 4), true) => assert_ne!(left, Vec::<String>::new(), "moment {moment}: {told:#}"),
        _ => panic!("moment {moment}: {status:#?}"),
    }
    // In turn, so that both ways out are tried from early and late moments.
    if moment.is_multiple_of(4) {
        place.caproni(&["start"]).expect_code(0);
    }
    place.caproni(&["destroy"]).expect_code(0);
    assert_eq!(place.left(), Vec::<String>::new(), "moment {moment}");
}

/// A status, and what was on the engine both before and after it. Between the two the engine
/// may finish what a killed k3d had asked of it last, and then neither says anything of the other.
fn status_of_what_stands_still(place: &Place) -> (Run, Vec<String>) {
    let mut before = place.left();
    for _ in 0..20 {
        let status = place.caproni(&["status", "-o", "json"]);
        let after = place.left();
        if before == after {
            return (status, after);
        }
        before = after;
    }
    panic!("the engine never stands still: {before:?}");
}

fn at_every_moment(name: &str, interrupt: impl Fn(&Running), check: impl Fn(&Place, usize, Run)) {
    let place = Place::new(name);
    for moment in MOMENTS {
        let mut start = place.start_slowly(&["start"]);
        // The first moment: before it has a driver, it may not even listen to signals.
        start.driver();
        assert!(start.wait_for_lines(moment), "moment {moment} came too late");
        interrupt(&start);
        let run = start.finish();
        check(&place, moment, run);
        expect_order(&place, moment);
    }
}

fn expect_rolled_back(place: &Place, moment: usize, run: Run) {
    assert_eq!(run.code, Some(130), "moment {moment}: {run:#?}");
    place.expect_no_process();
    assert_eq!(place.left(), Vec::<String>::new(), "moment {moment}: {run:#?}");
}

#[test]
fn ctrl_c_rolls_back_at_every_moment() {
    at_every_moment("sigint", |start| start.signal("INT"), expect_rolled_back);
}

#[test]
fn sigterm_rolls_back_at_every_moment() {
    at_every_moment("sigterm", |start| start.signal("TERM"), expect_rolled_back);
}

#[test]
fn after_kill_9_of_caproni_the_driver_rolls_back_at_every_moment() {
    at_every_moment(
        "kill9",
        |start| start.signal("KILL"),
        |place, moment, _| {
            place.expect_no_process();
            assert_eq!(place.left(), Vec::<String>::new(), "moment {moment}");
        },
    );
}

#[test]
fn after_kill_9_of_the_driver_what_is_left_is_told_at_every_moment() {
    at_every_moment(
        "driver9",
        |start| signal(start.driver(), "KILL"),
        |_, moment, run| {
            assert_eq!(run.code, Some(20), "moment {moment}: {run:#?}");
        },
    );
}

#[test]
fn a_second_ctrl_c_ends_at_once() {
    let place = Place::new("second");
    let mut start = place.start_slowly(&["start"]);
    assert!(start.wait_for("Creating node"));
    start.signal("INT");
    start.signal("INT");
    let begun = std::time::Instant::now();
    start.finish().expect_code(130);
    place.expect_no_process();
    assert!(begun.elapsed().as_secs() < 15);
}

#[test]
fn an_interrupted_start_of_a_stopped_cluster_leaves_it_stopped() {
    let place = Place::new("stopagain");
    place.caproni(&["start"]).expect_code(0);
    place.caproni(&["stop"]).expect_code(0);
    let mut start = place.start_slowly(&["start"]);
    assert!(start.wait_for("Starting"));
    start.signal("INT");
    start.finish().expect_code(130);
    let status = place.caproni(&["status", "-o", "json"]).expect_code(3).json();
    assert_eq!((&status["state"], &status["exists"]), (&"stopped".into(), &true.into()));
    place.caproni(&["start"]).expect_code(0);
}
