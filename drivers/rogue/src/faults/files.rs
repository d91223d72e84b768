//! Cases 1 to 7: the file. Run as a program, each is the good driver.

use super::NONE;
use crate::modes::{Host, Mode, TOLERATED, Verdict, fails};

const fn runs(case: u8, name: &'static str, what: &'static str, host: Host) -> Mode {
    let verdict = Verdict::Fine("FILE-1: the program of that name is run, and is right");
    Mode { name, case, what, verdict, host, fault: NONE }
}

const fn cannot_run(case: u8, name: &'static str, what: &'static str, says: &'static str) -> Mode {
    let host = fails(20, "DriverNotExecutable", says);
    Mode { name, case, what, verdict: Verdict::Breaks("FILE-1"), host, fault: NONE }
}

pub(super) const MODES: &[Mode] = &[
    cannot_run(1, "not-executable", "a file with the mode 0644", "its mode is 0644"),
    cannot_run(
        2,
        "bad-shebang",
        "a script whose interpreter is not there",
        "its first line names `/no/such/interpreter`, which is not there",
    ),
    runs(
        3,
        "etxtbsy",
        "a program that is being written until the host has tried it once",
        TOLERATED,
    ),
    cannot_run(
        4,
        "wrong-arch",
        "a program for another processor",
        "it was built for another processor",
    ),
    cannot_run(
        5,
        "directory-named-like-driver",
        "a folder with a driver's name",
        "it is not a file",
    ),
    cannot_run(
        6,
        "dangling-symlink",
        "a symbolic link that leads nowhere",
        "it is a symbolic link that leads nowhere",
    ),
    runs(
        7,
        "two-on-path",
        "two drivers of one name in two folders of the search path",
        Host { says: "is shadowed by", ..TOLERATED },
    ),
];
