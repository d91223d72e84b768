//! Write a driver for caproni in Rust.
//!
//! A driver is an executable `caproni-driver-<name>` that answers JSON-RPC on its
//! stdin and stdout. With this crate it is an `impl` of [`DriverServer`] and one
//! call of [`serve`]:
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use caproni_driver::{
//!     Change, Description, DriverServer, Error, Extensions, Outcome, Peer, Request, State,
//!     Status, async_trait, describe, serve,
//! };
//! use serde_json::Value;
//!
//! /// The driver's section in `caproni.yaml`.
//! #[derive(schemars::JsonSchema)]
//! struct Config {}
//!
//! struct Mine;
//!
//! #[async_trait]
//! impl DriverServer for Mine {
//!     async fn initialize(&self, offered: Vec<u32>, _host: Peer) -> Result<Description, Error> {
//!         describe::<Config>("mine", env!("CARGO_PKG_VERSION"), &[], &offered)
//!     }
//!
//!     async fn start(
//!         &self, ext: &Extensions, profile: String, _config: Value, _timeout_ms: Option<u64>,
//!     ) -> Result<Outcome, Error> {
//!         Request::of(ext).progress("create", format!("creating `{profile}`"));
//!         Ok(Outcome::new(Change::Created))
//!     }
//!
//!     async fn stop(
//!         &self, _: &Extensions, _: String, _: Option<Value>, _: Option<u64>,
//!     ) -> Result<Outcome, Error> {
//!         Ok(Outcome::new(Change::None))
//!     }
//!
//!     async fn destroy(
//!         &self, _: &Extensions, _: String, _: Option<Value>, _: Option<u64>,
//!     ) -> Result<Outcome, Error> {
//!         Ok(Outcome::new(Change::None))
//!     }
//!
//!     async fn status(
//!         &self, _: &Extensions, _: String, _: Option<Value>, _: Option<u64>,
//!     ) -> Result<Status, Error> {
//!         Ok(Status::new(State::Ready))
//!     }
//! }
//!
//! fn main() -> ExitCode {
//!     serve("mine", env!("CARGO_PKG_VERSION"), Mine)
//! }
//! ```
//!
//! What the crate does for a driver: it keeps stdout for the protocol, answers
//! faulty input, lets changes to one cluster wait for each other, carries progress
//! and cancellation ([`Request`]), and runs the backend's programs ([`Command`]).

#[cfg(not(unix))]
compile_error!("caproni-driver knows Unix sessions and signals only so far");

pub mod config;
mod contract;
mod error;
pub mod lock;
mod messages;
mod request;
mod run;
mod serve;
pub mod testing;
mod text;
mod wire;

pub use contract::{DriverClient, DriverServer};
pub use error::{Error, ErrorData, ErrorKind};
pub use jsonrpsee::Extensions;
pub use jsonrpsee::core::async_trait;
pub use messages::*;
pub use request::Request;
pub use run::{Command, Output};
pub use serve::{check_profile, describe, serve, serve_on};
pub use text::{command_line, strip_ansi};

/// The text of `protocol.md`: what this crate implements, rule by rule.
pub const PROTOCOL_TEXT: &str = include_str!("../protocol.md");
