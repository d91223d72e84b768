//! The optional methods that only one command each asks for.

use caproni_driver::{Diagnosis, DriverClient, Outcome, Plan, Usage};
use serde_json::Value;

use super::{Call, Session};
use crate::error::Error;

/// What is to be run on a node.
#[derive(Debug, Clone, Default)]
pub struct OnNode {
    /// The node; the first server without it.
    pub node: Option<String>,
    /// The program and its arguments; a shell without any.
    pub argv: Vec<String>,
    /// Whether it gets the user's terminal.
    pub tty: bool,
}

/// What of a node's log is wanted.
#[derive(Debug, Clone, Default)]
pub struct OfLog {
    /// The node; the first server without it.
    pub node: Option<String>,
    /// Whether to go on with what comes.
    pub follow: bool,
    /// How many of the last lines; all without it.
    pub tail: Option<u64>,
}

impl Session {
    /// Asks which command runs another one on a node; only for drivers that have the method.
    ///
    /// # Errors
    /// As [`Session::start`].
    pub async fn exec(
        &self,
        call: Call<'_>,
        config: Option<Value>,
        asked: OnNode,
    ) -> Result<Plan, Error> {
        let OnNode { node, argv, tty } = asked;
        let (profile, limit) = (call.profile(), call.timeout_ms());
        let reply = self.link.client.exec(profile, config, limit, node, Some(argv), Some(tty));
        self.link.call("exec", call.patience(), call.interrupt, reply).await
    }

    /// Asks which command prints a node's log; only for drivers that have the method.
    ///
    /// # Errors
    /// As [`Session::start`].
    pub async fn logs(
        &self,
        call: Call<'_>,
        config: Option<Value>,
        asked: OfLog,
    ) -> Result<Plan, Error> {
        let OfLog { node, follow, tail } = asked;
        let (profile, limit) = (call.profile(), call.timeout_ms());
        let reply = self.link.client.logs(profile, config, limit, node, Some(follow), tail);
        self.link.call("logs", call.patience(), call.interrupt, reply).await
    }

    /// Asks what the nodes use; only for drivers that have the method.
    ///
    /// # Errors
    /// As [`Session::start`].
    pub async fn usage(&self, call: Call<'_>, config: Option<Value>) -> Result<Usage, Error> {
        let reply = self.link.client.usage(call.profile(), config, call.timeout_ms());
        self.link.call("usage", call.patience(), call.interrupt, reply).await
    }

    /// Asks what is not well, also with one cluster if it is named; only for drivers that have
    /// the method.
    ///
    /// # Errors
    /// As [`Session::start`].
    pub async fn diagnose(
        &self,
        call: Call<'_>,
        profile: Option<&str>,
        config: Option<Value>,
    ) -> Result<Diagnosis, Error> {
        let profile = profile.map(str::to_owned);
        let reply = self.link.client.diagnose(profile, config, call.timeout_ms());
        self.link.call("diagnose", call.patience(), call.interrupt, reply).await
    }

    /// Puts images onto the nodes; only for drivers that have the method.
    ///
    /// # Errors
    /// As [`Session::start`].
    pub async fn load_image(
        &self,
        call: Call<'_>,
        config: Option<Value>,
        images: Vec<String>,
    ) -> Result<Outcome, Error> {
        let reply = self.link.client.load_image(call.profile(), config, call.timeout_ms(), images);
        self.link.call("loadImage", call.patience(), call.interrupt, reply).await
    }
}
