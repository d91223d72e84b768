//! What goes to and fro on one connection: one request at a time, and all that comes before its
//! reply.

use std::task::{Context, Poll};
use std::time::Instant;

use jsonrpsee::types::{Id, Notification, Request};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::io::{AsyncRead, AsyncWrite};

use super::line::{Read, classify, excerpt};
use super::lines::Lines;
use super::outbox::{Outbox, Outgoing};
use super::{Answer, Ended, Event, Listener};

/// How often is read at most before others have their turn: deadlines, Ctrl-C. A driver that
/// floods could keep them waiting otherwise. tokio allows a task 128 such steps in one turn.
const READS_PER_TURN: usize = 16;

/// A request on its way: which it is, and since when. Its config is nobody else's business.
#[derive(Debug, Clone)]
pub struct InFlight {
    /// Its method.
    pub method: String,
    /// The cluster that it is about, if it is about one.
    pub profile: Option<String>,
    /// When it was sent.
    pub since: Instant,
}

/// A request as it was sent.
struct Sent {
    method: String,
    params: Option<Box<RawValue>>,
    since: Instant,
}

impl Sent {
    fn in_flight(&self) -> InFlight {
        #[derive(Deserialize)]
        struct Params {
            profile: String,
        }
        let params = self.params.as_deref().map(RawValue::get);
        let params = params.and_then(|params| serde_json::from_str::<Params>(params).ok());
        let profile = params.map(|params| params.profile);
        InFlight { method: self.method.clone(), profile, since: self.since }
    }
}

/// The state of a connection, which only moves when somebody polls it.
pub(super) struct Exchange<W, R> {
    outbox: Outbox<W>,
    lines: Lines<R>,
    listener: Listener,
    /// The id of the next request.
    pub(super) next_id: u64,
    /// The id of the request that waits for its reply.
    pub(super) pending: Option<u64>,
    /// The first thing that the protocol does not allow and that ends the connection.
    pub(super) fault: Option<String>,
    /// The last request.
    request: Option<Sent>,
}

impl<W: AsyncWrite + Unpin, R: AsyncRead + Unpin> Exchange<W, R> {
    pub(super) fn new(output: W, input: R, listener: Listener) -> Self {
        let (outbox, lines) = (Outbox::new(output), Lines::new(input));
        Self { outbox, lines, listener, next_id: 0, pending: None, fault: None, request: None }
    }

    /// The last request that was sent.
    pub(super) fn in_flight(&self) -> Option<InFlight> {
        self.request.as_ref().map(Sent::in_flight)
    }

    /// How far the last line to the driver has come.
    pub(super) fn outgoing(&self) -> Outgoing {
        self.outbox.outgoing()
    }

    /// Begins a request, after what came since the last reply is read: it is no answer to this one.
    pub(super) fn begin(
        &mut self,
        method: &str,
        params: Option<Box<RawValue>>,
        cx: &mut Context<'_>,
    ) -> Result<(), serde_json::Error> {
        self.pending = None;
        // Whatever there is to say of it, a fault or an end, the wait for the reply says.
        let _ = self.poll_answer(cx);
        let id = self.next_id;
        self.next_id += 1;
        self.pending = Some(id);
        let sent = self.send(&Request::borrowed(method, params.as_deref(), Id::Number(id)));
        self.request = Some(Sent { method: method.to_owned(), params, since: Instant::now() });
        sent
    }

    /// Sends a message that has no reply.
    pub(super) fn notify(
        &mut self,
        method: &str,
        params: Option<&RawValue>,
        cx: &mut Context<'_>,
    ) -> Result<(), serde_json::Error> {
        self.send(&Notification::new(method.into(), params))?;
        self.outbox.write(cx);
        Ok(())
    }

    fn send(&mut self, message: &impl Serialize) -> Result<(), serde_json::Error> {
        let line = serde_json::to_vec(message)?;
        self.outbox.push(&line);
        (self.listener)(Event::Sent(line));
        Ok(())
    }

    /// Writes what is left of the request and reads up to the answer, telling of what comes
    /// before it.
    pub(super) fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Result<Answer, Ended>> {
        self.outbox.write(cx);
        for _ in 0..READS_PER_TURN {
            while let Some(line) = self.next_line() {
                if let Some(answer) = self.hear(line) {
                    return Poll::Ready(Ok(answer));
                }
            }
            if self.fault.is_some() || self.lines.has_ended() {
                return Poll::Ready(Err(Ended));
            }
            match self.lines.poll_read(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return Poll::Ready(Err(Ended)),
                // A driver that does not read can give no answer.
                Poll::Pending if self.outgoing() == Outgoing::Refused => {
                    return Poll::Ready(Err(Ended));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn next_line(&mut self) -> Option<Vec<u8>> {
        // After a fault nothing can be understood any more.
        if self.fault.is_some() { None } else { self.lines.take() }
    }

    /// Tells of a line. The line is given away and not copied: it may be as long as a line can be.
    fn hear(&mut self, line: Vec<u8>) -> Option<Answer> {
        let (answer, told) = match classify(&line, self.pending) {
            Read::Reply(answer) => (Some(answer), None),
            Read::Progress(progress) => (None, Some(Event::Progress(progress))),
            Read::Noise => (None, Some(Event::Noise(excerpt(&line)))),
            Read::Nothing => (None, None),
            Read::Fault(what) => {
                self.fault = Some(what);
                (None, None)
            }
        };
        if answer.is_some() {
            self.pending = None;
        }
        (self.listener)(Event::Received(line));
        told.into_iter().for_each(|event| (self.listener)(event));
        answer
    }
}
