//! Cases 8 to 13: from the start to the first word.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};

use super::{Fault, NONE, leave, stay};
use crate::good::Driver;
use crate::modes::{Host, Mode, SILENT, TOLERATED, Verdict, crashed};
use crate::request::{Answer, Request};
use crate::wire::log;

pub(super) const MODES: &[Mode] = &[
    Mode {
        name: "exits-0-immediately",
        case: 8,
        what: "ends with 0 before it reads anything",
        verdict: Verdict::BreaksWith("LIFE-9", &["CALL-1"]),
        host: crashed("exited with 0 during `initialize`"),
        fault: Fault { begin: |_| leave(0), ..NONE },
    },
    Mode {
        name: "exits-1-with-stderr",
        case: 9,
        what: "says why on stderr and ends with 1 before it reads anything",
        verdict: Verdict::BreaksWith("LIFE-9", &["CALL-1"]),
        host: crashed("the last word of the rogue"),
        fault: Fault { begin: give_up, ..NONE },
    },
    Mode {
        name: "dies-by-signal",
        case: 10,
        what: "is ended by SIGSEGV before it reads anything",
        verdict: Verdict::BreaksWith("LIFE-9", &["CALL-1"]),
        host: crashed("SIGSEGV"),
        fault: Fault { begin: die, ..NONE },
    },
    Mode {
        name: "slow-start",
        case: 11,
        what: "takes 15 s before it reads anything",
        verdict: Verdict::Breaks("INIT-1"),
        host: Host { waits: 15, ..TOLERATED },
        fault: Fault { begin: |_| std::thread::sleep(Duration::from_secs(15)), ..NONE },
    },
    Mode {
        name: "never-speaks",
        case: 12,
        what: "reads requests and answers none",
        verdict: Verdict::BreaksWith("INIT-1", &["CALL-1"]),
        host: SILENT,
        fault: Fault { answer: |_, _| None, ..NONE },
    },
    Mode {
        name: "reads-tty",
        case: 13,
        what: "asks for a password on the terminal before it answers `initialize`, and ends without one",
        verdict: Verdict::BreaksWith("LIFE-9", &["CALL-1"]),
        host: crashed("no terminal to ask for the password"),
        fault: Fault { answer: ask, ..NONE },
    },
];

fn give_up(_: &Driver) {
    log(b"looking for the backend\nthe last word of the rogue\n");
    leave(1);
}

fn die(_: &Driver) {
    // Rust's own handler takes the first one for the end of the stack, and hears no second.
    for _ in 0..2 {
        let _ = kill_process(getpid(), Signal::SEGV);
    }
    stay();
}

fn ask(driver: &Driver, request: &Request) -> Option<Answer> {
    if request.method == "initialize" && password().is_none() {
        log(b"no terminal to ask for the password on\n");
        leave(1);
    }
    Some(driver.answer(request))
}

fn password() -> Option<String> {
    let mut terminal = File::options().read(true).write(true).open("/dev/tty").ok()?;
    terminal.write_all(b"Password: ").ok()?;
    BufReader::new(terminal).lines().next()?.ok()
}
