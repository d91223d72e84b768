//! What is looked at when a cluster is not well, or before there is one.

use caproni_driver::{Diagnosis, Error, HealthCheck, Request, State, Verdict};
use caproni_engine::{Engine, health};
use serde_json::Value;

use crate::around::status;
use crate::config::MinikubeConfig;
use crate::kubeconfig::kubeconfig;
use crate::minikube::MINIKUBE;
use crate::ports;

/// The label that minikube gives the nodes of a cluster.
const CLUSTER_LABEL: &str = "name.minikube.sigs.k8s.io";

/// Looks at minikube, at the engine, at the config's ports, and at one cluster.
///
/// # Errors
/// `Cancelled`.
pub(crate) async fn diagnose(
    request: &Request,
    profile: Option<&str>,
    config: Option<&Value>,
) -> Result<Diagnosis, Error> {
    // Without an engine minikube's clusters may still be virtual machines.
    let (program, (engine, of_engine)) = tokio::join!(
        health::program(request, &MINIKUBE),
        health::engine(request, Verdict::Warning)
    );
    let has_program = program.verdict == Verdict::Ok;
    let mut checks = vec![program];
    checks.extend(of_engine);
    if let Some(engine) = engine {
        checks.extend(published(&engine, profile, config).await);
    }
    if let Some(profile) = profile.filter(|_| has_program) {
        checks.extend(cluster(request, profile).await);
    }
    if request.is_cancelled() { Err(Error::cancelled()) } else { Ok(Diagnosis::new(checks)) }
}

async fn published(
    engine: &Engine,
    profile: Option<&str>,
    config: Option<&Value>,
) -> Vec<HealthCheck> {
    // A config that is wrong is told of by whoever reads it.
    let Some(config) = config.and_then(|config| MinikubeConfig::trust(config).ok()) else {
        return Vec::new();
    };
    let wanted: Vec<_> = config.ports.iter().filter_map(|text| ports::parse(text).ok()).collect();
    let own = format!("{CLUSTER_LABEL}={}", profile.unwrap_or_default());
    health::ports(engine, &own, &wanted).await
}

async fn cluster(request: &Request, profile: &str) -> Vec<HealthCheck> {
    let status = status(request, profile, None).await;
    let mut checks = health::cluster(profile, status.as_ref());
    if status.is_ok_and(|status| status.exists && status.state != State::Stopped) {
        checks.push(health::api(kubeconfig(request, profile).await).await);
    }
    checks
}
