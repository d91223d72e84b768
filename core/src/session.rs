//! One driver process and the talk with it: handshake, calls with deadlines, cancel, close.

mod leaving;
mod optional;
mod stdin;

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};

use caproni_driver::{
    Cluster, Clusters, Description, DriverClient, ErrorData, ErrorKind, Kubeconfig, Outcome,
    PROTOCOL_VERSION, Peer, Status, Versions,
};
use jsonrpsee::core::client::{ClientT, Error as ClientError};
use jsonrpsee::core::traits::ToRpcParams;
use jsonrpsee::types::ErrorObjectOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::process::ChildStdout;

use crate::discovery::Driver;
use crate::error::{Error, HOST_ONLY, Kind};
use crate::interrupt::Interrupt;
use crate::process::Process;
use crate::transport::{Client, Event, InFlight, Listener, Outgoing};

pub use leaving::Leaving;
pub use optional::{OfLog, OnNode};
use stdin::Stdin;

/// How long a driver may take from its start to the answer to `initialize`.
const HANDSHAKE: Duration = Duration::from_secs(20);

/// How much longer than the driver the host waits: the driver's own word on a
/// time-out, with the cluster's state, is worth more than ours.
const MARGIN: Duration = Duration::from_secs(5);

/// How long a driver may take to answer a request that was cancelled: its rollback.
const CANCEL_GRACE: Duration = Duration::from_secs(60);

/// How long a driver that cannot cancel may take to end after SIGTERM.
const TERM_GRACE: Duration = Duration::from_secs(5);

/// How long the exit of a driver is awaited whose stdout ended, and the end of stdout of
/// one that exited.
const EXIT_GRACE: Duration = Duration::from_secs(2);

/// A driver that runs and has said who it is.
#[derive(Debug)]
pub struct Session {
    /// Which driver it is.
    pub driver: Driver,
    /// What it says of itself.
    pub description: Description,
    link: Link,
}

/// The process and the connection to it, before and after the handshake.
#[derive(Debug)]
struct Link {
    driver: Driver,
    client: Client<Stdin, ChildStdout>,
    process: Process,
    listener: Told,
    can_cancel: bool,
    /// The driver's version, once it has told it.
    version: Option<String>,
}

/// Who is told of what happens.
struct Told(Listener);

impl std::fmt::Debug for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Told")
    }
}

/// What a driver answered, as it came.
#[derive(Debug)]
pub enum Answer {
    /// A result.
    Result(Value),
    /// An error of whatever kind.
    Error(ErrorObjectOwned),
}

impl Session {
    /// Starts the driver and agrees on a protocol version, within 20 s or `limit`,
    /// whichever is less.
    ///
    /// # Errors
    /// `DriverNotExecutable`, `DriverCrashed`, `DriverUnresponsive`,
    /// `DriverProtocolError`, `UnsupportedProtocolVersion`, `Cancelled`.
    pub async fn open(
        driver: &Driver,
        limit: Option<Duration>,
        interrupt: &Interrupt,
        listener: Listener,
    ) -> Result<Self, Error> {
        let log = Arc::clone(&listener);
        let on_stderr = move |line: &str| log(Event::Log(line.to_owned()));
        let (process, pipes) = Process::spawn(&driver.path, on_stderr).await?;
        let told = Told(Arc::clone(&listener));
        listener(Event::Started(driver.path.clone()));
        let client = Client::new(Stdin::from(pipes.stdin), pipes.stdout, listener);
        let driver = driver.clone();
        let mut link =
            Link { driver, client, process, listener: told, can_cancel: false, version: None };
        let description = match link.shake_hands(limit, interrupt).await {
            Ok(description) => description,
            Err(error) => {
                link.tell_end();
                return Err(error);
            }
        };
        link.can_cancel = description.capabilities.has_feature("cancel");
        link.version = Some(description.version.clone());
        Ok(Self { driver: link.driver.clone(), description, link })
    }

    /// Creates or starts the cluster.
    ///
    /// # Errors
    /// What the driver answers, `Cancelled`, or a fault of the driver; so for all calls.
    pub async fn start(&self, call: Call<'_>, config: Value) -> Result<Outcome, Error> {
        let reply = self.link.client.start(call.profile(), config, call.timeout_ms());
        match self.link.call("start", call.patience(), call.interrupt, reply).await {
            Err(error) if error.is(&ErrorKind::ClusterAlreadyRunning) => {
                Ok(Outcome::new(caproni_driver::Change::None))
            }
            answered => answered,
        }
    }

    /// Stops the cluster.
    ///
    /// # Errors
    /// As [`Session::start`].
    pub async fn stop(&self, call: Call<'_>, config: Option<Value>) -> Result<Outcome, Error> {
        let reply = self.link.client.stop(call.profile(), config, call.timeout_ms());
        self.link.call("stop", call.patience(), call.interrupt, reply).await
    }

    /// Removes the cluster.
    ///
    /// # Errors
    /// As [`Session::start`].
    pub async fn destroy(&self, call: Call<'_>, config: Option<Value>) -> Result<Outcome, Error> {
        let reply = self.link.client.destroy(call.profile(), config, call.timeout_ms());
        self.link.call("destroy", call.patience(), call.interrupt, reply).await
    }

    /// Asks for the cluster's state.
    ///
    /// # Errors
    /// As [`Session::start`].
    pub async fn status(&self, call: Call<'_>, config: Option<Value>) -> Result<Status, Error> {
        let reply = self.link.client.status(call.profile(), config, call.timeout_ms());
        self.link.call("status", call.patience(), call.interrupt, reply).await
    }

    /// Stops and starts the cluster; only for drivers that have the method.
    ///
    /// # Errors
    /// As [`Session::start`].
    pub async fn restart(&self, call: Call<'_>, config: Value) -> Result<Outcome, Error> {
        let reply = self.link.client.restart(call.profile(), config, call.timeout_ms());
        self.link.call("restart", call.patience(), call.interrupt, reply).await
    }

    /// Asks for a kubeconfig; `None` when the driver has no such method.
    ///
    /// # Errors
    /// As [`Session::start`].
    pub async fn kubeconfig(
        &self,
        call: Call<'_>,
        config: Option<Value>,
    ) -> Result<Option<Kubeconfig>, Error> {
        if !self.has_method("kubeconfig") {
            return Ok(None);
        }
        let reply = self.link.client.kubeconfig(call.profile(), config, call.timeout_ms());
        self.link.call("kubeconfig", call.patience(), call.interrupt, reply).await.map(Some)
    }

    /// Asks for all clusters; only for drivers that have the method.
    ///
    /// # Errors
    /// As [`Session::start`].
    pub async fn list(&self, call: Call<'_>) -> Result<Vec<Cluster>, Error> {
        let reply = self.link.client.list(call.timeout_ms());
        let listed: Clusters =
            self.link.call("list", call.patience(), call.interrupt, reply).await?;
        Ok(listed.clusters)
    }

    /// Asks for the backend's versions; none when the driver has no such method.
    ///
    /// # Errors
    /// As [`Session::start`].
    pub async fn versions(&self, call: Call<'_>) -> Result<Versions, Error> {
        if !self.has_method("version") {
            return Ok(Versions::default());
        }
        let reply = self.link.client.version(call.timeout_ms());
        self.link.call("version", call.patience(), call.interrupt, reply).await
    }

    /// Sends any request as it is, and gives what comes back as it is.
    ///
    /// # Errors
    /// `Cancelled`, or a fault of the driver.
    pub async fn request(
        &self,
        method: &str,
        params: Option<Box<RawValue>>,
        limit: Duration,
        interrupt: &Interrupt,
    ) -> Result<Answer, Error> {
        let reply = async {
            match self.link.client.request(method, Raw(params)).await {
                Ok(result) => Ok(Answer::Result(result)),
                Err(ClientError::Call(error)) => Ok(Answer::Error(error)),
                Err(other) => Err(other),
            }
        };
        self.link.call(method, Some(limit), interrupt, reply).await
    }

    /// What an error that the driver answered is to the host.
    pub fn error(&self, method: &str, error: &ErrorObjectOwned) -> Error {
        self.link.driver_error(method, error)
    }

    /// Tells whether the driver has an optional method.
    pub fn has_method(&self, name: &str) -> bool {
        self.description.capabilities.has_method(name)
    }

    /// Closes the driver's stdin, and sees to it that it ends.
    pub async fn close(self) {
        self.leave().ended().await;
    }
}

impl Link {
    async fn shake_hands(
        &self,
        limit: Option<Duration>,
        interrupt: &Interrupt,
    ) -> Result<Description, Error> {
        let host = Peer::new("caproni", env!("CARGO_PKG_VERSION"));
        let offered = vec![PROTOCOL_VERSION];
        let patience = HANDSHAKE.min(limit.unwrap_or(HANDSHAKE));
        let reply = self.client.initialize(offered.clone(), host);
        let description = self.call("initialize", Some(patience), interrupt, reply).await?;
        if !offered.contains(&description.protocol_version) {
            self.process.catch_up().await;
            let message = format!(
                "driver `{}` chose protocol version {}, which was not offered",
                self.driver.path.display(),
                description.protocol_version
            );
            return Err(self.fault(Kind::DriverProtocolError, message));
        }
        Ok(description)
    }

    async fn call<T>(
        &self,
        method: &str,
        patience: Option<Duration>,
        interrupt: &Interrupt,
        reply: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, Error> {
        let begun = Instant::now();
        let mut reply = pin!(self.answered_or_ended(reply));
        let early = tokio::select! {
            biased;
            answered = &mut reply => return self.read(method, answered).await,
            () = interrupt.first() => Early::Cancelled,
            () = after(patience) => Early::TimedOut(self.client.outgoing()),
        };
        let waited = begun.elapsed();
        match (self.end_request(method, interrupt, reply).await, early) {
            (Some(Err(error)), Early::TimedOut(_)) if error.is(&ErrorKind::Cancelled) => {
                Err(self.out_of_time(method, error, waited))
            }
            (Some(answered), _) => answered,
            (None, _) => Err(self.forced(method, early, waited)),
        }
    }

    /// Waits for the answer as long as there is someone to give it: when a driver is
    /// killed, what it ran may still hold its stdout, which then has no end.
    async fn answered_or_ended<T>(
        &self,
        reply: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, ClientError> {
        let ended = async {
            self.process.ended().await;
            // Its last words may still be on the way.
            tokio::time::sleep(EXIT_GRACE).await;
        };
        tokio::select! {
            biased;
            answered = reply => answered,
            () = ended => Err(ClientError::Custom("the driver's process ended".into())),
        }
    }

    /// Asks the driver to end the request. `None` when it had to be ended itself.
    async fn end_request<T>(
        &self,
        method: &str,
        interrupt: &Interrupt,
        reply: Pin<&mut impl Future<Output = Result<T, ClientError>>>,
    ) -> Option<Result<T, Error>> {
        let orderly = async {
            // Behind a line that the driver does not read it would not be read either.
            if !self.can_cancel || self.client.outgoing() != Outgoing::Written {
                return None;
            }
            // `{}`: of its own empty parameters jsonrpsee makes `null`.
            let nothing = RawValue::from_string("{}".into()).ok();
            self.client.notification("cancel", Raw(nothing)).await.ok()?;
            let answered = tokio::time::timeout(CANCEL_GRACE, reply).await.ok()?;
            Some(self.read(method, answered).await)
        };
        tokio::select! {
            biased;
            () = interrupt.second() => {
                self.process.kill();
                self.process.terminate(Duration::ZERO).await;
                None
            }
            answered = orderly => {
                if answered.is_none() {
                    self.process.terminate(TERM_GRACE).await;
                }
                answered
            }
        }
    }

    /// The error for a request that was cancelled by nobody but us, when its time was over.
    fn out_of_time(&self, method: &str, cancelled: Error, waited: Duration) -> Error {
        let (name, seconds) = (&self.driver.name, waited.as_secs_f64());
        let message = format!("driver `{name}` did not end `{method}` within {seconds:.0} s");
        let mut error = Error::driver(ErrorKind::TimedOut, message);
        error.data.state = cancelled.data.state;
        error.data.causes = cancelled.data.causes;
        error.data.waited_ms = Some(milliseconds(waited));
        error
    }

    fn forced(&self, method: &str, early: Early, waited: Duration) -> Error {
        let name = &self.driver.name;
        let mut error = match early {
            Early::Cancelled => {
                let message =
                    format!("cancelled; driver `{name}` was ended in the middle of `{method}`");
                Error::driver(ErrorKind::Cancelled, message)
            }
            Early::TimedOut(outgoing) => {
                let waited = waited.as_secs_f64();
                let verb = match outgoing {
                    Outgoing::Underway => "read",
                    Outgoing::Written | Outgoing::Refused => "answer",
                };
                let message =
                    format!("driver `{name}` did not {verb} `{method}` within {waited:.0} s");
                self.fault(Kind::DriverUnresponsive, message)
            }
        };
        error.data.waited_ms = Some(milliseconds(waited));
        error.forced()
    }

    async fn read<T>(&self, method: &str, answered: Result<T, ClientError>) -> Result<T, Error> {
        if answered.is_err() {
            self.process.catch_up().await;
        }
        match answered {
            Ok(answer) => Ok(answer),
            Err(ClientError::Call(error)) => Err(self.driver_error(method, &error)),
            Err(ClientError::ParseError(error)) => Err(self.broken(method, &error.to_string())),
            Err(_) => match self.client.fault() {
                Some(what) => {
                    self.process.terminate(TERM_GRACE).await;
                    Err(self.broken(method, &what).forced())
                }
                None => Err(self.connection_lost(method).await),
            },
        }
    }

    /// The error for an answer that the protocol does not allow.
    fn broken(&self, method: &str, what: &str) -> Error {
        let name = self.driver.path.display();
        let message =
            format!("driver `{name}` broke the protocol in its answer to `{method}`: {what}");
        self.fault(Kind::DriverProtocolError, message)
    }

    /// An error of this driver, with all that is known of the moment.
    fn fault(&self, kind: Kind, message: String) -> Error {
        self.report(self.process.fault(kind, message))
    }

    /// Adds to a fault of the driver's what whoever mends it will ask for.
    fn report(&self, mut error: Error) -> Error {
        if let Some(version) = &self.version {
            error = error.with("driverVersion", version.clone());
        }
        if error.kind == Kind::DriverCrashed {
            error = error.with("ended", self.process.how_it_ended());
        }
        if let Some(InFlight { method, profile, since }) = self.client.in_flight() {
            let ran = milliseconds(since.elapsed());
            let request = json!({"method": method, "profile": profile, "ranMs": ran});
            error = error.with("request", request);
        }
        error
    }

    fn tell_end(&self) {
        (self.listener.0)(Event::Ended(self.process.how_it_ended()));
    }

    fn driver_error(&self, method: &str, error: &ErrorObjectOwned) -> Error {
        let data = error.data().and_then(|data| serde_json::from_str::<ErrorData>(data.get()).ok());
        let Some(data) = data else {
            // An error without a kind: JSON-RPC's own, or a driver's slip.
            return match error.code() {
                -32700..=-32600 | -32099..=-32000 => {
                    self.broken(method, &format!("{} ({})", error.message(), error.code()))
                }
                code => {
                    let unknown = ErrorKind::Other("Unknown".into());
                    Error::driver(unknown, error.message().to_owned())
                        .with_cause(format!("the driver named no kind, only the code {code}"))
                        .with("code", code)
                        .with("driver", self.driver.name.clone())
                        .with("method", method)
                }
            };
        };
        if HOST_ONLY.iter().any(|kind| kind.to_string() == data.kind.to_string()) {
            let what = format!("it sent the kind {}, which only the host may use", data.kind);
            return self.broken(method, &what);
        }
        if data.kind == ErrorKind::UnsupportedProtocolVersion {
            return self.no_common_version(error.message(), data);
        }
        Error {
            forced: false,
            kind: Kind::Driver(data.kind.clone()),
            message: error.message().to_owned(),
            data: Box::new(data),
        }
        .with("driver", self.driver.name.clone())
        .with("method", method)
    }

    fn no_common_version(&self, message: &str, data: ErrorData) -> Error {
        let path = self.driver.path.display();
        let hint =
            format!("update `{path}` or caproni, which speaks protocol version {PROTOCOL_VERSION}");
        let kind = Kind::Driver(data.kind.clone());
        Error { kind, message: message.to_owned(), data: Box::new(data), forced: false }
            .with_hint(hint)
            .with("path", path.to_string())
    }

    async fn connection_lost(&self, method: &str) -> Error {
        if tokio::time::timeout(EXIT_GRACE, self.process.ended()).await.is_err() {
            self.process.terminate(TERM_GRACE).await;
            let path = self.driver.path.display();
            let end = match self.client.outgoing() {
                Outgoing::Refused => "stdin",
                Outgoing::Written | Outgoing::Underway => "stdout",
            };
            let message = format!("driver `{path}` closed its {end} during `{method}`, and ran on");
            return self.fault(Kind::DriverProtocolError, message).forced();
        }
        // A driver that was killed leaves what it ran; nothing of it may outlive this.
        self.process.terminate(Duration::ZERO).await;
        self.report(self.process.crashed(method)).forced()
    }
}

/// Params as they are.
struct Raw(Option<Box<RawValue>>);

impl ToRpcParams for Raw {
    fn to_rpc_params(self) -> Result<Option<Box<RawValue>>, serde_json::Error> {
        Ok(self.0)
    }
}

/// Why a request is ended before its answer.
#[derive(Clone, Copy)]
enum Early {
    Cancelled,
    /// With how far the request had come by then.
    TimedOut(Outgoing),
}

/// What every call needs: for which cluster, how long, and who may end it.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// The cluster's name.
    pub profile: &'a str,
    /// How long the driver may take; `None` is without limit.
    pub timeout: Option<Duration>,
    /// Who may end it before.
    pub interrupt: &'a Interrupt,
}

impl Call<'_> {
    fn profile(&self) -> String {
        self.profile.to_owned()
    }

    /// How long the host waits for the answer.
    fn patience(&self) -> Option<Duration> {
        self.timeout.map(|timeout| timeout + MARGIN)
    }

    fn timeout_ms(&self) -> Option<u64> {
        self.timeout.map(milliseconds)
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

async fn after(limit: Option<Duration>) {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    }
}
