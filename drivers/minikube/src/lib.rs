//! caproni's driver for minikube: clusters whose nodes are containers or virtual machines.
//!
//! Whatever changes a cluster goes through the minikube program, and its own word on the nodes
//! is taken; what a cluster runs with is read from the files it keeps. Where the nodes are
//! containers, the Docker engine tells what minikube does not, and removes what it leaves.

use std::process::ExitCode;

use caproni_driver::{
    Clusters, Description, Diagnosis, DriverServer, Error, Extensions, Kubeconfig, Outcome, Peer,
    Plan, Request, Status, Usage, Versions, async_trait, describe_as, serve,
};
use serde_json::Value;

mod around;
mod cluster;
mod config;
mod diagnosis;
mod events;
mod failure;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod home;
mod images;
mod kubeconfig;
mod list;
mod look;
mod minikube;
mod plan;
mod ports;
mod profile;
mod running;
mod size;
mod start;
mod status;
mod stop;
mod sweep;
mod taken;
mod versions;

const NAME: &str = "minikube";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The optional methods.
const METHODS: [&str; 9] =
    ["restart", "kubeconfig", "version", "list", "exec", "logs", "usage", "diagnose", "loadImage"];

struct MinikubeDriver;

#[async_trait]
impl DriverServer for MinikubeDriver {
    async fn initialize(&self, offered: Vec<u32>, _host: Peer) -> Result<Description, Error> {
        describe_as(NAME, VERSION, &METHODS, &offered, config::schema().clone())
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
        around::with_state_left(&request, &profile, done).await
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
        around::with_state_left(&request, &profile, done).await
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
        around::with_state_left(&request, &profile, done).await
    }

    async fn status(
        &self,
        ext: &Extensions,
        profile: String,
        config: Option<Value>,
        _timeout_ms: Option<u64>,
    ) -> Result<Status, Error> {
        around::status(&Request::of(ext), &profile, config.as_ref()).await
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
        around::with_state_left(&request, &profile, done).await
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

    async fn version(&self, ext: &Extensions, _timeout_ms: Option<u64>) -> Result<Versions, Error> {
        Ok(versions::versions(&Request::of(ext)).await)
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
        let asked = plan::Exec { node, argv, tty: tty.unwrap_or_default() };
        plan::exec(&Request::of(ext), &profile, asked).await
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
        let asked = plan::Logs { node, follow: follow.unwrap_or_default(), tail };
        plan::logs(&Request::of(ext), &profile, asked).await
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
        diagnosis::diagnose(&Request::of(ext), profile.as_deref(), config.as_ref()).await
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
}

/// Serves a host on stdin and stdout until it is told to end.
pub fn run() -> ExitCode {
    serve(NAME, VERSION, MinikubeDriver)
}
