//! Starting the nodes of a cluster that exists, which kind cannot.

use std::net::IpAddr;
use std::time::Duration;

use caproni_driver::{Error, ErrorKind, NodeState, Request};
use caproni_engine::{Container, Engine, taken};
use futures_util::future::{join_all, try_join_all};

use crate::address;
use crate::cluster::Cluster;
use crate::load_balancer;
use crate::look::{label, look};
use crate::role::Role;
use crate::status::{self, Around};

/// How long going back may take.
const ROLLBACK: Duration = Duration::from_secs(60);

/// How long nodes that were just started get to end when the start is cancelled.
const SHORT_GRACE: Duration = Duration::from_secs(2);

/// A cluster whose nodes are all to run.
pub(crate) struct BringUp<'a> {
    /// The request it is done for.
    pub(crate) request: &'a Request,
    /// Where the cluster is.
    pub(crate) engine: &'a Engine,
    /// The cluster as it is.
    pub(crate) cluster: &'a Cluster,
}

impl BringUp<'_> {
    /// Gets every node to run; tells whether there was anything to do.
    ///
    /// # Errors
    /// `ClusterNotReady` when one does not stay up, or when control planes lost each other;
    /// `ResourceConflict` for a port that is taken; `Cancelled`, with the nodes stopped again.
    pub(crate) async fn run(&self) -> Result<bool, Error> {
        let down: Vec<_> = self.cluster.nodes().into_iter().filter(|node| !node.is_up()).collect();
        match self.start(&down).await {
            Ok(()) => Ok(!down.is_empty()),
            Err(error) if error.kind() == &ErrorKind::Cancelled => {
                Err(self.go_back(&down, error).await)
            }
            Err(error) => {
                let engine = self.engine.for_request(&self.request.for_cleanup(ROLLBACK));
                Err(taken::with_holder(&engine, &label(&self.cluster.name), error).await)
            }
        }
    }

    async fn start(&self, down: &[&Container]) -> Result<(), Error> {
        let told = self.told_load_balancer().await?;
        let (paused, mut stopped): (Vec<&Container>, _) =
            down.iter().partition(|node| node.state == NodeState::Paused);
        if !paused.is_empty() {
            self.request.progress("unpause", "letting paused nodes go on");
            try_join_all(paused.iter().map(|node| self.engine.unpause(&node.id))).await?;
        }
        if !stopped.is_empty() {
            self.request.progress("start", format!("starting cluster `{}`", self.cluster.name));
            self.in_order_of_addresses(&mut stopped);
        }
        for node in &stopped {
            self.request.progress("start", format!("starting node `{}`", node.name));
            self.engine.start(&node.id).await?;
        }
        let now = look(self.engine, &self.cluster.name).await?;
        let just_started = stopped.iter().any(|n| Role::of(n) == Some(Role::LoadBalancer));
        load_balancer::remind(self.request, self.engine, &now, &told, just_started).await?;
        self.check().await
    }

    /// The engine gives a container the lowest address that is free: one after the other, in
    /// the order of those they had, they mostly get them again.
    fn in_order_of_addresses(&self, nodes: &mut [&Container]) {
        let kept = self.cluster.kept.as_ref();
        nodes.sort_by_key(|node| {
            let address = kept.and_then(|kept| kept.addresses.get(&node.name));
            let address = address.and_then(|address| address.parse::<IpAddr>().ok());
            (address.is_none(), address)
        });
    }

    /// What the load balancer is to know: what was kept, or what a stopped one still has.
    async fn told_load_balancer(
        &self,
    ) -> Result<std::collections::BTreeMap<String, String>, Error> {
        match &self.cluster.kept {
            Some(kept) => Ok(kept.load_balancer.clone()),
            None => match self.cluster.load_balancer().filter(|node| !node.is_alive()) {
                Some(_) => load_balancer::read(self.engine, self.cluster).await,
                None => Ok(Default::default()),
            },
        }
    }

    async fn check(&self) -> Result<(), Error> {
        let now = look(self.engine, &self.cluster.name).await?;
        let ended: Vec<_> = now.nodes().into_iter().filter(|node| !node.is_up()).collect();
        if !ended.is_empty() {
            let message =
                format!("cluster `{}` was started, and not all of its nodes run", now.name);
            let mut error = Error::new(ErrorKind::ClusterNotReady, message);
            error.data.conditions = status::of(&now, &Around::default()).conditions;
            return Err(error);
        }
        address::check(&now)
    }

    /// Stops the nodes that a cancelled start has started.
    async fn go_back(&self, down: &[&Container], error: Error) -> Error {
        let cleanup = self.request.for_cleanup(ROLLBACK);
        let engine = self.engine.for_request(&cleanup);
        cleanup.progress("rollback", "stopping the nodes again");
        let stops = down.iter().map(|node| engine.stop(&node.id, SHORT_GRACE));
        match join_all(stops).await.into_iter().find_map(Result::err) {
            Some(second) => error.with_cause(format!("stopping the nodes failed: {second}")),
            None => error,
        }
    }
}
