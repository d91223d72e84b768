//! The kubeconfig of a cluster, as `kind get kubeconfig` gives it.
//!
//! kind reads the file that kubeadm writes in a control plane, which must run for that, and
//! changes its names and address.

use caproni_driver::backend::kubeconfig;
use caproni_driver::{Error, ErrorKind, Kubeconfig, Request};
use caproni_engine::Binding;

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
    let Some(server) = server(&cluster, engine.endpoint().host()) else {
        let message = format!("cluster `{profile}` publishes its API at no fixed port");
        return Err(Error::new(ErrorKind::Unsupported, message)
            .with_hint("leave `apiServerPort` of `config.networking` out, or set it to a port"));
    };
    let name = context(profile);
    let text = kubeconfig::rename(&text, &name, &name, &server).ok_or_else(|| {
        let message = format!("`{FILE}` of cluster `{profile}` is not a kubeconfig");
        Error::new(ErrorKind::BackendFailed, message)
    })?;
    Ok(Kubeconfig::new(text, name))
}

fn not_running(message: String) -> Error {
    Error::new(ErrorKind::ClusterNotRunning, message).with_hint("run `caproni start`")
}

/// Where the API is published: at the load balancer, else at the first control plane.
fn api(cluster: &Cluster) -> Option<&Binding> {
    let control_planes = cluster.of_role(Role::ControlPlane);
    let node = cluster.load_balancer().or(control_planes.first().copied())?;
    node.api.as_ref()
}

/// The host at which a cluster's API is reached; the address it is bound to is no address to
/// go to when it means "every address".
pub(crate) fn api_host(cluster: &Cluster, engine_host: Option<&str>) -> String {
    match api(cluster).map(Binding::address) {
        Some(host) if !host.is_empty() && host != "::" => host.into(),
        _ => engine_host.unwrap_or("127.0.0.1").into(),
    }
}

fn server(cluster: &Cluster, engine_host: Option<&str>) -> Option<String> {
    let port = api(cluster)?.host_port?;
    Some(kubeconfig::server(&api_host(cluster, engine_host), port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::tests::running;

    const ADMIN_CONF: &str = include_str!("../tests/recorded/v0.32/admin.conf");

    #[test]
    fn the_names_and_the_address_are_kinds() {
        let server = server(&running(), None).unwrap();
        assert!(server.starts_with("https://127.0.0.1:"), "{server}");
        let text = kubeconfig::rename(ADMIN_CONF, "kind-demo", "kind-demo", &server).unwrap();
        assert!(text.contains(&server) && text.contains("kind-demo"), "{text}");
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
}
