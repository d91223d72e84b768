//! The host's end of the contract: calls by their names and types.

use std::fmt::{self, Debug, Formatter};
use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use jsonrpsee::core::client::{BatchResponse, ClientT, Error as ClientError};
use jsonrpsee::core::params::BatchRequestBuilder;
use jsonrpsee::core::traits::ToRpcParams;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::io::{AsyncRead, AsyncWrite};

use super::exchange::{Exchange, InFlight};
use super::outbox::Outgoing;
use super::{Answer, Ended, Listener};

/// A connection to a driver. Dropped, it closes both of the driver's pipes.
///
/// One request at a time, as the protocol has it. A request whose future is dropped stays
/// sent, and its reply is ignored if it comes after the next request.
pub struct Client<W, R>(Mutex<Exchange<W, R>>);

impl<W: AsyncWrite + Unpin, R: AsyncRead + Unpin> Client<W, R> {
    /// Connects to a driver by its two pipes. `output` must keep nothing back that it was given.
    pub fn new(output: W, input: R, listener: Listener) -> Self {
        Self(Mutex::new(Exchange::new(output, input, listener)))
    }

    /// Sends a request, and waits for its answer.
    async fn ask(
        &self,
        method: &str,
        params: Option<Box<RawValue>>,
    ) -> Result<Answer, ClientError> {
        let mut params = Some(params);
        poll_fn(|cx| Poll::Ready(self.exchange().begin(method, params.take().flatten(), cx)))
            .await?;
        let answer = poll_fn(|cx| self.exchange().poll_answer(cx)).await;
        answer.map_err(|Ended| ClientError::Transport(Ended.into()))
    }

    /// What the driver did that the protocol does not allow, if that ended the connection.
    pub fn fault(&self) -> Option<String> {
        self.exchange().fault.clone()
    }

    /// How far the last line to the driver has come.
    pub fn outgoing(&self) -> Outgoing {
        self.exchange().outgoing()
    }

    /// The last request that was sent.
    pub fn in_flight(&self) -> Option<InFlight> {
        self.exchange().in_flight()
    }

    pub(super) fn exchange(&self) -> MutexGuard<'_, Exchange<W, R>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: AsyncWrite + Unpin + Send, R: AsyncRead + Unpin + Send> ClientT for Client<W, R> {
    /// Does not wait until it is written: what is left of it goes out while an answer is awaited.
    async fn notification<P>(&self, method: &str, params: P) -> Result<(), ClientError>
    where
        P: ToRpcParams + Send,
    {
        let params = params.to_rpc_params()?;
        let params = params.as_deref();
        poll_fn(|cx| Poll::Ready(self.exchange().notify(method, params, cx))).await?;
        Ok(())
    }

    async fn request<T, P>(&self, method: &str, params: P) -> Result<T, ClientError>
    where
        T: DeserializeOwned,
        P: ToRpcParams + Send,
    {
        Ok(serde_json::from_str(&self.ask(method, params.to_rpc_params()?).await??)?)
    }

    async fn batch_request<'a, T>(
        &self,
        _batch: BatchRequestBuilder<'a>,
    ) -> Result<BatchResponse<'a, T>, ClientError>
    where
        T: DeserializeOwned + Debug + 'a,
    {
        Err(ClientError::Custom("the protocol has no batches".into()))
    }
}

impl<W, R> Debug for Client<W, R> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::time::Duration;

    use caproni_driver::{Outcome, Progress};
    use jsonrpsee::core::client::Error::{Call, ParseError, Transport};
    use serde_json::{Value, json};
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, split};
    use tokio::time::timeout;

    use crate::transport::Event;

    type Events = Arc<Mutex<Vec<Event>>>;
    type Ends = Client<WriteHalf<DuplexStream>, ReadHalf<DuplexStream>>;

    /// A client, the driver's end with pipes of that many bytes, and what is told.
    fn connect(size: usize) -> (Ends, DuplexStream, Events) {
        let (host, driver) = tokio::io::duplex(size);
        let (input, output) = split(host);
        let events = Events::default();
        let noted = events.clone();
        let listener: Listener = Arc::new(move |event| noted.lock().unwrap().push(event));
        (Client::new(output, input, listener), driver, events)
    }

    async fn says(driver: &mut DuplexStream, lines: &str) {
        driver.write_all(lines.as_bytes()).await.unwrap();
    }

    async fn reads(driver: &mut DuplexStream) -> String {
        let mut buffer = [0; 1024];
        let count = driver.read(&mut buffer).await.unwrap();
        String::from_utf8(buffer[..count].to_vec()).unwrap()
    }

    fn raw(json: &str) -> Option<Box<RawValue>> {
        Some(RawValue::from_string(json.into()).unwrap())
    }

    fn reply(id: u64) -> String {
        format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{id}}}\n")
    }

    fn progress(step: &str) -> String {
        let params = json!({"step": step, "message": "m"});
        format!("{}\n", json!({"jsonrpc": "2.0", "method": "progress", "params": params}))
    }

    /// Polls it once.
    async fn is_waiting<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> bool {
        timeout(Duration::ZERO, future).await.is_err()
    }

    #[tokio::test]
    async fn requests_are_numbered_from_0_and_written_as_the_protocol_says() {
        let (client, mut driver, _) = connect(1024);
        says(&mut driver, &(reply(0) + &reply(1))).await;
        // What came before the first request is no answer to it.
        let _ = timeout(Duration::ZERO, client.ask("first", raw(r#"{"a":1.0}"#))).await;
        let _ = timeout(Duration::ZERO, client.ask("second", None)).await;
        let sent = "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"first\",\"params\":{\"a\":1.0}}\n\
                    {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"second\"}\n";
        assert_eq!(reads(&mut driver).await, sent);
    }

    #[tokio::test]
    async fn progress_is_told_in_its_order_and_before_the_reply() {
        let (client, mut driver, events) = connect(1024);
        let mut call = Box::pin(client.ask("start", None));
        assert!(is_waiting(call.as_mut()).await);
        let said = progress("a") + "noise\n" + &progress("b") + &reply(0) + &progress("late");
        says(&mut driver, &said).await;
        assert_eq!(call.await.unwrap(), Ok("0".into()));
        let mut told = std::mem::take(&mut *events.lock().unwrap());
        told.retain(|event| !matches!(event, Event::Sent(_) | Event::Received(_)));
        let step = |step| Event::Progress(Progress::new(step, "m"));
        assert_eq!(told, [step("a"), Event::Noise("noise".into()), step("b")]);
    }

    #[tokio::test]
    async fn what_comes_between_two_requests_is_told_and_answers_neither() {
        let (client, mut driver, events) = connect(1024);
        let mut first = Box::pin(client.ask("first", None));
        assert!(is_waiting(first.as_mut()).await);
        says(&mut driver, &(reply(0) + &reply(0) + &reply(7) + &progress("late"))).await;
        first.await.unwrap().unwrap();
        let mut second = Box::pin(client.ask("second", None));
        assert!(is_waiting(second.as_mut()).await);
        assert!(events.lock().unwrap().contains(&Event::Progress(Progress::new("late", "m"))));
        says(&mut driver, &reply(1)).await;
        assert_eq!(second.await.unwrap(), Ok("1".into()));
    }

    #[tokio::test]
    async fn answers_have_their_types_and_errors_are_told_apart() {
        let (client, mut driver, _) = connect(1024);
        let stop = async |client: &Ends| client.request::<Outcome, _>("stop", Raw).await;
        for (said, expected) in [
            (r#""id":0,"result":{"change":"none"}"#, "Ok"),
            (r#""id":1,"result":3"#, "ParseError"),
            (r#""id":2,"error":{"code":1001,"message":"m"}"#, "Call"),
            (r#""id":"3","result":{}"#, "Transport"),
        ] {
            let mut call = Box::pin(stop(&client));
            assert!(is_waiting(call.as_mut()).await);
            says(&mut driver, &format!("{{\"jsonrpc\":\"2.0\",{said}}}\n")).await;
            let kind = match call.await {
                Ok(_) => "Ok",
                Err(ParseError(_)) => "ParseError",
                Err(Call(_)) => "Call",
                Err(Transport(_)) => "Transport",
                Err(other) => panic!("{other}"),
            };
            assert_eq!(kind, expected, "{said}");
        }
        assert!(client.fault().is_some_and(|fault| fault.contains("answered with id")));
    }

    #[tokio::test]
    async fn after_a_fault_no_reply_is_believed() {
        let (client, mut driver, _) = connect(1024);
        let mut call = Box::pin(client.ask("first", None));
        assert!(is_waiting(call.as_mut()).await);
        says(&mut driver, &format!("[{}]\n{}", reply(0).trim(), reply(0))).await;
        assert!(matches!(call.await, Err(Transport(_))));
        assert!(matches!(client.ask("second", None).await, Err(Transport(_))));
    }

    #[tokio::test]
    async fn a_driver_that_reads_no_further_is_told_from_one_that_closed_its_stdin() {
        let (client, driver, _) = connect(16);
        let mut call = Box::pin(client.ask("status", None));
        assert!(is_waiting(call.as_mut()).await);
        assert_eq!(client.outgoing(), Outgoing::Underway);
        drop(driver);
        assert!(matches!(call.await, Err(Transport(_))));
        assert_eq!(client.outgoing(), Outgoing::Refused);
    }

    #[tokio::test]
    async fn a_driver_that_writes_before_it_reads_is_read_from_while_it_is_written_to() {
        let (client, mut driver, events) = connect(64);
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(1000));
        let call = client.ask("start", raw(&long));
        let (answer, got) = tokio::join!(call, async {
            for _ in 0..100 {
                says(&mut driver, &progress("early")).await;
            }
            let mut got = String::new();
            while !got.ends_with('\n') {
                got += &reads(&mut driver).await;
            }
            says(&mut driver, &reply(0)).await;
            got
        });
        assert_eq!(answer.unwrap(), Ok("0".into()));
        let sent: Value = serde_json::from_str(&got).unwrap();
        assert_eq!(sent["params"]["a"].as_str().map(str::len), Some(1000));
        let events = events.lock().unwrap();
        let progress = events.iter().filter(|event| matches!(event, Event::Progress(_)));
        assert_eq!(progress.count(), 100);
    }

    #[tokio::test]
    async fn a_cancel_goes_out_whole_behind_the_rest_of_the_request() {
        let (client, mut driver, _) = connect(16);
        let mut call = Box::pin(client.ask("start", None));
        assert!(is_waiting(call.as_mut()).await);
        client.notification("cancel", Raw).await.unwrap();
        let read = async {
            let mut got = String::new();
            while got.matches('\n').count() < 2 {
                got += &reads(&mut driver).await;
            }
            got
        };
        let got = tokio::select! { got = read => got, _ = call => panic!("nobody answered") };
        let lines = "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"start\"}\n\
                     {\"jsonrpc\":\"2.0\",\"method\":\"cancel\",\"params\":{}}\n";
        assert_eq!(got, lines);
    }

    #[tokio::test]
    async fn a_driver_that_never_stops_talking_keeps_no_deadline_waiting() {
        let flood = tokio::io::repeat(b'\n');
        let client = Client::new(tokio::io::sink(), flood, Arc::new(|_| ()));
        assert!(timeout(Duration::from_millis(1), client.ask("start", None)).await.is_err());
    }

    struct Raw;

    impl ToRpcParams for Raw {
        fn to_rpc_params(self) -> Result<Option<Box<RawValue>>, serde_json::Error> {
            Ok(raw("{}"))
        }
    }
}
