//! What is released: a release build, packed, installed and used as its users do.
//!
//! The Debian package goes into a bare Debian, an image that `.ci/bare` makes on the engine of
//! `.ci/engine`. The archive goes into a home folder by the install script, from a server of the
//! test's own. Needs the Debian packages dpkg-dev, zsh, fish, curl, wget and busybox-static; where a
//! program is missing the test fails and names it.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it says")]

mod bare;
#[path = "../build/cargo.rs"]
mod cargo;
mod deb;
mod formula;
mod install;
mod release;
mod server;
mod shells;
