//! The driver against every rule of the protocol.

use serde_json::Value;

use crate::support::Place;

#[test]
fn the_driver_breaks_no_rule() {
    let place = Place::new();
    let told = place.caproni(&[
        "-o",
        "json",
        "--timeout",
        "60s",
        "drivers",
        "check",
        "--destructive",
        "colima",
    ]);
    let report = told.json();
    let rules = report["rules"].as_array().unwrap();
    let with = |verdict: &str| -> Vec<&Value> {
        rules.iter().filter(|rule| rule["verdict"] == verdict).collect()
    };
    assert_eq!((with("failed"), told.code), (vec![], Some(0)));
    assert_eq!(with("warning"), Vec::<&Value>::new());
    assert!(with("passed").len() >= 70, "{}", with("passed").len());
}
