use std::path::Path;
use std::time::Instant;

use futures_util::future::join_all;
use futures_util::poll;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use super::*;
use crate::endpoint::{Source, Transport};

const QUESTIONS: usize = 3 * AT_ONCE + 1;

fn engine_at(socket: &Path, request: &Request) -> Engine {
    let docker =
        Docker::connect_with_unix(&socket.display().to_string(), 120, bollard::API_DEFAULT_VERSION);
    let endpoint = Endpoint { transport: Transport::Unix(socket.into()), source: Source::Default };
    Engine::over(docker.unwrap(), endpoint, request)
}

async fn answer(mut client: UnixStream) {
    let mut request = [0; 4096];
    assert!(client.read(&mut request).await.unwrap() > 0);
    let reply = "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}";
    client.write_all(reply.as_bytes()).await.unwrap();
}

/// Whether another client is there, once all who can go on have done so.
async fn is_another_there(listener: &UnixListener) -> bool {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    poll!(std::pin::pin!(listener.accept())).is_ready()
}

#[tokio::test]
async fn a_thousand_questions_do_not_have_a_connection_each_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("docker.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let serving = tokio::spawn(async move {
        let mut open = Vec::new();
        for number in 1..=QUESTIONS {
            open.push(listener.accept().await.unwrap().0);
            if open.len() == AT_ONCE {
                assert!(!is_another_there(&listener).await, "more than {AT_ONCE} at {number}");
                answer(open.swap_remove(number % AT_ONCE)).await;
            }
        }
        for client in open {
            answer(client).await;
        }
    });
    let engine = engine_at(&socket, &Request::detached());
    let asked = join_all((0..QUESTIONS).map(|_| engine.has_file("node", "/file"))).await;
    assert!(asked.iter().all(|answer| *answer == Ok(false)), "{asked:?}");
    serving.await.unwrap();
}

#[tokio::test]
async fn a_question_that_waits_for_its_turn_ends_with_its_request() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("docker.sock");
    let _silent = UnixListener::bind(&socket).unwrap();
    let request = Request::detached().for_cleanup(Duration::from_millis(50));
    let engine = engine_at(&socket, &request);
    let begun = Instant::now();
    let asked = join_all((0..QUESTIONS).map(|_| engine.has_file("node", "/file"))).await;
    let is_late = |answer: &Result<bool, Error>| {
        answer.as_ref().is_err_and(|error| error.kind() == &ErrorKind::TimedOut)
    };
    assert!(asked.iter().all(is_late), "{asked:?}");
    assert!(begun.elapsed() < ANSWER, "all of them at once");
}
