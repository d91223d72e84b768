//! What is looked at when a cluster is not well, or before there is one.

use caproni_driver::{Diagnosis, HealthCheck, Request, State, Verdict};
use caproni_engine::{Engine, health};
use serde_json::Value;

use crate::config::{K3dConfig, check_profile};
use crate::connect::status_of;
use crate::k3d::K3D;
use crate::kubeconfig::kubeconfig;
use crate::look::{label, look};
use crate::start::wanted_ports;

/// Looks at k3d and the engine, at the config's ports, and at the cluster that is named.
pub(crate) async fn diagnose(
    request: &Request,
    profile: Option<&str>,
    config: Option<&Value>,
) -> Diagnosis {
    let (program, (engine, of_engine)) =
        tokio::join!(health::program(request, &K3D), health::engine(request, Verdict::Failed));
    let mut checks = vec![program];
    checks.extend(of_engine);
    let Some(engine) = engine else { return Diagnosis::new(checks) };
    checks.extend(ports(&engine, profile, config).await);
    if let Some(profile) = profile {
        checks.extend(cluster(request, &engine, profile).await);
    }
    Diagnosis::new(checks)
}

async fn ports(engine: &Engine, profile: Option<&str>, config: Option<&Value>) -> Vec<HealthCheck> {
    // A config that is wrong is told of by whoever reads it.
    let Some(config) = config.and_then(|config| K3dConfig::read(config).ok()) else {
        return Vec::new();
    };
    health::ports(engine, &label(profile.unwrap_or_default()), &wanted_ports(&config)).await
}

async fn cluster(request: &Request, engine: &Engine, profile: &str) -> Vec<HealthCheck> {
    let told = async {
        check_profile(profile)?;
        let cluster = look(engine, profile).await?;
        Ok(status_of(&cluster, &engine.vantage().await?))
    };
    let status = told.await;
    let mut checks = health::cluster(profile, status.as_ref());
    if status.is_ok_and(|status| status.exists && status.state != State::Stopped) {
        checks.push(health::api(kubeconfig(request, profile).await).await);
    }
    checks
}
