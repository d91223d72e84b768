//! The smallest driver. Its clusters are files that hold their state; a real one would run
//! its backend's program where this one writes a file.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use caproni_driver::{
    Change, Description, DriverServer, Error, ErrorKind, Extensions, Outcome, Peer, Request, State,
    Status, async_trait, describe, lock, serve,
};
use serde_json::Value;

/// The driver's section in `caproni.yaml`.
#[derive(schemars::JsonSchema)]
struct Config {}

struct Mine;

#[async_trait]
impl DriverServer for Mine {
    async fn initialize(&self, offered: Vec<u32>, _host: Peer) -> Result<Description, Error> {
        describe::<Config>("mine", env!("CARGO_PKG_VERSION"), &[], &offered)
    }

    async fn start(
        &self,
        ext: &Extensions,
        profile: String,
        _config: Value,
        _timeout_ms: Option<u64>,
    ) -> Result<Outcome, Error> {
        let change = match read(&profile)? {
            Some(State::Ready) => return Ok(Outcome::new(Change::None)),
            Some(_) => Change::Started,
            None => Change::Created,
        };
        Request::of(ext).progress("start", format!("starting `{profile}`"));
        write(&profile, "ready")?;
        Ok(Outcome::new(change))
    }

    async fn stop(
        &self,
        _: &Extensions,
        profile: String,
        _config: Option<Value>,
        _timeout_ms: Option<u64>,
    ) -> Result<Outcome, Error> {
        if read(&profile)? != Some(State::Ready) {
            return Ok(Outcome::new(Change::None));
        }
        write(&profile, "stopped")?;
        Ok(Outcome::new(Change::Stopped))
    }

    async fn destroy(
        &self,
        _: &Extensions,
        profile: String,
        _config: Option<Value>,
        _timeout_ms: Option<u64>,
    ) -> Result<Outcome, Error> {
        if read(&profile)?.is_none() {
            return Ok(Outcome::new(Change::None));
        }
        fs::remove_file(file(&profile)).map_err(failed)?;
        Ok(Outcome::new(Change::Destroyed))
    }

    async fn status(
        &self,
        _: &Extensions,
        profile: String,
        _config: Option<Value>,
        _timeout_ms: Option<u64>,
    ) -> Result<Status, Error> {
        Ok(read(&profile)?.map_or(Status::absent(), Status::new))
    }
}

fn file(profile: &str) -> PathBuf {
    lock::state_dir().join("mine").join(profile)
}

/// The state of a cluster; `None` where there is no such cluster.
fn read(profile: &str) -> Result<Option<State>, Error> {
    match fs::read_to_string(file(profile)) {
        Ok(word) if word == "ready" => Ok(Some(State::Ready)),
        Ok(_) => Ok(Some(State::Stopped)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

fn write(profile: &str, word: &str) -> Result<(), Error> {
    let file = file(profile);
    let folder = file.parent().map_or(Ok(()), fs::create_dir_all);
    folder.and_then(|()| fs::write(file, word)).map_err(failed)
}

fn failed(error: std::io::Error) -> Error {
    Error::new(ErrorKind::BackendFailed, format!("cannot keep the cluster's state: {error}"))
}

fn main() -> ExitCode {
    serve("mine", env!("CARGO_PKG_VERSION"), Mine)
}
