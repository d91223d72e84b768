//! What looks at clusters and changes nothing.

use std::path::Path;

use serde_json::{Value, json};

use super::{Driver, Phase, Record};
use crate::request::{Answer, Failure, Request};

impl Driver {
    pub(super) fn status(&self, request: &Request) -> Answer {
        let profile = request.profile()?;
        Ok(match self.clusters.read(profile)? {
            None => json!({
                "state": "stopped", "exists": false, "driver": self.name, "nodes": [], "conditions": []
            }),
            Some(record) if record.phase == Phase::Creating => self.half(profile),
            Some(record) => json!({
                "state": if record.phase == Phase::Running { "ready" } else { "stopped" },
                "exists": true,
                "driver": self.name,
                "kubernetesVersion": "v1.34.1",
                "identity": record.identity,
                "config": record.config,
                "nodes": nodes(profile, &record),
                "conditions": [],
            }),
        })
    }

    /// The status of a cluster whose creation has not come to its end.
    fn half(&self, profile: &str) -> Value {
        let (state, message) = match self.clusters.is_locked(profile) {
            true => ("starting", "it is being created"),
            false => ("not-ready", "its creation was broken off"),
        };
        json!({
            "state": state,
            "exists": true,
            "driver": self.name,
            "nodes": [],
            "conditions": [{"name": "creation", "ok": false, "message": message,
                "hint": "run `caproni start` to complete it, or `caproni destroy` to remove it"}],
        })
    }

    pub(super) fn list(&self) -> Answer {
        let clusters = self.clusters.names().into_iter().map(|profile| {
            let state = match self.clusters.read(&profile)?.map(|record| record.phase) {
                Some(Phase::Running) => json!("ready"),
                Some(Phase::Creating) => self.half(&profile)["state"].clone(),
                Some(Phase::Stopped) | None => json!("stopped"),
            };
            Ok(json!({"profile": profile, "state": state}))
        });
        Ok(json!({"clusters": clusters.collect::<Result<Vec<Value>, Failure>>()?}))
    }

    pub(super) fn versions(&self) -> Value {
        let folder = self.clusters.0.display().to_string();
        json!({"programs": [{"name": "files", "version": env!("CARGO_PKG_VERSION"), "location": folder}]})
    }

    /// A node is this machine: what is to run on it runs here.
    pub(super) fn exec(&self, request: &Request) -> Answer {
        self.node(request)?;
        let command = request.strings("argv")?;
        let shell: &[&str] =
            if command.is_empty() { &["sh"] } else { &["sh", "-c", "exec \"$@\"", "sh"] };
        let argv: Vec<&str> =
            shell.iter().copied().chain(command.iter().map(String::as_str)).collect();
        Ok(json!({ "argv": argv }))
    }

    pub(super) fn logs(&self, request: &Request) -> Answer {
        let profile = request.profile()?;
        let record = self.existing(profile)?;
        self.check_node(request, profile, &record)?;
        let lines = match request.param("tail").and_then(Value::as_u64) {
            Some(lines) => lines.to_string(),
            None => "+1".into(),
        };
        let follow: &[&str] =
            if request.param("follow") == Some(&json!(true)) { &["-f"] } else { &[] };
        let file = self.clusters.log(profile).display().to_string();
        let argv: Vec<&str> = ["tail", "-n", &lines]
            .into_iter()
            .chain(follow.iter().copied())
            .chain([&*file])
            .collect();
        Ok(json!({ "argv": argv }))
    }

    pub(super) fn usage(&self, request: &Request) -> Answer {
        let (profile, record) = self.running(request)?;
        let used = nodes(profile, &record);
        Ok(
            json!({"nodes": used.iter().map(|node| json!({"name": node["name"]})).collect::<Value>()}),
        )
    }

    pub(super) fn diagnose(&self, request: &Request) -> Answer {
        if request.param("profile").is_some() {
            request.profile()?;
        }
        let folder = self.clusters.0.display();
        let verdict = match self.clusters.0.metadata() {
            Ok(found) if !found.is_dir() => json!({
                "name": "folder", "verdict": "failed", "message": format!("`{folder}` is no folder"),
                "hint": "name another folder in CAPRONI_STATE_DIR",
            }),
            _ => json!({
                "name": "folder", "verdict": "ok", "message": format!("clusters are kept in `{folder}`"),
            }),
        };
        Ok(json!({ "checks": [verdict] }))
    }

    /// There is no engine that an image could be named on, so only archives are known.
    pub(super) fn load_image(&self, request: &Request) -> Answer {
        self.running(request)?;
        for image in request.strings("images")? {
            if !Path::new(&image).is_absolute() || !Path::new(&image).is_file() {
                return Err(not_found(&image, "there is no image"));
            }
        }
        Ok(json!({"change": "loaded"}))
    }

    fn node(&self, request: &Request) -> Result<(), Failure> {
        let (profile, record) = self.running(request)?;
        self.check_node(request, profile, &record)
    }

    fn running<'a>(&self, request: &'a Request) -> Result<(&'a str, Record), Failure> {
        let profile = request.profile()?;
        let record = self.existing(profile)?;
        match record.phase {
            Phase::Running => Ok((profile, record)),
            _ => Err(not_running(profile)),
        }
    }

    fn existing(&self, profile: &str) -> Result<Record, Failure> {
        self.clusters.read(profile)?.ok_or_else(|| not_running(profile))
    }

    fn check_node(&self, request: &Request, profile: &str, record: &Record) -> Result<(), Failure> {
        let Some(wanted) = request.param("node").and_then(Value::as_str) else { return Ok(()) };
        let known = nodes(profile, record).iter().any(|node| node["name"] == wanted);
        if known { Ok(()) } else { Err(not_found(wanted, "there is no node")) }
    }
}

fn nodes(profile: &str, record: &Record) -> Vec<Value> {
    let state = if record.phase == Phase::Running { "running" } else { "stopped" };
    let servers = record.config["servers"].as_u64().unwrap_or(1);
    let node = |index| json!({"name": format!("rogue-{profile}-server-{index}"), "role": "server", "state": state});
    (0..servers).map(node).collect()
}

fn not_running(profile: &str) -> Failure {
    Failure::new(1001, "ClusterNotRunning", format!("cluster `{profile}` is not running"))
}

fn not_found(name: &str, what: &str) -> Failure {
    Failure::new(1020, "NotFound", format!("{what} `{name}`")).with("resource", name.into())
}
