//! Cases 25 to 46: how a message becomes a line, and lines become bytes.

use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use super::{Fault, NONE, leave};
use crate::good::Driver;
use crate::modes::{Host, Mode, SILENT, TOLERATED, Verdict, ignored, refused};
use crate::request::Request;
use crate::wire::{progress, try_to_write, write_bytes};

type Write = fn(&Driver, &Request, &[u8]);
type Line = fn(Value) -> Vec<u8>;

/// A driver that is wrong in what it writes besides its lines, or in how it writes them.
const fn writes(
    case: u8,
    name: &'static str,
    what: &'static str,
    verdict: Verdict,
    host: Host,
    write: Write,
) -> Mode {
    Mode { name, case, what, verdict, host, fault: Fault { write, ..NONE } }
}

/// A driver whose lines are wrong, but for the first.
const fn lines(
    case: u8,
    name: &'static str,
    what: &'static str,
    rule: &'static str,
    host: Host,
    line: Line,
) -> Mode {
    let verdict = Verdict::Breaks(rule);
    Mode { name, case, what, verdict, host, fault: Fault { line, ..NONE } }
}

const TOO_LONG: Host = refused("it sent a line of more than 4194304 bytes");
const FRAME_1: Verdict = Verdict::Breaks("FRAME-1");
const FRAME_4: Verdict = Verdict::Breaks("FRAME-4");
const ANY_PIECES: Verdict = Verdict::Fine("FRAME-1: a line is its bytes, in however many pieces");

pub(super) const MODES: &[Mode] = &[
    writes(
        25,
        "stray-line",
        "prints text before each reply",
        FRAME_4,
        ignored("where only the protocol belongs: Loading..."),
        |_, _, line| {
            write_bytes(b"Loading...\n");
            write_bytes(line);
        },
    ),
    Mode {
        name: "stray-no-newline-before-reply",
        case: 26,
        what: "prints text without a line end before each reply but the first",
        verdict: Verdict::BreaksWith("FRAME-4", &["FRAME-1"]),
        host: refused(
            "it sent a message that is not JSON (expected value at line 1 column 1): Loading...{",
        ),
        fault: Fault { line: |reply| format!("Loading...{reply}\n").into_bytes(), ..NONE },
    },
    writes(
        27,
        "ansi-banner",
        "prints a coloured banner before each reply",
        FRAME_4,
        ignored("where only the protocol belongs: === rogue ===31meugor"),
        |_, _, line| {
            write_bytes(BANNER.as_bytes());
            write_bytes(line);
        },
    ),
    writes(
        28,
        "blank-lines",
        "prints blank lines around each reply",
        Verdict::Breaks("FRAME-4"),
        TOLERATED,
        |_, _, line| write_bytes(&[b"\n  \n", line, b"\n"].concat()),
    ),
    writes(29, "crlf", "ends each line with CR LF", FRAME_1, TOLERATED, |_, _, line| {
        write_bytes(&[line.trim_ascii_end(), b"\r\n"].concat());
    }),
    writes(
        30,
        "bom",
        "begins each reply with a byte order mark",
        FRAME_1,
        TOLERATED,
        |_, _, line| {
            write_bytes(&["\u{feff}".as_bytes(), line].concat());
        },
    ),
    Mode {
        name: "pretty-printed",
        case: 31,
        what: "writes a reply on several lines",
        verdict: Verdict::BreaksWith("FRAME-1", &["FRAME-4"]),
        host: refused(
            "it sent a message that is not JSON (trailing characters at line 1 column 10):   \"jsonrpc\": \"2.0\",",
        ),
        fault: Fault { line: |reply| format!("{reply:#}\n").into_bytes(), ..NONE },
    },
    lines(
        32,
        "two-messages-one-line",
        "writes progress and a reply on one line",
        "FRAME-1",
        refused("it sent a message that is not JSON (trailing characters at line 1 column 83): {"),
        |reply| format!("{}{reply}\n", progress("look", "looking")).into_bytes(),
    ),
    writes(
        33,
        "message-split-in-100-writes",
        "writes each reply in 100 pieces",
        ANY_PIECES,
        TOLERATED,
        |_, _, line| in_pieces(line, line.len().div_ceil(100)),
    ),
    writes(
        34,
        "one-byte-at-a-time",
        "writes each reply byte by byte",
        ANY_PIECES,
        TOLERATED,
        |_, _, line| in_pieces(line, 1),
    ),
    writes(
        35,
        "no-final-newline-then-exit",
        "writes each reply but the first without a line end, and ends",
        Verdict::BreaksWith("FRAME-1", &["LIFE-9"]),
        TOLERATED,
        |_, request, line| {
            if request.method == "initialize" {
                write_bytes(line);
            } else {
                write_bytes(line.trim_ascii_end());
                leave(0);
            }
        },
    ),
    lines(36, "5-MiB-line", "writes a reply with a field of 5 MiB", "FRAME-2", TOO_LONG, |reply| {
        with_field(reply, format!("\"{}\"", "x".repeat(5 << 20)).as_bytes())
    }),
    Mode {
        name: "endless-line",
        case: 37,
        what: "writes a line without an end in the place of each reply but the first",
        verdict: Verdict::BreaksWith("FRAME-2", &["CALL-1"]),
        host: TOO_LONG,
        fault: Fault { write: endless, ..NONE },
    },
    lines(
        38,
        "deep-nesting",
        "writes a reply with a field that is nested 10,000 levels deep",
        "FRAME-2",
        refused("it sent a message that is not JSON (recursion limit exceeded at line 1"),
        |reply| with_field(reply, ["[".repeat(10_000), "]".repeat(10_000)].concat().as_bytes()),
    ),
    lines(
        39,
        "invalid-utf8",
        "writes a reply with a string that is not UTF-8",
        "FRAME-1",
        refused("it sent a message that is not JSON (invalid unicode code point at line 1"),
        |reply| with_field(reply, b"\"\xff\xfe caf\xe9\""),
    ),
    lines(
        40,
        "lone-surrogate",
        "writes a reply with half a character",
        "FRAME-1",
        refused("it sent a message that is not JSON (unexpected end of hex escape at line 1"),
        |reply| with_field(reply, br#""\ud83d""#),
    ),
    lines(
        41,
        "nul-bytes",
        "writes NUL bytes before a reply",
        "FRAME-4",
        refused("it sent a message that is not JSON (expected value at line 1 column 1): "),
        |reply| format!("\0\0\0\0{reply}\n").into_bytes(),
    ),
    lines(
        42,
        "utf16-output",
        "writes a reply in UTF-16, with a byte order mark",
        "FRAME-1",
        refused("it writes UTF-16 where UTF-8 belongs"),
        |reply| format!("\u{feff}{reply}\n").encode_utf16().flat_map(u16::to_le_bytes).collect(),
    ),
    lines(
        43,
        "batch-array",
        "writes a reply as a batch of one",
        "FRAME-3",
        refused("it sent a batch: [{"),
        |reply| format!("[{reply}]\n").into_bytes(),
    ),
    writes(
        44,
        "json-scalar",
        "prints numbers and words of JSON before each reply",
        FRAME_4,
        ignored("where only the protocol belongs: 42"),
        |_, _, line| write_bytes(&[b"42\nnull\n\"ready\"\n", line].concat()),
    ),
    Mode {
        name: "no-flush",
        case: 45,
        what: "keeps all replies in a buffer until stdin ends",
        verdict: Verdict::BreaksWith("FRAME-4", &["INIT-1", "CALL-1"]),
        host: SILENT,
        fault: Fault { write: keep, end: |_| write_kept(), ..NONE },
    },
    lines(
        46,
        "nan-infinity",
        "writes a reply with the numbers NaN and Infinity",
        "FRAME-1",
        refused("it sent a message that is not JSON (expected value at line 1"),
        |reply| with_field(reply, b"[NaN, -Infinity]"),
    ),
];

/// It clears the screen, sets a colour in both spellings, rings, and turns text around.
const BANNER: &str = "\u{1b}[2J\u{1b}[1;32m=== rogue ===\u{1b}[0m\u{7}\u{9b}31m\u{202e}eugor\r\n";

fn in_pieces(line: &[u8], size: usize) {
    line.chunks(size).for_each(write_bytes);
}

fn endless(_: &Driver, request: &Request, line: &[u8]) {
    if request.method == "initialize" {
        write_bytes(line);
        return;
    }
    while try_to_write(&[b'x'; 1 << 16]).is_ok() {}
}

/// The reply with one more field, which is written as it is, and as a line.
fn with_field(mut reply: Value, field: &[u8]) -> Vec<u8> {
    let part = if reply.get("error").is_some() { "error" } else { "result" };
    reply[part]["odd"] = json!("(here)");
    let text = reply.to_string();
    let (before, after) = text.split_once("\"(here)\"").unwrap_or((&text, ""));
    [before.as_bytes(), field, after.as_bytes(), b"\n"].concat()
}

static KEPT: Mutex<Vec<u8>> = Mutex::new(Vec::new());

fn keep(_: &Driver, _: &Request, line: &[u8]) {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).extend(line);
}

fn write_kept() {
    write_bytes(&KEPT.lock().unwrap_or_else(PoisonError::into_inner));
}
