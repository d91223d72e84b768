//! A cluster in use: commands and logs of its machine, images into it, and what it uses.

use std::io::{Read, Write};
use std::process::Stdio;

use serde_json::json;

use crate::support::{Place, Run};

/// Says its terminal's size, and waits for Ctrl-C.
const WAITS: &str =
    "stty size; trap 'echo caught; exit 130' INT; echo waits; while :; do sleep 1; done";

#[test]
fn commands_keep_their_words_their_exit_code_and_the_terminal() {
    let place = Place::new();
    place.caproni(&["start"]).expect_code(0);
    let run = |args: &[&str]| place.caproni(&[&["exec"], args].concat());
    run(&["--", "sh", "-c", "exit 42"]).expect_code(42);
    let words = ["", "a  b", "'q' \"q\"", "$HOME $(id)", "line\nline\n", "-it", "--", "*"];
    let said = run(&[&["--", "printf", "%s|"], &words[..]].concat()).expect_code(0).stdout;
    assert_eq!(said, words.map(|word| format!("{word}|")).concat());
    let error = run(&["--node", "other", "-o", "json", "--", "true"]).expect_code(2).error();
    assert_eq!(error["hint"], "pass `--node colima-caproni`, its only node");
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(b"a\nb").unwrap();
    drop(writer);
    let piped = place.caproni_command(&["exec", "--", "cat"]).stdin(Stdio::from(reader)).output();
    assert_eq!(Run::of(&piped.unwrap()).expect_code(0).stdout, "a\nb");
    has_its_size_and_its_ctrl_c(&place);
    place.caproni(&["logs", "--tail", "1"]).expect_code(0);
    let told = place.caproni(&["usage", "-o", "json"]).expect_code(0).json();
    assert_eq!(told["nodes"][0]["name"], "colima-caproni", "{told:#}");
}

fn has_its_size_and_its_ctrl_c(place: &Place) {
    std::fs::write(place.path("work/at-terminal"), WAITS).unwrap();
    let line = "stty rows 33 cols 97; exec ../bin/caproni exec -it -- sh -c \"$(cat at-terminal)\"";
    let mut script = place.command("script", &["-qec", line, "/dev/null"]);
    script.env("TERM", "xterm").env("SHELL", "/bin/sh").stdin(Stdio::piped());
    let mut running = script.spawn().unwrap();
    let (mut keys, mut screen) = (running.stdin.take().unwrap(), running.stdout.take().unwrap());
    let mut said = String::new();
    let mut buffer = [0; 4096];
    while !said.contains("waits") {
        let length = screen.read(&mut buffer).unwrap();
        assert!(length > 0, "it ended, and said: {said}");
        said += &String::from_utf8_lossy(&buffer[..length]);
    }
    assert!(said.contains("33 97"), "{said}");
    keys.write_all(b"\x03").unwrap();
    screen.read_to_string(&mut said).unwrap();
    assert!(said.contains("caught"), "{said}");
    assert_eq!(running.wait().unwrap().code(), Some(130), "{said}");
}

#[test]
fn images_are_loaded_into_the_machine_and_those_that_it_has_are_not() {
    let place = Place::new();
    let manifest = r#"[{"Config":"a.json","RepoTags":["app:1"],"Layers":[]}]"#;
    std::fs::write(place.path("work/manifest.json"), manifest).unwrap();
    let tar = place.command("tar", &["-cf", "app.tar", "manifest.json"]).output().unwrap();
    assert!(tar.status.success());
    let load = |words: &[&str]| place.caproni(&[&["image", "load", "-o", "json"], words].concat());
    assert_eq!(load(&["app.tar"]).expect_code(3).error()["kind"], "ClusterNotRunning");
    place.caproni(&["start"]).expect_code(0);
    let missing = load(&["app.tar", "none.tar"]).expect_code(2).error();
    assert!(missing["resource"].as_str().unwrap().ends_with("/none.tar"));
    let missing = load(&["app.tar", "none:1"]).expect_code(2).error();
    assert_eq!(missing["resource"], "none:1", "{missing:#}");
    place.guest(&["test", "-e", "/images"]).expect_code(1);
    assert_eq!(load(&["app.tar"]).expect_code(0).json()["change"], "loaded");
    let there = place.guest(&["cat", "/images"]).expect_code(0);
    assert_eq!(there.stdout, "app:1\n");
    assert_eq!(load(&["app:1"]).expect_code(0).json()["change"], json!("none"));
}
