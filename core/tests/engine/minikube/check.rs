//! The driver held against the protocol, by caproni itself.

use super::place;

#[test]
fn the_driver_breaks_no_rule_of_the_protocol_on_a_real_cluster() {
    let place = place("mk-check");
    let run = place.caproni(&["drivers", "check", "--destructive", "-o", "json", "minikube"]);
    let report = run.expect_code(0).json();
    assert_eq!((&report["passed"], &report["level"]), (&true.into(), &"destructive".into()));
    let rules = report["rules"].as_array().expect("rules");
    let failed: Vec<_> = rules.iter().filter(|rule| rule["verdict"] == "failed").collect();
    assert!(failed.is_empty(), "{failed:#?}");
}
