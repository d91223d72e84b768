//! A driver that runs a backend's program, which the user's config names:
//! `<program> start PROFILE`, and so on. `<program> state PROFILE` prints a word, `absent`
//! where there is no such cluster.

use std::path::PathBuf;
use std::process::ExitCode;

use caproni_driver::{
    Change, Command, Description, DriverServer, Error, Extensions, Outcome, Peer, Request, State,
    Status, Violation, async_trait, describe, serve,
};
use serde::Deserialize;
use serde_json::Value;

/// The driver's section in `caproni.yaml`.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The backend's program, by its absolute path
    program: PathBuf,
}

struct Runs;

#[async_trait]
impl DriverServer for Runs {
    async fn initialize(&self, offered: Vec<u32>, _host: Peer) -> Result<Description, Error> {
        describe::<Config>("program", env!("CARGO_PKG_VERSION"), &[], &offered)
    }

    async fn start(
        &self,
        ext: &Extensions,
        profile: String,
        config: Value,
        _timeout_ms: Option<u64>,
    ) -> Result<Outcome, Error> {
        let backend = Backend::new(ext, Some(config), profile)?;
        let change = match backend.state().await?.as_str() {
            "ready" => return Ok(Outcome::new(Change::None)),
            "absent" => Change::Created,
            _ => Change::Started,
        };
        if let Err(error) = backend.run("start").await {
            return Err(backend.rolled_back(error, &change).await);
        }
        Ok(Outcome::new(change))
    }

    async fn stop(
        &self,
        ext: &Extensions,
        profile: String,
        config: Option<Value>,
        _timeout_ms: Option<u64>,
    ) -> Result<Outcome, Error> {
        let backend = Backend::new(ext, config, profile)?;
        if ["absent", "stopped"].contains(&backend.state().await?.as_str()) {
            return Ok(Outcome::new(Change::None));
        }
        backend.run("stop").await?;
        Ok(Outcome::new(Change::Stopped))
    }

    async fn destroy(
        &self,
        ext: &Extensions,
        profile: String,
        config: Option<Value>,
        _timeout_ms: Option<u64>,
    ) -> Result<Outcome, Error> {
        let backend = Backend::new(ext, config, profile)?;
        if backend.state().await? == "absent" {
            return Ok(Outcome::new(Change::None));
        }
        backend.run("destroy").await?;
        Ok(Outcome::new(Change::Destroyed))
    }

    async fn status(
        &self,
        ext: &Extensions,
        profile: String,
        config: Option<Value>,
        _timeout_ms: Option<u64>,
    ) -> Result<Status, Error> {
        let state = Backend::new(ext, config, profile)?.state().await?;
        Ok(match state.as_str() {
            "absent" => Status::absent(),
            "stopped" => Status::new(State::Stopped),
            "ready" => Status::new(State::Ready),
            _ => Status::new(State::NotReady),
        })
    }
}

/// The backend's program, for one request about one cluster.
struct Backend {
    request: Request,
    program: PathBuf,
    profile: String,
}

impl Backend {
    fn new(ext: &Extensions, config: Option<Value>, profile: String) -> Result<Self, Error> {
        let config: Config = serde_json::from_value(config.unwrap_or_default())
            .map_err(|wrong| Error::invalid_config(vec![Violation::new("", wrong.to_string())]))?;
        Ok(Self { request: Request::of(ext), program: config.program, profile })
    }

    async fn state(&self) -> Result<String, Error> {
        let output = self.request.run(&self.command("state")).await?.success()?;
        Ok(output.stdout.trim().to_owned())
    }

    /// Runs it to its end, with its lines as progress. The end of the request ends it.
    async fn run(&self, verb: &str) -> Result<(), Error> {
        let command = self.command(verb).progress_step(verb);
        self.request.run(&command).await?.success().map(drop)
    }

    /// Removes what a creation that failed has left, also when the request was cancelled.
    async fn rolled_back(&self, error: Error, change: &Change) -> Error {
        if change != &Change::Created {
            return error;
        }
        let rollback = self.request.for_cleanup(std::time::Duration::from_secs(60));
        match rollback.run(&self.command("destroy")).await.and_then(|output| output.success()) {
            Ok(_) => error.with_state(State::Stopped),
            Err(left) => error.with_cause(format!("rollback: {left}")),
        }
    }

    fn command(&self, verb: &str) -> Command {
        Command::new(&self.program).args([verb, &self.profile])
    }
}

fn main() -> ExitCode {
    serve("program", env!("CARGO_PKG_VERSION"), Runs)
}
