//! Why a call of the engine failed, in our words.

use std::io;

use bollard::errors::Error as EngineError;
use caproni_driver::backend::Platform;
use caproni_driver::{Error, ErrorKind};

use crate::endpoint::Endpoint;
use crate::mend::{self, Silence};

/// The failure of a request whose engine does not answer, with what was seen.
pub(crate) fn silent(endpoint: &Endpoint, silence: Silence, cause: &EngineError) -> Error {
    mend::engine_silent(&Platform::detect(), endpoint, silence).with_cause(reason(cause))
}

/// The reason itself where it is an I/O error, without the names of the layers that it came through.
fn reason(error: &EngineError) -> String {
    io_errors(error).last().map_or_else(|| whole(error), ToString::to_string)
}

/// The I/O errors among an error and its causes, from the outside in.
fn io_errors(error: &EngineError) -> impl Iterator<Item = &io::Error> {
    let first: &(dyn std::error::Error + 'static) = match error {
        // It passes its own source on as if it were that source.
        EngineError::IOError { err } => err,
        error => error,
    };
    std::iter::successors(Some(first), |error| next(*error))
        .filter_map(|error| error.downcast_ref())
}

/// An I/O error that holds another does not name it as its source.
fn next<'e>(
    error: &'e (dyn std::error::Error + 'static),
) -> Option<&'e (dyn std::error::Error + 'static)> {
    let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    held.map(|inner| inner as _).or_else(|| error.source())
}

/// Looks for the reason in the causes of an error: the libraries between wrap it.
pub(crate) fn silence(error: &EngineError) -> Silence {
    for error in io_errors(error) {
        match error.kind() {
            io::ErrorKind::PermissionDenied => return Silence::Forbidden,
            io::ErrorKind::TimedOut => return Silence::Hangs,
            _ => {}
        }
    }
    match error {
        EngineError::RequestTimeoutError => Silence::Hangs,
        _ => Silence::NotThere,
    }
}

/// An error with all its causes in one line.
fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}

/// A failure the engine itself told, or a thing it should not have said.
pub(crate) fn unexpected(error: &dyn std::error::Error) -> Error {
    let message = format!("the Docker engine refused: {}", whole(error));
    Error::new(ErrorKind::BackendFailed, message)
}

/// The HTTP status, when it was the engine that refused.
pub(crate) fn status_code(error: &EngineError) -> Option<u16> {
    match error {
        EngineError::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forbidden_socket_is_known_however_deep_the_cause_is() {
        let error = io::Error::from(io::ErrorKind::PermissionDenied);
        assert_eq!(silence(&io::Error::other(error).into()), Silence::Forbidden);
        let error = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(silence(&error.into()), Silence::NotThere);
    }

    #[test]
    fn a_reason_has_no_layers_before_it() {
        let inner = io::Error::new(io::ErrorKind::NotConnected, "ssh: no route");
        let error = EngineError::from(io::Error::other(io::Error::other(inner)));
        assert_eq!(reason(&error), "ssh: no route");
    }
}
