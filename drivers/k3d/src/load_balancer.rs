//! Changing the ports of a cluster that runs.
//!
//! k3d does it by another load balancer: it renames the old one, makes the new one, stops
//! the old one, starts the new one and removes the old one. Ended in between it leaves
//! two of them, or one of the wrong name, which k3d itself cannot mend.

use caproni_driver::{Error, ErrorKind, NodeState, Request};
use caproni_engine::{Container, Engine, taken};

use crate::cluster::{Cluster, strings};
use crate::k3d::K3d;
use crate::look::{label, look};
use crate::mapping;
use crate::ports::{self, Change, Edit};
use crate::role::Role;

/// How long what is left of a failed change may take to be put in order.
const MENDING: std::time::Duration = std::time::Duration::from_secs(30);

/// A change of the ports of one cluster.
pub(crate) struct PortChange<'a> {
    /// The request it is made for.
    pub(crate) request: &'a Request,
    /// Where the cluster is.
    pub(crate) engine: &'a Engine,
    /// What changes it.
    pub(crate) k3d: &'a K3d,
    /// The cluster as it is.
    pub(crate) before: &'a Cluster,
}

impl PortChange<'_> {
    /// Changes what the cluster publishes, while it runs.
    ///
    /// # Errors
    /// `ResourceConflict` for a port that is taken, and what k3d says; the load balancer
    /// is there in any case, and a cause says what it publishes then.
    pub(crate) async fn make(&self, edit: &Edit) -> Result<(), Error> {
        let name = &self.before.name;
        let wanted: Vec<_> = edit.add.iter().map(|mapping| mapping.binding.clone()).collect();
        taken::check(self.engine, &label(name), &wanted).await?;
        let Err(error) = run(self.request, self.k3d, name, edit).await else { return Ok(()) };
        let cleanup = self.request.for_cleanup(MENDING);
        let engine = self.engine.for_request(&cleanup);
        let error = taken::with_holder(&engine, &label(name), error).await;
        match self.put_in_order(&cleanup, &engine, error.kind()).await {
            Ok(cluster) => {
                let ports = cluster.config()["port_mappings"].to_string();
                Err(error.with_cause(format!("the port mappings are now {ports}")))
            }
            Err(second) => {
                let cause = format!("putting the load balancer in order failed: {second}");
                Err(error.with_cause(cause))
            }
        }
    }

    /// Gets one load balancer to run, and when there is time to publish what was before.
    async fn put_in_order(
        &self,
        cleanup: &Request,
        engine: &Engine,
        why: &ErrorKind,
    ) -> Result<Cluster, Error> {
        let name = &self.before.name;
        let cluster = mend_and_start(engine, name).await?;
        // Who cancels does not want to wait for two more load balancers.
        if matches!(why, ErrorKind::Cancelled | ErrorKind::TimedOut) {
            return Ok(cluster);
        }
        let back = ports::compare(
            &strings(Some(&cluster.config()), "port_mappings"),
            &strings(Some(&self.before.config()), "port_mappings"),
            &cluster.extra_ports(),
            cluster.load_balancer().map(|node| node.bindings.as_slice()),
        );
        let Change::Live(edit) = back else { return Ok(cluster) };
        run(cleanup, self.k3d, name, &edit).await?;
        look(engine, name).await
    }
}

async fn run(request: &Request, k3d: &K3d, cluster: &str, edit: &Edit) -> Result<(), Error> {
    request.progress("ports", "changing the published ports");
    // k3d refuses to do both in one go.
    if !edit.delete.is_empty() {
        let old: Vec<_> =
            edit.delete.iter().map(|b| format!("{}@loadbalancer", mapping::exact(b))).collect();
        k3d.edit_ports(request, cluster, "--port-delete", &old).await?;
    }
    if !edit.add.is_empty() {
        let new: Vec<_> = edit.add.iter().map(ToString::to_string).collect();
        k3d.edit_ports(request, cluster, "--port-add", &new).await?;
    }
    Ok(())
}

async fn mend_and_start(engine: &Engine, name: &str) -> Result<Cluster, Error> {
    mend(engine, &look(engine, name).await?).await?;
    let cluster = look(engine, name).await?;
    let load_balancer = cluster
        .load_balancer()
        .ok_or_else(|| Error::new(ErrorKind::BackendFailed, "the load balancer is gone"))?;
    if !load_balancer.is_up() {
        engine.start(&load_balancer.id).await?;
    }
    look(engine, name).await
}

/// What to do about the load balancers there are.
#[derive(Debug, PartialEq)]
pub(crate) enum Step<'a> {
    Remove(&'a Container),
    Rename(&'a Container),
}

/// Leaves one load balancer, of the proper name; tells whether it changed anything.
///
/// # Errors
/// As the engine's.
pub(crate) async fn mend(engine: &Engine, cluster: &Cluster) -> Result<bool, Error> {
    let steps = steps(cluster);
    for step in &steps {
        match step {
            Step::Remove(container) => engine.remove(&container.id).await?,
            Step::Rename(container) => {
                engine.rename(&container.id, &cluster.load_balancer_name()).await?;
            }
        }
    }
    Ok(!steps.is_empty())
}

pub(crate) fn steps(cluster: &Cluster) -> Vec<Step<'_>> {
    let proper = cluster.load_balancer();
    let mut others: Vec<_> = cluster
        .nodes()
        .into_iter()
        .filter(|node| Role::of(node) == Role::LoadBalancer && Some(*node) != proper)
        .collect();
    let mut steps = Vec::new();
    match proper {
        // One that was never started may lack its config, which k3d writes just before.
        Some(new) if new.state == NodeState::Created && !others.is_empty() => {
            steps.push(Step::Remove(new));
            steps.push(Step::Rename(others.remove(0)));
        }
        None if !others.is_empty() => steps.push(Step::Rename(others.remove(0))),
        _ => {}
    }
    steps.extend(others.into_iter().map(Step::Remove));
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::tests::running;

    /// The cluster with its load balancer renamed, and a new one in a state.
    fn during_change(new: Option<NodeState>) -> Cluster {
        let mut cluster = running();
        let mut old = cluster.containers[0].clone();
        old.name.push_str("-AbCdE");
        match new {
            Some(state) => cluster.containers[0].state = state,
            None => drop(cluster.containers.remove(0)),
        }
        cluster.containers.push(old);
        cluster
    }

    fn said(cluster: &Cluster) -> Vec<String> {
        let said = |step: &Step<'_>| match step {
            Step::Remove(container) => format!("remove {}", container.name),
            Step::Rename(container) => format!("rename {}", container.name),
        };
        steps(cluster).iter().map(said).collect()
    }

    #[test]
    fn one_load_balancer_is_left_alone() {
        assert_eq!(steps(&running()), []);
    }

    #[test]
    fn a_renamed_one_gets_its_name_back() {
        assert_eq!(said(&during_change(None)), ["rename k3d-demo-serverlb-AbCdE"]);
    }

    #[test]
    fn a_new_one_that_never_ran_gives_way_to_the_old_one() {
        assert_eq!(
            said(&during_change(Some(NodeState::Created))),
            ["remove k3d-demo-serverlb", "rename k3d-demo-serverlb-AbCdE"]
        );
    }

    #[test]
    fn a_new_one_that_ran_is_the_one_to_keep() {
        for state in [NodeState::Running, NodeState::Stopped] {
            let cluster = during_change(Some(state));
            assert_eq!(said(&cluster), ["remove k3d-demo-serverlb-AbCdE"]);
        }
    }
}
