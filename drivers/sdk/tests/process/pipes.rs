//! What a driver's stdin and stdout are: mostly pipes, but a shell or a language may give others.

use std::fs::File;
use std::io::{Read, Write, pipe};
use std::os::unix::net::UnixStream;
use std::process::{Command, ExitStatus, Stdio};

use rustix::fs::{OFlags, fcntl_getfl};
use serde_json::{Value, json};

use crate::driver::built;

fn request() -> String {
    let params = json!({"profile": "a"});
    json!({"jsonrpc": "2.0", "id": 1, "method": "status", "params": params}).to_string() + "\n"
}

fn is_reply(line: &str) -> bool {
    serde_json::from_str(line).is_ok_and(|reply: Value| reply["result"]["exists"] == false)
}

fn run(stdin: impl Into<Stdio>, stdout: impl Into<Stdio>) -> ExitStatus {
    let state = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new(built("smallest"));
    command.env("CAPRONI_STATE_DIR", state.path()).stdin(stdin).stdout(stdout);
    command.status().expect("it runs")
}

#[test]
fn files_do_as_well() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [input, output] = ["input", "output"].map(|name| folder.path().join(name));
    std::fs::write(&input, request()).expect("written");
    let stdin = File::open(&input).expect("it is there");
    assert!(run(stdin, File::create(&output).expect("made")).success());
    let answered = std::fs::read_to_string(&output).expect("read");
    assert!(is_reply(&answered), "{answered}");
}

/// As Node gives them.
#[test]
fn sockets_do_as_well() {
    let (mut ours, theirs) = UnixStream::pair().expect("a pair");
    ours.write_all(request().as_bytes()).expect("written");
    ours.shutdown(std::net::Shutdown::Write).expect("shut");
    let again = theirs.try_clone().expect("cloned");
    assert!(run(std::os::fd::OwnedFd::from(theirs), std::os::fd::OwnedFd::from(again)).success());
    let mut answered = String::new();
    ours.read_to_string(&mut answered).expect("read");
    assert!(is_reply(&answered), "{answered}");
}

/// A shell has the same end of the pipe, and gives it to the next program.
#[test]
fn pipes_are_for_others_as_they_were() {
    let (stdin, mut requests) = pipe().expect("a pipe");
    let (mut replies, stdout) = pipe().expect("a pipe");
    requests.write_all(request().as_bytes()).expect("it fits");
    drop(requests);
    let given = (stdin.try_clone().expect("cloned"), stdout.try_clone().expect("cloned"));
    assert!(run(given.0, given.1).success());
    let blocks = |mode: OFlags| !mode.contains(OFlags::NONBLOCK);
    assert!(blocks(fcntl_getfl(&stdin).expect("ours")));
    assert!(blocks(fcntl_getfl(&stdout).expect("ours")));
    drop(stdout);
    let mut answered = String::new();
    replies.read_to_string(&mut answered).expect("read");
    assert!(is_reply(&answered), "{answered}");
}
