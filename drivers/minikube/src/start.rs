//! `start`: makes a cluster, or starts it, or changes its addons, or finds all as it should be.

use std::collections::BTreeSet;
use std::time::Duration;

use caproni_driver::{
    Change, ChangeCost, Condition, Difference, Error, ErrorKind, NodeState, Outcome, Request,
    State, Status,
};
use caproni_engine::{Engine, taken};
use futures_util::future::try_join_all;
use serde_json::Value;

use crate::cluster::{Cluster, Note};
use crate::config::{MinikubeConfig, check_profile, schema};
use crate::look::look;
use crate::minikube::Minikube;
use crate::profile::{Profile, is_default_addon};
use crate::status::{self, Around};
use crate::sweep::sweep;
use crate::taken::check_names;
use crate::{ports, running};

/// How long a rollback may take.
const ROLLBACK: Duration = Duration::from_secs(120);

/// Makes or starts a cluster.
///
/// # Errors
/// `ConfigMismatch` with nothing touched; what minikube's exit codes mean; `Cancelled` and
/// `TimedOut`.
pub(crate) async fn start(
    request: &Request,
    profile: &str,
    config: &Value,
) -> Result<Outcome, Error> {
    check_profile(profile)?;
    let config = MinikubeConfig::read(config)?;
    let minikube = Minikube::find()?;
    let cluster = look(request, &minikube, profile, config.wants_docker()).await?;
    Start { request, minikube: &minikube, name: profile, config: &config }.run(cluster).await
}

/// Refuses a config that `start` would refuse, and changes nothing; gives what is to be changed
/// as the cluster runs.
///
/// # Errors
/// `ConfigMismatch`, and `ClusterNotReady` for a cluster that has lost a node.
pub(crate) fn check(
    cluster: &Cluster,
    profile: &Profile,
    config: &MinikubeConfig,
) -> Result<Vec<Difference>, Error> {
    if let Some(error) = &cluster.unreadable {
        return Err(error.clone());
    }
    let running = running::config(cluster, profile, Some(config));
    let wanted = serde_json::to_value(config).unwrap_or_default();
    let found = caproni_driver::config::differences(schema(), &running, &wanted);
    if found.iter().any(|difference| difference.change != ChangeCost::Live) {
        return Err(Error::config_mismatch(&cluster.name, found));
    }
    let missing = missing(cluster);
    if missing.is_empty() { Ok(found) } else { Err(incomplete(&cluster.name, missing)) }
}

/// The status of a cluster that nobody but this request works on.
fn plain_status(cluster: &Cluster) -> Status {
    status::of(cluster, &Around::default())
}

fn missing(cluster: &Cluster) -> Vec<Condition> {
    let status = plain_status(cluster);
    let missing: Vec<_> =
        status.nodes.iter().filter(|node| node.state == NodeState::Missing).collect();
    let of_missing = |condition: &Condition| missing.iter().any(|node| node.name == condition.name);
    status.conditions.into_iter().filter(of_missing).collect()
}

fn incomplete(profile: &str, missing: Vec<Condition>) -> Error {
    let names: Vec<_> = missing.iter().map(|condition| format!("`{}`", condition.name)).collect();
    let message = format!("cluster `{profile}` has lost {}", names.join(", "));
    let mut error = Error::new(ErrorKind::ClusterNotReady, message)
        .with_hint("run `caproni destroy`, then `caproni start`");
    error.data.conditions = missing;
    error
}

/// One `start` and all it works with.
struct Start<'a> {
    request: &'a Request,
    minikube: &'a Minikube,
    name: &'a str,
    config: &'a MinikubeConfig,
}

impl Start<'_> {
    async fn run(&self, cluster: Cluster) -> Result<Outcome, Error> {
        if cluster.is_half() {
            // Nobody was ever told that it exists, and the lock says that nobody makes it.
            self.request
                .progress("sweep", "removing what is left of a creation that was not finished");
            let engine = Engine::connect(self.request).await.ok();
            sweep(self.request, self.minikube, self.name, engine.as_ref(), 3).await?;
            return self.create().await;
        }
        match &cluster.profile {
            None => self.create().await,
            Some(profile) => self.start_existing(&cluster, profile).await,
        }
    }

    async fn create(&self) -> Result<Outcome, Error> {
        self.minikube.check_version(self.request).await?;
        self.check_taken().await?;
        let config = serde_json::to_value(self.config).unwrap_or_default();
        let note = |finished| Note { config: config.clone(), finished };
        self.request.progress("create", format!("creating cluster `{}`", self.name));
        let home = self.minikube.home();
        let created = async {
            home.write_note(self.name, &note(false))?;
            self.minikube.create(self.request, self.name, self.config).await?;
            home.write_note(self.name, &note(true))
        };
        match created.await {
            Ok(()) => Ok(Outcome::new(Change::Created)),
            Err(error) => Err(self.roll_back(error).await),
        }
    }

    /// Names and ports that others have: minikube finds out when its node is made.
    async fn check_taken(&self) -> Result<(), Error> {
        // Whether minikube can do without an engine is for minikube to say.
        let Ok(engine) = Engine::connect(self.request).await else { return Ok(()) };
        check_names(&engine, self.name, self.config.nodes).await?;
        let wanted: Vec<_> =
            self.config.ports.iter().filter_map(|text| ports::parse(text).ok()).collect();
        // A cluster of its own has nothing yet, so there is none of its label.
        taken::check(&engine, "", &wanted).await
    }

    /// Removes what a failed or cancelled creation left: minikube keeps it, for people to look at.
    async fn roll_back(&self, error: Error) -> Error {
        let cleanup = self.request.for_cleanup(ROLLBACK);
        cleanup.progress("rollback", "removing what was made");
        let engine = Engine::connect(&cleanup).await.ok();
        match sweep(&cleanup, self.minikube, self.name, engine.as_ref(), 3).await {
            Ok(()) => error.with_state(State::Stopped),
            Err(second) => error
                .with_cause(format!("the rollback failed: {second}"))
                .with_state(State::NotReady),
        }
    }

    async fn start_existing(&self, cluster: &Cluster, profile: &Profile) -> Result<Outcome, Error> {
        let found = check(cluster, profile, self.config)?;
        let started = self.bring_up(cluster).await?;
        if !found.is_empty() {
            self.change_addons(profile).await?;
            self.keep(cluster)?;
            return Ok(Outcome::new(Change::Updated).with_message("changed the addons"));
        }
        Ok(Outcome::new(if started { Change::Started } else { Change::None }))
    }

    /// Keeps what the cluster is asked to have now, where this driver made it.
    fn keep(&self, cluster: &Cluster) -> Result<(), Error> {
        if cluster.note.is_none() {
            return Ok(());
        }
        let config = serde_json::to_value(self.config).unwrap_or_default();
        self.minikube.home().write_note(self.name, &Note { config, finished: true })
    }

    async fn change_addons(&self, profile: &Profile) -> Result<(), Error> {
        let have: BTreeSet<String> = profile.addons_on().into_iter().collect();
        let wanted = self.config.addons.iter().filter(|name| !is_default_addon(name)).cloned();
        let wanted: BTreeSet<String> = wanted.collect();
        for (verb, addons) in [("enable", &wanted - &have), ("disable", &have - &wanted)] {
            for addon in addons {
                self.minikube.addon(self.request, self.name, verb, &addon).await?;
            }
        }
        Ok(())
    }

    /// Gets every node to run; tells whether there was anything to do.
    async fn bring_up(&self, cluster: &Cluster) -> Result<bool, Error> {
        if plain_status(cluster).state == State::Ready {
            return Ok(false);
        }
        self.minikube.check_version(self.request).await?;
        self.request.progress("start", format!("starting cluster `{}`", self.name));
        match self.start_nodes(cluster).await {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == &ErrorKind::Cancelled => {
                Err(self.go_back(cluster, error).await)
            }
            Err(error) => Err(error),
        }
    }

    async fn start_nodes(&self, cluster: &Cluster) -> Result<(), Error> {
        let containers = cluster.containers.iter().flatten();
        let paused: Vec<_> =
            containers.filter(|container| container.state == NodeState::Paused).collect();
        if !paused.is_empty() {
            // minikube cannot start a paused container.
            let engine = Engine::connect(self.request).await?;
            try_join_all(paused.iter().map(|container| engine.unpause(&container.id))).await?;
        }
        if cluster.nodes.iter().any(|node| node.api_server == "Paused" && node.host == "Running") {
            self.minikube.unpause(self.request, self.name).await?;
        }
        let made_with = cluster.asked().map(|made| made.extra_args).unwrap_or_default();
        self.minikube.start(self.request, self.name, &made_with).await
    }

    /// Stops what a cancelled start has started, when nothing of it ran before.
    async fn go_back(&self, cluster: &Cluster, error: Error) -> Error {
        if cluster.runs() {
            return error;
        }
        let cleanup = self.request.for_cleanup(ROLLBACK);
        cleanup.progress("rollback", "stopping the nodes again");
        match crate::stop::stop_nodes(&cleanup, self.minikube, cluster).await {
            Ok(()) => error,
            Err(second) => error.with_cause(format!("stopping the nodes failed: {second}")),
        }
    }
}
