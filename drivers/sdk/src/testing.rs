//! A host for the tests of a driver: in memory, with a deadline on every wait.
//!
//! [`Host::serve`] starts it on a driver written with this crate, [`Host::over`] on any
//! other one by its pipes. [`DriverClient`](crate::DriverClient) makes typed calls:
//!
//! ```
//! use caproni_driver::testing::{Host, failure};
//! use caproni_driver::{Change, DriverClient, ErrorKind, State};
//! use serde_json::json;
//! # use caproni_driver::*;
//! # use serde_json::Value;
//! # #[derive(schemars::JsonSchema)]
//! # struct Config {}
//! # struct Mine;
//! # #[async_trait]
//! # impl DriverServer for Mine {
//! #     async fn initialize(&self, offered: Vec<u32>, _: Peer) -> Result<Description, Error> {
//! #         describe::<Config>("mine", "1.0", &[], &offered)
//! #     }
//! #     async fn start(
//! #         &self, ext: &Extensions, profile: String, config: Value, _: Option<u64>,
//! #     ) -> Result<Outcome, Error> {
//! #         let request = Request::of(ext);
//! #         request.progress("create", format!("creating `{profile}`"));
//! #         if config["slow"] == true {
//! #             return Err(request.ended().await.with_state(State::Stopped));
//! #         }
//! #         Ok(Outcome::new(Change::Created))
//! #     }
//! #     async fn stop(
//! #         &self, _: &Extensions, _: String, _: Option<Value>, _: Option<u64>,
//! #     ) -> Result<Outcome, Error> {
//! #         Ok(Outcome::new(Change::None))
//! #     }
//! #     async fn destroy(
//! #         &self, _: &Extensions, _: String, _: Option<Value>, _: Option<u64>,
//! #     ) -> Result<Outcome, Error> {
//! #         Ok(Outcome::new(Change::None))
//! #     }
//! #     async fn status(
//! #         &self, _: &Extensions, _: String, _: Option<Value>, _: Option<u64>,
//! #     ) -> Result<Status, Error> {
//! #         Ok(Status::new(State::Ready))
//! #     }
//! # }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let host = Host::serve("mine", Mine);
//! let outcome = host.start("demo".into(), json!({}), None).await.expect("it starts");
//! assert_eq!(outcome.change, Change::Created);
//! assert_eq!(host.progress()[0].step, "create");
//!
//! // A request that is cancelled while it runs.
//! let slow = host.start("demo".into(), json!({"slow": true}), None);
//! let (answered, ()) = tokio::join!(slow, async {
//!     host.until_step("create").await;
//!     host.cancel().await;
//! });
//! let error = failure(answered);
//! assert_eq!(error.kind(), &ErrorKind::Cancelled);
//! assert_eq!(error.data.state, Some(State::Stopped));
//!
//! // What no host of good will would send.
//! host.send_line("not JSON").await;
//! assert_eq!(host.receive().await["error"]["code"], -32700);
//! host.end().await;
//! # }
//! ```
//!
//! A wait that takes longer than 30 s (see [`Host::with_patience`]), and a message that is none, end the test with a
//! panic that says what was awaited.

mod client;
mod folder;
mod inbox;
mod schema;

use std::fmt::Debug;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jsonrpsee::core::client::Error as ClientError;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::task::JoinHandle;

use crate::contract::DriverServer;
use crate::error::{Error, ErrorData};
use crate::messages::Progress;
use crate::serve::serve_on;

use folder::Folder;
use inbox::Inbox;
pub use schema::check_schema;

/// How long anything is awaited, unless a test says otherwise: only one that fails waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many bytes one end may be ahead of the other.
const PIPE: usize = 1 << 16;

/// The host's end of the wire to a driver.
///
/// Dropped, it closes the driver's input, as a host that was killed does.
pub struct Host {
    input: tokio::sync::Mutex<Option<Box<dyn AsyncWrite + Send + Unpin>>>,
    inbox: Inbox,
    patience: Duration,
    next_id: AtomicU64,
    driver: Option<JoinHandle<std::io::Result<()>>>,
    _locks: Option<Folder>,
}

impl Host {
    /// Serves a driver in this process, with a temporary folder for its locks.
    ///
    /// # Panics
    /// Outside a Tokio runtime, and when there is no temporary folder.
    pub fn serve(name: &'static str, driver: impl DriverServer) -> Self {
        let folder = Folder::create();
        let host = Self::serve_in(folder.path(), name, driver);
        Self { _locks: Some(folder), ..host }
    }

    /// Serves a driver in this process, with its locks in `state_dir`: two hosts on one
    /// folder are two hosts on one machine.
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    pub fn serve_in(state_dir: &Path, name: &'static str, driver: impl DriverServer) -> Self {
        // Two pipes and not one for both ways, so that each can be closed by itself.
        let (input, their_input) = tokio::io::duplex(PIPE);
        let (their_output, output) = tokio::io::duplex(PIPE);
        let their_input = BufReader::new(their_input);
        let served = serve_on(name, state_dir.into(), driver, their_input, their_output);
        Self { driver: Some(tokio::spawn(served)), ..Self::over(output, input) }
    }

    /// Talks to a driver by its pipes, such as those of a program that was started.
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    pub fn over(
        output: impl AsyncRead + Send + Unpin + 'static,
        input: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Self {
        Self {
            input: tokio::sync::Mutex::new(Some(Box::new(input))),
            inbox: Inbox::read(output),
            patience: PATIENCE,
            next_id: AtomicU64::new(0),
            driver: None,
            _locks: None,
        }
    }

    /// Waits longer, for a backend that takes its time, or shorter.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Sends a message.
    ///
    /// # Panics
    /// When the driver does not read it in time.
    pub async fn send(&self, message: &Value) {
        self.send_line(&message.to_string()).await;
    }

    /// Sends a line as it stands, whatever it holds, and ends it with LF.
    ///
    /// # Panics
    /// When the driver does not read it in time, or its input was closed before.
    pub async fn send_line(&self, line: &str) {
        let mut input = self.input.lock().await;
        let input = input.as_mut().expect("the driver's input is open");
        let written = async {
            input.write_all(line.as_bytes()).await?;
            input.write_all(b"\n").await?;
            input.flush().await
        };
        let written = self.in_time("the driver to read a line", written).await;
        written.expect("the driver reads its input");
    }

    /// The next message that the driver has sent and nobody has taken yet, of any sort.
    ///
    /// # Panics
    /// When there is none in time, when the driver's output ended, and on a line that is
    /// no JSON.
    pub async fn receive(&self) -> Value {
        self.in_time("a message", self.inbox.next()).await
    }

    /// Sends a request, and gives the whole reply to it, result or error.
    ///
    /// Messages that came before the reply are taken as well, see [`Host::progress`].
    ///
    /// # Panics
    /// As [`Host::receive`].
    pub async fn ask(&self, method: &str, params: Value) -> Value {
        let id = self.begin(method, params).await;
        self.reply(id).await
    }

    /// Sends a request, and gives its `id` without waiting for the reply.
    ///
    /// # Panics
    /// As [`Host::send`].
    pub async fn begin(&self, method: &str, params: Value) -> u64 {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        // In the order that the protocol promises to drivers that have no JSON parser.
        let message = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.send(&message).await;
        id
    }

    /// The reply to a request that was sent by [`Host::begin`].
    ///
    /// # Panics
    /// As [`Host::receive`].
    pub async fn reply(&self, id: u64) -> Value {
        self.in_time(&format!("the reply to request {id}"), self.inbox.reply(id)).await
    }

    /// Asks the driver to end the request that it is answering.
    ///
    /// # Panics
    /// As [`Host::send`].
    pub async fn cancel(&self) {
        self.send(&json!({"jsonrpc": "2.0", "method": "cancel", "params": {}})).await;
    }

    /// All progress that the driver has sent so far, in its order.
    pub fn progress(&self) -> Vec<Progress> {
        self.inbox.progress()
    }

    /// Waits for progress of a step of a request whose reply was not taken yet.
    ///
    /// # Panics
    /// As [`Host::receive`].
    pub async fn until_step(&self, step: &str) -> Progress {
        self.in_time(&format!("progress of the step `{step}`"), self.inbox.step(step)).await
    }

    /// Closes the driver's input: the end of the session.
    pub async fn close_input(&self) {
        if let Some(mut input) = self.input.lock().await.take() {
            // Gone already is closed as well.
            let _ = input.shutdown().await;
        }
    }

    /// Closes the driver's input, and waits until the driver has ended. Gives the messages
    /// that nobody has taken.
    ///
    /// # Panics
    /// When it does not end in time, or not well; a driver that was given by its pipes
    /// has ended when its output has.
    pub async fn end(mut self) -> Vec<Value> {
        self.close_input().await;
        let rest = self.in_time("the driver's end", self.inbox.rest()).await;
        if let Some(driver) = self.driver.take() {
            let served = self.in_time("the driver's end", driver).await;
            served.expect("`serve` does not panic").expect("the driver ends well");
        }
        rest
    }

    async fn in_time<T>(&self, what: &str, wait: impl Future<Output = T>) -> T {
        match tokio::time::timeout(self.patience, wait).await {
            Ok(done) => done,
            Err(_) => panic!("waited {:?} for {what}", self.patience),
        }
    }
}

impl Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("inbox", &self.inbox).finish_non_exhaustive()
    }
}

/// The failure that a driver answered a typed call with.
///
/// # Panics
/// When the call succeeded, and when it failed otherwise: JSON-RPC's own errors have no kind.
pub fn failure<T: Debug>(answered: Result<T, ClientError>) -> Error {
    let error = match answered {
        Err(ClientError::Call(error)) => error,
        other => panic!("a failure was expected: {other:?}"),
    };
    let data = error.data().map(|data| serde_json::from_str::<ErrorData>(data.get()));
    match data {
        Some(Ok(data)) => Error::of_data(error.message(), data),
        _ => panic!("a failure with a kind was expected: {error:?}"),
    }
}
