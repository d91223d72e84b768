//! A driver with no backend: a cluster is a file in a state folder.
//!
//! It lives the whole life of a cluster, across processes and with no engine, for tests of
//! what stands around caproni and for a first look at it. Nothing serves an API, so it has
//! no method `kubeconfig`: that a cluster is ready is this driver's word, and `status` says so.
//!
//! `config` is the driver's section in `caproni.yaml`, `store` is the files and `log` those
//! that tell what happened, `status` is what they say and `mock` looks at them, `life` is what
//! changes them, and `simulate` makes the driver slow, faulty or dead on demand. `plan`,
//! `usage`, `diagnosis` and `images` are what the optional methods do.

mod config;
mod diagnosis;
mod images;
mod life;
mod log;
mod mock;
mod plan;
mod simulate;
mod status;
mod store;
mod usage;

use std::path::PathBuf;
use std::process::ExitCode;

use caproni_driver::{
    Clusters, Description, Diagnosis, DriverServer, Error, Extensions, HealthCheck, Outcome, Peer,
    Plan, Program, Request, Status, Usage, Verdict, Versions, async_trait, describe_as, lock,
    serve,
};
use serde_json::Value;

use crate::config::Config;
use crate::mock::Mock;
use crate::simulate::Operation;
use crate::store::{Phase, Record, Store};

const NAME: &str = "mock";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The optional methods it has.
const METHODS: &[&str] =
    &["restart", "version", "list", "exec", "logs", "usage", "diagnose", "loadImage"];

/// Names the folder for the clusters' files.
const STATE_DIR: &str = "CAPRONI_MOCK_STATE_DIR";

/// Holds a `simulate` section as JSON, for every request, before that of the config.
const SIMULATE: &str = "CAPRONI_MOCK_SIMULATE";

fn main() -> ExitCode {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let folder = variable(STATE_DIR).map(PathBuf::from);
    let mock = Mock {
        store: Store::new(folder.unwrap_or_else(|| lock::state_dir().join(NAME))),
        locks: lock::state_dir(),
        told: variable(SIMULATE).map(|json| json.to_string_lossy().into_owned()),
    };
    serve(NAME, VERSION, mock)
}

#[async_trait]
impl DriverServer for Mock {
    async fn initialize(&self, offered: Vec<u32>, _host: Peer) -> Result<Description, Error> {
        self.simulate([])?.act(&Request::detached(), Operation::Initialize, &[]).await?;
        describe_as(NAME, VERSION, METHODS, &offered, config::SCHEMA.clone())
    }

    async fn start(
        &self,
        ext: &Extensions,
        profile: String,
        config: Value,
        _timeout_ms: Option<u64>,
    ) -> Result<Outcome, Error> {
        let config = Config::parse(&config)?;
        let simulate = self.simulate([config.simulate.as_ref()])?;
        let file = self.store.file(&profile)?;
        match file.read()?.filter(Record::is_whole) {
            Some(record) => {
                life::start_again(&Request::of(ext), &file, record, &config, &simulate).await
            }
            None => life::create(&Request::of(ext), &file, &config, &simulate).await,
        }
    }

    async fn stop(
        &self,
        ext: &Extensions,
        profile: String,
        config: Option<Value>,
        _timeout_ms: Option<u64>,
    ) -> Result<Outcome, Error> {
        let file = self.store.file(&profile)?;
        let record = file.read()?;
        let simulate = self.simulate_on(config.as_ref(), record.as_ref())?;
        life::stop(&Request::of(ext), &file, record, &simulate).await
    }

    async fn destroy(
        &self,
        ext: &Extensions,
        profile: String,
        config: Option<Value>,
        _timeout_ms: Option<u64>,
    ) -> Result<Outcome, Error> {
        let file = self.store.file(&profile)?;
        // A damaged file is removed like any other.
        let record = file.read().ok().flatten();
        let simulate = self.simulate_on(config.as_ref(), record.as_ref())?;
        life::destroy(&Request::of(ext), &file, &simulate).await
    }

    async fn status(
        &self,
        ext: &Extensions,
        profile: String,
        config: Option<Value>,
        _timeout_ms: Option<u64>,
    ) -> Result<Status, Error> {
        Ok(self.see(ext, &profile, config.as_ref(), Operation::Status).await?.status)
    }

    async fn restart(
        &self,
        ext: &Extensions,
        profile: String,
        config: Value,
        timeout_ms: Option<u64>,
    ) -> Result<Outcome, Error> {
        let config = Config::parse(&config)?;
        let file = self.store.file(&profile)?;
        let Some(record) = file.read()?.filter(|record| record.phase == Phase::Running) else {
            return self.start(ext, profile, config.into_value(), timeout_ms).await;
        };
        let simulate = self.simulate([config.simulate.as_ref()])?;
        life::restart(&Request::of(ext), &file, record, &config, &simulate).await
    }

    async fn version(&self, ext: &Extensions, _timeout_ms: Option<u64>) -> Result<Versions, Error> {
        self.simulate([])?.act(&Request::of(ext), Operation::Version, &[]).await?;
        // It drives no program; its folder is what a user may look for.
        let folder = self.store.folder().display().to_string();
        let files = Program::new("mock files").with_version(VERSION).with_location(folder);
        Ok(Versions::new(vec![files]))
    }

    async fn list(&self, ext: &Extensions, _timeout_ms: Option<u64>) -> Result<Clusters, Error> {
        self.simulate([])?.act(&Request::of(ext), Operation::List, &[]).await?;
        let files = self.store.files()?;
        let clusters = files.iter().filter_map(|file| self.in_list(file).transpose());
        Ok(Clusters::new(clusters.collect::<Result<_, _>>()?))
    }

    async fn exec(
        &self,
        ext: &Extensions,
        profile: String,
        config: Option<Value>,
        _timeout_ms: Option<u64>,
        node: Option<String>,
        argv: Option<Vec<String>>,
        // The program has the host's own terminal, or none.
        _tty: Option<bool>,
    ) -> Result<Plan, Error> {
        let seen = self.see(ext, &profile, config.as_ref(), Operation::Exec).await?;
        let node = plan::running_node(&seen.status, &profile, node.as_deref())?;
        Ok(plan::exec(node, argv))
    }

    async fn logs(
        &self,
        ext: &Extensions,
        profile: String,
        config: Option<Value>,
        _timeout_ms: Option<u64>,
        node: Option<String>,
        follow: Option<bool>,
        tail: Option<u64>,
    ) -> Result<Plan, Error> {
        let seen = self.see(ext, &profile, config.as_ref(), Operation::Logs).await?;
        let node = plan::node(&seen.status, &profile, node.as_deref())?;
        plan::logs(&seen.file, node, follow, tail)
    }

    async fn usage(
        &self,
        ext: &Extensions,
        profile: String,
        config: Option<Value>,
        _timeout_ms: Option<u64>,
    ) -> Result<Usage, Error> {
        let seen = self.see(ext, &profile, config.as_ref(), Operation::Usage).await?;
        usage::of(&profile, &seen.file, &seen.status, seen.simulate.usage.as_ref())
    }

    async fn diagnose(
        &self,
        ext: &Extensions,
        profile: Option<String>,
        config: Option<Value>,
        _timeout_ms: Option<u64>,
    ) -> Result<Diagnosis, Error> {
        let mut checks = diagnosis::checks(&self.store, &self.locks, profile.as_deref());
        let file = profile.as_deref().map(|profile| self.store.file(profile)).transpose()?;
        let record = file.and_then(|file| file.read().ok().flatten());
        match self.simulate_on(config.as_ref(), record.as_ref()) {
            Ok(simulate) => simulate.act(&Request::of(ext), Operation::Diagnose, &[]).await?,
            Err(error) => {
                let check = HealthCheck::new("simulate", Verdict::Failed, error.message);
                checks.push(check.with_hint(format!("mend or unset {SIMULATE}")));
            }
        }
        Ok(Diagnosis::new(checks))
    }

    async fn load_image(
        &self,
        ext: &Extensions,
        profile: String,
        config: Option<Value>,
        _timeout_ms: Option<u64>,
        images: Vec<String>,
    ) -> Result<Outcome, Error> {
        let file = self.store.file(&profile)?;
        let record = file.read()?.filter(|record| record.phase == Phase::Running);
        let Some(record) = record else {
            return Err(plan::not_running(format!("cluster `{profile}` is not running")));
        };
        let simulate = self.simulate_on(config.as_ref(), Some(&record))?;
        images::load(&Request::of(ext), &file, record, images, &simulate).await
    }
}
