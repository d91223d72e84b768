//! What changes a cluster: start, stop, restart, destroy.

use std::hash::{BuildHasher, RandomState};
use std::io::ErrorKind;
use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json};

use super::config::host_port;
use super::{Config, Driver, Phase, Record};
use crate::request::{Answer, Failure, Request};

impl Driver {
    pub(super) fn start(&self, request: &Request) -> Answer {
        let (profile, config) = (request.profile()?, Config::of(request)?);
        let _lock = self.lock(request, profile)?;
        self.bring_up(request, profile, &config)
    }

    pub(super) fn stop(&self, request: &Request) -> Answer {
        let profile = request.profile()?;
        let _lock = self.lock(request, profile)?;
        match self.clusters.read(profile)? {
            Some(record) if record.phase == Phase::Running => {
                self.progress("stop", "stopping the nodes");
                self.clusters.write(profile, &Record { phase: Phase::Stopped, ..record })?;
                change("stopped")
            }
            _ => change("none"),
        }
    }

    pub(super) fn destroy(&self, request: &Request) -> Answer {
        let profile = request.profile()?;
        let _lock = self.lock(request, profile)?;
        change(if self.clusters.remove(profile)? { "destroyed" } else { "none" })
    }

    pub(super) fn restart(&self, request: &Request) -> Answer {
        let (profile, config) = (request.profile()?, Config::of(request)?);
        let _lock = self.lock(request, profile)?;
        match self.clusters.read(profile)? {
            Some(record) if record.phase == Phase::Running => {
                self.take_over(profile, record, &config)?;
                change("restarted")
            }
            _ => self.bring_up(request, profile, &config),
        }
    }

    fn bring_up(&self, request: &Request, profile: &str, config: &Config) -> Answer {
        match self.clusters.read(profile)? {
            Some(record) if record.phase != Phase::Creating => {
                let was_stopped = record.phase == Phase::Stopped;
                let updated = self.take_over(profile, record, config)?;
                change(match (was_stopped, updated) {
                    (true, _) => "started",
                    (false, true) => "updated",
                    (false, false) => "none",
                })
            }
            _ => self.create(request, profile, config),
        }
    }

    /// Brings a cluster up to a config, where that can be done while it runs.
    fn take_over(&self, profile: &str, record: Record, config: &Config) -> Result<bool, Failure> {
        let differing = config.differences(&record.config);
        if differing.iter().any(|difference| difference["change"] != "live") {
            return Err(mismatch(profile, &differing));
        }
        if !differing.is_empty() {
            free_ports(config)?;
        }
        let running = Record { phase: Phase::Running, config: config.sealed(), ..record };
        self.clusters.write(profile, &running)?;
        Ok(!differing.is_empty())
    }

    fn create(&self, request: &Request, profile: &str, config: &Config) -> Answer {
        free_ports(config)?;
        let half = half(config);
        self.clusters.write(profile, &half)?;
        let half_time = Duration::from_millis(config.work_ms / 2);
        let mut steps = [("create", "creating the nodes"), ("boot", "starting Kubernetes")].iter();
        let made = steps.try_for_each(|(step, message)| {
            self.progress(step, message);
            self.work(request, half_time)
        });
        if let Err(failure) = made {
            return Err(self.rolled_back(profile, failure));
        }
        let log = format!("{profile} is up\n");
        let _ = std::fs::write(self.clusters.log(profile), log);
        self.clusters.write(profile, &Record { phase: Phase::Running, ..half })?;
        change("created")
    }

    fn rolled_back(&self, profile: &str, failure: Failure) -> Failure {
        self.progress("rollback", "removing the nodes");
        match self.clusters.remove(profile) {
            Ok(_) => failure.with("state", "stopped".into()),
            Err(remains) => failure
                .with("state", "not-ready".into())
                .with("causes", json!([format!("rollback: {}", remains.message)])),
        }
    }
}

/// What a creation begins with.
pub(crate) fn half(config: &Config) -> Record {
    let identity = format!("{:016x}", RandomState::new().hash_one(std::process::id()));
    Record { phase: Phase::Creating, config: config.sealed(), identity }
}

/// An outcome.
pub(crate) fn change(what: &str) -> Answer {
    Ok(json!({ "change": what }))
}

fn mismatch(profile: &str, differing: &[Value]) -> Failure {
    let fields = match differing.len() {
        1 => "1 field differs".to_owned(),
        more => format!("{more} fields differ"),
    };
    let message = format!("cluster `{profile}` exists with another config: {fields}");
    Failure::new(1003, "ConfigMismatch", message).with("diff", json!(differing))
}

/// Sees to it that the ports can be had.
fn free_ports(config: &Config) -> Result<(), Failure> {
    for port in config.ports.iter().filter_map(|port| host_port(port)) {
        let taken = TcpListener::bind(("127.0.0.1", port)).err();
        if taken.is_some_and(|error| error.kind() == ErrorKind::AddrInUse) {
            return Err(Failure::new(1011, "ResourceConflict", format!("port {port} is taken"))
                .with("resource", format!("port {port}").into()));
        }
    }
    Ok(())
}
