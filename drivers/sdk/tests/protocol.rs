//! `protocol.md` is true: each of its blocks is run, each name it must explain is in it.

use std::collections::{BTreeSet, VecDeque};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use caproni_driver::testing::Host;
use caproni_driver::{
    Clusters, Condition, Description, Diagnosis, Difference, DriverClient, DriverServer, Error,
    ErrorData, ErrorKind, Extensions, Kubeconfig, Node, Outcome, PROTOCOL_TEXT as TEXT, Peer, Plan,
    Progress, Request, Status, Usage, Versions, Violation, async_trait, config,
};
use jsonrpsee::core::client::{
    ClientBuilder, ReceivedMessage, TransportReceiverT, TransportSenderT,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// JSON-RPC's own errors that say that a request was not understood.
const NOT_UNDERSTOOD: [i64; 4] = [-32700, -32600, -32601, -32602];

/// A fenced block: the words after the fence, and what stands in it.
struct Block {
    kind: Vec<&'static str>,
    text: String,
}

impl Block {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|error| panic!("{error} in:\n{}", self.text))
    }
}

fn blocks() -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = TEXT.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let text: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
        blocks.push(Block { kind: info.split(' ').collect(), text: text.join("\n") + "\n" });
    }
    blocks
}

/// The blocks of a kind, with the words that follow it.
fn blocks_of(kind: &str) -> Vec<(&'static str, Block)> {
    let wanted: Vec<_> = kind.split(' ').collect();
    let of_kind = blocks().into_iter().filter(|block| block.kind.starts_with(&wanted));
    of_kind.map(|block| (block.kind.get(wanted.len()).copied().unwrap_or(""), block)).collect()
}

fn the_block(kind: &str) -> Block {
    let mut found = blocks_of(kind);
    assert_eq!(found.len(), 1, "one block `{kind}`");
    found.remove(0).1
}

/// What a type keeps of a value: a misspelt key is lost, and one left out may appear.
fn kept<T: Serialize + DeserializeOwned + std::fmt::Debug>(value: &Value) -> Value {
    let typed: T =
        serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error} in {value}"));
    // Enums are open: a misspelt word survives, as one that is not known.
    let shown = format!("{typed:?}");
    assert!(!shown.contains("Other("), "an unknown word in {value}");
    serde_json::to_value(typed).expect("serializes")
}

fn kept_result(method: &str, result: &Value) -> Value {
    match method {
        "initialize" => kept::<Description>(result),
        "start" | "stop" | "destroy" | "restart" => kept::<Outcome>(result),
        "status" => kept::<Status>(result),
        "kubeconfig" => kept::<Kubeconfig>(result),
        "version" => kept::<Versions>(result),
        "list" => kept::<Clusters>(result),
        "exec" | "logs" => kept::<Plan>(result),
        "usage" => kept::<Usage>(result),
        "diagnose" => kept::<Diagnosis>(result),
        "loadImage" => kept::<Outcome>(result),
        other => panic!("no such method: {other}"),
    }
}

fn check_error(error: &Value) {
    let keys: Vec<_> = error.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["code", "message", "data"], "{error}");
    assert_eq!(kept::<ErrorData>(&error["data"]), error["data"]);
    let data: ErrorData = serde_json::from_value(error["data"].clone()).expect("parsed before");
    assert_eq!(error["code"], data.kind.code(), "{error}");
    let own_fields: &[&str] = match data.kind {
        ErrorKind::UnsupportedProtocolVersion => &["supported"],
        _ => &[],
    };
    for key in data.more.keys() {
        assert!(own_fields.contains(&key.as_str()), "`{key}` in {error}");
    }
}

/// What a driver does with one request of a dialogue.
#[derive(Default)]
struct Part {
    progress: Vec<Value>,
    is_cancelled: bool,
    progress_after_cancel: Vec<Value>,
    reply: Value,
}

/// A driver that plays its side of a dialogue, and then has nothing to say.
#[derive(Clone, Default)]
struct Scripted(Arc<Mutex<VecDeque<Part>>>);

impl Scripted {
    fn of_dialogue(lines: &[(bool, Value)]) -> Self {
        let mut parts = VecDeque::new();
        let mut part = Part::default();
        for (from_host, message) in lines {
            let method = message["method"].as_str();
            match (from_host, method) {
                (true, Some("cancel")) => part.is_cancelled = true,
                (true, _) => {}
                (false, Some("progress")) if part.is_cancelled => {
                    part.progress_after_cancel.push(message["params"].clone());
                }
                (false, Some("progress")) => part.progress.push(message["params"].clone()),
                (false, _) => {
                    part.reply = message.clone();
                    parts.push_back(std::mem::take(&mut part));
                }
            }
        }
        Self(Arc::new(Mutex::new(parts)))
    }

    async fn play<T: DeserializeOwned>(&self, request: Request) -> Result<T, Error> {
        let part = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(part) = part else {
            return Err(Error::new(ErrorKind::Unsupported, "the dialogue is over"));
        };
        let report = |progress: &Value| {
            let progress: Progress = serde_json::from_value(progress.clone()).expect("progress");
            request.report(&progress);
        };
        part.progress.iter().for_each(report);
        if part.is_cancelled {
            let _ = request.ended().await;
        }
        part.progress_after_cancel.iter().for_each(report);
        match part.reply.get("error") {
            None => Ok(serde_json::from_value(part.reply["result"].clone()).expect("a result")),
            Some(error) => {
                let data: ErrorData = serde_json::from_value(error["data"].clone()).expect("data");
                let message = error["message"].as_str().expect("a message");
                let mut error = Error::new(data.kind.clone(), message);
                *error.data = data;
                Err(error)
            }
        }
    }
}

#[async_trait]
impl DriverServer for Scripted {
    async fn initialize(&self, _: Vec<u32>, _: Peer) -> Result<Description, Error> {
        self.play(Request::detached()).await
    }

    async fn start(
        &self,
        ext: &Extensions,
        _: String,
        _: Value,
        _: Option<u64>,
    ) -> Result<Outcome, Error> {
        self.play(Request::of(ext)).await
    }

    async fn stop(
        &self,
        ext: &Extensions,
        _: String,
        _: Option<Value>,
        _: Option<u64>,
    ) -> Result<Outcome, Error> {
        self.play(Request::of(ext)).await
    }

    async fn destroy(
        &self,
        ext: &Extensions,
        _: String,
        _: Option<Value>,
        _: Option<u64>,
    ) -> Result<Outcome, Error> {
        self.play(Request::of(ext)).await
    }

    async fn status(
        &self,
        ext: &Extensions,
        _: String,
        _: Option<Value>,
        _: Option<u64>,
    ) -> Result<Status, Error> {
        self.play(Request::of(ext)).await
    }
}

/// The lines of the dialogue, each with whether the host writes it.
fn dialogue() -> Vec<(bool, Value)> {
    let block = the_block("json dialogue");
    let lines = block.text.lines().map(|line| {
        let (arrow, message) = line.split_at(3);
        let message = serde_json::from_str(message).unwrap_or_else(|e| panic!("{e} in {line}"));
        match arrow {
            "-> " => (true, message),
            "<- " => (false, message),
            _ => panic!("neither `->` nor `<-`: {line}"),
        }
    });
    lines.collect()
}

fn methods() -> Vec<&'static str> {
    Scripted::default().into_rpc().method_names().collect()
}

/// All keys that a type has on the wire, and all words that stand for a value of it.
fn names_of<T: schemars::JsonSchema>() -> BTreeSet<String> {
    fn walk(schema: &Value, names: &mut BTreeSet<String>) {
        let Value::Object(fields) = schema else {
            return schema.as_array().into_iter().flatten().for_each(|item| walk(item, names));
        };
        let words = fields.get("enum").and_then(Value::as_array).into_iter().flatten();
        let words = words.chain(fields.get("const")).filter_map(Value::as_str);
        names.extend(words.map(str::to_owned));
        if let Some(properties) = fields.get("properties").and_then(Value::as_object) {
            names.extend(properties.keys().cloned());
        }
        fields.values().for_each(|value| walk(value, names));
    }
    let mut names = BTreeSet::new();
    walk(&config::schema::<T>(), &mut names);
    names
}

#[test]
fn every_block_is_of_a_known_kind() {
    for block in blocks() {
        let known = match block.kind.as_slice() {
            ["json", "request" | "result", method] => methods().contains(method),
            ["json", "notification", name] => ["progress", "cancel"].contains(name),
            ["json", "config", name] => ["running", "requested"].contains(name),
            ["json", "error" | "schema" | "dialogue"] | ["sh"] => true,
            _ => false,
        };
        assert!(known, "a block `{}`:\n{}", block.kind.join(" "), block.text);
    }
}

#[tokio::test]
async fn every_request_is_one_that_a_driver_takes() {
    let blocks = blocks_of("json request");
    let mut shown: Vec<_> = blocks.iter().map(|(method, _)| *method).collect();
    let mut methods = methods();
    shown.sort_unstable();
    methods.sort_unstable();
    assert_eq!(shown, methods, "one request for each method");
    for (method, block) in blocks {
        let request = block.json();
        assert_eq!(request["method"], *method);
        let known: &[&str] = match method {
            "initialize" => &["protocolVersions", "host"],
            "exec" => &["profile", "config", "timeoutMs", "node", "argv", "tty"],
            "logs" => &["profile", "config", "timeoutMs", "node", "follow", "tail"],
            "loadImage" => &["profile", "config", "timeoutMs", "images"],
            _ => &["profile", "config", "timeoutMs"],
        };
        for key in request["params"].as_object().expect("params are an object").keys() {
            assert!(known.contains(&key.as_str()), "`{key}` in {request}");
        }
        let host = Host::serve("mine", Scripted::default());
        host.send(&request).await;
        let reply = host.receive().await;
        assert_eq!(reply["id"], request["id"]);
        let code = reply["error"]["code"].as_i64().expect("an error, since there is no script");
        assert!(!NOT_UNDERSTOOD.contains(&code), "{request}: {reply}");
    }
}

#[test]
fn every_result_is_what_its_type_writes() {
    let blocks = blocks_of("json result");
    assert_eq!(blocks.len(), methods().len(), "one result for each method");
    for (method, block) in blocks {
        assert_eq!(kept_result(method, &block.json()), block.json(), "{method}");
    }
}

#[test]
fn every_error_is_what_its_type_writes() {
    let errors = blocks_of("json error");
    assert!(errors.len() >= 5, "{}", errors.len());
    errors.iter().for_each(|(_, block)| check_error(&block.json()));
}

#[tokio::test]
async fn every_notification_is_one() {
    let progress = the_block("json notification progress").json();
    assert_eq!(progress["method"], "progress");
    assert_eq!(kept::<Progress>(&progress["params"]), progress["params"]);

    let cancel = the_block("json notification cancel").json();
    let part = Part {
        is_cancelled: true,
        reply: json!({"result": {"change": "none"}}),
        progress: vec![json!({"step": "a", "message": "b"})],
        ..Part::default()
    };
    let host = Host::serve("mine", Scripted(Arc::new(Mutex::new([part].into()))));
    host.send(&the_block("json request stop").json()).await;
    assert_eq!(host.receive().await["method"], "progress");
    host.send(&cancel).await;
    assert_eq!(host.receive().await["result"]["change"], "none");
}

#[test]
fn the_schema_finds_the_mismatch_that_is_shown() {
    let schema = the_block("json schema").json();
    let running = the_block("json config running").json();
    let requested = the_block("json config requested").json();
    let of_kind = |kind: &str| {
        let errors = blocks_of("json error").into_iter().map(|(_, block)| block.json());
        errors.into_iter().find(|error| error["data"]["kind"] == kind).expect("shown")
    };
    let shown = of_kind("ConfigMismatch");
    let found = config::differences(&schema, &running, &requested);
    assert_eq!(json!(found), shown["data"]["diff"]);
    let message = Error::config_mismatch("demo", found).message;
    assert_eq!(shown["message"], message);

    assert_eq!(
        config::complete(&schema, &json!({"servers": null})),
        json!({"servers": 1, "ports": []})
    );
    assert_eq!(config::seal(&schema, &requested)["token"], running["token"]);
    let schema_at = |path: &str| config::change_cost(&schema, path).to_string();
    assert_eq!((schema_at("ports"), schema_at("token")), ("live".into(), "recreate".into()));
    for keyword in [config::CHANGE, config::SENSITIVE] {
        assert!(TEXT.contains(&format!("`{keyword}")) || TEXT.contains(&format!("`\"{keyword}")));
    }
}

#[tokio::test]
async fn the_dialogue_can_be_replayed() {
    let lines = dialogue();
    let host = Host::serve("mine", Scripted::of_dialogue(&lines));
    for (from_host, message) in &lines {
        if *from_host {
            host.send(message).await;
        } else {
            assert_eq!(&host.receive().await, message);
        }
    }
}

#[test]
fn the_dialogue_is_spelt_as_it_is_on_the_wire() {
    let block = the_block("json dialogue");
    for (line, (_, message)) in block.text.lines().zip(dialogue()) {
        assert_eq!(line[3..], message.to_string());
    }
    let mut method = String::new();
    for (from_host, message) in dialogue() {
        match (from_host, message.get("result"), message.get("error")) {
            (true, ..) if message.get("id").is_some() => {
                method = message["method"].as_str().expect("a method").into();
            }
            (_, Some(result), _) => assert_eq!(&kept_result(&method, result), result),
            (_, _, Some(error)) => check_error(error),
            _ => {}
        }
    }
}

#[tokio::test]
async fn the_smallest_driver_works() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let script = folder.path().join("caproni-driver-mine");
    std::fs::write(&script, the_block("sh").text).expect("written");
    let mut driver = tokio::process::Command::new("/bin/sh")
        .arg(&script)
        .env("CAPRONI_STATE_DIR", folder.path().join("a state"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("there is a shell");
    let pipes = (driver.stdout.take().expect("a pipe"), driver.stdin.take().expect("a pipe"));
    let host = Host::over(pipes.0, pipes.1);

    let mut said = Vec::new();
    for (_, message) in dialogue().into_iter().filter(|(from_host, _)| *from_host) {
        host.send(&message).await;
        let Some(id) = message.get("id") else { continue };
        let reply = host.receive().await;
        assert_eq!(reply["id"], *id);
        let method = message["method"].as_str().expect("a method");
        let result = kept_result(method, &reply["result"]);
        let word = ["change", "state", "name"].iter().find_map(|key| result[*key].as_str());
        said.push(format!("{method}: {}", word.expect("it says something")));
    }
    let expected = [
        "initialize: mine",
        "status: stopped",
        "start: created",
        "start: none",
        "start: none",
        "status: ready",
        "stop: stopped",
        "destroy: destroyed",
    ];
    assert_eq!(said, expected);

    host.send(&the_block("json request kubeconfig").json()).await;
    assert_eq!(host.receive().await["error"]["code"], -32601);
    assert_eq!(host.end().await, [] as [Value; 0]);
    let ended = tokio::time::timeout(Duration::from_secs(30), driver.wait()).await;
    assert!(ended.expect("it ends with its input").expect("it ended").success());
}

#[test]
fn every_method_has_a_section() {
    for method in methods() {
        let plain = format!("\n### `{method}`\n");
        let optional = format!("\n### `{method}`, optional\n");
        assert!(TEXT.contains(&plain) || TEXT.contains(&optional), "{method}");
    }
}

#[test]
fn every_kind_of_error_is_in_the_table_under_its_code() {
    let kinds = names_of::<ErrorKind>();
    assert!(kinds.len() >= 19, "{kinds:?}");
    for name in kinds {
        let kind: ErrorKind = serde_json::from_value(json!(name)).expect("a kind");
        assert!(TEXT.contains(&format!("\n| {} | `{name}` | ", kind.code())), "{name}");
    }
}

#[test]
fn every_field_and_every_word_of_the_types_is_explained() {
    let mut names = BTreeSet::new();
    names.extend(names_of::<Peer>());
    names.extend(names_of::<Description>());
    names.extend(names_of::<Status>());
    names.extend(names_of::<Outcome>());
    names.extend(names_of::<Kubeconfig>());
    names.extend(names_of::<Versions>());
    names.extend(names_of::<(Clusters, Plan, Usage, Diagnosis)>());
    names.extend(names_of::<Progress>());
    names.extend(names_of::<ErrorData>());
    names.extend(names_of::<(Node, Condition, Difference, Violation)>());
    for name in names {
        let named = TEXT.contains(&format!("`{name}`")) || TEXT.contains(&format!("\"{name}\""));
        assert!(named, "`{name}` is not in protocol.md");
    }
}

#[test]
fn every_rule_has_an_id_of_its_own_and_every_id_that_is_named_is_a_rule() {
    let is_id = |text: &str| {
        text.split_once('-').is_some_and(|(area, number)| {
            area.chars().all(|c| c.is_ascii_uppercase()) && number.parse::<u32>().is_ok()
        })
    };
    let mut rules = BTreeSet::new();
    for line in TEXT.lines() {
        let Some((id, rule)) = line.strip_prefix("- [").and_then(|line| line.split_once("] "))
        else {
            continue;
        };
        assert!(is_id(id) && !rule.is_empty(), "{line}");
        assert!(rules.insert(id), "{id} is given twice");
    }
    assert!(rules.len() > 40, "{}", rules.len());
    for named in TEXT.split('[').skip(1).filter_map(|rest| rest.split_once(']')) {
        assert!(!is_id(named.0) || rules.contains(named.0), "{} is no rule", named.0);
    }
}

/// A host's transport that keeps the first line it is given.
struct Kept(Option<tokio::sync::oneshot::Sender<String>>);
struct Silent;

impl TransportSenderT for Kept {
    type Error = std::io::Error;

    async fn send(&mut self, message: String) -> Result<(), Self::Error> {
        let _ = self.0.take().map(|first| first.send(message));
        Ok(())
    }
}

impl TransportReceiverT for Silent {
    type Error = std::io::Error;

    async fn receive(&mut self) -> Result<ReceivedMessage, Self::Error> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn the_host_writes_what_a_shell_can_take_apart() {
    let (first, line) = tokio::sync::oneshot::channel();
    let client = ClientBuilder::default().build_with_tokio(Kept(Some(first)), Silent);
    let start = DriverClient::start(&client, "demo".into(), json!({"servers": 1}), None);
    let line = tokio::select! {
        line = line => line.expect("it was sent"),
        reply = start => panic!("nobody replied: {reply:?}"),
    };
    let params = r#"{"profile":"demo","config":{"servers":1},"timeoutMs":null}"#;
    assert_eq!(line, format!(r#"{{"jsonrpc":"2.0","id":0,"method":"start","params":{params}}}"#));
}
