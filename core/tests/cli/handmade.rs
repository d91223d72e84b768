//! A driver written by hand, in twenty lines of shell that know nothing but the protocol.

use snapbox::{assert_data_eq, str};

use crate::sandbox::Sandbox;

const MINE: &str = include_str!("caproni-driver-mine");

#[test]
fn twenty_lines_of_shell_live_a_cluster_s_whole_life() {
    let sandbox = Sandbox::with_driver("mine", MINE);
    assert_data_eq!(
        sandbox.run("--driver mine status"),
        str![[r#"
cluster     caproni (mine)
state       stopped (it does not exist)
[exit status: 3]

"#]]
    );
    assert_data_eq!(
        sandbox.run("--driver mine start"),
        str![[r#"
cluster `caproni` is up (started in [N] s)
driver      mine (its word alone: there is no API to ask)
next        caproni --driver mine status
[exit status: 0]

"#]]
    );
    assert_data_eq!(
        sandbox.run("--driver mine status"),
        str![[r#"
cluster     caproni (mine)
state       ready (its driver's word; it has no API that could be asked)
[exit status: 0]

"#]]
    );
    assert_data_eq!(
        sandbox.run("--driver mine stop"),
        str![[r#"
cluster `caproni` is stopped
[exit status: 0]

"#]]
    );
    assert_data_eq!(
        sandbox.run("--driver mine restart"),
        str![[r#"
cluster `caproni` is up (started in [N] s)
driver      mine (its word alone: there is no API to ask)
next        caproni --driver mine status
[exit status: 0]

"#]]
    );
    assert_data_eq!(
        sandbox.run("--driver mine destroy"),
        str![[r#"
cluster `caproni` is destroyed
[exit status: 0]

"#]]
    );
    assert_data_eq!(
        sandbox.run("--driver mine version"),
        str![[r#"
caproni [..] (protocol 1)
driver mine 1 at [ROOT]/bin/caproni-driver-mine
[exit status: 0]

"#]]
    );
    assert!(MINE.lines().count() <= 20);
}
