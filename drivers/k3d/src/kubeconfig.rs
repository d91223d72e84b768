//! The kubeconfig of a cluster, as `k3d kubeconfig get` gives it.
//!
//! k3d reads the file that k3s writes in its container and changes a few names. Doing that
//! here takes some milliseconds instead of a tenth of a second.

use caproni_driver::backend::kubeconfig::{self, Address};
use caproni_driver::{Error, ErrorKind, Kubeconfig, Request};
use caproni_engine::plan::not_running;
use caproni_engine::{Binding, Container, Engine, Listed, Vantage};
use futures_util::future::try_join3;

use crate::cluster::Cluster;
use crate::k3d::K3D;
use crate::look::{label, look_at};
use crate::status::{api_host, context, noted_host};

/// The file that k3s writes in each server.
const FILE: &str = "/output/kubeconfig.yaml";

const API_PORT: &str = "k3d.server.api.port";

/// Gives the kubeconfig of a cluster, be it running or stopped.
///
/// # Errors
/// `ClusterNotRunning` when there is no cluster, or none that ever ran.
pub(crate) async fn kubeconfig(request: &Request, profile: &str) -> Result<Kubeconfig, Error> {
    let (engine, listed) = Engine::connect_and_list(request, &K3D, &label(profile)).await?;
    let containers = listed.iter().cloned().map(Listed::into_container).collect();
    let servers = Cluster { name: profile.into(), containers, ..Cluster::default() };
    let Some(server) = writer(&servers) else {
        let message = format!("there is no cluster `{profile}`");
        return Err(not_running(message));
    };
    let look = look_at(&engine, profile, &listed);
    let (cluster, vantage, text) =
        try_join3(look, engine.vantage(), engine.read(&server.id, FILE)).await?;
    let Some(text) = text else {
        let message = format!("cluster `{profile}` has not written a kubeconfig yet");
        return Err(not_running(message));
    };
    let name = context(profile);
    let address = address(&cluster, &vantage)?;
    let text =
        kubeconfig::rename(&text, &name, &format!("admin@{name}"), &address).ok_or_else(|| {
            let message = format!("`{FILE}` in `{}` is not a kubeconfig", server.name);
            Error::new(ErrorKind::BackendFailed, message)
        })?;
    Ok(Kubeconfig::new(text, name))
}

/// The server whose kubeconfig is taken. k3d's choice is the one on which it noted the API's address.
fn writer(cluster: &Cluster) -> Option<&Container> {
    let servers = cluster.servers();
    let noted = servers.iter().find(|server| server.labels.get(API_PORT).is_some());
    noted.or(servers.first()).copied()
}

/// Tells a cluster from all others that have, had, or will have another kubeconfig. No two containers
/// have one id, on whatever engine; and k3s may renew what is in the file when it starts.
pub(crate) fn identity(cluster: &Cluster, vantage: &Vantage) -> Option<String> {
    writer(cluster)?;
    let address = address(cluster, vantage).ok()?.url();
    let nodes = cluster.load_balancer().into_iter().chain(cluster.servers());
    Some(caproni_engine::identity(nodes, address))
}

/// The address of the API as it is reached from here.
fn address(cluster: &Cluster, vantage: &Vantage) -> Result<Address, Error> {
    let port = cluster.label(API_PORT).and_then(|port| port.parse().ok());
    let Some((node, binding)) = publisher(cluster) else {
        // Whoever published it is gone, and comes back at the same place.
        let host = api_host(cluster, Some(vantage.host()));
        return Ok(Address::new(host, port.unwrap_or(Binding::API_PORT)));
    };
    let binding = Binding { host_port: binding.host_port.or(port), ..binding.clone() };
    let Some(address) = vantage.address(node, &binding) else {
        return Err(vantage.unreachable(&cluster.name, node, "`api_port` to `0.0.0.0:PORT`"));
    };
    match noted_host(cluster).filter(|_| address.host == binding.address()) {
        // k3d was told a name, whose address it is published at.
        Some(host) => Ok(Address::new(host, address.port)),
        None => Ok(address),
    }
}

/// The node that publishes the API: the load balancer, else a server.
fn publisher(cluster: &Cluster) -> Option<(&Container, &Binding)> {
    let nodes = cluster.load_balancer().into_iter().chain(cluster.servers());
    nodes.into_iter().find_map(|node| Some((node, node.api.as_ref()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::tests::running;

    #[test]
    fn the_address_is_one_to_go_to() {
        let port = running().label(API_PORT).unwrap().to_owned();
        let url = |vantage: &Vantage| address(&running(), vantage).unwrap().url();
        assert_eq!(url(&Vantage::SameMachine), format!("https://127.0.0.1:{port}"));
        let there = |host: &str| Vantage::OtherMachine(host.into());
        assert_eq!(url(&there("docker")), format!("https://docker:{port}"));
        assert_eq!(url(&there("fd00::1")), format!("https://[fd00::1]:{port}"));
    }

    #[test]
    fn another_cluster_another_start_and_another_address_is_another_identity() {
        let here = Vantage::SameMachine;
        let known = identity(&running(), &here).unwrap();
        assert_eq!(identity(&running(), &here).unwrap(), known);
        let there = Vantage::OtherMachine("docker".into());
        assert_ne!(identity(&running(), &there).unwrap(), known);
        let changes: [fn(&mut Container); 3] = [
            |node| node.id.push('0'),
            |node| node.started = Some("2026-11-05T09:12:33Z".into()),
            |node| node.api.iter_mut().for_each(|api| api.host_port = Some(1)),
        ];
        for change in changes {
            let mut cluster = running();
            cluster.containers.iter_mut().for_each(change);
            assert_ne!(identity(&cluster, &here).unwrap(), known);
        }
        assert_eq!(identity(&Cluster::default(), &here), None);
    }

    #[test]
    fn the_host_that_k3d_was_told_is_the_address() {
        let mut cluster = running();
        let bound = cluster.load_balancer().unwrap().api.clone().unwrap();
        for node in &mut cluster.containers {
            node.labels.set("k3d.server.api.host", "k8s.example");
            if let Some(api) = &mut node.api {
                api.host_ip = "10.1.2.3".into();
            }
        }
        let url = address(&cluster, &Vantage::SameMachine).unwrap().url();
        assert_eq!(url, format!("https://k8s.example:{}", bound.host_port.unwrap()));
    }
}
