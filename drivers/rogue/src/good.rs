//! The driver as it should be: its clusters are files, and it breaks no rule.

mod clusters;
mod config;
mod life;
mod look;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::request::{Answer, Failure, Request};
use crate::wire::{self, Pending, Reads};

pub(crate) use clusters::{Clusters, Phase, Record};
pub(crate) use config::Config;
pub(crate) use life::{change, half};

/// The optional methods.
const METHODS: [&str; 8] =
    ["restart", "version", "list", "exec", "logs", "usage", "diagnose", "loadImage"];

/// The driver, in one of its modes.
pub(crate) struct Driver {
    pub(crate) name: &'static str,
    pub(crate) reads: Reads,
    pub(crate) pending: Pending,
    pub(crate) clusters: Clusters,
}

impl Driver {
    pub(crate) fn new(name: &'static str, reads: Reads) -> Self {
        Self { name, reads, pending: Pending::default(), clusters: Clusters::of(name) }
    }

    /// The correct answer to a request.
    pub(crate) fn answer(&self, request: &Request) -> Answer {
        match request.method.as_str() {
            "initialize" => self.describe(request),
            "start" => self.start(request),
            "stop" => self.stop(request),
            "destroy" => self.destroy(request),
            "restart" => self.restart(request),
            "status" => self.status(request),
            "list" => self.list(),
            "version" => Ok(self.versions()),
            "exec" => self.exec(request),
            "logs" => self.logs(request),
            "usage" => self.usage(request),
            "diagnose" => self.diagnose(request),
            "loadImage" => self.load_image(request),
            method => Err(Failure::of_rpc(-32601, format!("no method `{method}`"))),
        }
    }

    fn describe(&self, request: &Request) -> Answer {
        let offered = request.param("protocolVersions").and_then(Value::as_array);
        let offered =
            offered.ok_or_else(|| Failure::of_rpc(-32602, "`protocolVersions` is missing"))?;
        if !offered.contains(&json!(1)) {
            let message = format!("driver `{}` speaks protocol version 1 only", self.name);
            return Err(Failure::new(1018, "UnsupportedProtocolVersion", message)
                .with("supported", json!([1])));
        }
        let features: &[&str] = if self.reads == Reads::Ahead { &["cancel"] } else { &[] };
        Ok(json!({
            "protocolVersion": 1,
            "name": self.name,
            "version": env!("CARGO_PKG_VERSION"),
            "capabilities": {"methods": METHODS, "features": features},
            "configSchema": config::schema(),
        }))
    }

    /// Works for a time, unless the host does not want it any more or its patience ends.
    pub(crate) fn work(&self, request: &Request, time: Duration) -> Result<(), Failure> {
        let left = request.deadline.map(|end| end.saturating_duration_since(Instant::now()));
        let begun = Instant::now();
        if self.pending.is_cancelled_within(left.unwrap_or(time).min(time)) {
            return Err(Failure::new(1015, "Cancelled", "cancelled"));
        }
        if left.is_some_and(|left| left < time) {
            let waited = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            return Err(
                Failure::new(1016, "TimedOut", "the time ran out").with("waitedMs", waited.into())
            );
        }
        Ok(())
    }

    /// Says what the running request does.
    pub(crate) fn progress(&self, step: &str, message: &str) {
        wire::write(&wire::progress(step, message));
    }
}
