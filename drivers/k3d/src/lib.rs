//! caproni's driver for k3d: clusters whose nodes are containers that run k3s.
//!
//! What changes a cluster's insides goes through the k3d program; what only looks, stops
//! or removes goes straight to the Docker engine, where all that k3d knows is kept.

use std::process::ExitCode;

use caproni_driver::{
    Clusters, Description, DriverServer, Error, Extensions, Kubeconfig, Outcome, Peer, Request,
    Status, Versions, async_trait, describe, serve,
};
use serde_json::Value;

use look::look;

mod cluster;
mod compare;
mod config;
mod connect;
mod document;
mod extra_args;
mod failure;
mod filter;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod k3d;
mod kubeconfig;
mod list;
mod load_balancer;
mod look;
mod mapping;
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
        let methods = ["restart", "kubeconfig", "version", "list"];
        describe::<config::K3dConfig>(NAME, VERSION, &methods, &offered)
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
        let engine = connect::connect(&Request::of(ext)).await?;
        let cluster = look(&engine, &profile).await?;
        Ok(connect::status_of(&engine, &cluster))
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

    async fn version(&self, ext: &Extensions, _timeout_ms: Option<u64>) -> Result<Versions, Error> {
        Ok(versions::versions(&Request::of(ext)).await)
    }
}

/// Serves a host on stdin and stdout until it is told to end.
pub fn run() -> ExitCode {
    serve(NAME, VERSION, K3dDriver)
}
