//! How each rule is held: by which level, or why it cannot be seen from outside.
//!
//! A test holds this table against the page: a rule that is in neither column is an error, and
//! so is one that a complete check of a driver that keeps every rule has never tried.

use serde::Serialize;

/// How far a check goes; each level brings those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, clap::ValueEnum)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "CheckLevel"))]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// The handshake and the lines both ways
    Wire,
    /// How it starts and ends, and what it depends on
    Lifecycle,
    /// What the answers mean, as far as it shows without a cluster
    Meaning,
    /// The whole life of a cluster, which is really made and removed
    Destructive,
}

/// How a rule is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// By the checks of this level, in these words.
    Checked(Level, &'static str),
    /// Not from outside, for this reason.
    NotChecked(&'static str),
}

use How::{Checked, NotChecked};
use Level::{Destructive, Lifecycle, Meaning, Wire};

const OF_THE_HOST: &str = "binds the host, whose own tests hold it";

/// Every rule, in the page's order.
pub const COVERAGE: &[(&str, How)] = &[
    ("FILE-1", Checked(Wire, "it is run")),
    ("LIFE-1", NotChecked(OF_THE_HOST)),
    ("LIFE-2", Checked(Wire, "it is listened to before it is asked")),
    ("LIFE-3", NotChecked(OF_THE_HOST)),
    ("LIFE-4", Checked(Lifecycle, "two processes are asked the same")),
    (
        "LIFE-5",
        Checked(Lifecycle, "its stdin is closed: unasked, idle, in a request, in a creation"),
    ),
    ("LIFE-6", Checked(Lifecycle, "the programs of its session are counted after its end")),
    ("LIFE-7", Checked(Lifecycle, "it gets SIGTERM; and SIGKILL in the middle of a creation")),
    ("LIFE-8", NotChecked("what it says to a person cannot be judged by a program")),
    ("LIFE-9", Checked(Lifecycle, "it must still be there at every answer")),
    ("LIFE-10", Checked(Lifecycle, "on Linux, its children's stdin and stdout are looked at")),
    (
        "LIFE-11",
        Checked(Lifecycle, "no home, an empty one, another folder, locale, spaces in paths"),
    ),
    ("FRAME-1", Checked(Wire, "every line is judged; blank lines and CR LF are sent")),
    ("FRAME-2", Checked(Wire, "every line is measured; a line of 4 MiB is sent")),
    ("FRAME-3", Checked(Wire, "every line is judged")),
    (
        "FRAME-4",
        Checked(Wire, "every line is judged; a reply that waits for the end is not flushed"),
    ),
    ("FRAME-5", NotChecked("gives the driver more room; what it allows is sent under [CALL-3]")),
    ("FRAME-6", Checked(Wire, "ids that are 0, large, and texts")),
    ("FRAME-7", NotChecked(OF_THE_HOST)),
    ("FRAME-8", Checked(Wire, "every reply is judged; a notification nobody knows is sent")),
    ("FRAME-9", Checked(Wire, "every line is judged")),
    (
        "FRAME-10",
        NotChecked("is about text for people; secrets there are looked for under [SEC-2]"),
    ),
    (
        "FRAME-11",
        Checked(Wire, "no JSON, no request, params that lack the profile or mistake its type"),
    ),
    ("CALL-1", Checked(Wire, "every method it lists, and one that it does not")),
    ("CALL-2", Checked(Meaning, "a name of 40 characters")),
    ("CALL-3", Checked(Meaning, "`config` is left out, and is `null`")),
    ("CALL-4", Checked(Meaning, "it is given 1 ms")),
    ("CALL-5", Checked(Destructive, "two processes make one cluster at once")),
    ("CALL-6", Checked(Destructive, "start, stop and destroy twice")),
    ("CALL-7", Checked(Meaning, "every result is read into its type")),
    ("INIT-1", Checked(Wire, "traps for programs, the engine, and files; and its time")),
    ("INIT-2", Checked(Wire, "versions that nobody knows, alone and beside the known one")),
    ("INIT-3", Checked(Wire, "its name is compared with its file's")),
    ("INIT-4", Checked(Wire, "its capabilities are read")),
    ("INIT-5", Checked(Wire, "it is asked twice")),
    ("INIT-6", Checked(Wire, "if its name is another driver's, that one is asked as well")),
    ("START-1", Checked(Destructive, "start of none, of one that runs, of one that is stopped")),
    ("START-2", Checked(Destructive, "start with one field changed")),
    ("START-3", NotChecked("what can be changed live is each driver's own")),
    ("START-4", Checked(Destructive, "start after SIGKILL in the middle of a creation")),
    ("START-5", Checked(Destructive, "a creation is cancelled, and its stdin closed")),
    ("START-6", Checked(Destructive, "the status right after start")),
    ("START-7", Checked(Destructive, "the status right after start")),
    ("STOP-1", Checked(Meaning, "stop of none; with a cluster, of one that runs and is stopped")),
    (
        "DESTROY-1",
        Checked(Meaning, "destroy of none; with a cluster, of a whole and of half a one"),
    ),
    ("DESTROY-2", Checked(Meaning, "destroy with a config of nonsense")),
    (
        "STATUS-1",
        Checked(Meaning, "after all questions there is nothing that was not there before"),
    ),
    ("STATUS-2", Checked(Meaning, "the status of a cluster that nobody made")),
    ("STATUS-3", NotChecked("how a backend is made not to answer is each driver's own")),
    ("STATUS-4", Checked(Destructive, "the status of what SIGKILL has left")),
    ("STATUS-5", Checked(Meaning, "it is asked twice")),
    (
        "STATUS-6",
        Checked(Destructive, "the identity of one made anew is compared with the first's"),
    ),
    ("RESTART-1", Checked(Destructive, "restart of a cluster that runs")),
    ("RESTART-2", Checked(Destructive, "restart with one field changed")),
    ("KUBE-1", Checked(Destructive, "the kubeconfig is read")),
    ("KUBE-2", NotChecked("which file is the user's is for the host to know")),
    ("KUBE-3", Checked(Meaning, "of no cluster; with a cluster, of one that is stopped")),
    ("VERSION-1", Checked(Meaning, "it is asked")),
    ("LIST-1", Checked(Destructive, "it is looked for the cluster, before, during and after")),
    ("LIST-2", NotChecked("how a driver looks does not show from outside")),
    ("PLAN-1", Checked(Destructive, "the plan is carried out, and its exit code compared")),
    ("PLAN-2", Checked(Destructive, "a secret of the config is looked for in the plan")),
    ("EXEC-1", Checked(Destructive, "odd arguments are printed by a node")),
    ("EXEC-2", Checked(Destructive, "a node that is not there; and no terminal")),
    ("LOGS-1", Checked(Destructive, "the last two lines are printed")),
    ("USAGE-1", Checked(Destructive, "it is asked of a cluster that runs")),
    ("DIAG-1", Checked(Meaning, "it is asked without a cluster")),
    ("DIAG-2", Checked(Meaning, "each check that fails is read")),
    ("IMAGE-1", Checked(Meaning, "of no cluster; that an image arrives needs an image")),
    ("IMAGE-2", Checked(Destructive, "an archive that is not there")),
    ("PROG-1", Checked(Destructive, "every report of progress is judged")),
    ("PROG-2", Checked(Destructive, "every report of progress is judged, and counted")),
    ("PROG-3", Checked(Destructive, "every report of progress is judged")),
    ("CANCEL-1", Checked(Wire, "`cancel` of nothing")),
    ("CANCEL-2", Checked(Lifecycle, "a status is cancelled; with a cluster, its creation")),
    ("CANCEL-3", Checked(Lifecycle, "a status is cancelled, and another one asked")),
    ("ERR-6", Checked(Wire, "every error is judged")),
    ("ERR-1", Checked(Wire, "every error is judged")),
    ("ERR-2", Checked(Wire, "every error is judged")),
    ("ERR-3", NotChecked("says the same as [LIFE-9], seen from the error")),
    ("ERR-4", Checked(Wire, "every error's code is held against its kind, under [ERR-1] too")),
    ("ERR-5", Checked(Wire, "every error is judged")),
    ("CONF-1", NotChecked(OF_THE_HOST)),
    ("CONF-2", Checked(Wire, "the schema's references are read")),
    ("CONF-3", Checked(Wire, "the schema's descriptions are read")),
    ("CONF-4", Checked(Wire, "the schema's annotations are read")),
    ("CONF-5", Checked(Destructive, "the status's `config` right after start")),
    ("CONF-6", Checked(Destructive, "the status's `config` is compared as the host compares it")),
    (
        "CONF-7",
        Checked(Destructive, "the status's `config` is looked through for what is not sealed"),
    ),
    ("CONF-8", Checked(Wire, "the schema is measured, and compiled")),
    ("ACT-1", Checked(Wire, "every action in an error is judged")),
    ("ACT-2", NotChecked("an action that holds a secret is found under [SEC-2]")),
    ("READY-1", NotChecked("what a backend knows does not show from outside")),
    ("COMPAT-1", Checked(Wire, "fields and a notification that nobody knows are sent")),
    ("COMPAT-2", NotChecked(OF_THE_HOST)),
    ("COMPAT-3", NotChecked("binds this page")),
    ("COMPAT-4", Checked(Wire, "the names of the methods it lists are read")),
    ("COMPAT-5", NotChecked("binds this page and the host")),
    ("SEC-1", NotChecked(OF_THE_HOST)),
    (
        "SEC-2",
        Checked(Meaning, "a secret in each sensitive field is looked for in all that it says"),
    ),
    ("SEC-3", NotChecked(OF_THE_HOST)),
    ("SEC-4", NotChecked("how a driver runs programs does not show from outside; see [EXEC-1]")),
    ("SEC-5", NotChecked("binds the host; what a driver keeps where is its own affair")),
];

/// How a rule is held; `None` for one that this table does not know.
pub fn of(id: &str) -> Option<How> {
    COVERAGE.iter().find(|(rule, _)| *rule == id).map(|(_, how)| *how)
}

/// The rules that cannot be tried without a backend, in all levels.
pub(super) fn needing_a_backend() -> impl Iterator<Item = &'static str> {
    const WITHOUT: [&str; 7] =
        ["CALL-2", "CALL-3", "CALL-4", "VERSION-1", "DIAG-1", "DIAG-2", "SEC-2"];
    COVERAGE.iter().filter_map(|(id, how)| match how {
        Checked(Meaning | Destructive, _) if !WITHOUT.contains(id) => Some(*id),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_of_the_page_is_checked_or_has_a_reason() {
        let rules: Vec<_> = super::super::rules::all().iter().map(|rule| rule.id).collect();
        let table: Vec<_> = COVERAGE.iter().map(|(id, _)| *id).collect();
        assert_eq!(rules, table, "protocol.md and the table name the same rules in the same order");
    }

    #[test]
    fn every_reference_is_to_a_rule() {
        for (id, how) in COVERAGE {
            let (Checked(_, words) | NotChecked(words)) = how;
            for named in words.split('[').skip(1).filter_map(|rest| rest.split_once(']')) {
                assert!(of(named.0).is_some(), "{id} names {}", named.0);
            }
        }
    }
}
