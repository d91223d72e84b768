//! The user's `caproni.yaml`: found, put together, and checked against a driver's schema.
//!
//! The way of a file: `yaml` reads it with the place of every value, `extends` reads what it
//! is made of and `merge` lays that together, `variables` says what `${NAME}` is for
//! [`interpolate()`], and `validate` checks a driver's section, in which a value still knows
//! which line of which file it came from.

mod check;
mod checked;
mod editor;
mod extends;
mod fields;
mod file;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod interpolate;
mod merge;
mod misfit;
mod nearest;
mod network;
mod origin;
mod profile;
mod remote;
pub(crate) mod schema;
mod secrets;
mod section;
mod sources;
mod template;
mod text;
mod typed;
mod validate;
mod variables;
mod yaml;

pub use checked::Checked;
pub use editor::whole_schema;
pub use fields::{Field, fields};
pub use file::{ConfigFile, NAME, find};
pub use interpolate::{Interpolated, interpolate};
pub use origin::Origin;
pub use profile::DEFAULT_PROFILE;
pub(crate) use schema::fits;
pub use secrets::is_secret;
pub use section::Section;
pub use sources::{Role, Source};
pub use template::template;
pub use validate::{validate, validate_with};
pub use variables::Environment;
