//! A driver with no backend: a cluster is a file in a state folder.
//!
//! It lives the whole life of a cluster, across processes and with no engine, for tests of
//! what stands around caproni and for a first look at it. Nothing serves an API, so it has
//! no method `kubeconfig`: that a cluster is ready is this driver's word, and `status` says so.
//!
//! `config` is the driver's section in `caproni.yaml`, `store` is the files, `status` is what
//! they say, and `simulate` makes the driver slow, faulty or dead on demand.

mod config;
mod simulate;
mod status;
mod store;

use std::path::PathBuf;
use std::process::ExitCode;

use caproni_driver::{
    Change, ChangeCost, Cluster, Clusters, Description, DriverServer, Error, Extensions, Outcome,
    Peer, Program, Request, State, Status, Versions, async_trait, describe, lock, serve,
};
use serde_json::Value;

use crate::config::Config;
use crate::simulate::{Operation, Simulate, Step};
use crate::store::{Phase, Record, RecordFile, Store};

const NAME: &str = "mock";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The optional methods it has.
const METHODS: &[&str] = &["restart", "version", "list"];

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

struct Mock {
    store: Store,
    /// Where [`serve`] keeps the locks, which tell who changes a cluster.
    locks: PathBuf,
    /// What the environment tells it to simulate.
    told: Option<String>,
}

#[async_trait]
impl DriverServer for Mock {
    async fn initialize(&self, offered: Vec<u32>, _host: Peer) -> Result<Description, Error> {
        self.simulate([])?.act(&Request::detached(), Operation::Initialize, &[]).await?;
        describe::<Config>(NAME, VERSION, METHODS, &offered)
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
            Some(record) => start_again(&Request::of(ext), &file, record, &config, &simulate).await,
            None => create(&Request::of(ext), &file, &config, &simulate).await,
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
        let running = record.filter(|record| record.phase == Phase::Running);
        let steps: &[Step] =
            if running.is_some() { &[("stop", "stopping the nodes")] } else { &[] };
        let done = simulate.act(&Request::of(ext), Operation::Stop, steps).await;
        done.map_err(|error| leaving(error, &file))?;
        let Some(mut record) = running else { return Ok(Outcome::new(Change::None)) };
        record.phase = Phase::Stopped;
        file.write(&record)?;
        Ok(Outcome::new(Change::Stopped))
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
        let steps: &[Step] = if file.exists() { &[("destroy", "removing the nodes")] } else { &[] };
        let done = simulate.act(&Request::of(ext), Operation::Destroy, steps).await;
        done.map_err(|error| leaving(error, &file))?;
        let removed = file.remove()?;
        Ok(Outcome::new(if removed { Change::Destroyed } else { Change::None }))
    }

    async fn status(
        &self,
        ext: &Extensions,
        profile: String,
        config: Option<Value>,
        _timeout_ms: Option<u64>,
    ) -> Result<Status, Error> {
        let record = self.store.file(&profile)?.read()?;
        let simulate = self.simulate_on(config.as_ref(), record.as_ref())?;
        simulate.act(&Request::of(ext), Operation::Status, &[]).await?;
        Ok(self.look(&profile, record, &simulate))
    }

    async fn restart(
        &self,
        ext: &Extensions,
        profile: String,
        config: Value,
        timeout_ms: Option<u64>,
    ) -> Result<Outcome, Error> {
        let request = Request::of(ext);
        let config = Config::parse(&config)?;
        let simulate = self.simulate([config.simulate.as_ref()])?;
        let file = self.store.file(&profile)?;
        let Some(mut record) = file.read()?.filter(|record| record.phase == Phase::Running) else {
            return self.start(ext, profile, config.into_value(), timeout_ms).await;
        };
        record.take_over(&profile, &config, &ChangeCost::Restart)?;
        record.phase = Phase::Stopped;
        file.write(&record)?;
        let steps = [("stop", "stopping the nodes"), ("start", "starting the nodes")];
        let done = simulate.act(&request, Operation::Restart, &steps).await;
        done.map_err(|error| leaving(error, &file))?;
        record.phase = Phase::Running;
        file.write(&record)?;
        Ok(Outcome::new(Change::Restarted))
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
}

impl Mock {
    /// What a record says of its cluster, as it is told to say it.
    fn look(&self, profile: &str, record: Option<Record>, simulate: &Simulate) -> Status {
        let changed_by = lock::holder(&self.locks, NAME, profile);
        let mut status = match record {
            Some(record) => status::of(profile, record, changed_by),
            None => Status::absent(),
        };
        status.driver = Some(NAME.into());
        simulate.alter(&mut status);
        status
    }

    /// A cluster as one of many; `None` for one that went away just now.
    fn in_list(&self, file: &RecordFile) -> Result<Option<Cluster>, Error> {
        let profile = file.profile();
        let record = match file.read() {
            Ok(Some(record)) => record,
            Ok(None) => return Ok(None),
            // A damaged file is a cluster too: `destroy` removes it.
            Err(_) => return Ok(Some(Cluster::new(profile, State::NotReady))),
        };
        let simulate = self.simulate_on(None, Some(&record))?;
        let status = self.look(profile, Some(record), &simulate);
        let cluster = Cluster::new(profile, status.state);
        Ok(Some(cluster.with_kubernetes_version(status.kubernetes_version)))
    }

    /// The section that counts: the environment's, else the first there is.
    fn simulate<'a>(
        &self,
        sections: impl IntoIterator<Item = Option<&'a Simulate>>,
    ) -> Result<Simulate, Error> {
        match &self.told {
            Some(json) => Simulate::from_json(SIMULATE, json),
            None => Ok(sections.into_iter().flatten().next().cloned().unwrap_or_default()),
        }
    }

    /// The section of the request's config, else the one the cluster was started with.
    fn simulate_on(
        &self,
        config: Option<&Value>,
        record: Option<&Record>,
    ) -> Result<Simulate, Error> {
        // Only `start` judges a config: a wrong one must not keep a cluster from its end.
        let config = config.and_then(|config| Config::parse(config).ok());
        let given = config.as_ref().and_then(|config| config.simulate.as_ref());
        self.simulate([given, record.and_then(|record| record.simulate.as_ref())])
    }
}

/// Makes a cluster where there is none, or half a one, and takes it back when that fails.
async fn create(
    request: &Request,
    file: &RecordFile,
    config: &Config,
    simulate: &Simulate,
) -> Result<Outcome, Error> {
    let mut record = Record::new(Phase::Creating, config);
    file.write(&record)?;
    let steps = [("create", "creating the nodes"), ("boot", "starting Kubernetes")];
    if let Err(mut error) = simulate.act(request, Operation::Start, &steps).await {
        if !simulate.leave_half
            && let Err(remains) = file.remove()
        {
            error = error.with_cause(format!("rollback: {remains}"));
        }
        return Err(leaving(error, file));
    }
    record.phase = Phase::Running;
    file.write(&record)?;
    Ok(Outcome::new(Change::Created).with_message("a mock cluster is a file, and nothing runs"))
}

/// Starts a cluster that stopped, or brings a running one up to a config that it can take over.
async fn start_again(
    request: &Request,
    file: &RecordFile,
    mut record: Record,
    config: &Config,
    simulate: &Simulate,
) -> Result<Outcome, Error> {
    let updated = record.take_over(file.profile(), config, &ChangeCost::Live)?;
    let stopped = record.phase == Phase::Stopped;
    let steps: &[Step] = if stopped { &[("start", "starting the nodes")] } else { &[] };
    let done = simulate.act(request, Operation::Start, steps).await;
    done.map_err(|error| leaving(error, file))?;
    record.phase = Phase::Running;
    if stopped || updated {
        file.write(&record)?;
    }
    Ok(Outcome::new(match (stopped, updated) {
        (true, _) => Change::Started,
        (false, true) => Change::Updated,
        (false, false) => Change::None,
    }))
}

/// Says in which state a request that failed leaves the cluster, unless the error does.
fn leaving(mut error: Error, file: &RecordFile) -> Error {
    let state = match file.read() {
        Ok(record) => record.map_or(State::Stopped, |record| record.phase.state()),
        Err(_) => State::NotReady,
    };
    error.data.state.get_or_insert(state);
    error
}
