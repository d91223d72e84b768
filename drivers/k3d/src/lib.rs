//! caproni's driver for k3d: clusters whose nodes are containers that run k3s.
//!
//! What changes a cluster's insides goes through the k3d program; what only looks, stops
//! or removes goes straight to the Docker engine, where all that k3d knows is kept.

use std::process::ExitCode;

use caproni_driver::{
    Clusters, Description, Diagnosis, DriverServer, Error, Extensions, Kubeconfig, Outcome, Peer,
    Plan, Request, Status, Usage, Versions, async_trait, describe_as, serve,
};
use caproni_engine::plan::{Exec, Logs};
use serde_json::Value;

mod cluster;
mod compare;
mod config;
mod connect;
mod diagnosis;
mod document;
mod extra_args;
mod failure;
mod filter;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod images;
mod k3d;
mod kubeconfig;
mod list;
mod load_balancer;
mod look;
mod mapping;
mod plan;
mod ports;
mod role;
mod start;
mod status;
mod stop;
mod sweep;
mod versions;

const NAME: &str = "k3d";
const VERSION: &str = env!("CARGO_PKG_VERSION");

struct K3dDriver;

#[async_trait]
impl DriverServer for K3dDriver {
    async fn initialize(&self, offered: Vec<u32>, _host: Peer) -> Result<Description, Error> {
        let methods = [
            "restart",
            "kubeconfig",
            "version",
            "list",
            "exec",
            "logs",
            "usage",
            "diagnose",
            "loadImage",
        ];
        describe_as(NAME, VERSION, &methods, &offered, config::schema().clone())
    }

    async fn start(
        &self,
        ext: &Extensions,
        profile: String,
        config: Value,
        _timeout_ms: Option<u64>,
    ) -> Result<Outcome, Error> {
        let request = Request::of(ext);
        let done = start::start(&request, &profile, &config).await;
        connect::with_state_left(&request, &profile, done).await
    }

    async fn stop(
        &self,
        ext: &Extensions,
        profile: String,
        _config: Option<Value>,
        _timeout_ms: Option<u64>,
    ) -> Result<Outcome, Error> {
        let request = Request::of(ext);
        let done = stop::stop(&request, &profile).await;
        connect::with_state_left(&request, &profile, done).await
    }

    async fn destroy(
        &self,
        ext: &Extensions,
        profile: String,
        _config: Option<Value>,
        _timeout_ms: Option<u64>,
    ) -> Result<Outcome, Error> {
        let request = Request::of(ext);
        let done = stop::destroy(&request, &profile).await;
        connect::with_state_left(&request, &profile, done).await
    }

    async fn status(
        &self,
        ext: &Extensions,
        profile: String,
        _config: Option<Value>,
        _timeout_ms: Option<u64>,
    ) -> Result<Status, Error> {
        let (cluster, vantage) = connect::connect_and_look(&Request::of(ext), &profile).await?;
        Ok(connect::status_of(&cluster, &vantage))
    }

    async fn restart(
        &self,
        ext: &Extensions,
        profile: String,
        config: Value,
        _timeout_ms: Option<u64>,
    ) -> Result<Outcome, Error> {
        let request = Request::of(ext);
        let done = stop::restart(&request, &profile, &config).await;
        connect::with_state_left(&request, &profile, done).await
    }

    async fn kubeconfig(
        &self,
        ext: &Extensions,
        profile: String,
        _config: Option<Value>,
        _timeout_ms: Option<u64>,
    ) -> Result<Kubeconfig, Error> {
        kubeconfig::kubeconfig(&Request::of(ext), &profile).await
    }

    async fn list(&self, ext: &Extensions, _timeout_ms: Option<u64>) -> Result<Clusters, Error> {
        list::list(&Request::of(ext)).await
    }

    async fn exec(
        &self,
        ext: &Extensions,
        profile: String,
        _config: Option<Value>,
        _timeout_ms: Option<u64>,
        node: Option<String>,
        argv: Option<Vec<String>>,
        tty: Option<bool>,
    ) -> Result<Plan, Error> {
        let (argv, tty) = (argv.unwrap_or_default(), tty.unwrap_or_default());
        plan::exec(&Request::of(ext), &profile, Exec { node, argv, tty }).await
    }

    async fn logs(
        &self,
        ext: &Extensions,
        profile: String,
        _config: Option<Value>,
        _timeout_ms: Option<u64>,
        node: Option<String>,
        follow: Option<bool>,
        tail: Option<u64>,
    ) -> Result<Plan, Error> {
        let asked = Logs { node, follow: follow.unwrap_or_default(), tail };
        plan::logs(&Request::of(ext), &profile, &asked).await
    }

    async fn usage(
        &self,
        ext: &Extensions,
        profile: String,
        _config: Option<Value>,
        _timeout_ms: Option<u64>,
    ) -> Result<Usage, Error> {
        plan::usage(&Request::of(ext), &profile).await
    }

    async fn diagnose(
        &self,
        ext: &Extensions,
        profile: Option<String>,
        config: Option<Value>,
        _timeout_ms: Option<u64>,
    ) -> Result<Diagnosis, Error> {
        let request = Request::of(ext);
        let found = diagnosis::diagnose(&request, profile.as_deref(), config.as_ref()).await;
        if request.is_cancelled() { Err(Error::cancelled()) } else { Ok(found) }
    }

    async fn load_image(
        &self,
        ext: &Extensions,
        profile: String,
        _config: Option<Value>,
        _timeout_ms: Option<u64>,
        images: Vec<String>,
    ) -> Result<Outcome, Error> {
        images::load(&Request::of(ext), &profile, &images).await
    }

    async fn version(&self, ext: &Extensions, _timeout_ms: Option<u64>) -> Result<Versions, Error> {
        Ok(versions::versions(&Request::of(ext)).await)
    }
}

/// Serves a host on stdin and stdout until it is told to end.
pub fn run() -> ExitCode {
    serve(NAME, VERSION, K3dDriver)
}
