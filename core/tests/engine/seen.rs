//! What is kept of a cluster makes no status and no start untrue, whatever was done to it since the
//! last one.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Backend, Place, Run, docker, k3d, until};

/// Less than a look at an API that hangs takes.
const AT_ONCE: Duration = Duration::from_secs(4);

/// What a command tells, and whether the driver was asked for a kubeconfig for it.
fn told(run: &Run, what: &str) -> (String, bool) {
    let told = run.json()[what].as_str().expect("a text").to_owned();
    (told, run.stderr.contains("\"method\":\"kubeconfig\""))
}

fn status(place: &Place) -> (String, bool) {
    told(&place.caproni(&["-vv", "-o", "json", "status"]), "state")
}

#[track_caller]
fn expect(place: &Place, state: &str, asked: bool) {
    let begun = Instant::now();
    assert_eq!(status(place), (state.to_owned(), asked));
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
}

/// What a start changes; after it the user's kubeconfig leads to the cluster, which is ready.
#[track_caller]
fn expect_start(place: &Place, change: &str, asked: bool) {
    let run = place.caproni(&["-vv", "-o", "json", "start"]).expect_code(0);
    assert_eq!(told(&run, "change"), (change.to_owned(), asked));
    let context = run.json()["status"]["kubeContext"].as_str().expect("a context").to_owned();
    let mut kubectl = place.command_of("kubectl");
    kubectl.args(["--context", &context, "get", "--raw", "/readyz"]);
    let asked = kubectl.output().expect("kubectl runs");
    assert!(asked.status.success(), "{asked:?}");
}

fn ready(place: &Place) {
    until(|| (status(place).0 == "ready").then_some(()));
    expect(place, "ready", false);
}

fn kept_file(place: &Place) -> PathBuf {
    place.path("state/seen").join(place.driver()).join(format!("{}.json", place.profile))
}

fn kept(place: &Place) -> Value {
    let text = std::fs::read(kept_file(place)).expect("it is kept");
    serde_json::from_slice(&text).expect("JSON")
}

fn keep(place: &Place, content: &str) {
    std::fs::write(kept_file(place), content).expect("writable");
}

/// The port of the API in the kubeconfig that is kept.
fn api_port(place: &Place) -> u16 {
    let kept = kept(place);
    let (_, rest) =
        kept["kubeconfig"].as_str().and_then(|text| text.split_once("https://")).expect("an API");
    let digits = rest.split_once(':').expect("a port").1.chars().take_while(char::is_ascii_digit);
    digits.collect::<String>().parse().expect("a number")
}

/// An engine without a single container, at this socket as long as the test runs.
fn empty_engine(place: &Place) -> String {
    let socket = place.path("empty.sock");
    let listener = UnixListener::bind(&socket).expect("a short path");
    std::thread::spawn(move || listener.incoming().flatten().for_each(answer_with_nothing));
    format!("unix://{}", socket.display())
}

fn answer_with_nothing(mut stream: UnixStream) {
    let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
    let asked = lines.next().unwrap_or_default();
    lines.find(String::is_empty);
    let (status, body) = match asked.split(['?', ' ']).nth(1).unwrap_or_default() {
        path if path.ends_with("/containers/json") || path.ends_with("/networks") => (200, "[]"),
        path if path.ends_with("/volumes") => (200, r#"{"Volumes": []}"#),
        path if path.ends_with("/_ping") => (200, "OK"),
        _ => (404, r#"{"message": "no such thing"}"#),
    };
    let head =
        format!("HTTP/1.1 {status} Told\r\nConnection: close\r\nContent-Length: {}", body.len());
    let _ = write!(stream, "{head}\r\nContent-Type: application/json\r\n\r\n{body}");
}

#[test]
fn a_status_and_a_start_are_true_whatever_was_done_since_the_last_one() {
    let place = Place::new("seen");
    expect_start(&place, "created", true);
    let (server, lb) = (place.node("server-0"), place.node("serverlb"));
    expect(&place, "ready", false);
    expect_start(&place, "none", false);

    for node in [&server, &lb] {
        docker(&["pause", node]);
        expect(&place, "not-ready", false);
        docker(&["unpause", node]);
        ready(&place);
        docker(&["pause", node]);
        expect_start(&place, "started", true);
    }

    let port = api_port(&place);
    docker(&["stop", "-t", "1", &lb, &server]);
    let silent = TcpListener::bind(("0.0.0.0", port)).expect("the port is free now");
    expect(&place, "stopped", false);
    drop(silent);
    docker(&["start", &server, &lb]);
    expect_start(&place, "none", true);
    ready(&place);

    keep(&place, "garbage");
    expect(&place, "ready", true);
    let first = kept(&place);

    k3d(&place.path("home"), &["cluster", "delete", &place.profile]);
    expect(&place, "stopped", false);
    assert!(!kept_file(&place).exists());
    keep(&place, &first.to_string());
    create_plain(&place, port);
    expect_start(&place, "none", true);
    expect(&place, "ready", false);
    let second = kept(&place);
    assert_ne!(first["identity"], second["identity"]);

    keep(&place, &first.to_string());
    expect(&place, "ready", true);
    expect_start(&place, "none", false);
    let mut alien = first;
    alien["identity"] = second["identity"].clone();
    keep(&place, &alien.to_string());
    expect(&place, "ready", true);
    keep(&place, &alien.to_string());
    expect_start(&place, "none", true);

    let mut elsewhere = place.command(&["-vv", "-o", "json", "status"]);
    elsewhere.env("DOCKER_HOST", empty_engine(&place));
    let run = Run::of(&elsewhere.output().expect("caproni runs"));
    assert_eq!(told(&run, "state"), ("stopped".into(), false));
    expect(&place, "ready", true);
}

/// Makes the cluster with plain k3d, and waits until its node is Ready by plain k3d's word.
fn create_plain(place: &Place, port: u16) {
    let (image, port) = (place.image(), port.to_string());
    let create = ["cluster", "create", &place.profile, "--image", &image, "--api-port", &port];
    k3d(&place.path("home"), &[&create[..], &["--kubeconfig-update-default=false"]].concat());
    let kept = std::fs::read(kept_file(place)).expect("it was put there");
    let text = k3d(&place.path("home"), &["kubeconfig", "get", &place.profile]);
    let kubeconfig = place.path("plain.yaml");
    std::fs::write(&kubeconfig, text).expect("writable");
    let kubeconfig = kubeconfig.display().to_string();
    let mut wait = place.command_of("kubectl");
    wait.args(["--kubeconfig", &kubeconfig, "wait", "--for=condition=Ready", "nodes", "--all"]);
    let waited = until(|| Some(wait.output().ok()?).filter(|waited| waited.status.success()));
    assert!(waited.status.success() && std::fs::read(kept_file(place)).ok() == Some(kept));
}

#[test]
fn a_status_and_a_start_of_kind_are_true_whatever_was_done_since_the_last_one() {
    let place = Place::of(Backend::Kind, "kind-seen");
    expect_start(&place, "created", true);
    let node = place.node("control-plane");
    expect(&place, "ready", false);
    expect_start(&place, "none", false);
    docker(&["pause", &node]);
    expect(&place, "not-ready", false);
    docker(&["unpause", &node]);
    ready(&place);
    let first = kept(&place);
    docker(&["stop", "-t", "1", &node]);
    expect(&place, "stopped", false);
    docker(&["start", &node]);
    expect_start(&place, "none", true);
    ready(&place);
    assert_ne!(first["identity"], kept(&place)["identity"]);
}
