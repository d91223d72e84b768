//! `caproni --driver colima` against the real colima and the real limactl, with a stand-in for what
//! only a machine with virtualization has: the virtual machine itself.
//!
//! `.ci/colima` prepares them, and says how in its first lines; the suite takes them from the
//! environment and fails without them. lima does not run for root, so a suite that does gives
//! everything to another user.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it says")]

#[path = "../build/cargo.rs"]
mod cargo;
mod check;
mod failures;
mod life;
mod mismatch;
mod states;
mod support;
mod using;
