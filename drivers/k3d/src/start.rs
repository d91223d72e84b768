//! `start`: makes a cluster, or starts it, or changes its ports, or finds all as it should be.

use std::time::Duration;

use caproni_driver::{Change, Condition, Error, ErrorKind, NodeState, Outcome, Request, State};
use caproni_engine::{Binding, Container, Engine, taken};
use futures_util::future::{join_all, try_join_all};
use serde_json::Value;

use crate::cluster::Cluster;
use crate::compare::{Comparison, compare};
use crate::config::{K3dConfig, check_profile};
use crate::connect::connect;
use crate::document;
use crate::extra_args::ExtraArgs;
use crate::failure;
use crate::k3d::{self, Create, K3d};
use crate::load_balancer;
use crate::look::{label, look, mark_finished};
use crate::mapping;
use crate::ports::Edit;
use crate::role::Role;
use crate::status;
use crate::sweep::sweep_up_after;

/// How long a rollback may take; it mostly takes less than a second.
const ROLLBACK: Duration = Duration::from_secs(60);

/// How long nodes that were just started get to end when the start is cancelled.
const SHORT_GRACE: Duration = Duration::from_secs(2);

/// How many lines of a node's log tell why it did not come up.
const LOG_LINES: usize = 15;

/// Makes or starts a cluster.
///
/// # Errors
/// `ConfigMismatch` with nothing touched; `ClusterNotReady`, `ResourceConflict`,
/// `BackendFailed` and the like; `Cancelled` and `TimedOut`.
pub(crate) async fn start(
    request: &Request,
    profile: &str,
    config: &Value,
) -> Result<Outcome, Error> {
    check_profile(profile)?;
    let config = K3dConfig::read(config)?;
    let engine = connect(request).await?;
    let start = Start { request, engine: &engine, k3d: &K3d::find()?, profile, config: &config };
    let cluster = look(&engine, profile).await?;
    start.run(cluster).await
}

/// Refuses a config that `start` would refuse, and changes nothing.
///
/// # Errors
/// `ConfigMismatch` and `ClusterNotReady`, as [`start`].
pub(crate) fn check(cluster: &Cluster, config: &K3dConfig) -> Result<Comparison, Error> {
    let found = compare(cluster, config);
    let missing = missing(cluster);
    // A cluster without a server has lost the config that was kept with it.
    if cluster.servers().is_empty() || (found.differences.is_empty() && !missing.is_empty()) {
        return Err(incomplete(&cluster.name, missing));
    }
    if found.edit.is_none() && !found.differences.is_empty() {
        return Err(Error::config_mismatch(&cluster.name, found.differences));
    }
    if missing.is_empty() { Ok(found) } else { Err(incomplete(&cluster.name, missing)) }
}

/// The ports that a config publishes.
pub(crate) fn wanted_ports(config: &K3dConfig) -> Vec<Binding> {
    let extra = ExtraArgs::read(&config.extra_args);
    let mut wanted = mapping::parse_all(config.port_mappings.iter().map(String::as_str));
    wanted.extend(extra.ports);
    let api_port = extra.api_port.as_ref().or(config.api_port.as_ref());
    let api = api_port.and_then(|port| mapping::api_binding(port));
    wanted.into_iter().map(|mapping| mapping.binding).chain(api).collect()
}

fn missing(cluster: &Cluster) -> Vec<Condition> {
    let status = status::of(cluster, &status::Around::default());
    let missing = status.nodes.iter().filter(|node| node.state == NodeState::Missing);
    missing.map(status::condition).collect()
}

fn incomplete(profile: &str, missing: Vec<Condition>) -> Error {
    let names: Vec<_> = missing.iter().map(|condition| format!("`{}`", condition.name)).collect();
    let message =
        format!("cluster `{profile}` lacks {}, which k3d cannot replace", names.join(", "));
    let mut error = Error::new(ErrorKind::ClusterNotReady, message)
        .with_hint("run `caproni destroy`, then `caproni start`");
    error.data.conditions = missing;
    error
}

/// One `start` and all it works with.
struct Start<'a> {
    request: &'a Request,
    engine: &'a Engine,
    k3d: &'a K3d,
    profile: &'a str,
    config: &'a K3dConfig,
}

impl Start<'_> {
    async fn run(&self, cluster: Cluster) -> Result<Outcome, Error> {
        let killed = cluster.nodes().is_empty() && k3d::was_killed(self.profile);
        if cluster.is_unfinished() || killed {
            // Nobody was ever told that it exists, and the lock says that nobody makes it.
            self.request
                .progress("sweep", "removing what is left of a creation that was not finished");
            sweep_up_after(self.engine, self.profile, None).await?;
            return self.create().await;
        }
        if cluster.nodes().is_empty() {
            return self.create().await;
        }
        self.start_existing(cluster).await
    }

    async fn create(&self) -> Result<Outcome, Error> {
        let document = document::write(self.profile, self.config)?;
        taken::check(self.engine, &label(self.profile), &wanted_ports(self.config)).await?;
        self.k3d.check_version(self.request).await?;
        self.request.progress("create", format!("creating cluster `{}`", self.profile));
        match self.create_and_mark(&document).await {
            Ok(()) => Ok(Outcome::new(Change::Created)),
            // Nothing of what is there is ours.
            Err(error) if failure::says_that_it_exists(&error) => Err(error),
            Err(error) => Err(self.roll_back(error).await),
        }
    }

    async fn create_and_mark(&self, document: &str) -> Result<(), Error> {
        let create = Create {
            profile: self.profile,
            api_port: self.config.api_port.as_deref(),
            document,
            extra_args: &self.config.extra_args,
        };
        self.k3d.create(self.request, &create).await?;
        let cluster = look(self.engine, self.profile).await?;
        mark_finished(self.engine, &cluster).await
    }

    /// Removes what a failed or cancelled creation left: k3d does not when it is ended.
    async fn roll_back(&self, error: Error) -> Error {
        let cleanup = self.request.for_cleanup(ROLLBACK);
        let engine = self.engine.for_request(&cleanup);
        let error = taken::with_holder(&engine, &label(self.profile), error).await;
        let error = self.with_log(&engine, error).await;
        cleanup.progress("rollback", "removing what was made");
        let network = self.config.network.as_deref();
        match sweep_up_after(&engine, self.profile, network).await {
            Ok(_) => error.with_state(State::Stopped),
            Err(second) => error
                .with_cause(format!("the rollback failed: {second}"))
                .with_state(State::NotReady),
        }
    }

    /// Adds the end of the log of the node that did not come up.
    async fn with_log(&self, engine: &Engine, error: Error) -> Error {
        if !matches!(error.kind(), ErrorKind::ClusterNotReady | ErrorKind::TimedOut) {
            return error;
        }
        let Ok(cluster) = look(engine, self.profile).await else { return error };
        let named = |node: &&&Container| error.message.contains(&node.name);
        let nodes = cluster.nodes();
        let node =
            nodes.iter().find(named).or_else(|| nodes.iter().find(|n| Role::of(n) == Role::Server));
        let Some(node) = node else { return error };
        let lines = engine.log(&node.id, LOG_LINES).await.unwrap_or_default();
        if lines.is_empty() {
            return error;
        }
        error.with_cause(format!("the end of the log of `{}`:\n{}", node.name, lines.join("\n")))
    }

    async fn start_existing(&self, cluster: Cluster) -> Result<Outcome, Error> {
        // First, so that a load balancer that lost its name is not taken for a missing one.
        let cluster = match load_balancer::mend(self.engine, &cluster).await? {
            true => look(self.engine, self.profile).await?,
            false => cluster,
        };
        let found = check(&cluster, self.config)?;
        let started = self.bring_up(&cluster).await?;
        match found.edit {
            Some(edit) => self.change_ports(&cluster, &edit).await,
            None if started => Ok(Outcome::new(Change::Started)),
            None => Ok(Outcome::new(Change::None)),
        }
    }

    async fn change_ports(&self, before: &Cluster, edit: &Edit) -> Result<Outcome, Error> {
        let Self { request, engine, k3d, .. } = *self;
        k3d.check_version(request).await?;
        load_balancer::PortChange { request, engine, k3d, before }.make(edit).await?;
        let message = "changed the published ports";
        Ok(Outcome::new(Change::Updated).with_message(message))
    }

    /// Gets every node to run; tells whether there was anything to do.
    async fn bring_up(&self, cluster: &Cluster) -> Result<bool, Error> {
        let down: Vec<_> = cluster.nodes().into_iter().filter(|node| !node.is_up()).collect();
        if down.is_empty() {
            return Ok(false);
        }
        match self.start_nodes(&down).await {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == &ErrorKind::Cancelled => {
                Err(self.go_back(&down, error).await)
            }
            Err(error) => {
                let engine = self.engine.for_request(&self.request.for_cleanup(ROLLBACK));
                let error = taken::with_holder(&engine, &label(self.profile), error).await;
                Err(self.with_log(&engine, error).await)
            }
        }
    }

    async fn start_nodes(&self, down: &[&Container]) -> Result<(), Error> {
        let paused = down.iter().filter(|node| node.state == NodeState::Paused);
        let paused: Vec<_> = paused.map(|node| self.engine.unpause(&node.id)).collect();
        if !paused.is_empty() {
            self.request.progress("unpause", "letting paused nodes go on");
        }
        // k3d takes a paused node for a running one.
        let only_paused = paused.len() == down.len();
        try_join_all(paused).await?;
        if !only_paused {
            self.k3d.check_version(self.request).await?;
            self.request.progress("start", format!("starting cluster `{}`", self.profile));
            self.k3d.start(self.request, self.profile).await?;
        }
        // k3d exits with 0 in some cases in which nothing runs.
        let cluster = look(self.engine, self.profile).await?;
        let status = status::of(&cluster, &status::Around::default());
        let still_down: Vec<_> = cluster.nodes().into_iter().filter(|node| !node.is_up()).collect();
        if still_down.is_empty() {
            return Ok(());
        }
        let message =
            format!("cluster `{}` was started, and not all of its nodes run", self.profile);
        let mut error = Error::new(ErrorKind::ClusterNotReady, message);
        error.data.conditions = status.conditions;
        Err(error)
    }

    /// Stops the nodes that a cancelled start has started, and k3d's helper if it is left.
    async fn go_back(&self, down: &[&Container], error: Error) -> Error {
        let cleanup = self.request.for_cleanup(ROLLBACK);
        let engine = self.engine.for_request(&cleanup);
        cleanup.progress("rollback", "stopping the nodes again");
        let stops = down.iter().map(|node| engine.stop(&node.id, SHORT_GRACE));
        let failed = join_all(stops).await.into_iter().find_map(Result::err);
        let error = match failed {
            Some(second) => error.with_cause(format!("stopping the nodes failed: {second}")),
            None => error,
        };
        if let Ok(cluster) = look(&engine, self.profile).await {
            let tools = cluster.containers.iter().filter(|c| Role::of(c) == Role::Tool);
            join_all(tools.map(|tool| engine.remove(&tool.id))).await;
        }
        error
    }
}
