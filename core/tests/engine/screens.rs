//! What a person sees: five commands at a terminal of 80 columns, with the real k3d. The page
//! `core/docs/screens.md` shows them, and is held against what comes today.
//!
//! `SNAPSHOTS=overwrite` writes the page anew, as it does with every snapshot.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::support::{Place, driver_path};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/screens.md");

const COLUMNS: u16 = 80;

/// As many as the longest of them needs.
const ROWS: u16 = 100;

const INTRODUCTION: &str = "\
# What it looks like

Five commands at a terminal of 80 columns, as they were recorded with k3d and a Docker engine. Times,
versions and paths are of that machine. On a terminal `ready` is green, what is on its way yellow,
what is wrong red; without one, or with `NO_COLOR`, there is no colour, and the words say the same.
";

/// A command, and the screen after it.
struct Screen {
    title: &'static str,
    words: &'static str,
    shown: String,
    code: Option<i32>,
}

impl Screen {
    /// Runs a command of `caproni` at a terminal of its own.
    fn record(place: &Place, title: &'static str, words: &'static str) -> Self {
        let (mut person, terminal) = terminal();
        let end = || Stdio::from(terminal.try_clone().expect("a descriptor"));
        let mut command = place.command_of(&place.path("drivers/caproni").display().to_string());
        command.args(words.split(' ')).stdin(end()).stdout(end()).stderr(end());
        command.env("TERM", "xterm").env("HOME", place.path("work"));
        command.env("CAPRONI_PROFILE", &place.profile);
        command.env("CAPRONI_DRIVER_PATH", place.path("drivers"));
        let mut child = command.spawn().expect("caproni runs");
        drop((command, terminal));
        let mut screen = vt100::Parser::new(ROWS, COLUMNS, 0);
        let mut buffer = [0; 4096];
        // A terminal that nobody has open any more is an error, and an end as well.
        while let Ok(length @ 1..) = person.read(&mut buffer) {
            screen.process(&buffer[..length]);
        }
        let code = child.wait().expect("it ends").code();
        Self { title, words, shown: plain(place, screen.screen().contents().trim_end()), code }
    }

    fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}:\n{}", self.words, self.shown);
        self
    }

    fn to_page(&self) -> String {
        let Self { title, words, shown, .. } = self;
        format!("\n## {title}\n\n```console\n$ caproni {words}\n{shown}\n```\n")
    }
}

/// A new terminal: the end of the person, and that of the program.
fn terminal() -> (File, OwnedFd) {
    let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC);
    let person = person.expect("a terminal");
    grantpt(&person).and_then(|()| unlockpt(&person)).expect("ours");
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let name = ptsname(&person, Vec::new()).expect("it has a name");
    let program = rustix::fs::open(name, flags, Mode::empty()).expect("ours");
    let size = Winsize { ws_row: ROWS, ws_col: COLUMNS, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&program, size).expect("a terminal");
    (person.into(), program)
}

/// Puts in the place of what only this machine has what most machines have.
fn plain(place: &Place, screen: &str) -> String {
    let path = |name: &str| place.path(name).display().to_string();
    let host = std::env::var("DOCKER_HOST").unwrap_or_default();
    let socket = host.trim_start_matches("unix://");
    let folder = Path::new(socket).parent().map(|folder| folder.display().to_string());
    let mut text = screen.to_owned();
    for (own, usual) in [
        (path("work"), "/home/you"),
        (path("state"), "/home/you/caproni-state"),
        (path("drivers"), "/usr/local/bin"),
        (socket.to_owned(), "/var/run/docker.sock"),
        (format!("{}/docker", folder.clone().unwrap_or_default()), "/var/lib/docker"),
        (format!("{}/bin", folder.clone().unwrap_or_default()), "/usr/local/bin"),
        (folder.unwrap_or_default(), "/var/lib"),
        ("-standin".to_owned(), ""),
    ] {
        if own.len() > 1 {
            text = text.replace(&own, usual);
        }
    }
    let lines: Vec<&str> = text.lines().filter(|line| !is_others(place, line)).collect();
    lines.join("\n")
}

/// A row of a cluster that somebody else has on the same engine.
fn is_others(place: &Place, line: &str) -> bool {
    let mut words = line.split_whitespace();
    let is_row = words.next().is_some_and(|word| ["k3d", "kind", "minikube"].contains(&word));
    is_row && words.next().is_some_and(|name| name != place.profile && !name.starts_with('('))
}

/// Leaves out what differs from one run to the next, and from one machine to the next: numbers, and
/// gaps that are as wide as these.
fn alike(text: &str) -> Vec<String> {
    let without_numbers = text.lines().map(|line| {
        let words = line.split(|c: char| c.is_whitespace() || c.is_ascii_digit() || c == '.');
        words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    });
    without_numbers.collect()
}

/// The folder of the drivers that are shown, and of the program, which looks beside itself as well.
fn choose_drivers(place: &Place) {
    std::fs::create_dir(place.path("drivers")).expect("writable");
    let program = place.path("drivers/caproni");
    std::fs::copy(env!("CARGO_BIN_EXE_caproni"), program).expect("writable");
    let built = std::env::split_paths(&driver_path()).next().expect("a folder");
    for name in ["k3d", "kind", "minikube"] {
        let name = format!("caproni-driver-{name}");
        let link = place.path("drivers").join(&name);
        std::os::unix::fs::symlink(built.join(&name), link).expect("writable");
    }
}

#[test]
fn the_page_shows_what_a_person_sees() {
    let place = Place::new("screens");
    choose_drivers(&place);
    let start = Screen::record(&place, "A start", "start").expect_code(0);
    let status = Screen::record(&place, "The state of a cluster", "status").expect_code(0);
    place.write_config("agents: 1\nport_mappings: ['8080:80@loadbalancer']");
    let title = "A cluster that exists with another config";
    let mismatch = Screen::record(&place, title, "start").expect_code(5);
    let list = Screen::record(&place, "All clusters", "list").expect_code(0);
    let doctor = Screen::record(&place, "What keeps clusters from working", "doctor");
    let screens = [start, mismatch, status, doctor, list];
    if std::env::var("SNAPSHOTS").is_ok_and(|what| what == "overwrite") {
        let pages: String = screens.iter().map(Screen::to_page).collect();
        std::fs::write(PAGE, format!("{INTRODUCTION}{pages}")).expect("writable");
    }
    let page = std::fs::read_to_string(PAGE).expect("readable");
    for screen in &screens {
        let shown = page.split("\n## ").find(|part| part.starts_with(screen.title));
        // What the doctor finds is another thing on each machine.
        if screen.words != "doctor" {
            let (shown, now) = (shown.unwrap_or_default(), screen.to_page());
            let now = now.trim_start_matches("\n## ");
            assert_eq!(alike(shown.trim_end()), alike(now.trim_end()), "{now}");
        }
    }
}
