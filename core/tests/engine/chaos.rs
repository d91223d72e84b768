//! kill -9 of caproni, of its driver, and of what the driver has at work, at random moments.
//!
//! ```sh
//! CAPRONI_CHAOS_ROUNDS=30 CAPRONI_CHAOS_SEED=7 cargo test -p caproni --test engine chaos -- --nocapture
//! ```
//!
//! `CAPRONI_CHAOS_BACKEND=kind` takes kind in the place of k3d.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::rounds::{Findings, Rounds, Verb, Wrong};
use crate::support::{Backend, Place, Run, docker_lines};

/// How long a driver that lost its host may take for its rollback, and to end.
const GRACE: Duration = Duration::from_secs(70);

/// How long a verb may take: k3d waits for ever for a line in the log of a container that was killed.
const LIMIT: &str = "120s";

/// What is in the user's kubeconfig, and must stay there.
const OTHERS: &str = "apiVersion: v1\nkind: Config\nclusters:\n- name: prod\n  cluster: {server: https://prod}\nusers:\n- name: me\n  user: {token: t}\ncontexts:\n- name: prod\n  context: {cluster: prod, user: me}\ncurrent-context: prod\n";

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Host,
    Driver,
    /// The backend's program.
    Program,
    /// One of the cluster's containers, among them k3d's helpers.
    Container,
}

impl Victim {
    const ALL: [Self; 4] = [Self::Host, Self::Driver, Self::Program, Self::Container];

    fn word(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Driver => "driver",
            Self::Program => "program",
            Self::Container => "container",
        }
    }
}

#[test]
fn after_kill_9_at_any_moment_nothing_is_lost_and_nothing_is_left() {
    let backend = match std::env::var("CAPRONI_CHAOS_BACKEND").as_deref() {
        Ok("kind") => Backend::Kind,
        Ok("k3d") | Err(_) => Backend::K3d,
        Ok(other) => panic!("no backend for chaos: {other}"),
    };
    let place = Place::of(backend, "chaos");
    std::fs::create_dir(place.path("home/.kube")).expect("writable");
    std::fs::write(place.path("home/.kube/config"), OTHERS).expect("writable");
    let rounds = Rounds::of_environment(6);
    let durations = durations(&place);
    while let Some((number, mut dice)) = rounds.next() {
        let verb = dice.choice(Verb::ALL).expect("one");
        let victim = match (dice.choice(Victim::ALL).expect("one"), verb) {
            // These go straight through the engine.
            (Victim::Program, Verb::Stop | Verb::Destroy) => Victim::Container,
            (victim, _) => victim,
        };
        let stopped = dice.bool();
        let moment = durations[verb as usize].mul_f64(dice.f64());
        let round = Round { place: &place, backend, verb };
        let (hit, findings) = round.play(victim, stopped, moment, &mut dice);
        rounds.count(number, victim.word(), verb, hit, &findings);
    }
    rounds.finish();
}

/// How long each verb takes that nobody disturbs.
fn durations(place: &Place) -> [Duration; 4] {
    let timed = |verb: &str| {
        let begun = Instant::now();
        place.caproni(&[verb]).expect_code(0);
        begun.elapsed()
    };
    let start = timed("start");
    let restart = timed("restart");
    let stop = timed("stop");
    let destroy = timed("destroy");
    [start, stop, destroy, restart]
}

/// One verb that is disturbed, and what is checked afterwards.
struct Round<'a> {
    place: &'a Place,
    backend: Backend,
    verb: Verb,
}

impl Round<'_> {
    fn play(
        &self,
        victim: Victim,
        stopped: bool,
        moment: Duration,
        dice: &mut fastrand::Rng,
    ) -> (bool, Findings) {
        let mut findings = Findings::default();
        let is_new = self.prepare(stopped);
        let command = self.place.command(&["--timeout", LIMIT, self.verb.word()]);
        let running = Watched::spawn(command);
        let _ = running.gone.recv_timeout(moment);
        let hit = self.kill(&running, victim, dice);
        let ended = running.end();
        let left = self.place.processes_within(GRACE);
        findings.check(left.is_empty(), Wrong::Orphan, || format!("{left:?}"));
        self.check_files(&mut findings);
        let status = self.check_status(&mut findings);
        let rolled_back = !is_new || status["exists"] != true || status["state"] == "ready";
        let must = hit && victim == Victim::Host && self.verb == Verb::Start;
        findings.check(!must || rolled_back, Wrong::FalseStatus, || {
            format!("the driver left a half: {status} after {ended:?}")
        });
        self.check_way_on(&mut findings);
        self.check_destroy(&mut findings);
        (hit, findings)
    }

    /// Gets the cluster to where the verb has something to do; says whether there is none.
    fn prepare(&self, stopped: bool) -> bool {
        let before: &[&str] = match (self.verb, stopped) {
            (Verb::Start, false) => &[],
            (Verb::Start | Verb::Destroy, true) => &["start", "stop"],
            (Verb::Stop | Verb::Destroy | Verb::Restart, _) => &["start"],
        };
        for verb in before {
            // Under load k3d misses a line in a log now and then, which is not what is measured here.
            let run = || self.place.caproni(&["--timeout", LIMIT, verb]);
            if run().code != Some(0) {
                run().expect_code(0);
            }
        }
        before.is_empty()
    }

    /// Says whether there was anything to kill at that moment.
    fn kill(&self, running: &Watched, victim: Victim, dice: &mut fastrand::Rng) -> bool {
        let ours = self.place.marked_processes();
        let named = |name: &str| {
            let is_it = |line: &str| {
                let program = line.split(' ').next().unwrap_or_default();
                Path::new(program).file_name().is_some_and(|file| file == name)
            };
            ours.iter().find(|(_, line)| is_it(line)).map(|(process, _)| *process)
        };
        let backend = self.backend.name();
        let process = match victim {
            Victim::Host => running.is_alive().then(|| running.child.id()),
            Victim::Driver => named(&format!("caproni-driver-{backend}")),
            Victim::Program => named(backend),
            Victim::Container => {
                let containers = self.containers();
                let Some((name, _)) = dice.choice(&containers) else { return false };
                return succeeds("docker", &["kill", name]);
            }
        };
        process.is_some_and(|process| succeeds("kill", &["-KILL", &process.to_string()]))
    }

    /// The names of the cluster's containers, and whether each runs.
    fn containers(&self) -> Vec<(String, bool)> {
        let label = match self.backend {
            Backend::Kind => "io.x-k8s.kind.cluster",
            _ => "k3d.cluster",
        };
        let filter = format!("label={label}={}", self.place.profile);
        let format = "{{.Names}} {{.State}}";
        let lines = docker_lines(&["ps", "-a", "--filter", &filter, "--format", format]);
        let told = lines.iter().filter_map(|line| line.split_once(' '));
        told.map(|(name, state)| (name.to_owned(), state == "running")).collect()
    }

    fn check_files(&self, findings: &mut Findings) {
        for path in files_in(&self.place.path("state")) {
            let locked = is_lock(&path) && File::open(&path).is_ok_and(|f| f.try_lock().is_err());
            findings.check(!locked, Wrong::HeldLock, || path.display().to_string());
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let is_json = path.extension().is_some_and(|extension| extension == "json");
            let torn = is_json && serde_json::from_str::<Value>(&text).is_err();
            findings.check(!torn, Wrong::TornFile, || format!("{}: {text:?}", path.display()));
        }
        let kubeconfig = self.kubeconfig();
        let stays = kubeconfig["current-context"] == "prod"
            && kubeconfig["contexts"][0]["context"]["user"] == "me";
        findings.check(stays, Wrong::TornFile, || format!("kubeconfig: {kubeconfig}"));
    }

    fn kubeconfig(&self) -> Value {
        let text = std::fs::read_to_string(self.place.path("home/.kube/config"));
        serde_saphyr::from_str(&text.unwrap_or_default()).unwrap_or_default()
    }

    /// Holds a status against the engine, which must be the same before and after it: it may still
    /// finish what somebody asked for who is gone.
    fn check_status(&self, findings: &mut Findings) -> Value {
        let look = || (self.place.left(), self.containers());
        let mut before = look();
        for _ in 0..40 {
            let status = self.place.caproni(&["status", "-o", "json"]);
            let after = look();
            if before != after {
                before = after;
                continue;
            }
            let told = serde_json::from_str::<Value>(&status.stdout).unwrap_or_default();
            let (left, containers) = after;
            let exists = !left.is_empty();
            // k3d's own helper is no node, and a killed k3d leaves it.
            let mut nodes = containers.iter().filter(|(name, _)| !name.ends_with("-tools"));
            let all_run = exists && nodes.clone().all(|(_, runs)| *runs);
            let none_runs = !nodes.any(|(_, runs)| *runs);
            let is_true = told["exists"] == exists
                && match told["state"].as_str() {
                    Some("ready") => all_run && status.code == Some(0),
                    Some("stopped") => none_runs && status.code == Some(3),
                    Some("starting" | "not-ready") => exists && status.code == Some(4),
                    _ => false,
                };
            findings.check(is_true, Wrong::FalseStatus, || {
                format!("{status:?} where there is {left:?} {containers:?}")
            });
            return told;
        }
        findings.note(Wrong::FalseStatus, "the engine never stands still");
        Value::Null
    }

    /// Saying the same again does it, at once.
    fn check_way_on(&self, findings: &mut Findings) {
        let again = self.run(self.verb.word(), findings);
        // A cluster that lost a node cannot be started, and says so; it can be destroyed.
        let lost = again.stderr.contains("lacks `") && again.code == Some(4);
        findings.check(again.code == Some(0) || lost, Wrong::FalseStatus, || format!("{again:?}"));
        self.check_status(findings);
    }

    fn check_destroy(&self, findings: &mut Findings) {
        let destroyed = self.run("destroy", findings);
        findings.check(destroyed.code == Some(0), Wrong::Leftover, || format!("{destroyed:?}"));
        let on_engine = self.place.left();
        findings.check(on_engine.is_empty(), Wrong::Leftover, || format!("{on_engine:?}"));
        let mut files = files_in(&self.place.path("state"));
        files.retain(|path| !is_lock(path));
        let mut beside = files_in(&self.place.path("home/.kube"));
        beside.retain(|path| !path.ends_with("config") && !path.iter().any(|part| part == "cache"));
        files.extend(beside);
        findings.check(files.is_empty(), Wrong::Leftover, || format!("{files:?}"));
        let contexts = self.kubeconfig()["contexts"].as_array().map_or(0, Vec::len);
        findings.check(contexts == 1, Wrong::Leftover, || format!("{contexts} contexts"));
    }

    fn run(&self, verb: &str, findings: &mut Findings) -> Run {
        let run = self.place.caproni(&["--timeout", LIMIT, verb]);
        let waits = run.stderr.contains("wait: waiting for ");
        findings.check(!waits, Wrong::HeldLock, || format!("{verb}: {run:?}"));
        run
    }
}

/// A program that runs, with what it says.
struct Watched {
    child: Child,
    gone: Receiver<String>,
}

impl Watched {
    fn spawn(mut command: Command) -> Self {
        let mut child = command.spawn().expect("caproni runs");
        let mut stderr = child.stderr.take().expect("piped");
        let (told, gone) = channel();
        std::thread::spawn(move || {
            let mut said = String::new();
            let _ = stderr.read_to_string(&mut said);
            let _ = told.send(said);
        });
        Self { child, gone }
    }

    /// Not so where it has ended, and nobody has waited for it yet.
    fn is_alive(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
        stat.is_ok_and(|stat| {
            stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
        })
    }

    fn end(self) -> Run {
        let output = self.child.wait_with_output().expect("it ends");
        Run { stderr: self.gone.recv_timeout(GRACE).unwrap_or_default(), ..Run::of(&output) }
    }
}

fn succeeds(program: &str, args: &[&str]) -> bool {
    Command::new(program).args(args).output().expect("it runs").status.success()
}

fn is_lock(path: &Path) -> bool {
    path.parent().is_some_and(|folder| folder.ends_with("locks"))
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths.flat_map(|path| if path.is_dir() { files_in(&path) } else { vec![path] }).collect()
}
