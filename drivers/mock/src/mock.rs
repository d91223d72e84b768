//! What the driver's methods have in common: a look at a cluster, and what is simulated.

use std::path::PathBuf;

use caproni_driver::{Cluster, Error, Extensions, Request, State, Status, lock};
use serde_json::Value;

use crate::config::Config;
use crate::simulate::{Operation, Simulate};
use crate::store::{Record, RecordFile, Store};
use crate::{NAME, SIMULATE, status};

/// The driver: its folders, and what it was told.
pub(crate) struct Mock {
    pub(crate) store: Store,
    /// Where [`caproni_driver::serve`] keeps the locks, which tell who changes a cluster.
    pub(crate) locks: PathBuf,
    /// What the environment tells it to simulate.
    pub(crate) told: Option<String>,
}

/// A cluster as a question about it finds it.
pub(crate) struct Seen {
    pub(crate) file: RecordFile,
    pub(crate) status: Status,
    pub(crate) simulate: Simulate,
}

impl Mock {
    /// Looks at a cluster for an operation that changes nothing.
    pub(crate) async fn see(
        &self,
        ext: &Extensions,
        profile: &str,
        config: Option<&Value>,
        operation: Operation,
    ) -> Result<Seen, Error> {
        let file = self.store.file(profile)?;
        let record = file.read()?;
        let simulate = self.simulate_on(config, record.as_ref())?;
        simulate.act(&Request::of(ext), operation, &[]).await?;
        let status = self.look(profile, record, &simulate);
        Ok(Seen { file, status, simulate })
    }

    /// What a record says of its cluster, as it is told to say it.
    fn look(&self, profile: &str, record: Option<Record>, simulate: &Simulate) -> Status {
        let changed_by = || lock::holder(&self.locks, NAME, profile);
        let mut status = match record {
            Some(record) => status::of(profile, record, changed_by),
            None => Status::absent(),
        };
        status.driver = Some(NAME.into());
        simulate.alter(&mut status);
        status
    }

    /// A cluster as one of many; `None` for one that went away just now.
    pub(crate) fn in_list(&self, file: &RecordFile) -> Result<Option<Cluster>, Error> {
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
    pub(crate) fn simulate<'a>(
        &self,
        sections: impl IntoIterator<Item = Option<&'a Simulate>>,
    ) -> Result<Simulate, Error> {
        match &self.told {
            Some(json) => Simulate::from_json(SIMULATE, json),
            None => Ok(sections.into_iter().flatten().next().cloned().unwrap_or_default()),
        }
    }

    /// The section of the request's config, else the one the cluster was started with.
    pub(crate) fn simulate_on(
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
