//! caproni's driver for kind: clusters whose nodes are containers that kubeadm set up.
//!
//! The kind program makes a cluster and does little else: it knows no stop, no start and
//! no status. These go to the Docker engine, where all that kind knows is kept.

use std::process::ExitCode;

use caproni_driver::{
    Clusters, Description, Diagnosis, DriverServer, Error, Extensions, Kubeconfig, Outcome, Peer,
    Plan, Request, Status, Usage, Versions, async_trait, describe_as, serve,
};
use caproni_engine::Engine;
use caproni_engine::plan::{Exec, Logs};
use serde_json::Value;

mod address;
mod bring_up;
mod cluster;
mod compare;
mod config;
mod connect;
mod diagnosis;
mod document;
mod failure;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod images;
mod kept;
mod kind;
mod kubeconfig;
mod list;
mod load_balancer;
mod look;
mod mapping;
mod mount;
mod plan;
mod role;
mod start;
mod status;
mod stop;
mod sweep;
mod version;

const NAME: &str = "kind";
const VERSION: &str = env!("CARGO_PKG_VERSION");

struct KindDriver;

#[async_trait]
impl DriverServer for KindDriver {
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
        config: Option<Value>,
        _timeout_ms: Option<u64>,
    ) -> Result<Status, Error> {
        let (cluster, vantage) = connect::connect_and_look(&Request::of(ext), &profile).await?;
        Ok(connect::status_of(&cluster, &vantage, config.as_ref()))
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
        let request = Request::of(ext);
        let (kind, docker) = tokio::join!(kind::KIND.program(&request), Engine::program(&request));
        Ok(Versions::new(vec![kind, docker]))
    }
}

/// Serves a host on stdin and stdout until it is told to end.
pub fn run() -> ExitCode {
    serve(NAME, VERSION, KindDriver)
}
