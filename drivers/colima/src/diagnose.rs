//! What is looked at when a cluster is not well, or before there is one. Nothing of it is published at
//! a port of the config's: colima has none, and chooses that of the API itself.

use caproni_driver::backend::Backend;
use caproni_driver::{Diagnosis, Error, HealthCheck, Request, Verdict};
use serde_json::{Value, json};

use crate::config::{ColimaConfig, Platform, schema};
use crate::lima::Lima;
use crate::look::look;
use crate::machine::Home;
use crate::{colima, room, status};

/// Looks at the programs, at lima, and at the cluster that is named.
pub(crate) async fn diagnose(
    request: &Request,
    profile: Option<&str>,
    config: Option<&Value>,
) -> Diagnosis {
    let complete = caproni_driver::config::complete(schema(), config.unwrap_or(&json!({})));
    let mut checks = Vec::new();
    if let Ok(config) = serde_json::from_value::<ColimaConfig>(complete) {
        for program in colima::needed(&config, Platform::THIS) {
            checks.push(self::program(request, &program).await);
        }
        // Why there is no home is told with the machines.
        if let Ok(home) = Home::of_process() {
            checks.extend(room::checks(request, config.memory, &home.lima).await);
        }
    }
    checks.push(machines(request).await);
    if let Some(profile) = profile {
        checks.extend(cluster(request, profile).await);
    }
    Diagnosis::new(checks)
}

async fn program(request: &Request, backend: &Backend) -> HealthCheck {
    let name = backend.name();
    let found = match backend.find() {
        Ok(found) => found,
        Err(error) => return failed(name, error),
    };
    let at = found.path().display();
    // The others are not asked: each does it in its own way, and colima takes any version.
    let is_asked = [colima::COLIMA.name(), crate::lima::LIMACTL.name()].contains(&name);
    if !is_asked {
        return HealthCheck::new(name, Verdict::Ok, format!("{name} at `{at}`"));
    }
    match (found.version(request).await, found.check_version(request).await) {
        (Ok(version), Ok(())) => {
            HealthCheck::new(name, Verdict::Ok, format!("{name} {version} at `{at}`"))
        }
        (Err(error), _) | (_, Err(error)) => failed(name, error),
    }
}

fn failed(name: &str, error: Error) -> HealthCheck {
    let check =
        HealthCheck::new(name, Verdict::Failed, error.message).with_actions(error.data.actions);
    match error.data.hint {
        Some(hint) => check.with_hint(hint),
        None => check,
    }
}

async fn machines(request: &Request) -> HealthCheck {
    let told = async {
        let home = Home::of_process()?;
        Lima::find(&home)?.instances(request).await
    };
    match told.await {
        Ok(all) => {
            let what = format!("lima tells its machines: {}", all.len());
            HealthCheck::new("machines", Verdict::Ok, what)
        }
        Err(error) => failed("machines", error),
    }
}

async fn cluster(request: &Request, profile: &str) -> Vec<HealthCheck> {
    let told = async {
        let home = Home::of_process()?;
        let machine = home.machine(profile)?;
        let seen = look(request, &Lima::find(&home)?, &machine).await?;
        Ok::<_, Error>(status::of(&machine, &seen))
    };
    match told.await {
        Ok(status) if status.conditions.is_empty() => {
            let what = match status.exists {
                true => format!("cluster `{profile}` is {}", status.state),
                false => format!("there is no cluster `{profile}`"),
            };
            vec![HealthCheck::new("cluster", Verdict::Ok, what)]
        }
        Ok(status) => status.conditions.into_iter().map(of_condition).collect(),
        // Why lima does not tell is a check of its own.
        Err(error) => vec![failed("cluster", error)],
    }
}

fn of_condition(condition: caproni_driver::Condition) -> HealthCheck {
    let check = HealthCheck::new(condition.name, Verdict::Failed, condition.message);
    check.with_hint(condition.hint.unwrap_or_else(|| "run `caproni status` to see why".into()))
}
