//! The user's `caproni.yaml`: found, read, and checked against a driver's schema.

mod file;
pub mod schema;
mod validate;
mod yaml;

pub use file::{ConfigFile, Section, find};
pub use validate::validate;
