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
    let chunks: Vec<_> = docker.download_from_container("", None).try_collect().await?;
    let answer = chunks.concat();
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

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::endpoint::Transport;
    use crate::opening::connect;

    /// Asks an engine that gives this answer; gives the first line of the question too.
    async fn asked(
        status: &'static str,
        body: &'static [u8],
    ) -> (String, Result<Vec<String>, EngineError>) {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("engine.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let engine = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let first = lines.next().unwrap_or_default();
            lines.find(String::is_empty);
            let length = body.len();
            write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n").unwrap();
            stream.write_all(body).unwrap();
            first
        });
        let docker = connect(&Transport::Unix(socket), bollard::API_DEFAULT_VERSION).unwrap();
        let answer = ask(docker, "/things", [("filters", r#"{"a b":1}"#)]).await;
        (engine.join().unwrap(), answer)
    }

    #[tokio::test]
    async fn what_is_asked_for_is_the_path_and_the_query() {
        let (question, answer) = asked("200 OK", br#"["a", "\u00e9"]"#).await;
        assert_eq!(question, "GET /things?filters=%7B%22a+b%22%3A1%7D HTTP/1.1");
        assert_eq!(answer.unwrap(), ["a", "é"]);
    }

    #[tokio::test]
    async fn a_refusal_has_the_engine_s_status_and_words() {
        let (_, answer) = asked("404 Not Found", br#"{"message": "no such thing"}"#).await;
        let Err(EngineError::DockerResponseServerError { status_code: 404, message }) = answer
        else {
            panic!("a refusal was expected: {answer:?}");
        };
        assert_eq!(message, "no such thing");
    }

    #[tokio::test]
    async fn what_is_no_such_answer_fails_as_bollard_s_own_questions_do() {
        let (_, other) = asked("200 OK", b"{}").await;
        assert!(matches!(other, Err(EngineError::JsonDataError { .. })), "{other:?}");
        let (_, cut_off) = asked("200 OK", b"[\"a\"").await;
        assert!(matches!(cut_off, Err(EngineError::JsonSerdeError { .. })), "{cut_off:?}");
        let (_, no_text) = asked("200 OK", b"[\"\xff\"]").await;
        assert!(matches!(no_text, Err(EngineError::StrParseError { .. })), "{no_text:?}");
    }
}
