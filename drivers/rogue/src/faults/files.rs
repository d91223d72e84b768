//! Cases 1 to 7: the file. Run as a program, each is the good driver.

use super::NONE;
use crate::modes::{Host, Mode, TOLERATED, Verdict, fails};

const fn row(case: u8, name: &'static str, what: &'static str, host: Host) -> Mode {
    Mode { name, case, what, verdict: Verdict::File, host, fault: NONE }
}

const fn cannot_run(says: &'static str) -> Host {
    fails(20, "DriverNotExecutable", says)
}

pub(super) const MODES: &[Mode] = &[
    row(1, "not-executable", "a file with the mode 0644", cannot_run("its mode is 0644")),
    row(
        2,
        "bad-shebang",
        "a script whose interpreter is not there",
        cannot_run("its first line names `/no/such/interpreter`, which is not there"),
    ),
    row(
        3,
        "etxtbsy",
        "a program that is being written until the host has tried it once",
        TOLERATED,
    ),
    row(
        4,
        "wrong-arch",
        "a program for another processor",
        cannot_run("it was built for another processor"),
    ),
    row(
        5,
        "directory-named-like-driver",
        "a folder with a driver's name",
        cannot_run("it is not a file"),
    ),
    row(
        6,
        "dangling-symlink",
        "a symbolic link that leads nowhere",
        cannot_run("it is a symbolic link that leads nowhere"),
    ),
    row(
        7,
        "two-on-path",
        "two drivers of one name in two folders of the search path",
        Host { says: "is shadowed by", ..TOLERATED },
    ),
];
