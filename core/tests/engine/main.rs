//! `caproni` against the real thing: a Docker engine, k3d, kind and minikube, containers.
//!
//! `.ci/engine` prepares all of them, and says how in its first lines; the suite takes
//! them from the environment and fails without them. The node images are `K3D_IMAGE`, `KIND_IMAGE`
//! and `KICBASE_IMAGE`: stand-ins where no registry can be reached, or any real ones. Tests that
//! tell the node to misbehave need the stand-in, which they find by its label; on a
//! real image they do what can be done from outside: a time-out that is too short instead
//! of a node that never gets Ready, a frozen k3s instead of an API that is told to fail.

mod auto;
#[path = "../build/cargo.rs"]
mod cargo;
mod chaos;
mod config;
mod conformance;
mod doctor;
mod failures;
mod interrupts;
mod kind;
mod life;
mod list;
mod minikube;
mod plugin;
mod remote;
mod resources;
#[path = "../chaos/rounds.rs"]
mod rounds;
mod screens;
mod secrets;
mod seen;
mod states;
mod support;
mod together;
mod using;
