//! What answers when there is no driver to become.

use caproni_driver::{
    Description, DriverServer, Error, Extensions, Outcome, Peer, Status, async_trait, describe,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::{NAME, VERSION};

/// A driver that answers everything with one error.
pub(crate) struct Refusal(pub(crate) Error);

/// It has no section of its own.
#[derive(Deserialize, JsonSchema)]
struct NoConfig {}

#[async_trait]
impl DriverServer for Refusal {
    async fn initialize(&self, offered: Vec<u32>, _host: Peer) -> Result<Description, Error> {
        // A host of another time learns that first.
        describe::<NoConfig>(NAME, VERSION, &[], &offered)?;
        Err(self.0.clone())
    }

    async fn start(
        &self,
        _ext: &Extensions,
        _profile: String,
        _config: Value,
        _timeout_ms: Option<u64>,
    ) -> Result<Outcome, Error> {
        Err(self.0.clone())
    }

    async fn stop(
        &self,
        _ext: &Extensions,
        _profile: String,
        _config: Option<Value>,
        _timeout_ms: Option<u64>,
    ) -> Result<Outcome, Error> {
        Err(self.0.clone())
    }

    async fn destroy(
        &self,
        _ext: &Extensions,
        _profile: String,
        _config: Option<Value>,
        _timeout_ms: Option<u64>,
    ) -> Result<Outcome, Error> {
        Err(self.0.clone())
    }

    async fn status(
        &self,
        _ext: &Extensions,
        _profile: String,
        _config: Option<Value>,
        _timeout_ms: Option<u64>,
    ) -> Result<Status, Error> {
        Err(self.0.clone())
    }
}
