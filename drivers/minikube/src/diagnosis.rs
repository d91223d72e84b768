//! What is looked at when a cluster is not well, or before there is one.

use caproni_driver::{Diagnosis, Error, HealthCheck, Request, State, Verdict};
use caproni_engine::Engine;

use crate::around::status;
use crate::minikube::MINIKUBE;

/// Looks at minikube, at the engine, and at one cluster.
///
/// # Errors
/// `Cancelled`.
pub(crate) async fn diagnose(request: &Request, profile: Option<&str>) -> Result<Diagnosis, Error> {
    let (program, engine) = tokio::join!(program(request), engine(request));
    let mut checks = vec![program, engine];
    if let Some(profile) = profile {
        checks.extend(cluster(request, profile).await);
    }
    if request.is_cancelled() { Err(Error::cancelled()) } else { Ok(Diagnosis::new(checks)) }
}

async fn program(request: &Request) -> HealthCheck {
    let checked = async {
        let minikube = MINIKUBE.find()?;
        minikube.check_version(request).await?;
        let version = minikube.version(request).await?;
        Ok(format!("minikube {version} at {}", minikube.path().display()))
    };
    match checked.await {
        Ok(message) => HealthCheck::new("program", Verdict::Ok, message),
        Err(error) => failed("program", Verdict::Failed, &error),
    }
}

/// Without an engine minikube's clusters may still be virtual machines.
async fn engine(request: &Request) -> HealthCheck {
    match Engine::connect(request).await {
        Ok(engine) => {
            let message = format!("the Docker engine at {} answers", engine.endpoint());
            HealthCheck::new("engine", Verdict::Ok, message)
        }
        Err(error) => failed("engine", Verdict::Warning, &error),
    }
}

async fn cluster(request: &Request, profile: &str) -> Vec<HealthCheck> {
    let status = match status(request, profile, None).await {
        Ok(status) => status,
        Err(error) => return vec![failed("cluster", Verdict::Failed, &error)],
    };
    let bad: Vec<_> = status.conditions.iter().filter(|condition| !condition.ok).collect();
    if bad.is_empty() {
        let what = match (status.exists, &status.state) {
            (false, _) => format!("there is no cluster `{profile}`"),
            (true, state) => format!("cluster `{profile}` is {state}"),
        };
        return vec![HealthCheck::new("cluster", Verdict::Ok, what)];
    }
    let verdict = if status.state == State::Starting { Verdict::Warning } else { Verdict::Failed };
    let checks = bad.into_iter().map(|condition| {
        let message = format!("`{}` {}", condition.name, condition.message);
        let check = HealthCheck::new("cluster", verdict.clone(), message);
        let hint = condition.hint.clone();
        check.with_hint(hint.unwrap_or_else(|| "wait for it to end".into()))
    });
    checks.collect()
}

fn failed(name: &str, verdict: Verdict, error: &Error) -> HealthCheck {
    let hint = error.data.hint.clone().unwrap_or_else(|| "look at `caproni -v status`".into());
    HealthCheck::new(name, verdict, &error.message)
        .with_hint(hint)
        .with_actions(error.data.actions.clone())
}
