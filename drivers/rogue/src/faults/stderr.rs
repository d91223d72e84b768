//! Cases 92 to 94: what a log may be.

use super::{Fault, NONE};
use crate::good::Driver;
use crate::modes::{Host, Mode, TOLERATED, Verdict};
use crate::request::{Answer, Request};
use crate::wire::log;

const fn row(
    case: u8,
    name: &'static str,
    what: &'static str,
    answer: fn(&Driver, &Request) -> Option<Answer>,
) -> Mode {
    let verdict = Verdict::Fine("FRAME-10: stderr is free text, and the host always reads it");
    // Megabytes take their time in a host that is built for debugging.
    let host = Host { waits: 15, ..TOLERATED };
    Mode { name, case, what, verdict, host, fault: Fault { answer, ..NONE } }
}

pub(super) const MODES: &[Mode] = &[
    row(
        92,
        "stderr-flood",
        "logs 10 MB in 10,000 lines before it answers `status`",
        |driver, request| {
            logging(driver, request, || {
                format!("{}\n", "looking ".repeat(125)).repeat(10_000).into()
            })
        },
    ),
    row(
        93,
        "stderr-one-huge-line",
        "logs a line of 10 MB before it answers `status`",
        |driver, request| logging(driver, request, || vec![b'x'; 10_000_000]),
    ),
    row(
        94,
        "stderr-binary",
        "logs bytes that are no text before it answers `status`",
        |driver, request| {
            logging(driver, request, || (0..=255).cycle().take(4096).chain([b'\n']).collect())
        },
    ),
];

fn logging(driver: &Driver, request: &Request, text: fn() -> Vec<u8>) -> Option<Answer> {
    if request.method == "status" {
        log(&text());
    }
    Some(driver.answer(request))
}
