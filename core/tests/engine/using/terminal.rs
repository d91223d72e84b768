//! A command at a real terminal, which `script` makes.

use std::io::{Read, Write};
use std::process::Stdio;

use crate::support::Place;

/// Waits for its terminal's size, which the engine may learn after the start, and then for Ctrl-C.
const WAITS: &str = r#"
until size=$(stty size 2>/dev/null); [ "${size:-0 0}" != '0 0' ]; do :; done
echo "$size"
trap 'echo caught; exit 130' INT
echo waits
while :; do sleep 1; done"#;

/// A command on a node has the size of the user's terminal, gets its Ctrl-C, and its exit code comes
/// back.
pub(super) fn has_its_size_and_its_ctrl_c(place: &Place) {
    let file = place.path("work/at-terminal");
    std::fs::write(&file, WAITS).expect("writable");
    let line = "stty rows 33 cols 97; exec \"$CAPRONI\" --profile \"$PROFILE\" exec -it -- \
        sh -c \"$(cat at-terminal)\"";
    let mut script = place.command_of("script");
    script.args(["-qec", line, "/dev/null"]).env("TERM", "xterm").env("SHELL", "/bin/sh");
    script.env("CAPRONI", env!("CARGO_BIN_EXE_caproni")).env("PROFILE", &place.profile);
    let mut running = script.stdin(Stdio::piped()).spawn().expect("script runs");
    let (mut keys, mut screen) =
        (running.stdin.take().expect("piped"), running.stdout.take().expect("piped"));
    let mut said = String::new();
    let mut buffer = [0; 4096];
    while !said.contains("waits") {
        let length = screen.read(&mut buffer).expect("readable");
        assert!(length > 0, "it ended, and said: {said}");
        said += &String::from_utf8_lossy(&buffer[..length]);
    }
    assert!(said.contains("33 97"), "{said}");
    keys.write_all(b"\x03").expect("writable");
    screen.read_to_string(&mut said).expect("readable");
    assert!(said.contains("caught"), "{said}");
    assert_eq!(running.wait().expect("it ends").code(), Some(130), "{said}");
}
