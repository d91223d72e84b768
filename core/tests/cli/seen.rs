//! The kubeconfig with which a cluster was found ready: what it spares, and that it makes no status
//! untrue.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::faults::driver;
use crate::sandbox::Sandbox;

/// Less than a look at an API that hangs takes.
const AT_ONCE: Duration = Duration::from_secs(4);

/// A token, which no log may hold.
const TOKEN: &str = "c2VjcmV0LXRva2Vu";

/// Where the kubeconfig of the cluster is kept.
const KEPT: &str = "state/seen/odd/caproni.json";

/// The user's kubeconfig.
const USERS: &str = "home/.kube/config";

/// An API that remembers what it was asked.
struct Api {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Api {
    /// It answers every request with one status.
    fn answering(status: u16) -> Self {
        Self::with(move || status)
    }

    fn with(status: impl Fn() -> u16 + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let told = Arc::clone(&asked);
        std::thread::spawn(move || {
            listener.incoming().flatten().for_each(|stream| answer(stream, status(), &told));
        });
        Self { address, asked }
    }

    /// How often it was asked for this path since the last time.
    fn asked(&self, path: &str) -> usize {
        let asked = std::mem::take(&mut *self.asked.lock().unwrap());
        asked.iter().filter(|asked| *asked == path).count()
    }
}

fn answer(mut stream: TcpStream, status: u16, told: &Mutex<Vec<String>>) {
    let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
    let asked = lines.next().unwrap_or_default();
    lines.find(String::is_empty);
    let path = asked.split([' ', '?']).nth(1).unwrap_or_default().to_owned();
    let body = match &*path {
        "/version" => json!({"major": "1", "minor": "34", "gitVersion": "v1.34.0", "gitCommit": "",
            "gitTreeState": "", "buildDate": "", "goVersion": "", "compiler": "", "platform": ""}),
        "/api/v1/nodes" => {
            let ready = json!({"conditions": [{"type": "Ready", "status": "True"}]});
            json!({"kind": "NodeList", "apiVersion": "v1", "metadata": {},
                "items": [{"metadata": {"name": "n"}, "status": ready}]})
        }
        _ => json!("ok"),
    };
    told.lock().unwrap().push(path);
    let body = body.to_string();
    let head =
        format!("HTTP/1.1 {status} Told\r\nConnection: close\r\nContent-Type: application/json");
    let _ = write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
}

/// A driver whose cluster is the file `cluster` with its state, and that writes down what it is asked.
fn sandbox(api: &str) -> Sandbox {
    let sandbox = driver(
        r#"
        methods='"kubeconfig"'
        status() {
            echo status >>said
            if [ -e cluster ]; then
                result "{\"state\":\"$(cat cluster)\",\"exists\":true,\"identity\":$(cat identity)}"
            else result '{"state":"stopped","exists":false}'; fi
        }
        start() {
            echo start >>said
            [ ! -e replacement ] || mv replacement kubeconfig
            result '{"change":"none"}'
        }
        destroy() { rm cluster; result '{"change":"destroyed"}'; }
        kubeconfig() {
            echo kubeconfig >>said
            result "{\"context\":\"odd\",\"kubeconfig\":\"$(cat kubeconfig)\"}"
        }"#,
    );
    sandbox.write("project/cluster", "ready");
    sandbox.write("project/identity", "\"first\"");
    serve_at(&sandbox, api);
    sandbox
}

fn serve_at(sandbox: &Sandbox, api: &str) {
    sandbox.write("project/kubeconfig", &kubeconfig(api, &format!("{{token: {TOKEN}}}")));
}

fn kubeconfig(api: &str, user: &str) -> String {
    format!(
        "{{current-context: odd, contexts: [{{name: odd, context: {{cluster: odd, user: odd}}}}], \
         clusters: [{{name: odd, cluster: {{server: '{api}'}}}}], users: [{{name: odd, user: {user}}}]}}"
    )
}

/// What `status` says, as its exit code does, and what the driver was asked for that.
fn status(sandbox: &Sandbox) -> (String, Vec<String>) {
    let output = sandbox.run("--driver odd -o json status");
    let state = output.json()["state"].as_str().unwrap().to_owned();
    let code =
        [("ready", 0), ("stopped", 3), ("not-ready", 4)].into_iter().find(|it| it.0 == state);
    assert_eq!(output.code(), code.unwrap().1, "{output:#?}");
    (state, said(sandbox))
}

/// What the driver was asked since the last time.
fn said(sandbox: &Sandbox) -> Vec<String> {
    let file = sandbox.path("project/said");
    let said = std::fs::read_to_string(&file).unwrap_or_default();
    let _ = std::fs::remove_file(file);
    said.lines().map(str::to_owned).collect()
}

#[track_caller]
fn expect(sandbox: &Sandbox, state: &str, asked: &[&str]) {
    let (told, said) = status(sandbox);
    assert_eq!(
        (told.as_str(), said.iter().map(String::as_str).collect::<Vec<_>>()),
        (state, asked.to_vec())
    );
}

/// A sandbox whose cluster was found ready once.
fn seen(api: &Api) -> Sandbox {
    let sandbox = sandbox(&api.address);
    expect(&sandbox, "ready", &["status", "kubeconfig"]);
    assert_eq!(api.asked("/readyz"), 1);
    sandbox
}

#[test]
fn a_cluster_that_was_found_ready_is_looked_at_again_without_asking_for_its_kubeconfig() {
    let api = Api::answering(200);
    let sandbox = seen(&api);
    let mode = |path: &str| sandbox.path(path).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(KEPT), mode("state/seen/odd")), (0o600, 0o700));
    expect(&sandbox, "ready", &["status"]);
    assert_eq!(api.asked("/readyz"), 1, "it is really looked at");
}

#[test]
fn another_cluster_is_looked_at_with_its_own_kubeconfig_though_the_first_one_answers_still() {
    let (first, second) = (Api::answering(200), Api::answering(503));
    let sandbox = seen(&first);
    sandbox.write("project/identity", "\"second\"");
    serve_at(&sandbox, &second.address);
    expect(&sandbox, "not-ready", &["status", "kubeconfig"]);
    assert!(!sandbox.path(KEPT).exists());
    serve_at(&sandbox, &first.address);
    expect(&sandbox, "ready", &["status", "kubeconfig"]);
    expect(&sandbox, "ready", &["status"]);
}

#[test]
fn an_api_that_fails_is_looked_at_with_the_kubeconfig_of_now() {
    let (gone, api) = (Api::answering(503), Api::answering(200));
    let sandbox = seen(&api);
    let kept = std::fs::read_to_string(sandbox.path(KEPT)).unwrap();
    std::fs::write(sandbox.path(KEPT), kept.replace(&api.address, &gone.address)).unwrap();
    expect(&sandbox, "ready", &["status", "kubeconfig"]);
    expect(&sandbox, "ready", &["status"]);
}

#[test]
fn an_api_that_is_not_ready_is_told_at_once_and_asked_once() {
    let api = Api::answering(503);
    let sandbox = sandbox(&api.address);
    expect(&sandbox, "not-ready", &["status", "kubeconfig"]);
    assert_eq!(api.asked("/readyz"), 1);
    assert!(!sandbox.path(KEPT).exists(), "it was never found ready");
}

#[test]
fn a_look_that_hangs_delays_no_answer_of_a_cluster_that_is_stopped() {
    let api = Api::answering(200);
    let sandbox = seen(&api);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    let kept = std::fs::read_to_string(sandbox.path(KEPT)).unwrap();
    std::fs::write(sandbox.path(KEPT), kept.replace(&api.address, &address)).unwrap();
    sandbox.write("project/cluster", "stopped");
    let begun = Instant::now();
    expect(&sandbox, "stopped", &["status"]);
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
}

#[test]
fn what_is_kept_goes_with_the_cluster() {
    let api = Api::answering(200);
    let sandbox = seen(&api);
    assert_eq!(sandbox.run("--driver odd destroy --yes").code(), 0);
    assert!(!sandbox.path(KEPT).exists());
    assert_eq!(said(&sandbox), ["kubeconfig"], "for the context to take out");
    sandbox.write("project/cluster", "ready");
    expect(&sandbox, "ready", &["status", "kubeconfig"]);
    std::fs::remove_file(sandbox.path("project/cluster")).unwrap();
    expect(&sandbox, "stopped", &["status"]);
    assert!(!sandbox.path(KEPT).exists());
}

#[test]
fn of_a_driver_that_tells_no_identity_nothing_is_kept() {
    let api = Api::answering(200);
    let sandbox = sandbox(&api.address);
    sandbox.write("project/identity", "null");
    for _ in 0..2 {
        expect(&sandbox, "ready", &["status", "kubeconfig"]);
    }
    assert!(!sandbox.path("state/seen").exists());
}

/// What could be read, and leads nowhere.
const OF_NO_USE: &str =
    r#"{"format": 1, "identity": "first", "kubeconfig": "{", "context": "odd"}"#;

#[test]
fn what_is_damaged_or_open_to_others_is_as_good_as_nothing() {
    let api = Api::answering(200);
    let sandbox = seen(&api);
    for text in ["", "garbage", OF_NO_USE] {
        std::fs::write(sandbox.path(KEPT), text).unwrap();
        expect(&sandbox, "ready", &["status", "kubeconfig"]);
        expect(&sandbox, "ready", &["status"]);
    }
    std::fs::set_permissions(sandbox.path(KEPT), PermissionsExt::from_mode(0o644)).unwrap();
    expect(&sandbox, "ready", &["status", "kubeconfig"]);
    expect(&sandbox, "ready", &["status"]);
}

#[test]
fn what_is_kept_has_no_program_run() {
    let api = Api::answering(200);
    let sandbox = seen(&api);
    let ran = sandbox.path("ran");
    let exec = json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "touch",
        "args": [ran], "interactiveMode": "Never"}});
    let text = kubeconfig(&api.address, &exec.to_string());
    let kept =
        json!({"format": 1, "identity": "first", "kubeconfig": text, "context": "odd"}).to_string();
    std::fs::write(sandbox.path(KEPT), &kept).unwrap();
    expect(&sandbox, "ready", &["status", "kubeconfig"]);
    std::fs::write(sandbox.path(KEPT), kept).unwrap();
    start(&sandbox, &["status", "start", "kubeconfig"]);
    assert!(!ran.exists());
}

/// Starts a cluster that is ready, for which the driver is asked so much.
#[track_caller]
fn start(sandbox: &Sandbox, asked: &[&str]) {
    let started = sandbox.run("--driver odd -o json start").json();
    let (change, state) = (&started["change"], &started["status"]["state"]);
    assert_eq!((change, state), (&json!("none"), &json!("ready")), "{started:#}");
    assert_eq!(said(sandbox), asked);
}

/// The address of the cluster's API in the user's kubeconfig.
fn server(sandbox: &Sandbox) -> String {
    let text = std::fs::read_to_string(sandbox.path(USERS)).unwrap();
    let (_, rest) = text.split_once("server: ").expect("a cluster");
    rest.lines().next().unwrap().trim_matches('"').to_owned()
}

#[test]
fn a_start_of_a_cluster_that_is_ready_asks_each_thing_once_and_its_kubeconfig_once_for_all() {
    let api = Api::answering(200);
    let sandbox = sandbox(&api.address);
    for asked in [&["status", "start", "kubeconfig"][..], &["status", "start"]] {
        start(&sandbox, asked);
        assert_eq!((api.asked("/readyz"), server(&sandbox)), (1, api.address.clone()));
    }
    expect(&sandbox, "ready", &["status"]);
}

#[test]
fn a_start_puts_the_context_in_again_that_the_user_took_out() {
    let api = Api::answering(200);
    let sandbox = sandbox(&api.address);
    start(&sandbox, &["status", "start", "kubeconfig"]);
    std::fs::remove_file(sandbox.path(USERS)).unwrap();
    start(&sandbox, &["status", "start"]);
    assert_eq!(server(&sandbox), api.address);
}

#[test]
fn a_start_of_another_cluster_takes_the_kubeconfig_of_that_one_though_the_first_answers_still() {
    let (first, second) = (Api::answering(200), Api::answering(200));
    let sandbox = seen(&first);
    sandbox.write("project/identity", "\"second\"");
    serve_at(&sandbox, &second.address);
    start(&sandbox, &["status", "start", "kubeconfig"]);
    assert_eq!((first.asked("/readyz"), server(&sandbox)), (0, second.address));
}

#[test]
fn a_start_whose_known_api_fails_takes_the_kubeconfig_of_now() {
    let (gone, api) = (Api::answering(503), Api::answering(200));
    let sandbox = seen(&api);
    let kept = std::fs::read_to_string(sandbox.path(KEPT)).unwrap();
    std::fs::write(sandbox.path(KEPT), kept.replace(&api.address, &gone.address)).unwrap();
    start(&sandbox, &["status", "start", "kubeconfig"]);
    assert_eq!(server(&sandbox), api.address);
    start(&sandbox, &["status", "start"]);
}

#[test]
fn a_cluster_that_is_replaced_before_the_driver_s_turn_comes_is_ready_by_its_own_api() {
    let second = Api::answering(200);
    let place = Arc::<OnceLock<PathBuf>>::default();
    let replacement = Arc::clone(&place);
    let first = Api::with(move || match replacement.get() {
        Some(there) if !there.exists() => 401,
        _ => 200,
    });
    let sandbox = seen(&first);
    sandbox.write("project/replacement", &kubeconfig(&second.address, "{token: other}"));
    place.set(sandbox.path("project/replacement")).unwrap();
    start(&sandbox, &["status", "start", "kubeconfig"]);
    assert_eq!(server(&sandbox), second.address);
}

#[test]
fn who_wants_a_kubeconfig_gets_the_driver_s() {
    let (first, second) = (Api::answering(200), Api::answering(200));
    let sandbox = seen(&first);
    serve_at(&sandbox, &second.address);
    let given = sandbox.run("--driver odd -o json kubeconfig").json();
    assert_eq!(given["clusters"][0]["cluster"]["server"], second.address);
    assert_eq!(said(&sandbox), ["kubeconfig"]);
}

#[test]
fn its_token_is_in_no_log() {
    let api = Api::answering(200);
    let sandbox = sandbox(&api.address);
    for _ in 0..2 {
        let shown = sandbox.run("--driver odd -vv --trace trace.jsonl status");
        let traced = std::fs::read_to_string(sandbox.path("project/trace.jsonl")).unwrap();
        for text in [&shown.stdout, &shown.stderr, &traced] {
            assert!(!text.contains(TOKEN), "{text}");
        }
    }
    assert!(std::fs::read_to_string(sandbox.path(KEPT)).unwrap().contains(TOKEN));
}

#[test]
fn the_identity_is_no_affair_of_users() {
    let api = Api::answering(200);
    let status = seen(&api).run("--driver odd -o json status").json();
    assert!(status.get("identity").is_none(), "{status:#}");
}
