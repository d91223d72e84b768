//! The contract between host and driver, as one trait for both ends.

#![expect(clippy::too_many_arguments, reason = "each is a parameter on the wire")]

use jsonrpsee::proc_macros::rpc;
use serde_json::Value;

use crate::error::{Error, unsupported};
use crate::messages::{
    Clusters, Description, Diagnosis, Kubeconfig, Outcome, Peer, Plan, Status, Usage, Versions,
};

/// What the host may ask of a driver.
///
/// The host calls the generated `DriverClient`, a driver written in Rust
/// implements the generated `DriverServer`: a method's name and its types stand
/// in this one place. `protocol.md` says what each promises.
///
/// Every request but `initialize` names the `profile`, so a fresh process can
/// always answer. `timeout_ms` is how long the host waits for the answer, in
/// milliseconds; without it there is no limit. On the server side each method
/// also gets the extensions that hold the [`crate::Request`].
#[rpc(client, server)]
pub trait Driver {
    /// Says who the driver is; touches nothing and is quick.
    ///
    /// Fails with `UnsupportedProtocolVersion` when none of the offered versions
    /// is known. [`crate::describe`] writes the answer.
    #[method(name = "initialize", param_kind = map)]
    async fn initialize(
        &self,
        #[argument(rename = "protocolVersions")] protocol_versions: Vec<u32>,
        host: Peer,
    ) -> Result<Description, Error>;

    /// Creates the cluster, or starts it, or finds that nothing is to be done.
    ///
    /// `config` is complete and valid by the driver's schema. A cluster that
    /// exists with another config is a `ConfigMismatch`, and is not touched.
    #[method(name = "start", param_kind = map, with_extensions)]
    async fn start(
        &self,
        profile: String,
        config: Value,
        #[argument(rename = "timeoutMs")] timeout_ms: Option<u64>,
    ) -> Result<Outcome, Error>;

    /// Stops the cluster and keeps its data; not running or absent is success.
    #[method(name = "stop", param_kind = map, with_extensions)]
    async fn stop(
        &self,
        profile: String,
        config: Option<Value>,
        #[argument(rename = "timeoutMs")] timeout_ms: Option<u64>,
    ) -> Result<Outcome, Error>;

    /// Removes the cluster and its data, half-created ones too; absent is success.
    #[method(name = "destroy", param_kind = map, with_extensions)]
    async fn destroy(
        &self,
        profile: String,
        config: Option<Value>,
        #[argument(rename = "timeoutMs")] timeout_ms: Option<u64>,
    ) -> Result<Outcome, Error>;

    /// Tells the cluster's state, in every state, and never changes anything.
    #[method(name = "status", param_kind = map, with_extensions)]
    async fn status(
        &self,
        profile: String,
        config: Option<Value>,
        #[argument(rename = "timeoutMs")] timeout_ms: Option<u64>,
    ) -> Result<Status, Error>;

    /// Optional: stops and starts the cluster in one go.
    #[method(name = "restart", param_kind = map, with_extensions)]
    async fn restart(
        &self,
        profile: String,
        config: Value,
        #[argument(rename = "timeoutMs")] timeout_ms: Option<u64>,
    ) -> Result<Outcome, Error> {
        unsupported("restart", (ext, profile, config, timeout_ms))
    }

    /// Optional: gives a kubeconfig with which the host reaches the cluster's API.
    ///
    /// Answers for a cluster that is stopped as well, where the backend can.
    #[method(name = "kubeconfig", param_kind = map, with_extensions)]
    async fn kubeconfig(
        &self,
        profile: String,
        config: Option<Value>,
        #[argument(rename = "timeoutMs")] timeout_ms: Option<u64>,
    ) -> Result<Kubeconfig, Error> {
        unsupported("kubeconfig", (ext, profile, config, timeout_ms))
    }

    /// Optional: tells the versions of the programs that the driver drives.
    #[method(name = "version", param_kind = map, with_extensions)]
    async fn version(
        &self,
        #[argument(rename = "timeoutMs")] timeout_ms: Option<u64>,
    ) -> Result<Versions, Error> {
        unsupported("version", (ext, timeout_ms))
    }

    /// Optional: names every cluster that the driver could stop or destroy.
    #[method(name = "list", param_kind = map, with_extensions)]
    async fn list(
        &self,
        #[argument(rename = "timeoutMs")] timeout_ms: Option<u64>,
    ) -> Result<Clusters, Error> {
        unsupported("list", (ext, timeout_ms))
    }

    /// Optional: tells which command runs `argv` on a node. The host runs it.
    ///
    /// Without `argv` it is a shell, without `node` the first server. `tty` tells that
    /// the host's stdin and stdout are a terminal.
    #[method(name = "exec", param_kind = map, with_extensions)]
    async fn exec(
        &self,
        profile: String,
        config: Option<Value>,
        #[argument(rename = "timeoutMs")] timeout_ms: Option<u64>,
        node: Option<String>,
        argv: Option<Vec<String>>,
        tty: Option<bool>,
    ) -> Result<Plan, Error> {
        unsupported("exec", (ext, profile, config, timeout_ms, node, argv, tty))
    }

    /// Optional: tells which command prints a node's log. The host runs it.
    ///
    /// Without `node` it is the first server's. `tail` is how many of the last lines
    /// to print, all without it; `follow` is to go on with what comes.
    #[method(name = "logs", param_kind = map, with_extensions)]
    async fn logs(
        &self,
        profile: String,
        config: Option<Value>,
        #[argument(rename = "timeoutMs")] timeout_ms: Option<u64>,
        node: Option<String>,
        follow: Option<bool>,
        tail: Option<u64>,
    ) -> Result<Plan, Error> {
        unsupported("logs", (ext, profile, config, timeout_ms, node, follow, tail))
    }

    /// Optional: tells what each node uses of the machine.
    #[method(name = "usage", param_kind = map, with_extensions)]
    async fn usage(
        &self,
        profile: String,
        config: Option<Value>,
        #[argument(rename = "timeoutMs")] timeout_ms: Option<u64>,
    ) -> Result<Usage, Error> {
        unsupported("usage", (ext, profile, config, timeout_ms))
    }

    /// Optional: looks at all that clusters need, and says what mends what is not well.
    ///
    /// Answers with no cluster and with no backend as well, and changes nothing.
    #[method(name = "diagnose", param_kind = map, with_extensions)]
    async fn diagnose(
        &self,
        profile: Option<String>,
        config: Option<Value>,
        #[argument(rename = "timeoutMs")] timeout_ms: Option<u64>,
    ) -> Result<Diagnosis, Error> {
        unsupported("diagnose", (ext, profile, config, timeout_ms))
    }

    /// Optional: puts container images onto every node of a running cluster.
    ///
    /// An image is a name that the machine's engine knows, or the absolute path of an
    /// archive.
    #[method(name = "loadImage", param_kind = map, with_extensions)]
    async fn load_image(
        &self,
        profile: String,
        config: Option<Value>,
        #[argument(rename = "timeoutMs")] timeout_ms: Option<u64>,
        images: Vec<String>,
    ) -> Result<Outcome, Error> {
        unsupported("loadImage", (ext, profile, config, timeout_ms, images))
    }
}
