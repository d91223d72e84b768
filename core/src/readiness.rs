//! Whether a cluster takes workloads, asked of its own API server.
//!
//! A backend's own word is not enough: k3d calls a cluster up when a line appears in
//! a log, 3 to 10 s before its nodes are Ready, and colima keeps saying Running after
//! its network is gone.

pub(crate) mod kubeconfig;
mod node;

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use caproni_driver::{Condition, ErrorKind, Node, resources};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use crate::error::{Error, Kind};
use crate::interrupt::Interrupt;
use crate::ui::Ui;
use node::KubeNode;

/// How long one look at the API may take.
const LOOK: Duration = Duration::from_secs(5);

/// How long to wait between two looks.
const PAUSE: Duration = Duration::from_millis(100);

/// What one look at a cluster's API showed.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// The API server's version, where it answered.
    pub kubernetes_version: Option<String>,
    /// The names of the nodes that are Ready.
    pub ready_nodes: Vec<String>,
    /// What is not as it should be; empty when the cluster is ready.
    pub conditions: Vec<Condition>,
}

impl Look {
    /// Tells whether everything was as it should be.
    pub fn is_ready(&self) -> bool {
        self.conditions.is_empty()
    }
}

/// What an API answered, before it is known which nodes there should be.
pub struct Answer {
    version: Option<String>,
    /// The nodes that it lists, or why it is not asked for them.
    nodes: Result<Vec<KubeNode>, Condition>,
}

impl Answer {
    /// Holds it against the nodes that there should be: those that the driver names, or else
    /// whatever the API lists, and at least one.
    pub fn look(&self, expected: &[Node]) -> Look {
        let look = match &self.nodes {
            Ok(nodes) => look_at_nodes(nodes, expected),
            Err(condition) => Look { conditions: vec![condition.clone()], ..Look::default() },
        };
        Look { kubernetes_version: self.version.clone(), ..look }
    }
}

/// A way to ask one cluster's API.
pub struct Readiness {
    client: Client,
    address: String,
    /// Whether it has a name, and no address: tokio looks those up in a thread.
    is_named: bool,
    /// Where it was asked for already.
    version: Option<String>,
}

impl Readiness {
    /// Prepares to ask the API that a kubeconfig names.
    ///
    /// # Errors
    /// `DriverProtocolError`: the driver gave a kubeconfig that is of no use.
    pub async fn new(kubeconfig: &str) -> Result<Self, Error> {
        let of_no_use = |error: String| {
            let message = format!("the driver's kubeconfig cannot be used: {error}");
            Error::new(Kind::DriverProtocolError, message)
        };
        let parsed = kubeconfig::read(kubeconfig).map_err(of_no_use)?;
        Self::of(parsed).await.map_err(|error| of_no_use(error.to_string()))
    }

    /// Prepares to ask the API of a kubeconfig that was kept. `None` for one that is of no use, and
    /// for one that would have other programs or servers asked for credentials: that is not to be
    /// done unless it must be.
    pub async fn offhand(kubeconfig: &str) -> Option<Self> {
        let parsed = kubeconfig::read(kubeconfig).ok()?;
        let mut users = parsed.auth_infos.iter().filter_map(|user| user.auth_info.as_ref());
        let asks_others = users.any(|user| user.exec.is_some() || user.auth_provider.is_some());
        if asks_others { None } else { Self::of(parsed).await.ok() }
    }

    async fn of(kubeconfig: Kubeconfig) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let options = KubeConfigOptions::default();
        let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await?;
        config.connect_timeout = Some(LOOK);
        config.read_timeout = Some(LOOK);
        // What is not ready answers 503, and is to be told of, or asked again, at once.
        config.default_retry = false;
        let address = config.cluster_url.to_string();
        let address = address.trim_end_matches('/').to_owned();
        let is_named = config.cluster_url.host().is_none_or(|host| host.parse::<IpAddr>().is_err());
        Ok(Self { client: Client::try_from(config)?, address, is_named, version: None })
    }

    /// Opens the connection for what is asked next, with the one question whose answer has nothing to
    /// do with whether the cluster is ready; `None` if there is none within 5 s.
    pub async fn opened(mut self) -> Option<Self> {
        self.thread_to_find_it().ok()?;
        self.version = Some(tokio::time::timeout(LOOK, self.server_version()).await.ok()??);
        Some(self)
    }

    /// Looks once, as [`Answer::look`] says.
    pub async fn look(&self, expected: &[Node]) -> Look {
        self.ask().await.look(expected)
    }

    /// Asks once, within 5 s.
    pub async fn ask(&self) -> Answer {
        let answer = tokio::time::timeout(LOOK, self.ask_unlimited()).await;
        answer
            .unwrap_or_else(|_| self.failed(format!("did not answer within {} s", LOOK.as_secs())))
    }

    async fn ask_unlimited(&self) -> Answer {
        if let Err(error) = self.thread_to_find_it() {
            return self.failed(format!("is not asked: {error}"));
        }
        if let Err(error) = self.readyz().await {
            return self.failed(error);
        }
        let version = match self.version.clone() {
            None => self.server_version().await,
            known => known,
        };
        let answer = match node::nodes(&self.client).await {
            Ok(nodes) => Answer { version: None, nodes: Ok(nodes) },
            Err(error) => self.failed(format!("does not list its nodes: {error}")),
        };
        Answer { version, ..answer }
    }

    async fn server_version(&self) -> Option<String> {
        self.client.apiserver_version().await.ok().map(|info| info.git_version)
    }

    async fn readyz(&self) -> Result<(), String> {
        let request = http::Request::get("/readyz").body(Vec::new());
        let request = request.map_err(|error| error.to_string())?;
        match self.client.request_text(request).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) => Err(format!("answers {} to /readyz", status.code)),
            Err(error) => Err(format!("does not answer: {}", innermost(&error))),
        }
    }

    /// Sees to it that tokio, which panics without, gets the thread that it may need.
    fn thread_to_find_it(&self) -> std::io::Result<()> {
        if self.is_named { resources::threads(1) } else { Ok(()) }
    }

    fn failed(&self, what: String) -> Answer {
        let message = format!("{} {what}", self.address);
        Answer { version: None, nodes: Err(Condition::failed("api", message)) }
    }

    /// Looks until the cluster is ready.
    ///
    /// # Errors
    /// `ClusterNotReady` with the conditions that failed at the end of `limit`, `Cancelled`.
    pub async fn wait(
        &self,
        expected: &[Node],
        limit: Duration,
        interrupt: &Interrupt,
        ui: &Ui,
    ) -> Result<Look, Error> {
        let begun = Instant::now();
        loop {
            let look = self.look(expected).await;
            let Some(condition) = look.conditions.first() else { return Ok(look) };
            ui.step("ready", &format!("waiting for {}: {}", condition.name, condition.message));
            if begun.elapsed() >= limit {
                return Err(not_ready(look.conditions, begun.elapsed()));
            }
            let pause = PAUSE.min(limit.saturating_sub(begun.elapsed()));
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = interrupt.first() => {
                    return Err(Error::driver(ErrorKind::Cancelled, "cancelled"));
                }
            }
        }
    }
}

fn not_ready(conditions: Vec<Condition>, waited: Duration) -> Error {
    let message = format!("the cluster was not ready after {:.0} s", waited.as_secs_f64());
    let mut error = Error::driver(ErrorKind::ClusterNotReady, message).with_conditions(conditions);
    error.data.waited_ms = Some(u64::try_from(waited.as_millis()).unwrap_or(u64::MAX));
    error
}

fn look_at_nodes(nodes: &[KubeNode], expected: &[Node]) -> Look {
    let name = |node: &KubeNode| node.metadata.name.clone().unwrap_or_default();
    let ready_nodes: Vec<String> =
        nodes.iter().filter(|node| why_not_ready(node).is_none()).map(name).collect();
    let expected: Vec<String> = expected
        .iter()
        .filter(|node| node.role.in_kubernetes())
        .map(|node| node.name.clone())
        .collect();
    let wanted = if expected.is_empty() { nodes.iter().map(name).collect() } else { expected };
    let by_name: HashMap<String, &KubeNode> = nodes.iter().map(|node| (name(node), node)).collect();
    let mut conditions: Vec<Condition> = wanted
        .iter()
        .filter_map(|wanted| match by_name.get(wanted) {
            None => Some(Condition::failed(wanted, "is not in the cluster yet")),
            Some(node) => why_not_ready(node).map(|why| Condition::failed(wanted, why)),
        })
        .collect();
    if wanted.is_empty() {
        conditions.push(Condition::failed("nodes", "the cluster has no node yet"));
    }
    Look { kubernetes_version: None, ready_nodes, conditions }
}

fn why_not_ready(node: &KubeNode) -> Option<String> {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref());
    let ready = conditions.and_then(|all| all.iter().find(|one| one.kind == "Ready"));
    match ready {
        Some(ready) if ready.status == "True" => None,
        Some(ready) => {
            let why = ready.message.clone().or_else(|| ready.reason.clone()).unwrap_or_default();
            Some(if why.is_empty() {
                "is not Ready".into()
            } else {
                format!("is not Ready: {why}")
            })
        }
        None => Some("has not said that it is Ready".into()),
    }
}

/// The innermost cause, which names what happened: "connection refused".
fn innermost(error: &dyn std::error::Error) -> String {
    let mut at = error;
    while let Some(source) = at.source() {
        at = source;
    }
    at.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use caproni_driver::{NodeRole, NodeState};
    use serde_json::json;

    fn kube_node(name: &str, ready: &str) -> KubeNode {
        serde_json::from_value(json!({
            "metadata": {"name": name},
            "status": {"conditions": [
                {"type": "DiskPressure", "status": "False"},
                {"type": "Ready", "status": ready, "message": "container runtime is down"},
            ]},
        }))
        .unwrap()
    }

    fn expected(name: &str, role: NodeRole) -> Node {
        Node::new(name, role, NodeState::Running)
    }

    #[test]
    fn ready_is_when_every_expected_node_is_ready() {
        let nodes = [kube_node("s", "True"), kube_node("a", "True")];
        let wanted = [
            expected("s", NodeRole::Server),
            expected("a", NodeRole::Agent),
            expected("lb", NodeRole::LoadBalancer),
        ];
        let look = look_at_nodes(&nodes, &wanted);
        assert!(look.is_ready());
        assert_eq!(look.ready_nodes, ["s", "a"]);
    }

    #[test]
    fn a_node_that_is_not_ready_or_not_there_is_a_condition() {
        let nodes = [kube_node("s", "False")];
        let wanted = [expected("s", NodeRole::Server), expected("a", NodeRole::Agent)];
        let look = look_at_nodes(&nodes, &wanted);
        assert_eq!(
            look.conditions,
            [
                Condition::failed("s", "is not Ready: container runtime is down"),
                Condition::failed("a", "is not in the cluster yet"),
            ]
        );
    }

    #[test]
    fn a_cluster_without_nodes_is_not_ready() {
        assert!(!look_at_nodes(&[], &[]).is_ready());
    }

    #[test]
    fn a_node_without_conditions_is_not_ready() {
        let node: KubeNode = serde_json::from_value(json!({"metadata": {"name": "s"}})).unwrap();
        let look = look_at_nodes(&[node], &[expected("s", NodeRole::Server)]);
        assert!(!look.is_ready());
    }
}
