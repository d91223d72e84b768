use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Instant;

use futures_util::future::join_all;
use futures_util::poll;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use super::*;
use crate::endpoint::Source;

const QUESTIONS: usize = 10 * AT_ONCE;

fn engine_at(socket: &Path, request: &Request) -> Engine {
    let transport = Transport::Unix(socket.into());
    let docker = opening::connect(&transport, bollard::API_DEFAULT_VERSION).unwrap();
    Engine::over(docker, Endpoint { transport, source: Source::Default }, request)
}

/// How many connections are open, and the most that ever were.
#[derive(Default)]
struct Open {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Open {
    /// Says of each file that it is not there, until the client ends.
    async fn serve(self: Arc<Self>, mut client: UnixStream) {
        self.most.fetch_max(self.now.fetch_add(1, SeqCst) + 1, SeqCst);
        while client.read(&mut [0; 4096]).await.is_ok_and(|length| length > 0) {
            let reply = "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n";
            client.write_all(reply.as_bytes()).await.unwrap();
        }
        self.now.fetch_sub(1, SeqCst);
    }
}

/// Whether another client is there, once all who can go on have done so.
async fn is_another_there(listener: &UnixListener) -> bool {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    poll!(std::pin::pin!(listener.accept())).is_ready()
}

#[tokio::test]
async fn many_questions_do_not_have_a_connection_each() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("docker.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let open = Arc::<Open>::default();
    let counted = open.clone();
    let serving = tokio::spawn(async move {
        let mut first = Vec::new();
        while first.len() < AT_ONCE {
            first.push(listener.accept().await.unwrap().0);
        }
        assert!(!is_another_there(&listener).await, "more than {AT_ONCE} at once");
        first.into_iter().for_each(|client| drop(tokio::spawn(open.clone().serve(client))));
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(open.clone().serve(client));
        }
    });
    let engine = engine_at(&socket, &Request::detached());
    let ask = async || engine.has_file("node", "/file").await;
    let asked = join_all((0..QUESTIONS).map(|_| ask())).await;
    assert!(asked.iter().all(|answer| *answer == Ok(false)), "{asked:?}");
    assert!(!serving.is_finished());
    // Those that nobody uses at the moment count as well.
    assert!(counted.most.load(SeqCst) <= 2 * AT_ONCE, "{}", counted.most.load(SeqCst));
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
