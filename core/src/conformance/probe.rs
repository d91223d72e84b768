//! One talk with a driver, line by line, in which every line is judged as it comes.

use std::time::{Duration, Instant};

use caproni_driver::{MAX_LINE, Progress};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::mpsc;

use super::hear::{Expected, Heard, Line, hear};
use super::judge::{Finding, Judge, Verdict};
use super::transcript::Transcript;
use super::{inherited, spy};
use crate::discovery::Driver;
use crate::error::Error;
use crate::process::{Process, Surroundings};

/// How long a write may take: the driver must read what it is sent.
const WRITE: Duration = Duration::from_secs(30);

/// How long an idle driver may take to end after its stdin was closed ([LIFE-5]).
pub(super) const TO_END: Duration = Duration::from_secs(5);

/// How long more is read after the driver is gone.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How long the reply is awaited after a line came that should have been it.
const AFTER_SPOILT: Duration = Duration::from_secs(1);

/// How many reports of progress a second are too many ([PROG-2]), with some room.
const FLOOD: usize = 200;

/// How often it is looked whether a child of the driver has the driver's pipes.
const LOOK: Duration = Duration::from_millis(10);

/// A driver that runs, and what was said.
pub(super) struct Probe {
    process: Process,
    wire: inherited::Wire,
    stdin: Option<ChildStdin>,
    lines: mpsc::Receiver<Line>,
    judge: Judge,
    transcript: Transcript,
    expected: Expected,
    next_id: u64,
    secrets: Vec<String>,
    /// A reply that came before anybody waited for it.
    early: Option<Map<String, Value>>,
    /// Whether something went so wrong that nothing more can be learned here.
    pub(super) broken: bool,
}

/// What came back to one request.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// The reports that came before the reply.
    pub(super) progress: Vec<Progress>,
    /// The reply; `None` when none came.
    pub(super) reply: Option<Map<String, Value>>,
    /// How long it took.
    pub(super) took: Duration,
}

impl Answer {
    /// The result, if it is one.
    pub(super) fn result(&self) -> Option<&Value> {
        self.reply.as_ref()?.get("result")
    }

    /// The error, if it is one.
    pub(super) fn error(&self) -> Option<&Value> {
        self.reply.as_ref()?.get("error")
    }

    /// The kind of the error, if it is one with a kind.
    pub(super) fn kind(&self) -> Option<&str> {
        self.error()?.get("data")?.get("kind")?.as_str()
    }

    /// The code of the error, if it is one.
    pub(super) fn code(&self) -> Option<i64> {
        self.error()?.get("code")?.as_i64()
    }

    /// What a change changed.
    pub(super) fn change(&self) -> Option<&str> {
        self.result()?.get("change")?.as_str()
    }
}

/// How a driver ended.
pub(super) struct Ending {
    /// The exit status; `None` when it had to be killed.
    pub(super) code: Option<i32>,
    /// Whether it ended by itself, in time.
    pub(super) by_itself: bool,
    /// The programs of its session that still ran.
    pub(super) left: Vec<String>,
    /// All that it wrote to stderr, as much of it as is kept.
    pub(super) stderr: String,
}

impl Probe {
    /// Starts the driver.
    ///
    /// # Errors
    /// `DriverNotExecutable`.
    pub(super) async fn open(
        driver: &Driver,
        surroundings: &Surroundings,
        judge: &Judge,
        secrets: &[String],
    ) -> Result<Self, Error> {
        let (process, pipes) = Process::spawn_in(&driver.path, surroundings, |_| ()).await?;
        let wire = inherited::wire(&pipes.stdin, &pipes.stdout);
        let (sender, lines) = mpsc::channel(64);
        tokio::spawn(read_lines(BufReader::new(pipes.stdout), sender));
        Ok(Self {
            process,
            wire,
            stdin: Some(pipes.stdin),
            lines,
            judge: judge.clone(),
            transcript: Transcript::default(),
            expected: Expected::default(),
            next_id: 0,
            secrets: secrets.to_vec(),
            early: None,
            broken: false,
        })
    }

    /// Asks, and waits for the reply. Without one the probe is broken, and the driver has
    /// broken `rule`, unless what it did says which other one.
    pub(super) async fn ask(
        &mut self,
        rule: &'static str,
        method: &str,
        params: &Value,
        limit: Duration,
    ) -> Answer {
        let id = json!(self.next_id);
        self.ask_with_id(rule, id, method, params, limit).await
    }

    /// As [`Probe::ask`], with this id.
    pub(super) async fn ask_with_id(
        &mut self,
        rule: &'static str,
        id: Value,
        method: &str,
        params: &Value,
        limit: Duration,
    ) -> Answer {
        // The order of the members is a promise to drivers that take messages apart by hand.
        let line = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.send_request(id, line.to_string().as_bytes()).await;
        self.answer(rule, method, limit).await
    }

    /// Sends a line that is a request with this id.
    pub(super) async fn send_request(&mut self, id: Value, line: &[u8]) {
        self.next_id += 1;
        self.expect(id);
        self.send(line).await;
    }

    /// Sends a line, whatever it is.
    pub(super) async fn send(&mut self, line: &[u8]) {
        self.transcript.sent(line);
        let Some(stdin) = self.stdin.as_mut().filter(|_| !self.broken) else { return };
        let written = async {
            stdin.write_all(line).await?;
            stdin.write_all(b"\n").await?;
            stdin.flush().await
        };
        match tokio::time::timeout(WRITE, written).await {
            Ok(Ok(())) => {}
            // Of one that has ended whoever waits for its answer tells: whether that was before this
            // line or after it is chance.
            Ok(Err(_)) if self.has_ended().await => {}
            Ok(Err(error)) => self.fail("LIFE-9", format!("its stdin cannot be written: {error}")),
            Err(_) => self.fail("FRAME-2", "it does not read a line to its end"),
        }
    }

    /// Sends a line that should not be sent, to which this id may be given in the reply.
    pub(super) async fn send_quietly(&mut self, id: Value, line: &[u8]) {
        self.expect(id);
        self.send(line).await;
    }

    /// From now on this is the reply that is waited for; the one before may still come.
    fn expect(&mut self, id: Value) {
        self.expected.owed.extend(self.expected.pending.replace(id));
    }

    /// Waits a little for a reply that need not come.
    pub(super) async fn short_answer(&mut self, limit: Duration) -> Option<Answer> {
        let until = Instant::now() + limit;
        let mut reply = None;
        while reply.is_none() {
            let left = until.saturating_duration_since(Instant::now());
            let line = tokio::time::timeout(left, self.lines.recv()).await.ok().flatten()?;
            match self.hear(&line) {
                Heard::Reply(heard) => reply = Some(heard),
                Heard::Spoilt => {
                    self.broken = true;
                    break;
                }
                Heard::Progress(_) | Heard::Other => {}
            }
        }
        Some(Answer { reply, ..Answer::default() })
    }

    /// Waits for the reply to the pending request.
    pub(super) async fn answer(
        &mut self,
        rule: &'static str,
        method: &str,
        limit: Duration,
    ) -> Answer {
        let begun = Instant::now();
        let mut limit = limit;
        let mut spoilt = false;
        let mut answer = Answer::default();
        let mut watch = inherited::Watch::new(self.process.id(), self.wire.clone());
        if let Some(reply) = self.early.take() {
            answer.reply = Some(reply);
            self.settle(&answer, begun.elapsed());
            return answer;
        }
        while !self.broken {
            let left = limit.saturating_sub(begun.elapsed());
            let heard = tokio::select! {
                line = self.lines.recv() => line.map(|line| self.hear(&line)),
                () = tokio::time::sleep(left.min(LOOK)) => {
                    if let Some(child) = watch.look() {
                        self.fail("LIFE-10", child);
                    } else if left.is_zero() && spoilt {
                        // What is wrong with it was told when it came.
                        self.broken = true;
                    } else if left.is_zero() {
                        self.no_answer(rule, method, limit, &answer).await;
                    }
                    continue;
                }
            };
            match heard {
                Some(Heard::Reply(reply)) => {
                    answer.reply = Some(reply);
                    self.settle(&answer, begun.elapsed());
                    break;
                }
                Some(Heard::Progress(progress)) => answer.progress.push(progress),
                Some(Heard::Other) => {}
                Some(Heard::Spoilt) if spoilt => {}
                Some(Heard::Spoilt) => {
                    spoilt = true;
                    limit = limit.min(begun.elapsed() + AFTER_SPOILT);
                }
                // Nothing is read after a line that is too long.
                None if spoilt => self.broken = true,
                None => self.ended_too_soon(method).await,
            }
        }
        answer.took = begun.elapsed();
        answer
    }

    /// A request was answered as it should be, as far as lines and messages go.
    fn settle(&self, answer: &Answer, took: Duration) {
        for rule in ["FRAME-1", "FRAME-2", "FRAME-3", "FRAME-4", "FRAME-6", "FRAME-8", "FRAME-9"] {
            self.judge.held(rule);
        }
        if let Some(error) = answer.error() {
            self.judge.held("ERR-6");
            if answer.kind().is_some() {
                ["ERR-1", "ERR-2", "ERR-4", "ERR-5"]
                    .into_iter()
                    .for_each(|rule| self.judge.held(rule));
            }
            if error.get("data").and_then(|data| data.get("actions")).is_some() {
                self.judge.held("ACT-1");
            }
        }
        if !answer.progress.is_empty() {
            ["PROG-1", "PROG-2", "PROG-3"].into_iter().for_each(|rule| self.judge.held(rule));
        }
        self.judge_rate(answer, took);
    }

    fn judge_rate(&self, answer: &Answer, took: Duration) {
        let count = answer.progress.len();
        if count > FLOOD && count as f64 > FLOOD as f64 * took.as_secs_f64() {
            let what = format!("{count} reports of progress in {:.1} s", took.as_secs_f64());
            self.judge.warned("PROG-2", self.transcript.finding(what));
        }
    }

    /// Waits until the pending request reports progress, or at most this long.
    pub(super) async fn under_way(&mut self, moment: Duration) {
        let until = Instant::now() + moment;
        while let Ok(Some(line)) =
            tokio::time::timeout(until.saturating_duration_since(Instant::now()), self.lines.recv())
                .await
        {
            match self.hear(&line) {
                Heard::Progress(_) => break,
                Heard::Reply(reply) => {
                    self.early = Some(reply);
                    break;
                }
                Heard::Spoilt => break,
                Heard::Other => {}
            }
        }
    }

    /// Reads what comes without having been asked for, for a while.
    pub(super) async fn listen(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while let Ok(Some(line)) =
            tokio::time::timeout(until.saturating_duration_since(Instant::now()), self.lines.recv())
                .await
        {
            self.hear(&line);
        }
    }

    /// Lets the driver be idle for a while, and looks whether its children have its pipes.
    pub(super) async fn stand_by(&mut self, time: Duration) {
        let until = Instant::now() + time;
        let mut watch = inherited::Watch::new(self.process.id(), self.wire.clone());
        while !self.broken && Instant::now() < until {
            self.listen(LOOK).await;
            if let Some(child) = watch.look() {
                self.fail("LIFE-10", child);
            }
        }
    }

    /// Whether anything came yet, waiting for it for a while.
    pub(super) async fn hears_anything(&mut self, time: Duration) -> Option<Line> {
        let line = tokio::time::timeout(time, self.lines.recv()).await.ok().flatten();
        if let Some(line) = &line {
            self.transcript.received(&line.bytes);
        }
        line
    }

    fn hear(&mut self, line: &Line) -> Heard {
        self.transcript.received(&line.bytes);
        let (heard, faults) = hear(line, &self.expected);
        if matches!(heard, Heard::Reply(_)) {
            self.expected.answered.extend(self.expected.pending.take());
        }
        for (rule, verdict, what) in faults {
            match verdict {
                Verdict::Warning => self.judge.warned(rule, self.transcript.finding(what)),
                _ => self.judge.failed(rule, self.transcript.finding(what)),
            }
        }
        if !self.secrets.is_empty() {
            self.look_for_secrets(&String::from_utf8_lossy(&line.bytes), "stdout");
        }
        heard
    }

    fn look_for_secrets(&self, text: &str, place: &str) {
        if self.secrets.iter().any(|secret| text.contains(secret)) {
            let what = format!("the value of a sensitive field is on {place}");
            self.judge.failed("SEC-2", self.transcript.finding(what));
        }
    }

    /// No reply in time: perhaps it only was not flushed, which the end of input brings out.
    async fn no_answer(
        &mut self,
        rule: &'static str,
        method: &str,
        limit: Duration,
        answer: &Answer,
    ) {
        self.judge_rate(answer, limit);
        // One that is cancelled or reports progress is at work: its end of input ends the work.
        let idle = answer.progress.is_empty() && rule != "CANCEL-2";
        self.stdin = None;
        let until = Instant::now() + Duration::from_secs(2);
        while let Ok(Some(line)) =
            tokio::time::timeout(until.saturating_duration_since(Instant::now()), self.lines.recv())
                .await
        {
            if matches!(self.hear(&line), Heard::Reply(_)) && idle {
                let what = format!(
                    "the reply to `{method}` came with the end of stdin only: it is not flushed"
                );
                return self.fail("FRAME-4", what);
            }
        }
        self.fail(rule, format!("no reply to `{method}` within {:.0} s", limit.as_secs_f64()));
    }

    async fn has_ended(&self) -> bool {
        tokio::time::timeout(LAST_WORDS, self.process.ended()).await.is_ok()
    }

    async fn ended_too_soon(&mut self, method: &str) {
        let how = match self.has_ended().await {
            true => self.process.how_it_ended(),
            false => "closed its stdout, and ran on".into(),
        };
        self.fail("LIFE-9", format!("it {how} instead of answering `{method}`"));
    }

    /// Closes stdin, and waits for the driver's end.
    pub(super) async fn end(mut self, limit: Duration) -> Ending {
        self.stdin = None;
        self.await_end(limit).await
    }

    /// Sends SIGTERM to the driver, and waits for its end.
    pub(super) async fn terminate(mut self, limit: Duration) -> Ending {
        self.process.ask_to_end();
        self.await_end(limit).await
    }

    async fn await_end(&mut self, limit: Duration) -> Ending {
        let until = Instant::now() + limit;
        let remaining = || until.saturating_duration_since(Instant::now());
        // Its stdout is read on, or a driver that still writes would never end.
        let by_itself = loop {
            tokio::select! {
                line = self.lines.recv() => match line {
                    Some(line) => { self.hear(&line); }
                    None => break tokio::time::timeout(remaining(), self.process.ended()).await.is_ok(),
                },
                _ = self.process.ended() => break true,
                () = tokio::time::sleep(remaining()) => break false,
            }
        };
        let code = match by_itself {
            true => self.process.ended().await.and_then(|status| status.code()),
            false => None,
        };
        let left = spy::commands_of(&self.process.others());
        self.listen(if by_itself { LAST_WORDS.min(remaining()) } else { Duration::ZERO }).await;
        self.process.kill();
        self.process.terminate(Duration::ZERO).await;
        let stderr = self.process.stderr_tail();
        self.look_for_secrets(&stderr, "stderr");
        Ending { code, by_itself, left, stderr }
    }

    /// Kills the driver and everything in its session.
    pub(super) async fn kill(self) {
        self.process.kill();
        self.process.terminate(Duration::ZERO).await;
    }

    /// The driver has broken a rule, and nothing more can be learned from this talk.
    pub(super) fn fail(&mut self, rule: &'static str, what: impl Into<String>) {
        self.judge.failed(rule, self.finding(what));
        self.broken = true;
    }

    /// A finding that this talk shows.
    pub(super) fn finding(&self, what: impl Into<String>) -> Finding {
        self.transcript.finding(what)
    }
}

/// Reads to the end of the driver's stdout. A line that is too long is cut, and ends it.
async fn read_lines(mut stdout: BufReader<ChildStdout>, lines: mpsc::Sender<Line>) {
    while let Ok(Some(line)) = next_line(&mut stdout).await {
        let too_long = line.bytes.len() > MAX_LINE;
        if lines.send(line).await.is_err() || too_long {
            break;
        }
    }
}

async fn next_line(input: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Option<Line>> {
    let mut bytes = Vec::new();
    loop {
        let chunk = input.fill_buf().await?;
        if chunk.is_empty() {
            return Ok((!bytes.is_empty()).then_some(Line { bytes, complete: false }));
        }
        let end = chunk.iter().position(|&byte| byte == b'\n');
        bytes.extend_from_slice(&chunk[..end.unwrap_or(chunk.len())]);
        let used = end.map_or(chunk.len(), |end| end + 1);
        input.consume(used);
        if end.is_some() || bytes.len() > MAX_LINE {
            return Ok(Some(Line { bytes, complete: end.is_some() }));
        }
    }
}
