//! The driver's side of the wire: one request at a time, from the first line to the end of input.

mod current;
mod line;
mod pipes;
mod reader;
mod terminate;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use jsonrpsee::types::Params;
use jsonrpsee::{ConnectionId, Extensions, MethodCallback, RpcModule};
use tokio::io::{AsyncBufRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::mpsc;

use crate::contract::DriverServer;
use crate::describe::check_profile;
use crate::error::Error;
use crate::lock::Lock;
use crate::messages::MAX_LINE;
use crate::request::Request;
use crate::wire::Wire;

use current::CurrentRequest;
#[cfg(any(test, fuzzing))]
pub use line::fuzz::request;
use line::{Asked, Line};
use terminate::Terminated;

/// How many lines may wait for a host that reads slowly; progress beyond it is dropped.
const OUTBOX: usize = 1024;

/// How many lines of the host may wait while a request is answered.
const INBOX: usize = 16;

/// How long the last reply may take to be written after SIGTERM.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// The methods that change a cluster, of which one at a time runs for each.
const CHANGES: [&str; 5] = ["start", "stop", "destroy", "restart", "loadImage"];

/// Answers the host's requests until it closes stdin: the whole `main` of a driver.
///
/// `name` is the `<name>` of `caproni-driver-<name>`. From here on stdin is empty
/// and `println!` goes to stderr. Everything runs in one thread: a method that blocks it
/// keeps `cancel` and its own progress waiting as well, so it should wait with `await`.
/// Changes to one cluster wait for each other, across processes. A method that panics
/// answers with an error, and the driver lives on. When input ends the running request is
/// cancelled, and given the time its rollback takes. On SIGTERM it is cancelled too, and
/// what has not ended after 4 s is ended, with all programs that it runs. Started by a
/// person at a terminal it says what it is.
pub fn serve(name: &'static str, version: &str, driver: impl DriverServer) -> ExitCode {
    if let Some(exit) = answer_a_person(name, version) {
        return exit;
    }
    match serve_stdio(name, driver) {
        Ok(exit) => exit,
        Err(error) => {
            let way_out = crate::resources::way_out(&error);
            let way_out = way_out.map(|way_out| format!("; {way_out}")).unwrap_or_default();
            log(&format!("{name}: {error}{way_out}"));
            ExitCode::FAILURE
        }
    }
}

fn serve_stdio(name: &'static str, driver: impl DriverServer) -> std::io::Result<ExitCode> {
    let wire = Wire::take()?;
    crate::resources::check(pipes::threads(&wire))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let served = runtime.block_on(async {
        let terminated = terminate::listen()?;
        let (input, output) = (pipes::input(wire.input), pipes::output(wire.output));
        let state_dir = crate::lock::state_dir();
        serve_until(terminated, name, state_dir, driver, BufReader::new(input), output).await
    });
    // A thread that reads stdin may still be in its read: it must not keep us.
    runtime.shutdown_background();
    served
}

/// Answers requests from any reader to any writer until the reader ends.
///
/// The locks of clusters are kept under `state_dir`; [`serve`] takes
/// [`crate::lock::state_dir`].
///
/// # Errors
/// Reading or writing failed; the end of input is no error.
pub async fn serve_on(
    name: &'static str,
    state_dir: PathBuf,
    driver: impl DriverServer,
    input: impl AsyncBufRead + Unpin + Send + 'static,
    output: impl AsyncWrite + Unpin + Send + 'static,
) -> std::io::Result<()> {
    let never = std::future::pending();
    serve_until(never, name, state_dir, driver, input, output).await.map(|_| ())
}

async fn serve_until(
    terminated: impl Future<Output = Terminated>,
    name: &'static str,
    state_dir: PathBuf,
    driver: impl DriverServer,
    input: impl AsyncBufRead + Unpin + Send + 'static,
    output: impl AsyncWrite + Unpin + Send + 'static,
) -> std::io::Result<ExitCode> {
    let (outbox, lines) = mpsc::channel(OUTBOX);
    let writer = tokio::spawn(write_lines(output, lines));
    let (inbox_sender, inbox) = mpsc::channel(INBOX);
    let current = CurrentRequest::default();
    tokio::spawn(reader::read_lines(input, inbox_sender, current.clone()));

    let module = driver.into_rpc();
    let server = Server { name, state_dir, module, outbox, current: current.clone() };
    // A task as reader and writer are: what is none is woken by way of the system.
    let mut answering = tokio::spawn(async move { server.answer_all(inbox).await });
    let ended_by_signal = tokio::select! {
        ended = &mut answering => {
            ended.map_err(std::io::Error::other)?;
            None
        }
        terminated = terminated => Some(terminated.end(&current, &mut answering).await),
    };
    if let Some(exit) = ended_by_signal {
        // Nothing more can come then, and the writer ends.
        answering.abort();
        let _ = tokio::time::timeout(LAST_WORDS, writer).await;
        return Ok(exit);
    }
    // The writer ends when all has been written and nothing more can come.
    match writer.await {
        Ok(written) => written.map(|()| ExitCode::SUCCESS),
        Err(panicked) => Err(std::io::Error::other(panicked)),
    }
}

struct Server<D: DriverServer> {
    name: &'static str,
    state_dir: PathBuf,
    module: RpcModule<D>,
    outbox: mpsc::Sender<String>,
    current: CurrentRequest,
}

impl<D: DriverServer> Server<D> {
    async fn answer_all(&self, mut inbox: mpsc::Receiver<Line>) {
        while let Some(line) = inbox.recv().await {
            let reply = match line {
                Line::Request(asked) => self.answer(asked).await,
                Line::Refused(refusal) => refusal,
                // `cancel` was seen by the reader, unknown ones are ignored.
                Line::Notification(_) => continue,
            };
            // Closed: the host is gone, and the inbox ends as well.
            let _ = self.outbox.send(reply).await;
            if self.current.is_over() {
                break;
            }
        }
    }

    async fn answer(&self, asked: Asked) -> String {
        let request = Request::new(self.outbox.clone(), self.current.begin(), asked.timeout);
        let reply = match self.lock(&request, &asked).await {
            Ok(_lock) => self.call(&asked, request).await,
            Err(error) => asked.reply_error(error),
        };
        self.current.end();
        if reply.len() <= MAX_LINE {
            return reply;
        }
        asked.refuse(-32603, &format!("the answer is longer than {MAX_LINE} bytes"))
    }

    /// Checks the name, which drivers make file names and host names of, and takes the
    /// lock for a request that may change the cluster.
    async fn lock(&self, request: &Request, asked: &Asked) -> Result<Option<Lock>, Error> {
        // Without a profile where one belongs, the contract's types say what is missing.
        let Some(profile) = &asked.profile else { return Ok(None) };
        check_profile(profile)?;
        if !CHANGES.contains(&asked.method.as_str()) {
            return Ok(None);
        }
        let (folder, method) = (&self.state_dir, &asked.method);
        Lock::acquire(request, folder, self.name, profile, method).await.map(Some)
    }

    async fn call(&self, asked: &Asked, request: Request) -> String {
        // All methods of the contract are asynchronous.
        let Some(MethodCallback::Async(method)) = self.module.method(&asked.method) else {
            return asked.refuse(-32601, &format!("no method `{}`", asked.method.escape_debug()));
        };
        let mut extensions = Extensions::new();
        extensions.insert(request);
        let params = Params::new(Some(&asked.params)).into_owned();
        // Asked so and not by a line of JSON, which would be written and read once more.
        let call = method(line::ANSWERED_ID, params, ConnectionId(0), usize::MAX, extensions);
        // A task of its own, so that a panic ends the request and not the driver.
        match tokio::spawn(call).await {
            Ok(answer) => asked.reply(answer.as_json().get()),
            Err(panicked) => {
                let message = format!("driver `{}` panicked: {}", self.name, panic_text(panicked));
                asked.refuse(-32603, &message)
            }
        }
    }
}

async fn write_lines(
    mut output: impl AsyncWrite + Unpin,
    mut lines: mpsc::Receiver<String>,
) -> std::io::Result<()> {
    while let Some(mut line) = lines.recv().await {
        line.push('\n');
        output.write_all(line.as_bytes()).await?;
        output.flush().await?;
    }
    Ok(())
}

fn panic_text(panicked: tokio::task::JoinError) -> String {
    let Ok(payload) = panicked.try_into_panic() else { return "it was aborted".into() };
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a word".into())
}

fn answer_a_person(name: &str, version: &str) -> Option<ExitCode> {
    let asked = std::env::args().nth(1);
    let about = format!(
        "caproni-driver-{name} {version}: a driver for caproni, which speaks JSON-RPC on stdin and \
         stdout; run `caproni --driver {name} start`"
    );
    match asked.as_deref() {
        Some("--version" | "-V" | "--help" | "-h") => {
            #[expect(clippy::print_stdout, reason = "a person asked; the wire is not in use")]
            {
                println!("{about}");
            }
            Some(ExitCode::SUCCESS)
        }
        _ if std::io::IsTerminal::is_terminal(&std::io::stdin()) => {
            log(&about);
            Some(ExitCode::from(2))
        }
        _ => None,
    }
}

fn log(line: &str) {
    // Not `eprintln!`, which panics where nobody reads any more: the host may be gone.
    let _ = writeln!(std::io::stderr(), "{line}");
}
