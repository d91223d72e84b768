//! caproni's driver for colima: each cluster is k3s in a virtual machine of its own.
//!
//! What changes a machine goes through the colima program; what only looks, and what ends a machine
//! by force, goes to lima, in which colima's machines run, and into the machine itself.

use std::process::ExitCode;

use caproni_driver::{
    Clusters, Description, Diagnosis, DriverServer, Error, Extensions, Kubeconfig, Outcome, Peer,
    Plan, Request, Status, Usage, Versions, async_trait, describe_as, serve,
};
use serde_json::Value;

mod colima;
mod compare;
mod config;
mod connect;
mod diagnose;
mod failure;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod guest;
mod images;
mod kubeconfig;
mod lima;
mod list;
mod look;
mod machine;
mod plan;
mod record;
mod room;
mod saved;
mod shim;
mod size;
mod start;
mod status;
mod stop;
mod usage;

use connect::{Subject, with_state_left};

const NAME: &str = "colima";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The optional methods.
const METHODS: [&str; 9] =
    ["restart", "kubeconfig", "version", "list", "exec", "logs", "usage", "diagnose", "loadImage"];

struct ColimaDriver;

#[async_trait]
impl DriverServer for ColimaDriver {
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
        let subject = Subject::of(&profile)?;
        let config = subject.config(&config)?;
        let lima = subject.lima()?;
        let done = start::start(&request, &lima, &subject.machine, &config).await;
        with_state_left(&request, &lima, &subject.machine, done).await
    }

    async fn stop(
        &self,
        ext: &Extensions,
        profile: String,
        _config: Option<Value>,
        _timeout_ms: Option<u64>,
    ) -> Result<Outcome, Error> {
        let request = Request::of(ext);
        let subject = Subject::of(&profile)?;
        let lima = subject.lima()?;
        let done = stop::stop(&request, &lima, &subject.machine).await;
        with_state_left(&request, &lima, &subject.machine, done).await
    }

    async fn destroy(
        &self,
        ext: &Extensions,
        profile: String,
        _config: Option<Value>,
        _timeout_ms: Option<u64>,
    ) -> Result<Outcome, Error> {
        let request = Request::of(ext);
        let subject = Subject::of(&profile)?;
        let lima = subject.lima()?;
        let done = stop::destroy(&request, &lima, &subject.machine).await;
        with_state_left(&request, &lima, &subject.machine, done).await
    }

    async fn status(
        &self,
        ext: &Extensions,
        profile: String,
        _config: Option<Value>,
        _timeout_ms: Option<u64>,
    ) -> Result<Status, Error> {
        let subject = Subject::of(&profile)?;
        let seen = subject.look(&Request::of(ext)).await?;
        Ok(status::of(&subject.machine, &seen))
    }

    async fn restart(
        &self,
        ext: &Extensions,
        profile: String,
        config: Value,
        _timeout_ms: Option<u64>,
    ) -> Result<Outcome, Error> {
        let request = Request::of(ext);
        let subject = Subject::of(&profile)?;
        let config = subject.config(&config)?;
        let lima = subject.lima()?;
        let done = stop::restart(&request, &lima, &subject.machine, &config).await;
        with_state_left(&request, &lima, &subject.machine, done).await
    }

    async fn kubeconfig(
        &self,
        ext: &Extensions,
        profile: String,
        _config: Option<Value>,
        _timeout_ms: Option<u64>,
    ) -> Result<Kubeconfig, Error> {
        let subject = Subject::of(&profile)?;
        let seen = subject.look(&Request::of(ext)).await?;
        kubeconfig::of(&subject.machine, &seen)
    }

    async fn version(&self, ext: &Extensions, _timeout_ms: Option<u64>) -> Result<Versions, Error> {
        let request = Request::of(ext);
        let (colima, limactl) =
            tokio::join!(colima::COLIMA.program(&request), lima::LIMACTL.program(&request));
        Ok(Versions::new(vec![colima, limactl]))
    }

    async fn list(&self, ext: &Extensions, _timeout_ms: Option<u64>) -> Result<Clusters, Error> {
        let home = machine::Home::of_process()?;
        colima::COLIMA.find()?;
        list::list(&Request::of(ext), &home, &lima::Lima::find(&home)?).await
    }

    async fn exec(
        &self,
        ext: &Extensions,
        profile: String,
        _config: Option<Value>,
        _timeout_ms: Option<u64>,
        node: Option<String>,
        argv: Option<Vec<String>>,
        _tty: Option<bool>,
    ) -> Result<Plan, Error> {
        let subject = Subject::of(&profile)?;
        let lima = subject.lima()?;
        let seen = subject.glance(&Request::of(ext)).await?;
        let argv = argv.unwrap_or_default();
        plan::exec(&lima, &subject.machine, &seen, node.as_deref(), &argv)
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
        let subject = Subject::of(&profile)?;
        let lima = subject.lima()?;
        let seen = subject.glance(&Request::of(ext)).await?;
        let follow = follow.unwrap_or_default();
        plan::logs(&lima, &subject.machine, &seen, node.as_deref(), follow, tail)
    }

    async fn usage(
        &self,
        ext: &Extensions,
        profile: String,
        _config: Option<Value>,
        _timeout_ms: Option<u64>,
    ) -> Result<Usage, Error> {
        let request = Request::of(ext);
        let subject = Subject::of(&profile)?;
        let lima = subject.lima()?;
        let seen = subject.glance(&request).await?;
        usage::usage(&request, &lima, &subject.machine, &seen).await
    }

    async fn diagnose(
        &self,
        ext: &Extensions,
        profile: Option<String>,
        config: Option<Value>,
        _timeout_ms: Option<u64>,
    ) -> Result<Diagnosis, Error> {
        let request = Request::of(ext);
        Ok(diagnose::diagnose(&request, profile.as_deref(), config.as_ref()).await)
    }

    async fn load_image(
        &self,
        ext: &Extensions,
        profile: String,
        _config: Option<Value>,
        _timeout_ms: Option<u64>,
        images: Vec<String>,
    ) -> Result<Outcome, Error> {
        let request = Request::of(ext);
        let subject = Subject::of(&profile)?;
        let lima = subject.lima()?;
        let seen = subject.glance(&request).await?;
        images::load(&request, &lima, &subject.machine, &seen, &images).await
    }
}

/// Serves a host on stdin and stdout until it is told to end.
pub fn run() -> ExitCode {
    // colima calls this driver by the name of limactl.
    shim::run_if_called().unwrap_or_else(|| serve(NAME, VERSION, ColimaDriver))
}
