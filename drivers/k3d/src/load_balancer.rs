//! Changing the ports of a cluster that runs.
//!
//! k3d does it by another load balancer: it renames the old one, makes the new one, stops
//! the old one, starts the new one and removes the old one. Ended in between it leaves
//! two of them, or one of the wrong name, which k3d itself cannot mend.

use caproni_driver::{Error, ErrorKind, NodeState, Request};

use crate::cluster::{Cluster, Container, Role};
use crate::engine::Engine;
use crate::k3d::K3d;
use crate::ports::Edit;
use crate::taken;

/// How long what is left of a failed change may take to be put in order.
const MENDING: std::time::Duration = std::time::Duration::from_secs(30);

/// Changes what a running cluster publishes.
///
/// # Errors
/// `ResourceConflict` for a port that is taken, and what k3d says; the load balancer is
/// there in any case, and a cause says what it publishes then.
pub(crate) async fn change_ports(
    request: &Request,
    engine: &Engine,
    k3d: &K3d,
    cluster: &str,
    edit: &Edit,
) -> Result<(), Error> {
    let wanted: Vec<_> = edit.add.iter().map(|mapping| mapping.binding.clone()).collect();
    taken::check(engine, cluster, &wanted).await?;
    match run(request, k3d, cluster, edit).await {
        Ok(()) => Ok(()),
        Err(error) => {
            let engine = engine.for_request(&request.for_cleanup(MENDING));
            let error = taken::with_holder(&engine, cluster, error).await;
            Err(put_in_order(&engine, cluster, error).await)
        }
    }
}

async fn run(request: &Request, k3d: &K3d, cluster: &str, edit: &Edit) -> Result<(), Error> {
    request.progress("ports", "changing the published ports");
    // k3d refuses to do both in one go.
    if !edit.delete.is_empty() {
        let old: Vec<_> =
            edit.delete.iter().map(|b| format!("{}@loadbalancer", b.exact())).collect();
        k3d.edit_ports(request, cluster, "--port-delete", &old).await?;
    }
    if !edit.add.is_empty() {
        let new: Vec<_> = edit.add.iter().map(ToString::to_string).collect();
        k3d.edit_ports(request, cluster, "--port-add", &new).await?;
    }
    Ok(())
}

async fn put_in_order(engine: &Engine, cluster: &str, error: Error) -> Error {
    match mend_and_start(engine, cluster).await {
        Ok(cluster) => {
            let ports = cluster.config()["port_mappings"].to_string();
            let state = crate::status::of(&cluster, &crate::status::Around::default()).state;
            error.with_state(state).with_cause(format!("the port mappings are now {ports}"))
        }
        Err(second) => error
            .with_cause(format!("putting the load balancer in order failed: {second}"))
            .with_state(caproni_driver::State::NotReady),
    }
}

async fn mend_and_start(engine: &Engine, name: &str) -> Result<Cluster, Error> {
    mend(engine, &engine.cluster(name).await?).await?;
    let cluster = engine.cluster(name).await?;
    let load_balancer = cluster
        .load_balancer()
        .ok_or_else(|| Error::new(ErrorKind::BackendFailed, "the load balancer is gone"))?;
    if !load_balancer.is_up() {
        engine.start(&load_balancer.id).await?;
    }
    engine.cluster(name).await
}

/// What to do about the load balancers there are.
#[derive(Debug, PartialEq)]
enum Step<'a> {
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

fn steps(cluster: &Cluster) -> Vec<Step<'_>> {
    let proper = cluster.load_balancer();
    let mut others: Vec<_> = cluster
        .nodes()
        .into_iter()
        .filter(|node| node.role == Role::LoadBalancer && Some(*node) != proper)
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
