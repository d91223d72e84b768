//! The user's `caproni.yaml`: found, read, and checked against a driver's schema.

mod fields;
mod file;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub(crate) mod schema;
mod text;
mod validate;
mod yaml;

pub use fields::{Field, fields};
pub use file::{ConfigFile, Section, find};
pub use validate::validate;
