//! As much of a Kubernetes API as says that a cluster is ready.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::json;

/// The address of an API whose one node is Ready. It is there as long as the tests run.
pub(crate) fn api_of_a_ready_cluster() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || listener.incoming().flatten().for_each(answer));
    format!("http://{address}")
}

fn answer(mut stream: TcpStream) {
    let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
    let asked = lines.next().unwrap_or_default();
    // To the blank line that ends a request without a body.
    lines.find(String::is_empty);
    let body = match asked.split(' ').nth(1).unwrap_or_default() {
        path if path.starts_with("/readyz") => "ok".to_owned(),
        path if path.starts_with("/version") => {
            let version = json!({"major": "1", "minor": "34", "gitVersion": "v1.34.0",
                "gitCommit": "", "gitTreeState": "", "buildDate": "", "goVersion": "",
                "compiler": "", "platform": ""});
            version.to_string()
        }
        _ => {
            let ready = json!({"conditions": [{"type": "Ready", "status": "True"}]});
            let node = json!({"metadata": {"name": "n"}, "status": ready});
            json!({"kind": "NodeList", "apiVersion": "v1", "metadata": {}, "items": [node]})
                .to_string()
        }
    };
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n";
    let _ = write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len());
}
