//! `start`: makes a cluster, or starts it, or finds all as it should be.

use std::time::Duration;

use caproni_driver::{Change, Condition, Error, ErrorKind, Outcome, Request, State};
use caproni_engine::{Binding, Container, Engine, taken};
use serde_json::Value;

use crate::bring_up::BringUp;
use crate::cluster::Cluster;
use crate::compare;
use crate::config::{KindConfig, check_profile};
use crate::connect::connect;
use crate::document;
use crate::failure;
use crate::kept;
use crate::kind::{self, Create, Kind};
use crate::load_balancer;
use crate::look::{label, look};
use crate::mapping;
use crate::role::Role;
use crate::status;
use crate::sweep::sweep_up_after;

/// How long a rollback may take; it mostly takes less than a second.
const ROLLBACK: Duration = Duration::from_secs(60);

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
    let config = KindConfig::read(config)?;
    let engine = connect(request).await?;
    let start = Start { request, engine: &engine, kind: &Kind::find()?, profile, config: &config };
    let cluster = look(&engine, profile).await?;
    start.run(cluster).await
}

/// Refuses a config that `start` would refuse, and changes nothing.
///
/// # Errors
/// `ConfigMismatch` and `ClusterNotReady`, as [`start`].
pub(crate) fn check(cluster: &Cluster, config: &KindConfig) -> Result<(), Error> {
    if let Some(error) = &cluster.unreadable {
        return Err(error.clone());
    }
    let differences = compare::differences(cluster, config);
    let missing = status::missing(cluster);
    // Without a control plane nothing tells any more what a cluster of plain kind was.
    let unknown = cluster.kept.is_none() && cluster.of_role(Role::ControlPlane).is_empty();
    if !differences.is_empty() && !unknown {
        return Err(Error::config_mismatch(&cluster.name, differences));
    }
    if missing.is_empty() { Ok(()) } else { Err(incomplete(&cluster.name, missing)) }
}

fn incomplete(profile: &str, missing: Vec<Condition>) -> Error {
    let names: Vec<_> = missing.iter().map(|condition| format!("`{}`", condition.name)).collect();
    let message =
        format!("cluster `{profile}` lacks {}, which kind cannot replace", names.join(", "));
    let mut error = Error::new(ErrorKind::ClusterNotReady, message)
        .with_hint("run `caproni destroy`, then `caproni start`");
    error.data.conditions = missing;
    error
}

/// The ports that a config publishes.
pub(crate) fn wanted_ports(config: &KindConfig) -> Vec<Binding> {
    let mappings = mapping::parse_all(config.port_mappings.iter().map(String::as_str));
    let networking = config.config.get("networking");
    let port = networking.and_then(|networking| networking["apiServerPort"].as_u64());
    let api = port.and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0);
    let host = networking.and_then(|networking| networking["apiServerAddress"].as_str());
    let host = host.unwrap_or("127.0.0.1").parse().ok();
    let api = api.map(|port| Binding::of_api(host, port));
    mappings.into_iter().map(|mapping| mapping.binding).chain(api).collect()
}

/// One `start` and all it works with.
struct Start<'a> {
    request: &'a Request,
    engine: &'a Engine,
    kind: &'a Kind,
    profile: &'a str,
    config: &'a KindConfig,
}

impl Start<'_> {
    async fn run(&self, cluster: Cluster) -> Result<Outcome, Error> {
        let killed = cluster.containers.is_empty() && kind::was_killed(self.profile);
        if cluster.is_unfinished() || killed {
            // Nobody was ever told that it exists, and the lock says that nobody makes it.
            self.request
                .progress("sweep", "removing what is left of a creation that was not finished");
            sweep_up_after(self.engine, self.profile).await?;
            return self.create().await;
        }
        if cluster.containers.is_empty() {
            return self.create().await;
        }
        check(&cluster, self.config)?;
        let bring_up = BringUp { request: self.request, engine: self.engine, cluster: &cluster };
        let started = bring_up.run().await?;
        Ok(Outcome::new(if started { Change::Started } else { Change::None }))
    }

    async fn create(&self) -> Result<Outcome, Error> {
        taken::check(self.engine, &label(self.profile), &wanted_ports(self.config)).await?;
        self.kind.check_version(self.request).await?;
        self.request.progress("create", format!("creating cluster `{}`", self.profile));
        match self.create_and_keep().await {
            Ok(()) => Ok(Outcome::new(Change::Created)),
            // Nothing of what is there is ours.
            Err(error) if failure::says_that_it_exists(&error) => Err(error),
            Err(error) => Err(self.roll_back(error).await),
        }
    }

    async fn create_and_keep(&self) -> Result<(), Error> {
        let create = Create {
            profile: self.profile,
            document: &document::write(self.config),
            extra_args: &self.config.extra_args,
        };
        self.kind.create(self.request, &create).await?;
        let cluster = look(self.engine, self.profile).await?;
        let told = load_balancer::read(self.engine, &cluster).await?;
        kept::write(self.engine, &cluster, self.config, told).await
    }

    /// Removes what a failed or cancelled creation left, which kind was told to leave there.
    async fn roll_back(&self, error: Error) -> Error {
        let cleanup = self.request.for_cleanup(ROLLBACK);
        let engine = self.engine.for_request(&cleanup);
        let error = taken::with_holder(&engine, &label(self.profile), error).await;
        let error = self.with_log(&engine, error).await;
        cleanup.progress("rollback", "removing what was made");
        match sweep_up_after(&engine, self.profile).await {
            Ok(_) => error.with_state(State::Stopped),
            Err(second) => error
                .with_cause(format!("the rollback failed: {second}"))
                .with_state(State::NotReady),
        }
    }

    /// Adds the end of the log of the node that did not come up.
    async fn with_log(&self, engine: &Engine, error: Error) -> Error {
        let told = [ErrorKind::ClusterNotReady, ErrorKind::TimedOut, ErrorKind::BackendFailed];
        if !told.contains(error.kind()) {
            return error;
        }
        let Ok(cluster) = look(engine, self.profile).await else { return error };
        let output = error.data.output.clone().unwrap_or_default();
        let named = |node: &&Container| output.contains(&format!(" {} ", node.name));
        let nodes = cluster.nodes();
        let Some(node) = nodes.iter().copied().find(named).or(nodes.first().copied()) else {
            return error;
        };
        let lines = engine.log(&node.id, LOG_LINES).await.unwrap_or_default();
        if lines.is_empty() {
            return error;
        }
        error.with_cause(format!("the end of the log of `{}`:\n{}", node.name, lines.join("\n")))
    }
}
