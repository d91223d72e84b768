//! Fragments from an address, of a server that this test runs.
//!
//! Only where the platform's certificates can be chosen by a variable, which is Linux.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, Stream};
use sha2::{Digest, Sha256};

use crate::output::Output;
use crate::sandbox::Sandbox;

const FRAGMENT: &str = "cluster: {mock: {servers: 3}}\n";

/// A server that speaks TLS, until the test's process ends.
struct Server {
    port: u16,
    certificate: String,
    asked: Arc<AtomicUsize>,
}

impl Server {
    fn start() -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").unwrap());
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A client that does not trust us goes away.
                let _ = answer(client, &config, &count);
            }
        });
        Self { port, certificate: made.cert.pem(), asked }
    }

    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}/{path}", self.port)
    }
}

fn answer(
    mut client: TcpStream,
    config: &Arc<ServerConfig>,
    count: &AtomicUsize,
) -> std::io::Result<()> {
    let mut connection = ServerConnection::new(config.clone()).unwrap();
    let mut stream = Stream::new(&mut connection, &mut client);
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        request.push(byte[0]);
    }
    count.fetch_add(1, Ordering::SeqCst);
    let request = String::from_utf8_lossy(&request).into_owned();
    let long = "#".repeat(2 * 1024 * 1024);
    let (head, body) = match request.split(' ').nth(1).unwrap_or_default() {
        "/base.yaml?a=b" => ("200 OK", FRAGMENT),
        "/moved" => ("302 Found\r\nLocation: /base.yaml?a=b", ""),
        "/round" => ("302 Found\r\nLocation: /round", ""),
        "/plain" => ("302 Found\r\nLocation: http://localhost/base.yaml", ""),
        "/nested" => ("200 OK", "extends: [./other.yaml]\n"),
        "/long" => ("200 OK", long.as_str()),
        _ => ("404 Not Found", ""),
    };
    let length = body.len();
    let answer =
        format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    stream.write_all(answer.as_bytes())?;
    stream.flush()
}

fn digest(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A sandbox whose file extends this.
fn sandbox(server: &Server, entry: &str) -> Sandbox {
    let sandbox = Sandbox::with_config(&format!(
        "extends:\n  - {entry}\ncluster:\n  driver: mock\n  mock: {{agents: 1}}\n"
    ));
    sandbox.write("certificate.pem", &server.certificate);
    sandbox
}

fn show(sandbox: &Sandbox) -> Output {
    let certificate = sandbox.path("certificate.pem");
    sandbox.caproni("-o json config show").env("SSL_CERT_FILE", certificate).run()
}

#[test]
fn a_pinned_fragment_is_fetched_once_and_then_needs_no_network() {
    let server = Server::start();
    let (url, sha256) = (server.url("base.yaml?a=b"), digest(FRAGMENT));
    let sandbox = sandbox(&server, &format!("{url}#sha256={sha256}"));
    for _ in 0..2 {
        let told = show(&sandbox);
        assert_eq!(told.code(), 0, "{told:#?}");
        let told = told.json();
        assert_eq!(told["cluster"]["mock"]["servers"], 3);
        assert_eq!(told["origins"]["cluster.mock.servers"]["location"], format!("{url}:1:18"));
    }
    assert_eq!(server.asked.load(Ordering::SeqCst), 1);
    // What is kept is checked as well.
    sandbox.write(&format!("state/fragments/{sha256}.yaml"), "cluster: {mock: {servers: 9}}\n");
    assert_eq!(show(&sandbox).json()["cluster"]["mock"]["servers"], 3);
    assert_eq!(server.asked.load(Ordering::SeqCst), 2);
}

#[test]
fn an_address_may_lead_on_and_be_written_as_two_fields() {
    let server = Server::start();
    let entry = format!("{{url: \"{}\", sha256: {}}}", server.url("moved"), digest(FRAGMENT));
    assert_eq!(show(&sandbox(&server, &entry)).json()["cluster"]["mock"]["servers"], 3);
}

#[test]
fn what_is_not_what_was_pinned_is_refused() {
    let server = Server::start();
    let wrong = digest("something else");
    for (path, why) in [
        ("base.yaml?a=b", "has changed: its sha256 is "),
        ("gone", "the server answers 404"),
        ("plain", "not an https address"),
        ("round", "leads on more than 5 times"),
        ("long", "longer than 1048576 bytes"),
    ] {
        let error = show(&sandbox(&server, &format!("{}#sha256={wrong}", server.url(path))));
        let error = error.json_error();
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(":2:5: ") && message.contains(why), "{path}: {message}");
        assert_eq!(error["kind"], "InvalidConfigFile");
    }
    let nested = digest("extends: [./other.yaml]\n");
    let error = show(&sandbox(&server, &format!("{}#sha256={nested}", server.url("nested"))));
    assert!(
        error.json_error()["message"].as_str().unwrap().contains("is a path, and this fragment")
    );
}

#[test]
fn a_server_that_nobody_vouches_for_is_not_believed() {
    let server = Server::start();
    let entry = format!("{}#sha256={}", server.url("base.yaml?a=b"), digest(FRAGMENT));
    let told = sandbox(&server, &entry).run("-o json config show");
    assert_eq!(told.code(), 6, "{told:#?}");
    assert_eq!(server.asked.load(Ordering::SeqCst), 0);
}
