//! Manages local Kubernetes clusters through drivers.
//!
//! The way of `caproni --driver k3d start` through the modules: [`cli`] ->
//! `commands::start` -> [`config`], [`discovery`] -> [`session`] ([`process`],
//! [`transport`]) -> the driver -> [`readiness`] -> [`kubeconfig`] -> [`ui`] ->
//! [`exit`]. Nothing here knows a backend.

pub mod advice;
pub mod cli;
mod commands;
mod completion;
pub mod config;
pub mod conformance;
pub mod discovery;
pub mod error;
pub mod excerpt;
pub mod exit;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod interrupt;
pub mod invocation;
pub mod kubeconfig;
pub mod options;
pub mod process;
pub mod readiness;
pub mod recording;
pub mod session;
pub mod state;
pub mod takeover;
pub mod transport;
pub mod ui;
