//! A web server with the files of a release.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};

/// Serves a folder as the place of releases, as long as the test runs.
pub(crate) struct Server {
    address: String,
}

impl Server {
    /// Serves `download/` of the folder, and sends those who ask for the newest release to this one.
    pub(crate) fn of(folder: PathBuf, newest: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = answer(stream, &folder, newest);
            }
        });
        Self { address }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

fn answer(stream: TcpStream, folder: &Path, newest: &str) -> std::io::Result<()> {
    let mut request = BufReader::new(&stream);
    let mut first = String::new();
    request.read_line(&mut first)?;
    // The rest is read, so that closing does not look like a failure to the other side.
    for line in request.lines() {
        if line?.is_empty() {
            break;
        }
    }
    let path = first.split(' ').nth(1).unwrap_or_default();
    let (head, body) = match path.strip_prefix("/download/") {
        _ if path == "/latest" => (format!("302 Found\r\nLocation: /tag/v{newest}"), vec![]),
        _ if path.starts_with("/tag/") => ("200 OK".into(), b"a page".to_vec()),
        Some(file) => match std::fs::read(folder.join(file)) {
            Ok(body) => ("200 OK".into(), body),
            Err(_) => ("404 Not Found".into(), vec![]),
        },
        None => ("404 Not Found".into(), vec![]),
    };
    let length = body.len();
    write!(&stream, "HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")?;
    if first.starts_with("HEAD ") { Ok(()) } else { (&stream).write_all(&body) }
}
