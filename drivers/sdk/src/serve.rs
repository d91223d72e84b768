//! The driver's side of the wire: one request at a time, from the first line to the end of input.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use jsonrpsee::RpcModule;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::contract::DriverServer;
use crate::error::{Error, ErrorKind};
use crate::lock::Lock;
use crate::messages::{Capabilities, Description, MAX_LINE, PROTOCOL_VERSION};
use crate::request::Request;
use crate::wire::Wire;

/// How many lines may wait for a host that reads slowly; progress beyond it is dropped.
const OUTBOX: usize = 1024;

/// How many lines of the host may wait while a request is answered.
const INBOX: usize = 16;

/// The methods that change a cluster, of which one at a time runs for each.
const CHANGES: [&str; 5] = ["start", "stop", "destroy", "restart", "loadImage"];

/// Answers the host's requests until it closes stdin: the whole `main` of a driver.
///
/// `name` is the `<name>` of `caproni-driver-<name>`. From here on stdin is empty
/// and `println!` goes to stderr. Changes to one cluster wait for each other,
/// across processes. A method that panics answers with an error, and the driver
/// lives on. When input ends the running request is cancelled, and given the time
/// its rollback takes. Started by a person at a terminal it says what it is.
pub fn serve(name: &'static str, version: &str, driver: impl DriverServer) -> ExitCode {
    if let Some(exit) = answer_a_person(name, version) {
        return exit;
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let served = runtime.and_then(|runtime| {
        let wire = Wire::take()?;
        let input = BufReader::new(tokio::fs::File::from_std(wire.input));
        let output = tokio::fs::File::from_std(wire.output);
        let state_dir = crate::lock::state_dir();
        let served = runtime.block_on(serve_on(name, state_dir, driver, input, output));
        // The thread that reads stdin may still be in its read: it must not keep us.
        runtime.shutdown_background();
        served
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log(&format!("{name}: {error}"));
            ExitCode::FAILURE
        }
    }
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
    let (outbox, lines) = mpsc::channel(OUTBOX);
    let writer = tokio::spawn(write_lines(output, lines));
    let (inbox_sender, inbox) = mpsc::channel(INBOX);
    let cancel = CurrentRequest::default();
    tokio::spawn(read_lines(input, inbox_sender, cancel.clone()));

    let server = Server { name, state_dir, module: driver.into_rpc(), outbox, current: cancel };
    server.answer_all(inbox).await;
    drop(server);
    match writer.await {
        Ok(written) => written,
        Err(panicked) => Err(std::io::Error::other(panicked)),
    }
}

/// Writes the answer to `initialize` for a driver and its config type.
///
/// `methods` are the optional methods it answers. Every driver that uses
/// [`serve`] has the feature `cancel`.
///
/// # Errors
/// `UnsupportedProtocolVersion` when the host offers no version this crate speaks.
pub fn describe<Config: schemars::JsonSchema>(
    name: &str,
    version: &str,
    methods: &[&str],
    offered: &[u32],
) -> Result<Description, Error> {
    if !offered.contains(&PROTOCOL_VERSION) {
        let message = format!("driver `{name}` speaks protocol version {PROTOCOL_VERSION} only");
        let mut error = Error::new(ErrorKind::UnsupportedProtocolVersion, message);
        error.data.more.insert("supported".into(), json!([PROTOCOL_VERSION]));
        return Err(error);
    }
    Ok(Description {
        protocol_version: PROTOCOL_VERSION,
        name: name.into(),
        version: version.into(),
        capabilities: Capabilities {
            methods: methods.iter().map(|&method| method.into()).collect(),
            features: vec!["cancel".into()],
        },
        config_schema: crate::config::schema::<Config>(),
    })
}

/// The cancel token of the request that is being answered; none between requests.
#[derive(Clone, Default)]
struct CurrentRequest(std::sync::Arc<std::sync::Mutex<State>>);

#[derive(Default)]
struct State {
    running: Option<CancellationToken>,
    input_ended: bool,
}

impl CurrentRequest {
    fn begin(&self) -> CancellationToken {
        let mut state = self.state();
        let token = CancellationToken::new();
        if state.input_ended {
            token.cancel();
        }
        state.running = Some(token.clone());
        token
    }

    fn end(&self) {
        self.state().running = None;
    }

    fn cancel(&self) {
        if let Some(token) = &self.state().running {
            token.cancel();
        }
    }

    fn end_of_input(&self) {
        self.state().input_ended = true;
        self.cancel();
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A line of the host, as far as the loop itself must understand it.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    method: Option<String>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
}

/// What the loop itself needs of the params. What has the wrong type is left to the contract's
/// types, which say so in the reply to this very request.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Params {
    profile: Value,
    timeout_ms: Value,
}

struct Server<D: DriverServer> {
    name: &'static str,
    state_dir: PathBuf,
    module: RpcModule<D>,
    outbox: mpsc::Sender<String>,
    current: CurrentRequest,
}

impl<D: DriverServer> Server<D> {
    async fn answer_all(&self, mut inbox: mpsc::Receiver<String>) {
        while let Some(line) = inbox.recv().await {
            if let Some(reply) = self.answer(&line).await {
                // Closed: the host is gone, and the inbox ends as well.
                let _ = self.outbox.send(reply).await;
            }
        }
    }

    async fn answer(&self, line: &str) -> Option<String> {
        let message: Message<'_> = match serde_json::from_str(line) {
            Ok(message) => message,
            Err(error) => return Some(malformed(line, &error)),
        };
        let Some(method) = message.method else {
            return Some(failure(message.id, -32600, "not a request: it has no `method`"));
        };
        // A notification: `cancel` was seen by the reader, unknown ones are ignored.
        let id = message.id?;
        let params = message.params.map(|params| serde_json::from_str(params.get()));
        let params: Params = params.and_then(Result::ok).unwrap_or_default();
        let request = Request::new(
            self.outbox.clone(),
            self.current.begin(),
            params.timeout_ms.as_u64().map(Duration::from_millis),
        );
        let reply = match self.lock(&request, &method, params.profile.as_str()).await {
            Ok(_lock) => self.call(line, id, request).await,
            Err(error) => error_reply(id, error),
        };
        self.current.end();
        Some(reply)
    }

    /// Checks the name, which drivers make file names and host names of, and takes the
    /// lock for a request that may change the cluster.
    async fn lock(
        &self,
        request: &Request,
        method: &str,
        profile: Option<&str>,
    ) -> Result<Option<Lock>, Error> {
        // Without a profile where one belongs, the contract's types say what is missing.
        let Some(profile) = profile else { return Ok(None) };
        check_profile(profile)?;
        if !CHANGES.contains(&method) {
            return Ok(None);
        }
        Lock::acquire(request, &self.state_dir, self.name, profile, method).await.map(Some)
    }

    async fn call(&self, line: &str, id: &RawValue, request: Request) -> String {
        let mut module = self.module.clone();
        module.extensions_mut().insert(request);
        let line = line.to_owned();
        // A task of its own, so that a panic ends the request and not the driver.
        let call = tokio::spawn(async move { module.raw_json_request(&line, 1).await });
        match call.await {
            Ok(Ok((reply, _))) => reply.get().to_owned(),
            Ok(Err(error)) => failure(Some(id), -32600, &format!("not a request: {error}")),
            Err(panicked) => {
                let message = format!("driver `{}` panicked: {}", self.name, panic_text(panicked));
                failure(Some(id), -32603, &message)
            }
        }
    }
}

/// A cluster's name: a DNS label (RFC 1123), since backends make host names of it.
///
/// # Errors
/// `InvalidDriverConfig` that says what is wrong with it.
pub fn check_profile(profile: &str) -> Result<(), Error> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let valid = (1..=63).contains(&profile.len())
        && profile.chars().all(allowed)
        && !profile.starts_with('-')
        && !profile.ends_with('-');
    if valid {
        return Ok(());
    }
    let message = format!("profile `{}` is not a valid name", profile.escape_debug());
    Err(Error::new(ErrorKind::InvalidDriverConfig, message)
        .with_hint("use 1 to 63 lowercase letters, digits and `-`, and no `-` at either end"))
}

async fn read_lines(
    mut input: impl AsyncBufRead + Unpin,
    inbox: mpsc::Sender<String>,
    current: CurrentRequest,
) {
    while let Ok(Some(line)) = next_line(&mut input).await {
        if is_cancel(&line) {
            current.cancel();
        } else if !line.trim().is_empty() && inbox.send(line).await.is_err() {
            break;
        }
    }
    current.end_of_input();
}

/// Reads to the next LF. A line that is too long comes out cut, so that it is
/// answered as malformed, and memory stays bounded.
async fn next_line(input: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Option<String>> {
    let mut line = Vec::new();
    loop {
        let chunk = input.fill_buf().await?;
        if chunk.is_empty() {
            return Ok((!line.is_empty()).then(|| text(line)));
        }
        let end = chunk.iter().position(|&byte| byte == b'\n');
        let part = &chunk[..end.unwrap_or(chunk.len())];
        let room = (MAX_LINE + 1).saturating_sub(line.len());
        line.extend_from_slice(&part[..part.len().min(room)]);
        let used = end.map_or(chunk.len(), |end| end + 1);
        input.consume(used);
        if end.is_some() {
            return Ok(Some(text(line)));
        }
    }
}

fn text(line: Vec<u8>) -> String {
    String::from_utf8(line)
        .unwrap_or_else(|bad| String::from_utf8_lossy(bad.as_bytes()).into_owned())
}

fn is_cancel(line: &str) -> bool {
    let message: Result<Message<'_>, _> = serde_json::from_str(line);
    message.is_ok_and(|m| m.id.is_none() && m.method.as_deref() == Some("cancel"))
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

fn malformed(line: &str, error: &serde_json::Error) -> String {
    if line.len() > MAX_LINE {
        return failure(None, -32600, &format!("a line is longer than {MAX_LINE} bytes"));
    }
    let is_json = serde_json::from_str::<Value>(line).is_ok();
    let (code, what) = if is_json { (-32600, "not a request") } else { (-32700, "not JSON") };
    failure(None, code, &format!("{what}: {error}"))
}

fn failure(id: Option<&RawValue>, code: i32, message: &str) -> String {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}}).to_string()
}

fn error_reply(id: &RawValue, error: Error) -> String {
    let error = jsonrpsee::types::ErrorObjectOwned::from(error);
    json!({"jsonrpc": "2.0", "id": id, "error": error}).to_string()
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

#[expect(clippy::print_stderr, reason = "stderr is a driver's log")]
fn log(line: &str) {
    eprintln!("{line}");
}
