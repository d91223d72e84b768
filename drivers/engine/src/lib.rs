//! The Docker engine, as far as drivers need it whose nodes are its containers.
//!
//! [`Engine::connect`] finds the engine that the docker command would use, and so the one
//! that a backend's program uses. Every call has a deadline, ends with its request, and
//! fails in the protocol's words: an engine that does not answer is never "no cluster",
//! and comes with what mends it on this machine.

mod ask;
mod binding;
mod connector;
mod container;
mod containers;
mod endpoint;
mod engine;
mod everything;
mod exec;
mod files;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod health;
mod images;
mod inspected;
mod labels;
mod lasting;
mod listed;
mod mend;
mod networks;
mod opening;
pub mod plan;
mod refusal;
mod silence;
mod ssh;
pub mod taken;
mod usage;
mod vantage;
mod volumes;

pub use binding::Binding;
pub use container::{Container, identity};
pub use endpoint::{Endpoint, Environment, Source, Transport};
pub use engine::Engine;
pub use everything::Everything;
pub use images::{check_archive, is_archive};
pub use inspected::Inspected;
pub use labels::Labels;
pub use listed::Listed;
pub use networks::Network;
pub use refusal::{Refusal, between};
pub use ssh::Destination;
pub use vantage::Vantage;
