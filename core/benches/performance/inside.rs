//! What runs in a process of its own, which this program starts with the environment that the
//! driver needs: calls through the library, as `caproni` makes them.
#![expect(clippy::print_stdout, reason = "it is how the other process is told")]

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use caproni::discovery::Driver;
use caproni::interrupt::Interrupt;
use caproni::session::{Call, Session};
use caproni::transport::{Event, Listener};
use serde_json::{Value, json};

/// Counted calls, after a tenth as many that are not counted.
const CALLS: usize = 5000;

/// How long the calls may take all in all: on a machine that is busy they end before their number.
const PATIENCE: Duration = Duration::from_secs(20);

/// How many of the last messages are kept.
const KEPT: usize = 100;

/// Does one task with one driver, given by its path.
pub(crate) fn run(task: &[String]) {
    let [task, path] = task else { panic!("a task and a driver") };
    // As the program itself runs.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let told = match task.as_str() {
        "calls" => runtime.block_on(calls(path)),
        "flood" => runtime.block_on(flood(path)),
        "cat" => cat(),
        other => panic!("no task `{other}`"),
    };
    println!("{told}");
}

/// Microseconds of a line of a request's length to `cat` and back, through two pipes: the least that
/// any call to another process costs here.
fn cat() -> Value {
    let mut cat = Command::new("cat");
    let mut cat = cat.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("cat runs");
    let (mut input, mut output) =
        (cat.stdin.take().expect("piped"), cat.stdout.take().expect("piped"));
    let line = b"{\"jsonrpc\":\"2.0\",\"id\":1000,\"method\":\"version\"}\n";
    let mut back = [0; 1024];
    let mut took = Vec::new();
    for round in 0..CALLS + CALLS / 10 {
        let begun = Instant::now();
        input.write_all(line).expect("cat reads");
        assert_eq!(output.read(&mut back).expect("cat writes"), line.len());
        if round >= CALLS / 10 {
            took.push(microseconds(begun.elapsed()));
        }
    }
    drop(input);
    cat.wait().expect("cat ends");
    json!({"line": took})
}

/// Microseconds of single calls in one open session: one that the driver has nothing to do for,
/// and one for which it reads a file.
async fn calls(path: &str) -> Value {
    let (interrupt, session) = open(path, Arc::new(|_| ())).await;
    let call =
        Call { profile: "caproni", timeout: Some(Duration::from_secs(60)), interrupt: &interrupt };
    let (mut bare, mut status) = (Vec::new(), Vec::new());
    let all = Instant::now();
    for round in 0..CALLS + CALLS / 10 {
        if round > CALLS / 10 && all.elapsed() > PATIENCE {
            break;
        }
        let begun = Instant::now();
        session.versions(call).await.expect("an answer");
        let first = begun.elapsed();
        let begun = Instant::now();
        session.status(call, None).await.expect("an answer");
        if round >= CALLS / 10 {
            bare.push(microseconds(first));
            status.push(microseconds(begun.elapsed()));
        }
    }
    session.close().await;
    json!({"version": bare, "status": status})
}

/// Counts the progress of a `start` that floods, and looks at how it ended.
async fn flood(path: &str) -> Value {
    let seen: Arc<Mutex<(usize, Vec<String>)>> = Arc::default();
    let noted = seen.clone();
    let listener: Listener = Arc::new(move |event| {
        if let Event::Progress(progress) = event
            // What the driver does besides is told as well.
            && progress.message.starts_with("layer ")
        {
            let mut seen = noted.lock().expect("nobody panics with it");
            seen.0 += 1;
            if seen.1.len() == 2 * KEPT {
                seen.1.drain(..KEPT);
            }
            seen.1.push(progress.message);
        }
    });
    let (interrupt, session) = open(path, listener).await;
    let call =
        Call { profile: "caproni", timeout: Some(Duration::from_secs(300)), interrupt: &interrupt };
    let begun = Instant::now();
    let outcome = session.start(call, json!({})).await;
    let seconds = begun.elapsed().as_secs_f64();
    session.close().await;
    let seen = seen.lock().expect("nobody panics with it");
    let last = &seen.1[seen.1.len().saturating_sub(KEPT)..];
    json!({"count": seen.0, "last": last, "answered": outcome.is_ok(), "seconds": seconds})
}

async fn open(path: &str, listener: Listener) -> (Interrupt, Session) {
    let path = PathBuf::from(path);
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let name = file.trim_start_matches(caproni::discovery::PREFIX).to_owned();
    let driver = Driver { name, path, shadowed: Vec::new() };
    let interrupt = Interrupt::default();
    let session = Session::open(&driver, None, &interrupt, listener).await;
    (interrupt, session.expect("the driver opens"))
}

fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
