//! The kubeconfig of a cluster, as `kind get kubeconfig` gives it.
//!
//! kind reads the file that kubeadm writes in a control plane, which must run for that, and
//! changes its names and address.

use caproni_driver::backend::kubeconfig::{self, Address};
use caproni_driver::{Error, ErrorKind, Kubeconfig, Request};
use caproni_engine::plan::not_running;
use caproni_engine::{Binding, Container, Engine, Listed, Vantage};
use futures_util::future::{try_join_all, try_join3};

use crate::cluster::Cluster;
use crate::kind::KIND;
use crate::look::{label, look_at};
use crate::role::Role;
use crate::status::context;

/// The file that kubeadm writes, and kind copies to each control plane.
const FILE: &str = "/etc/kubernetes/admin.conf";

/// Gives the kubeconfig of a cluster, be it running or stopped.
///
/// # Errors
/// `ClusterNotRunning` when there is no cluster, or none that ever ran.
pub(crate) async fn kubeconfig(request: &Request, profile: &str) -> Result<Kubeconfig, Error> {
    let (engine, listed) = Engine::connect_and_list(request, &KIND, &label(profile)).await?;
    if listed.is_empty() {
        return Err(not_running(format!("there is no cluster `{profile}`")));
    }
    let containers = listed.iter().cloned().map(Listed::into_container).collect();
    let nodes = Cluster { name: profile.into(), containers, ..Cluster::default() };
    let control_planes = nodes.of_role(Role::ControlPlane);
    let texts = try_join_all(control_planes.iter().map(|node| engine.read(&node.id, FILE)));
    let look = look_at(&engine, profile, &listed);
    let (cluster, vantage, texts) = try_join3(look, engine.vantage(), texts).await?;
    let Some(text) = texts.into_iter().flatten().next() else {
        return Err(not_running(format!("cluster `{profile}` has no kubeconfig yet")));
    };
    let address = address(&cluster, &vantage)?;
    let name = context(profile);
    let text = kubeconfig::rename(&text, &name, &name, &address).ok_or_else(|| {
        let message = format!("`{FILE}` of cluster `{profile}` is not a kubeconfig");
        Error::new(ErrorKind::BackendFailed, message)
    })?;
    Ok(Kubeconfig::new(text, name))
}

/// Tells a cluster from all others that have, had, or will have another kubeconfig. No two containers
/// have one id, on whatever engine; and what a node does when it starts is its image's affair.
pub(crate) fn identity(cluster: &Cluster, vantage: &Vantage) -> Option<String> {
    let address = address(cluster, vantage).ok()?.url();
    let control_planes = cluster.of_role(Role::ControlPlane);
    let nodes = cluster.load_balancer().into_iter().chain(control_planes);
    Some(caproni_engine::identity(nodes, address))
}

/// Where the API is published: at the load balancer, else at the first control plane.
fn api(cluster: &Cluster) -> Option<(&Container, &Binding)> {
    let control_planes = cluster.of_role(Role::ControlPlane);
    let node = cluster.load_balancer().or(control_planes.first().copied())?;
    Some((node, node.api.as_ref()?))
}

/// The host at which a cluster's API is reached; the address it is bound to is no address to
/// go to when it means "every address".
pub(crate) fn api_host(cluster: &Cluster, host: Option<&str>) -> String {
    match api(cluster).map(|(_, binding)| binding.address()) {
        Some(bound) if !bound.is_empty() && bound != "::" => bound.into(),
        _ => host.unwrap_or("127.0.0.1").into(),
    }
}

/// The address of the API as it is reached from here.
fn address(cluster: &Cluster, vantage: &Vantage) -> Result<Address, Error> {
    let Some((node, binding)) = api(cluster).filter(|(_, api)| api.host_port.is_some()) else {
        let message = format!("cluster `{}` publishes its API at no fixed port", cluster.name);
        return Err(Error::new(ErrorKind::Unsupported, message)
            .with_hint("leave `apiServerPort` of `config.networking` out, or set it to a port"));
    };
    vantage.address(node, binding).ok_or_else(|| {
        let field = "`apiServerAddress` of `config.networking` to `0.0.0.0`";
        vantage.unreachable(&cluster.name, node, field)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::tests::running;

    const ADMIN_CONF: &str = include_str!("../tests/recorded/v0.32/admin.conf");

    #[test]
    fn the_names_and_the_address_are_kinds() {
        let address = address(&running(), &Vantage::SameMachine).unwrap();
        assert_eq!(address.host, "127.0.0.1");
        let text = kubeconfig::rename(ADMIN_CONF, "kind-demo", "kind-demo", &address).unwrap();
        assert!(text.contains(&address.url()) && text.contains("kind-demo"), "{text}");
        assert!(!text.contains("kubernetes-admin"), "{text}");
    }

    #[test]
    fn another_cluster_another_start_and_another_address_is_another_identity() {
        let here = Vantage::SameMachine;
        let known = identity(&running(), &here).unwrap();
        assert_eq!(identity(&running(), &here).unwrap(), known);
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
    fn the_address_is_one_to_go_to() {
        let mut cluster = running();
        for node in &mut cluster.containers {
            if let Some(api) = &mut node.api {
                api.host_ip = "0.0.0.0".into();
            }
        }
        assert_eq!(api_host(&cluster, None), "127.0.0.1");
        assert_eq!(api_host(&cluster, Some("docker")), "docker");
    }

    #[test]
    fn an_api_that_only_the_engine_s_machine_reaches_says_what_would_publish_it() {
        let there = Vantage::OtherMachine("docker".into());
        let error = address(&running(), &there).unwrap_err();
        assert!(error.data.hint.unwrap().contains("apiServerAddress"));
    }
}
