//! What a mode is, and the table of all.

use serde_json::{Value, json};

use crate::faults::{Fault, GROUPS};

/// One way to be wrong.
pub(crate) struct Mode {
    /// What follows `caproni-driver-` in the file's name.
    pub(crate) name: &'static str,
    /// The number of the case in the project's list of faults; 0 for none.
    pub(crate) case: u8,
    /// What it does, in one line.
    pub(crate) what: &'static str,
    pub(crate) verdict: Verdict,
    pub(crate) host: Host,
    pub(crate) fault: Fault,
}

/// What a conformance check must make of it.
pub(crate) enum Verdict {
    /// It must find this rule broken.
    Breaks(&'static str),
    /// It must find the first rule broken, and will find the others, which cannot be kept
    /// without it.
    BreaksWith(&'static str, &'static [&'static str]),
    /// It must pass, and why.
    Fine(&'static str),
}

/// What the host must make of it.
#[derive(Clone, Copy)]
pub(crate) struct Host {
    /// What is there before.
    pub(crate) given: Given,
    /// The command lines, of which all but the last succeed.
    pub(crate) runs: &'static [Run],
    /// How often the user presses Ctrl-C during the last one, once it shows progress.
    pub(crate) interrupts: u8,
    /// How the last one exits.
    pub(crate) exit: u8,
    /// The error's kind.
    pub(crate) kind: Option<&'static str>,
    /// A part of what it tells.
    pub(crate) says: &'static str,
    /// A part of what it shows besides with `-v`.
    pub(crate) shows: &'static str,
    /// How many seconds it waits for the driver by its own rules, and the driver works, all
    /// command lines together.
    pub(crate) waits: u8,
}

/// What there is of the cluster before the first command line.
#[derive(Clone, Copy)]
pub(crate) enum Given {
    Nothing,
    /// What a creation that was killed leaves.
    Half,
    /// No cluster and no `HOME`.
    NoHome,
}

/// One command line of `caproni`.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    pub(crate) words: &'static str,
    /// The driver's section in `caproni.yaml`, as JSON. In the place of `(1 MB)` belongs a
    /// text of that length, in that of `(taken)` a port that is taken.
    pub(crate) config: &'static str,
}

/// A command line, and the config that it finds.
pub(crate) const fn config(words: &'static str, config: &'static str) -> Run {
    Run { words, config }
}

/// A command line with nothing in the config.
pub(crate) const fn run(words: &'static str) -> Run {
    config(words, "{}")
}

/// `status` is as if nothing was wrong: there is no cluster.
pub(crate) const TOLERATED: Host = Host {
    given: Given::Nothing,
    runs: &[run("status")],
    interrupts: 0,
    exit: 3,
    kind: None,
    says: "\"exists\": false",
    shows: "",
    waits: 0,
};

/// As [`TOLERATED`], and what the driver writes in the wrong place is shown with `-v`.
pub(crate) const fn ignored(shows: &'static str) -> Host {
    Host { shows, ..TOLERATED }
}

/// `start` is as if nothing was wrong.
pub(crate) const STARTED: Host =
    Host { runs: &[run("start")], exit: 0, says: "\"change\": \"created\"", ..TOLERATED };

/// `status` fails with an error of the driver's own.
pub(crate) const fn fails(exit: u8, kind: &'static str, says: &'static str) -> Host {
    Host { exit, kind: Some(kind), says, ..TOLERATED }
}

/// `status` is refused, since the protocol was broken.
pub(crate) const fn refused(says: &'static str) -> Host {
    fails(20, "DriverProtocolError", says)
}

/// `status` finds that the driver died.
pub(crate) const fn crashed(says: &'static str) -> Host {
    fails(20, "DriverCrashed", says)
}

/// `status` waits until its time runs out.
pub(crate) const SILENT: Host = Host {
    runs: &[run("--timeout 1s status")],
    waits: 1,
    ..fails(20, "DriverUnresponsive", "did not answer `initialize` within ")
};

/// The mode of a name.
pub(crate) fn find(name: &str) -> Option<&'static Mode> {
    all().find(|mode| mode.name == name)
}

/// All modes, as `--modes` prints them.
pub(crate) fn table() -> Value {
    let mut modes: Vec<&Mode> = all().collect();
    modes.sort_by_key(|mode| mode.case);
    modes.into_iter().map(Mode::row).collect()
}

fn all() -> impl Iterator<Item = &'static Mode> {
    GROUPS.iter().flat_map(|group| group.iter())
}

impl Mode {
    fn row(&self) -> Value {
        let (rule, also, reason): (_, &[&str], _) = match self.verdict {
            Verdict::Breaks(rule) => (Some(rule), &[], None),
            Verdict::BreaksWith(rule, others) => (Some(rule), others, None),
            Verdict::Fine(reason) => (None, &[], Some(reason)),
        };
        let runs = self.host.runs.iter().map(|run| {
            let config: Value = serde_json::from_str(run.config).unwrap_or_default();
            json!({"words": run.words, "config": config})
        });
        json!({
            "mode": self.name,
            "case": (self.case > 0).then_some(self.case),
            "what": self.what,
            "rule": rule,
            "also": also,
            "reason": reason,
            "host": {
                "given": match self.host.given {
                    Given::Nothing => "nothing",
                    Given::Half => "half",
                    Given::NoHome => "no HOME",
                },
                "runs": runs.collect::<Value>(),
                "interrupts": self.host.interrupts,
                "exitCode": self.host.exit,
                "kind": self.host.kind,
                "says": self.host.says,
                "shows": self.host.shows,
                "waits": self.host.waits,
            },
        })
    }
}
