//! The kubeconfig of a cluster, as `kind get kubeconfig` gives it.
//!
//! kind reads the file that kubeadm writes in a control plane, which must run for that, and
//! changes its names and address.

use caproni_driver::backend::kubeconfig::{self, Address};
use caproni_driver::{Error, ErrorKind, Kubeconfig, Request};
use caproni_engine::plan::not_running;
use caproni_engine::{Binding, Container, Vantage};

use crate::cluster::Cluster;
use crate::connect::connect;
use crate::look::look;
use crate::role::Role;
use crate::status::context;

/// The file that kubeadm writes, and kind copies to each control plane.
const FILE: &str = "/etc/kubernetes/admin.conf";

/// Gives the kubeconfig of a cluster, be it running or stopped.
///
/// # Errors
/// `ClusterNotRunning` when there is no cluster, or none that ever ran.
pub(crate) async fn kubeconfig(request: &Request, profile: &str) -> Result<Kubeconfig, Error> {
    let engine = connect(request).await?;
    let cluster = look(&engine, profile).await?;
    if cluster.containers.is_empty() {
        return Err(not_running(format!("there is no cluster `{profile}`")));
    }
    let mut text = None;
    for node in cluster.of_role(Role::ControlPlane) {
        text = text.or(engine.read(&node.id, FILE).await?);
    }
    let Some(text) = text else {
        return Err(not_running(format!("cluster `{profile}` has no kubeconfig yet")));
    };
    let address = address(&cluster, &engine.vantage().await?)?;
    let name = context(profile);
    let text = kubeconfig::rename(&text, &name, &name, &address).ok_or_else(|| {
        let message = format!("`{FILE}` of cluster `{profile}` is not a kubeconfig");
        Error::new(ErrorKind::BackendFailed, message)
    })?;
    Ok(Kubeconfig::new(text, name))
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
