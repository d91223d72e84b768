//! A driver that keeps every rule of `protocol.md` but one, to show what a host survives and
//! what a conformance check finds.
//!
//! Its file's name tells the rule: as `caproni-driver-stray-line` it writes a stray line. As
//! `caproni-driver-good` it keeps them all. `rogue --modes` lists the modes, see [`modes`].
//!
//! [`good`] is the driver, [`wire`] how it reads and writes, and [`faults`] is the catalogue of
//! what can be wrong with one.

mod children;
mod faults;
mod good;
mod modes;
mod request;
mod wire;

use std::ffi::OsStr;
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use crate::good::Driver;
use crate::modes::Mode;
use crate::request::{Message, reply};
use crate::wire::{Inbox, log};

/// What a driver's file name starts with.
const PREFIX: &str = "caproni-driver-";

fn main() -> ExitCode {
    let mut args = std::env::args_os();
    let program = args.next().unwrap_or_default();
    let words: Vec<_> = args.map(|word| word.to_string_lossy().into_owned()).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--modes"] => {
            wire::write_bytes(format!("{:#}\n", modes::table()).as_bytes());
            ExitCode::SUCCESS
        }
        [children::IDLE, seconds] => children::idle(seconds),
        [children::MACHINE, file] => children::be_a_machine(Path::new(file)),
        _ => run(&program),
    }
}

fn run(program: &OsStr) -> ExitCode {
    let file = Path::new(program).file_name().unwrap_or_default().to_string_lossy();
    let name = file.strip_prefix(PREFIX).unwrap_or_default();
    let Some(mode) = modes::find(name) else {
        log(format!("rogue: `{name}` is no mode; name me `{PREFIX}MODE`, see `--modes`\n")
            .as_bytes());
        return ExitCode::from(2);
    };
    if std::io::stdin().is_terminal() {
        log(format!("{file}: a driver for caproni, for tests: {}\n", mode.what).as_bytes());
        return ExitCode::from(2);
    }
    serve(mode);
    ExitCode::SUCCESS
}

/// Answers one request after the other until stdin ends, with the mode's fault in its place.
fn serve(mode: &Mode) {
    let fault = &mode.fault;
    let driver = Driver::new(mode.name, fault.reads);
    (fault.begin)(&driver);
    let inbox = Inbox::open(fault.reads, &driver.pending);
    while let Some(line) = inbox.next() {
        match Message::read(&line) {
            None => {}
            Some(Message::Notification) => (fault.notice)(&driver),
            Some(Message::Unfit { id, failure }) => wire::write(&reply(&id, &Err(failure))),
            Some(Message::Request(request)) => {
                let answer = (fault.answer)(&driver, &request);
                // Before the host can have the reply: a cancel that follows it is one of nothing.
                driver.pending.answered();
                if let Some(answer) = answer {
                    let reply = (fault.reply)(&request, reply(&request.id, &answer));
                    let line = if request.method == "initialize" { wire::line } else { fault.line };
                    (fault.write)(&driver, &request, &line(reply));
                }
            }
        }
    }
    (fault.end)(&driver);
}
