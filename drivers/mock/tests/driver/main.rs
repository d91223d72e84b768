//! The built executable over its pipes, with folders and an environment of its own.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it says")]

mod faults;
mod home;
mod life;
mod methods;
