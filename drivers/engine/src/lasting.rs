//! Files in containers that are written once and then stay as they are. What this process has seen of
//! one it asks for no second time: a file takes an engine longer than all else that it is asked.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use caproni_driver::Error;

use crate::engine::Engine;

/// What was seen, by container and path; no two containers have one id. Without a content the file
/// was only seen to be there.
static SEEN: Mutex<BTreeMap<(String, String), Option<String>>> = Mutex::new(BTreeMap::new());

impl Engine {
    /// As [`Engine::has_file`], for a file that stays once it is there.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn has_lasting_file(&self, container: &str, path: &str) -> Result<bool, Error> {
        if seen(container, path).is_some() {
            return Ok(true);
        }
        let has = self.has_file(container, path).await?;
        if has {
            keep(container, path, None);
        }
        Ok(has)
    }

    /// As [`Engine::read`], for a file that stays as it is once it is there.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn read_lasting_file(
        &self,
        container: &str,
        path: &str,
    ) -> Result<Option<String>, Error> {
        if let Some(Some(text)) = seen(container, path) {
            return Ok(Some(text));
        }
        let text = self.read(container, path).await?;
        if text.is_some() {
            keep(container, path, text.clone());
        }
        Ok(text)
    }
}

fn seen(container: &str, path: &str) -> Option<Option<String>> {
    let seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    seen.get(&(container.to_owned(), path.to_owned())).cloned()
}

fn keep(container: &str, path: &str, text: Option<String>) {
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    seen.insert((container.to_owned(), path.to_owned()), text);
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

    use bollard::API_DEFAULT_VERSION;
    use caproni_driver::Request;

    use super::*;
    use crate::endpoint::{Endpoint, Source, Transport};
    use crate::files::archive_of;
    use crate::opening::connect;

    /// What an engine says of a file that is there.
    const STAT: &str = "eyJuYW1lIjoiY3JlYXRlZCIsInNpemUiOjAsIm1vZGUiOjQyMCwibXRpbWUiOiIyMDI2LTExLTA1VDA5OjEyOjMzWiIsImxpbmtUYXJnZXQiOiIifQ==";

    /// An engine each of whose containers has every file, or none, and that counts what it is asked.
    #[derive(Default)]
    struct Files {
        are_there: AtomicBool,
        asked: AtomicUsize,
    }

    impl Files {
        fn serve(self: &Arc<Self>, folder: &std::path::Path) -> Engine {
            let socket = folder.join("engine.sock");
            let listener = UnixListener::bind(&socket).unwrap();
            let files = Arc::clone(self);
            std::thread::spawn(move || {
                listener.incoming().flatten().for_each(|it| files.answer(it))
            });
            let endpoint = Endpoint { transport: Transport::Unix(socket), source: Source::Default };
            let docker = connect(&endpoint.transport, API_DEFAULT_VERSION).unwrap();
            Engine::over(docker, endpoint, &Request::detached())
        }

        fn answer(&self, mut stream: UnixStream) {
            BufReader::new(&stream).lines().map_while(Result::ok).find(String::is_empty);
            self.asked.fetch_add(1, SeqCst);
            let (status, body) = match self.are_there.load(SeqCst) {
                true => (200, archive_of("/file", b"text").unwrap()),
                false => (404, br#"{"message": "no such file"}"#.to_vec()),
            };
            let head = format!("HTTP/1.1 {status} Told\r\nConnection: close");
            let _ = write!(stream, "{head}\r\nX-Docker-Container-Path-Stat: {STAT}\r\n\r\n");
            let _ = stream.write_all(&body);
        }
    }

    #[tokio::test]
    async fn what_is_not_there_yet_is_asked_for_again_and_what_was_there_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let files = Arc::<Files>::default();
        let engine = files.serve(folder.path());
        let look = async |container| {
            let has = engine.has_lasting_file(container, "/mark").await.unwrap();
            (has, engine.read_lasting_file(container, "/text").await.unwrap())
        };
        for asked in [2, 4] {
            assert_eq!(look("a").await, (false, None));
            assert_eq!(files.asked.load(SeqCst), asked);
        }
        files.are_there.store(true, SeqCst);
        for (container, asked) in [("a", 6), ("a", 6), ("b", 8), ("a", 8)] {
            assert_eq!(look(container).await, (true, Some("text".into())));
            assert_eq!(files.asked.load(SeqCst), asked, "{container}");
        }
        let text = engine.read_lasting_file("a", "/mark").await.unwrap();
        assert_eq!(text.as_deref(), Some("text"), "it was only seen to be there");
    }
}
