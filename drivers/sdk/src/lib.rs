//! Write a driver for caproni in Rust.
//!
//! A driver is an executable `caproni-driver-<name>` that answers JSON-RPC on its
//! stdin and stdout. With this crate it is an `impl` of [`DriverServer`] and one
//! call of [`serve()`]:
//!
#![doc = concat!("```no_run\n", include_str!("../examples/smallest.rs"), "```\n")]
//!
//! What the crate does for a driver: it keeps stdout for the protocol, answers
//! faulty input, lets changes to one cluster wait for each other, carries progress
//! and cancellation ([`Request`]), ends with its host and on SIGTERM, and runs the
//! backend's programs ([`Command`]) so that none outlives it.
//!
//! What a driver promises stands in [`PROTOCOL_TEXT`], rule by rule; `caproni drivers check
//! mine` holds it against all that show from outside. For its own tests there is a host in
//! [`testing`], and for other languages the protocol as documents in [`schema`].

#![warn(missing_docs)]

#[cfg(not(unix))]
compile_error!("caproni-driver knows Unix sessions and signals only so far");

pub mod backend;
pub mod config;
mod contract;
mod describe;
mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod lock;
mod log;
mod messages;
mod private;
mod request;
pub mod resources;
mod run;
pub mod schema;
mod serve;
pub mod state_file;
pub mod testing;
mod text;
pub mod trust;
mod wire;

pub use contract::{DriverClient, DriverServer};
pub use describe::{check_profile, describe, describe_as};
pub use error::{Error, ErrorData, ErrorKind};
pub use jsonrpsee::Extensions;
pub use jsonrpsee::core::async_trait;
pub use messages::*;
pub use private::private_folder;
pub use request::Request;
pub use run::{Command, Output};
pub use serve::{serve, serve_on};
pub use text::{command_line, strip_ansi};

/// The text of `protocol.md`: what this crate implements, rule by rule.
pub const PROTOCOL_TEXT: &str = include_str!("../protocol.md");
