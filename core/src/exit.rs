//! The exit codes of `caproni`, one constant each.
//!
//! Scripts rely on them, so a code never changes its meaning.

use caproni_driver::{ErrorKind, State};

use crate::error::{Error, Kind};

/// It worked; for `status`: the cluster is ready.
pub const OK: u8 = 0;
/// The backend failed, or something that has no code of its own did.
pub const FAILED: u8 = 1;
/// The command line is wrong, or asks for something that is not there or the driver cannot do.
pub const USAGE: u8 = 2;
/// The cluster is not running; for `status`: it is stopped or does not exist.
pub const NOT_RUNNING: u8 = 3;
/// The cluster is not ready, or did not become ready in time.
pub const NOT_READY: u8 = 4;
/// The cluster exists with another config.
pub const CONFIG_MISMATCH: u8 = 5;
/// A config file, the driver's section in it, or the kubeconfig is missing or wrong.
pub const CONFIG: u8 = 6;
/// The backend is not installed or does not answer.
pub const BACKEND: u8 = 7;
/// The machine or the user's rights stand in the way: a port, memory, a permission.
pub const RESOURCES: u8 = 8;
/// Someone else is changing the cluster.
pub const BUSY: u8 = 9;
/// The driver was not found, or speaks no protocol version in common.
pub const NO_DRIVER: u8 = 10;
/// The driver is broken: it crashed, never answered, or broke the protocol.
pub const DRIVER_FAULT: u8 = 20;
/// Cancelled with Ctrl-C or a signal.
pub const CANCELLED: u8 = 130;

/// The exit code that goes with a failure.
pub fn code(error: &Error) -> u8 {
    match &error.kind {
        Kind::Driver(kind) => driver_code(kind),
        Kind::Internal => FAILED,
        Kind::Usage => USAGE,
        Kind::DriverNotTrusted => RESOURCES,
        Kind::InvalidConfigFile | Kind::InvalidKubeconfig => CONFIG,
        Kind::DriverCrashed
        | Kind::DriverUnresponsive
        | Kind::DriverProtocolError
        | Kind::DriverNotExecutable => DRIVER_FAULT,
    }
}

fn driver_code(kind: &ErrorKind) -> u8 {
    match kind {
        ErrorKind::ClusterNotRunning => NOT_RUNNING,
        ErrorKind::ConfigMismatch => CONFIG_MISMATCH,
        ErrorKind::ClusterNotReady | ErrorKind::TimedOut => NOT_READY,
        ErrorKind::MissingDriverConfig | ErrorKind::InvalidDriverConfig => CONFIG,
        ErrorKind::BackendMissing | ErrorKind::BackendUnavailable => BACKEND,
        ErrorKind::ResourceConflict
        | ErrorKind::InsufficientResources
        | ErrorKind::PermissionDenied
        | ErrorKind::ActionRequired => RESOURCES,
        ErrorKind::Cancelled => CANCELLED,
        ErrorKind::Unsupported | ErrorKind::NotFound => USAGE,
        ErrorKind::DriverNotFound | ErrorKind::UnsupportedProtocolVersion => NO_DRIVER,
        ErrorKind::Busy => BUSY,
        _ => FAILED,
    }
}

/// The exit code with which `status` tells a state.
pub fn status_code(state: &State) -> u8 {
    match state {
        State::Ready => OK,
        State::Stopped => NOT_RUNNING,
        _ => NOT_READY,
    }
}
