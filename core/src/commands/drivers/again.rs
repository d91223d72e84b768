//! Going through a recorded session again with a driver, and comparing what comes of it.

use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::{ChildStdin, ChildStdout};

use super::compare::compare;
use crate::commands::App;
use crate::discovery::Driver;
use crate::error::Error;
use crate::output::{AnswerDifference as Difference, ReplayedAnswer};
use crate::process::Process;
use crate::recording::{Exchange, Session, Side, reply};
use crate::transport::Lines;

/// How long a driver may take to end after SIGTERM.
const TERM_GRACE: Duration = Duration::from_secs(5);

/// What became of one request, or of the end of the driver.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) session: u64,
    pub(super) what: String,
    pub(super) id: Value,
    pub(super) differences: Vec<Difference>,
}

impl Verdict {
    pub(super) fn is_same(&self) -> bool {
        self.differences.iter().all(|difference| difference.volatile)
    }

    pub(super) fn output(&self) -> ReplayedAnswer {
        ReplayedAnswer {
            session: self.session,
            what: self.what.clone(),
            id: self.id.clone(),
            same: self.is_same(),
            differences: self.differences.clone(),
        }
    }
}

/// A driver that is told once more what another one was told.
pub(super) struct Again<'a> {
    app: &'a App,
    session: &'a Session,
    limit: Duration,
    process: Process,
    stdin: ChildStdin,
    stdout: Lines<ChildStdout>,
}

/// What came in the place of an answer.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Silence {
    /// The driver closed its stdout.
    Ended,
    /// Its time ran out.
    Late,
}

impl<'a> Again<'a> {
    /// Goes through one session.
    ///
    /// # Errors
    /// The driver cannot be run, or the user wants no more of it.
    pub(super) async fn of(
        app: &'a App,
        driver: &Driver,
        session: &'a Session,
        limit: Duration,
    ) -> Result<Vec<Verdict>, Error> {
        let (ui, verbose) = (app.ui.clone(), app.global.verbose());
        let on_stderr = move |line: &str| {
            if verbose {
                ui.note(&format!("driver: {line}"));
            }
        };
        let (process, pipes) = Process::spawn(&driver.path, on_stderr).await?;
        let (stdin, stdout) = (pipes.stdin, Lines::new(pipes.stdout));
        Self { app, session, limit, process, stdin, stdout }.run().await
    }

    async fn run(mut self) -> Result<Vec<Verdict>, Error> {
        let mut verdicts = Vec::new();
        let mut silence = None;
        for exchange in &self.session.exchanges {
            let differences = match silence {
                None => {
                    let came = self.ask(exchange).await?;
                    silence = came.as_ref().err().copied();
                    self.judge(exchange, came)
                }
                Some(_) => vec![Difference::new("answer", "something", "it was not sent any more")],
            };
            verdicts.push(self.verdict(
                exchange.method(),
                exchange.message["id"].clone(),
                differences,
            ));
        }
        verdicts.extend(self.end(silence).await);
        Ok(verdicts)
    }

    fn verdict(&self, what: &str, id: Value, differences: Vec<Difference>) -> Verdict {
        Verdict { session: self.session.number, what: what.into(), id, differences }
    }

    /// Sends a request and what followed it, and waits for the answer.
    async fn ask(&mut self, exchange: &Exchange) -> Result<Result<Value, Silence>, Error> {
        let (interrupt, limit) = (self.app.interrupt.clone(), self.limit);
        let came = tokio::select! {
            biased;
            () = interrupt.first() => None,
            came = tokio::time::timeout(limit, self.answer(exchange)) => {
                Some(came.unwrap_or(Err(Silence::Late)))
            }
        };
        if let Some(came) = came {
            return Ok(came);
        }
        tokio::select! {
            () = interrupt.second() => self.process.kill(),
            () = self.process.terminate(TERM_GRACE) => {}
        }
        Err(caproni_driver::Error::cancelled().into())
    }

    async fn answer(&mut self, exchange: &Exchange) -> Result<Value, Silence> {
        self.send(&exchange.request).await?;
        let mut behind = 0;
        for line in &exchange.then {
            match line.from {
                Side::Driver => behind += 1,
                // A `cancel` comes when the driver is as far as it was then.
                Side::Host => {
                    for _ in 0..std::mem::take(&mut behind) {
                        if let Some(reply) = self.receive().await? {
                            return Ok(reply);
                        }
                    }
                    self.send(&line.line).await?;
                }
                Side::Stderr | Side::Event => {}
            }
        }
        loop {
            if let Some(reply) = self.receive().await? {
                return Ok(reply);
            }
        }
    }

    async fn send(&mut self, line: &str) -> Result<(), Silence> {
        let sent = async {
            self.stdin.write_all(format!("{line}\n").as_bytes()).await?;
            self.stdin.flush().await
        };
        sent.await.map_err(|_| Silence::Ended)
    }

    /// Reads one line; `None` when it is no reply.
    async fn receive(&mut self) -> Result<Option<Value>, Silence> {
        match self.stdout.next().await {
            Ok(Some(line)) => Ok(reply(&String::from_utf8_lossy(&line))),
            Ok(None) | Err(_) => Err(Silence::Ended),
        }
    }

    fn judge(&self, exchange: &Exchange, came: Result<Value, Silence>) -> Vec<Difference> {
        let limit = humantime::format_duration(self.limit);
        let silence = |silence| match silence {
            Silence::Ended => "no answer: the driver ended".to_owned(),
            Silence::Late => format!("no answer within {limit}"),
        };
        match (exchange.reply(), came) {
            (Some(recorded), Ok(came)) => compare(&recorded, &came),
            (Some(recorded), Err(why)) => vec![Difference::new("answer", recorded, silence(why))],
            (None, Ok(came)) => vec![Difference::new("answer", "no answer", came)],
            (None, Err(_)) => Vec::new(),
        }
    }

    /// Closes the driver's stdin and compares how its process ends.
    async fn end(self, silence: Option<Silence>) -> Option<Verdict> {
        let Self { session, process, stdin, stdout, .. } = self;
        drop(stdin);
        match silence {
            Some(Silence::Late) => process.terminate(TERM_GRACE).await,
            Some(Silence::Ended) | None => process.close().await,
        }
        drop(stdout);
        let (recorded, came) = (session.ended.clone()?, process.how_it_ended());
        let differs = recorded != came;
        let difference = differs.then(|| Difference::new("process", recorded, came));
        Some(Verdict {
            session: session.number,
            what: "the end".into(),
            id: Value::Null,
            differences: difference.into_iter().collect(),
        })
    }
}
