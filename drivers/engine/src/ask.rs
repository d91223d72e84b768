//! Questions whose answers are read into types of ours.
//!
//! bollard's types hold all that an engine tells, and of a container that is much: to read it and to free
//! it again was most of what a driver did to list its clusters.

use bollard::errors::Error as EngineError;
use bollard::{BollardRequest, Docker};
use futures_util::TryStreamExt;
use http::Uri;
use http::uri::PathAndQuery;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Asks for what is at a path, and reads the answer; fails as bollard's own questions do.
pub(crate) async fn ask<T: DeserializeOwned>(
    docker: Docker,
    path: &str,
    query: impl Serialize,
) -> Result<T, EngineError> {
    let query = serde_urlencoded::to_string(query)?;
    let target: PathAndQuery = format!("{path}?{query}").trim_end_matches('?').parse()?;
    // bollard hands an answer on as it came only where it is an archive, and lets every request be
    // changed before it goes.
    let docker = docker.with_request_modifier(move |request| at(&target, request));
    let mut chunks = docker.download_from_container("", None);
    let mut answer = Vec::new();
    while let Some(chunk) = chunks.try_next().await? {
        answer.extend_from_slice(&chunk);
    }
    // All of it is checked at once for being UTF-8, and not each of its strings.
    serde_json::from_str(std::str::from_utf8(&answer)?).map_err(misread)
}

/// The same request for what is at another path.
fn at(target: &PathAndQuery, mut request: BollardRequest) -> BollardRequest {
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = Some(target.clone());
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
    request
}

/// As bollard tells it: an answer that was cut off is another failure than one that is none.
fn misread(error: serde_json::Error) -> EngineError {
    if error.is_data() || error.is_syntax() {
        EngineError::JsonDataError { message: error.to_string(), column: error.column() }
    } else {
        error.into()
    }
}
