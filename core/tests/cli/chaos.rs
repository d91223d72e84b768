//! kill -9 at random moments, with the mock driver, whose clusters are files.
//!
//! ```sh
//! CAPRONI_CHAOS_ROUNDS=1000 CAPRONI_CHAOS_SEED=7 cargo test -p caproni --test cli chaos -- --nocapture
//! ```

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::output::Output;
use crate::readiness::boaster;
use crate::rounds::{Findings, Rounds, Verb, Wrong};
use crate::running::Running;
use crate::sandbox::{MOCK, Sandbox};

/// How many rounds run at once: they mostly wait for a backend that is slow on purpose.
const AT_ONCE: usize = 4;

/// How long the backend of a change in which something is killed takes, in milliseconds.
const WORK: u64 = 60;

/// How long anything may live on that is to end: the driver's rollback and its 5 s to close.
const GRACE: Duration = Duration::from_secs(10);

/// How long the kernel may take from the first to the last thing that it frees of a process.
const MOMENT: Duration = Duration::from_secs(1);

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Host,
    Driver,
    Both,
}

impl Victim {
    const ALL: [Self; 3] = [Self::Host, Self::Driver, Self::Both];

    fn word(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Driver => "driver",
            Self::Both => "both",
        }
    }
}

#[test]
fn after_kill_9_at_any_moment_nothing_is_lost_and_nothing_is_left() {
    let rounds = Rounds::of_environment(200);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                let durations = Verb::ALL.map(duration);
                while let Some((number, mut dice)) = rounds.next() {
                    let verb = dice.choice(Verb::ALL).unwrap();
                    let victim = dice.choice(Victim::ALL).unwrap();
                    let stopped = dice.bool();
                    let moment = durations[verb as usize].mul_f64(dice.f64());
                    let (hit, findings) = Round::new(verb, stopped).play(victim, moment);
                    rounds.count(number, victim.word(), verb, hit, &findings);
                }
            });
        }
    });
    rounds.finish();
}

/// How long a verb takes that nobody disturbs.
fn duration(verb: Verb) -> Duration {
    let round = Round::new(verb, false);
    let begun = Instant::now();
    assert_eq!(round.spawn().end().code(), 0);
    begun.elapsed()
}

/// One verb and the place where it is run.
struct Round {
    sandbox: Sandbox,
    verb: Verb,
}

impl Round {
    /// Whether the cluster is `stopped` before counts where the verb can do with both.
    fn new(verb: Verb, stopped: bool) -> Self {
        let sandbox = Sandbox::with_config(MOCK);
        let before: &[&str] = match (verb, stopped) {
            (Verb::Start, false) => &[],
            (Verb::Start | Verb::Destroy, true) => &["start", "stop"],
            (Verb::Stop | Verb::Destroy | Verb::Restart, _) => &["start"],
        };
        for verb in before {
            assert_eq!(sandbox.run(verb).code(), 0);
        }
        Self { sandbox, verb }
    }

    fn spawn(&self) -> Running<'_> {
        let line = self.sandbox.caproni(self.verb.word());
        line.simulate(&json!({"delay_ms": WORK})).spawn()
    }

    /// Also says whether there was anything to kill at that moment.
    fn play(self, victim: Victim, moment: Duration) -> (bool, Findings) {
        let mut findings = Findings::default();
        let before = self.truth();
        let mut running = self.spawn();
        running.all_gone_within(moment);
        let hit = kill(&running, victim);
        if !running.all_gone_within(GRACE) {
            findings.note(Wrong::Orphan, format!("something still runs after {GRACE:?}"));
            return (hit, findings);
        }
        let ended = running.end();
        self.check_end(victim, &ended, &mut findings);
        self.check_files(&mut findings);
        self.check_status(&mut findings);
        let after = self.truth();
        let is_possible = self.possible(before.as_deref(), victim).contains(&after.as_deref());
        findings.check(is_possible, Wrong::FalseStatus, || format!("{before:?} became {after:?}"));
        self.check_way_on(&mut findings);
        self.check_destroy(&mut findings);
        (hit, findings)
    }

    /// The phase in the cluster's file.
    fn truth(&self) -> Option<String> {
        let record: Value = serde_json::from_str(&self.sandbox.mock_cluster()?).ok()?;
        record["phase"].as_str().map(Into::into)
    }

    /// What may have become of the cluster: a driver that lives takes an unfinished creation back.
    fn possible(&self, before: Option<&str>, victim: Victim) -> Vec<Option<&'static str>> {
        let (running, stopped) = (Some("running"), Some("stopped"));
        match (self.verb, before) {
            (Verb::Start, None) if victim == Victim::Host => vec![None, running],
            (Verb::Start, None) => vec![None, Some("creating"), running],
            (Verb::Destroy, Some("stopped")) => vec![stopped, None],
            (Verb::Destroy, _) => vec![running, None],
            _ => vec![running, stopped],
        }
    }

    fn check_end(&self, victim: Victim, ended: &Output, findings: &mut Findings) {
        let codes: &[i32] = if victim == Victim::Driver { &[0, 20] } else { &[0, 128 + 9] };
        findings.check(codes.contains(&ended.code()), Wrong::FalseStatus, || format!("{ended:?}"));
    }

    fn check_files(&self, findings: &mut Findings) {
        for path in files_in(&self.sandbox.path("state")) {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let is_whole = match path.extension().and_then(|extension| extension.to_str()) {
                Some("json") => serde_json::from_str::<Value>(&text).is_ok(),
                Some("lock") => is_free(&path, findings),
                _ => true,
            };
            findings.check(is_whole, Wrong::TornFile, || format!("{}: {text:?}", path.display()));
        }
    }

    fn check_status(&self, findings: &mut Findings) {
        let status = self.sandbox.run("-o json status");
        let told = serde_json::from_str::<Value>(&status.stdout).unwrap_or_default();
        let expected = match self.truth().as_deref() {
            None => json!(["stopped", false]),
            Some("creating") => json!(["not-ready", true]),
            Some("running") => json!(["ready", true]),
            Some(_) => json!(["stopped", true]),
        };
        let is_true = json!([told["state"], told["exists"]]) == expected;
        findings.check(is_true, Wrong::FalseStatus, || format!("not {expected}: {status:?}"));
    }

    /// Saying the same again does it, at once.
    fn check_way_on(&self, findings: &mut Findings) {
        let again = self.run(self.verb.word(), findings);
        findings.check(again.code() == 0, Wrong::FalseStatus, || format!("again: {again:?}"));
        self.check_status(findings);
    }

    fn check_destroy(&self, findings: &mut Findings) {
        let destroyed = self.run("destroy", findings);
        findings.check(destroyed.code() == 0, Wrong::Leftover, || format!("{destroyed:?}"));
        let folders = ["state", "home", "project"].map(|folder| self.sandbox.path(folder));
        let left = folders.iter().flat_map(|folder| files_in(folder));
        // Locks stay: a file that is locked cannot be removed without a race.
        let left: Vec<_> = left
            .filter(|path| !path.ends_with("caproni.yaml"))
            .filter(|path| path.extension().is_none_or(|extension| extension != "lock"))
            .collect();
        findings.check(left.is_empty(), Wrong::Leftover, || format!("{left:?}"));
    }

    fn run(&self, words: &str, findings: &mut Findings) -> Output {
        let output = self.sandbox.run(words);
        let waits = output.stderr.contains("waiting for");
        findings.check(!waits, Wrong::HeldLock, || format!("{words}: {output:?}"));
        output
    }
}

/// A kubeconfig with a hundred clusters of others, and one that is to be destroyed.
fn kubeconfig() -> String {
    let named = |list: &str, item: &str, value: &dyn Fn(usize) -> String| {
        let others = (0..100).map(|n| format!("- {{name: other-{n}, {item}: {}}}\n", value(n)));
        format!("{list}:\n{}- {{name: odd, {item}: {}}}\n", others.collect::<String>(), value(0))
    };
    [
        "apiVersion: v1\nkind: Config\ncurrent-context: other-1\n".to_owned(),
        named("clusters", "cluster", &|n| format!("{{server: \"https://{n}\"}}")),
        named("users", "user", &|n| format!("{{token: t{n}}}")),
        named("contexts", "context", &|n| format!("{{cluster: other-{n}, user: other-{n}}}")),
    ]
    .concat()
}

/// The names of the contexts; none where the file is not whole.
fn contexts(sandbox: &Sandbox) -> Vec<String> {
    let text = std::fs::read_to_string(sandbox.path("home/.kube/config")).unwrap_or_default();
    let document: Value = serde_saphyr::from_str(&text).unwrap_or_default();
    let items = document["contexts"].as_array().cloned().unwrap_or_default();
    items.iter().filter_map(|item| Some(item["name"].as_str()?.to_owned())).collect()
}

#[test]
fn a_kubeconfig_is_whole_and_free_after_kill_9_of_who_writes_it() {
    let rounds = Rounds::of_environment(20);
    let others: Vec<_> = (0..100).map(|n| format!("other-{n}")).collect();
    let destroying = || {
        let sandbox = boaster();
        sandbox.write("home/.kube/config", &kubeconfig());
        sandbox
    };
    let undisturbed = destroying();
    let begun = Instant::now();
    assert_eq!(undisturbed.run("--driver odd destroy").code(), 0);
    let duration = begun.elapsed();
    while let Some((number, mut dice)) = rounds.next() {
        let mut findings = Findings::default();
        let sandbox = destroying();
        let mut running = sandbox.caproni("--driver odd destroy").spawn();
        // The kubeconfig comes last.
        running.all_gone_within(duration.mul_f64(0.4 + 0.6 * dice.f64()));
        let hit = contexts(&sandbox).len() == 101;
        running.signal(Signal::KILL);
        findings.check(running.all_gone_within(GRACE), Wrong::Orphan, String::new);
        let now = contexts(&sandbox);
        let before_or_after = now.starts_with(&others) && (100..=101).contains(&now.len());
        findings.check(before_or_after, Wrong::TornFile, || format!("{now:?}"));
        let begun = Instant::now();
        let again = sandbox.run("--driver odd destroy");
        findings.check(again.code() == 0, Wrong::HeldLock, || format!("{again:?}"));
        findings.check(begun.elapsed() < GRACE, Wrong::HeldLock, || format!("{again:?}"));
        findings.check(contexts(&sandbox) == others, Wrong::Leftover, || format!("{again:?}"));
        let left = files_in(&sandbox.path("home"));
        let is_left = left != [sandbox.path("home/.kube/config")];
        findings.check(!is_left, Wrong::Leftover, || format!("{left:?}"));
        rounds.count(number, "host", Verb::Destroy, hit, &findings);
    }
    rounds.finish();
}

/// Says whether anything was killed.
fn kill(running: &Running, victim: Victim) -> bool {
    let host = i32::try_from(running.id()).unwrap();
    let driver = driver_of(host);
    let victims: Vec<_> = match victim {
        Victim::Host => vec![host],
        Victim::Driver => driver.into_iter().collect(),
        Victim::Both => [host].into_iter().chain(driver).collect(),
    };
    // One that ended just now is still the host's child, or ours, so that its id is nobody else's.
    for process in victims {
        let _ = kill_process(Pid::from_raw(process).unwrap(), Signal::KILL);
    }
    // A host without a driver is not there yet, or not any more.
    driver.is_some()
}

/// The host's child, which any of its threads may have started; none before and after it lives.
fn driver_of(host: i32) -> Option<i32> {
    let threads = std::fs::read_dir(format!("/proc/{host}/task")).ok()?;
    let children = threads.flatten().filter_map(|thread| {
        let text = std::fs::read_to_string(thread.path().join("children")).ok()?;
        text.split_whitespace().next()?.parse().ok()
    });
    children.into_iter().next()
}

fn is_free(path: &Path, findings: &mut Findings) -> bool {
    let begun = Instant::now();
    let is_locked = || File::open(path).is_ok_and(|file| file.try_lock().is_err());
    let mut locked = is_locked();
    // The kernel closes the descriptors of who was killed one by one, the leash before the lock.
    while locked && begun.elapsed() < MOMENT {
        std::thread::yield_now();
        locked = is_locked();
    }
    findings.check(!locked, Wrong::HeldLock, || path.display().to_string());
    true
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths.flat_map(|path| if path.is_dir() { files_in(&path) } else { vec![path] }).collect()
}
