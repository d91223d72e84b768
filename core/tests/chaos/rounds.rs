//! Rounds in which something is killed at a random moment, and the count of what was wrong after.
//!
//! `CAPRONI_CHAOS_ROUNDS` says how many, `CAPRONI_CHAOS_SEED` which: round `n` of seed `s` is round 0
//! of seed `s + n`, so that any can be repeated alone. The moment is a part of the time that the verb
//! takes on this machine, so that a repeated round is alike, and not the same to the microsecond.

#![expect(clippy::print_stdout, reason = "the table is what the rounds are run for")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// What is found after a round, and must not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wrong {
    /// A process that still runs when the time to end has passed.
    Orphan,
    /// A lock that nobody alive holds, and that the next command waits for.
    HeldLock,
    /// A file that is half written.
    TornFile,
    /// A status, or an answer to the next command, that is not what is there.
    FalseStatus,
    /// What is left after `destroy`.
    Leftover,
}

const ALL_WRONGS: [Wrong; 5] =
    [Wrong::Orphan, Wrong::HeldLock, Wrong::TornFile, Wrong::FalseStatus, Wrong::Leftover];

/// The change in whose middle something is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verb {
    /// Of no cluster, or of a stopped one.
    Start,
    Stop,
    Destroy,
    Restart,
}

impl Verb {
    pub(crate) const ALL: [Self; 4] = [Self::Start, Self::Stop, Self::Destroy, Self::Restart];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Destroy => "destroy",
            Self::Restart => "restart",
        }
    }
}

/// What was wrong after one round, each with a sentence for people.
#[derive(Debug, Default)]
pub(crate) struct Findings(pub(crate) Vec<(Wrong, String)>);

impl Findings {
    pub(crate) fn note(&mut self, wrong: Wrong, what: impl Into<String>) {
        self.0.push((wrong, what.into()));
    }

    pub(crate) fn check(&mut self, holds: bool, wrong: Wrong, what: impl FnOnce() -> String) {
        if !holds {
            self.note(wrong, what());
        }
    }
}

/// The rounds of one run, as the environment asks for them.
pub(crate) struct Rounds {
    seed: u64,
    count: u64,
    next: AtomicU64,
    done: Mutex<Tally>,
}

#[derive(Default)]
struct Tally {
    counts: BTreeMap<(String, Verb), Counts>,
    told: String,
}

#[derive(Default)]
struct Counts {
    rounds: u64,
    /// Those in which the victim lived when it was to be killed.
    hits: u64,
    wrong: BTreeMap<Wrong, u64>,
}

impl Rounds {
    /// As many as `usual` where the environment does not say.
    pub(crate) fn of_environment(usual: u64) -> Self {
        let number = |name: &str, usual| match std::env::var(name) {
            Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")),
            Err(_) => usual,
        };
        let (seed, count) =
            (number("CAPRONI_CHAOS_SEED", 1), number("CAPRONI_CHAOS_ROUNDS", usual));
        assert!(count > 0, "no round would show nothing");
        Self { seed, count, next: AtomicU64::new(0), done: Mutex::default() }
    }

    /// The number and the dice of the next round, as long as there is one.
    pub(crate) fn next(&self) -> Option<(u64, fastrand::Rng)> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        (number < self.count)
            .then(|| (number, fastrand::Rng::with_seed(self.seed.wrapping_add(number))))
    }

    pub(crate) fn count(
        &self,
        number: u64,
        victim: &str,
        verb: Verb,
        hit: bool,
        findings: &Findings,
    ) {
        let mut tally = self.done.lock().expect("no round panicked");
        let counts = tally.counts.entry((victim.to_owned(), verb)).or_default();
        counts.rounds += 1;
        counts.hits += u64::from(hit);
        for (wrong, _) in &findings.0 {
            *counts.wrong.entry(*wrong).or_default() += 1;
        }
        for (wrong, what) in &findings.0 {
            let seed = self.seed.wrapping_add(number);
            let verb = verb.word();
            let line = format!("seed {seed}: {victim} killed in {verb}: {wrong:?}: {what}");
            println!("{line}");
            let _ = writeln!(tally.told, "{line}");
        }
    }

    /// Prints the table, and fails when anything was wrong.
    pub(crate) fn finish(self) {
        let Self { seed, count, done, .. } = self;
        let Tally { counts, told } = done.into_inner().expect("no round panicked");
        println!("{count} rounds, CAPRONI_CHAOS_SEED={seed}");
        println!("victim     verb     rounds  hits  orphans  locks  torn  wrong  left");
        let mut all = 0;
        for ((victim, verb), Counts { rounds, hits, wrong }) in &counts {
            let [orphans, locks, torn, status, left] =
                ALL_WRONGS.map(|it| wrong.get(&it).copied().unwrap_or(0));
            let verb = verb.word();
            println!(
                "{victim:<10} {verb:<8} {rounds:>6} {hits:>5} {orphans:>8} {locks:>6} {torn:>5} {status:>6} {left:>5}"
            );
            all += rounds;
        }
        assert_eq!(all, count, "a round was lost");
        assert!(told.is_empty(), "repeat one with its seed and CAPRONI_CHAOS_ROUNDS=1:\n{told}");
    }
}
