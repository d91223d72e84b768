//! What a driver has sent, and who waits for it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::sync::Notify;

use crate::messages::Progress;

/// All that a driver sends, read as it comes by a task of its own.
#[derive(Debug, Clone)]
pub(super) struct Inbox(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    received: Mutex<Received>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Received {
    lines: VecDeque<String>,
    progress: Vec<Progress>,
    has_ended: bool,
}

impl Inbox {
    pub(super) fn read(output: impl AsyncRead + Send + Unpin + 'static) -> Self {
        let inbox = Self(Arc::default());
        let filled = inbox.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(output).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                filled.change(|received| received.add(line));
            }
            filled.change(|received| received.has_ended = true);
        });
        inbox
    }

    pub(super) fn progress(&self) -> Vec<Progress> {
        self.received().progress.clone()
    }

    pub(super) async fn next(&self) -> Value {
        self.wait(|received| received.lines.pop_front().map(|line| parse(&line))).await
    }

    /// Takes a reply, and the progress before it. Other replies stay where they are.
    pub(super) async fn reply(&self, id: u64) -> Value {
        self.wait(|received| {
            let mut messages = received.lines.iter().map(|line| parse(line));
            let at = messages.position(|message| message["id"] == id)?;
            let mut before: VecDeque<_> = received.lines.drain(..=at).collect();
            let reply = before.pop_back().map(|line| parse(&line));
            before.retain(|line| parse(line)["method"] != "progress");
            before.into_iter().rev().for_each(|line| received.lines.push_front(line));
            reply
        })
        .await
    }

    /// Progress that nobody has taken; it stays where it is.
    pub(super) async fn step(&self, step: &str) -> Progress {
        self.wait(|received| {
            let mut progress = received.lines.iter().filter_map(|line| progress_in(line));
            progress.find(|progress| progress.step == step)
        })
        .await
    }

    /// Waits for the end of the output, and takes what is left of it.
    pub(super) async fn rest(&self) -> Vec<Value> {
        let ended = |received: &mut Received| {
            let lines = received.has_ended.then(|| std::mem::take(&mut received.lines))?;
            Some(lines.iter().map(|line| parse(line)).collect())
        };
        self.wait(ended).await
    }

    /// Waits until there is what `take` takes.
    async fn wait<T>(&self, mut take: impl FnMut(&mut Received) -> Option<T>) -> T {
        loop {
            let changed = self.0.changed.notified();
            if let Some(taken) = self.look(&mut take) {
                return taken;
            }
            changed.await;
        }
    }

    fn look<T>(&self, take: &mut impl FnMut(&mut Received) -> Option<T>) -> Option<T> {
        let mut received = self.received();
        let taken = take(&mut received);
        let is_over = taken.is_none() && received.has_ended;
        assert!(!is_over, "the driver's output has ended; left of it is {:?}", received.lines);
        taken
    }

    fn change(&self, change: impl FnOnce(&mut Received)) {
        change(&mut self.received());
        self.0.changed.notify_waiters();
    }

    fn received(&self) -> MutexGuard<'_, Received> {
        self.0.received.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Received {
    fn add(&mut self, line: String) {
        self.progress.extend(progress_in(&line));
        self.lines.push_back(line);
    }
}

fn progress_in(line: &str) -> Option<Progress> {
    let message: Value = serde_json::from_str(line).ok()?;
    let params = message.get("params").filter(|_| message["method"] == "progress")?;
    Progress::deserialize(params).ok()
}

fn parse(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("no JSON ({error}): {line}"))
}
