//! `-o json` and `-o yaml` of every command: one value, nothing else, and what its schema says.

use std::collections::BTreeSet;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::faults::driver;
use crate::output::Output;
use crate::readiness::boaster;
use crate::sandbox::{MOCK, Sandbox};

/// What each command prints, and command lines of it that work, in an order in which they do.
const WORKS: [(&str, &[&str]); 28] = [
    ("start", &["start --dry-run", "start", "-c more.yaml start --dry-run"]),
    ("status", &["status", "--driver odd status"]),
    ("wait", &["wait --for ready"]),
    ("diff", &["diff", "-c more.yaml diff"]),
    ("list", &["list"]),
    ("usage", &["usage"]),
    ("image load", &["image load app:1", "image load app:1"]),
    ("restart", &["restart"]),
    ("stop", &["stop", "stop"]),
    ("destroy", &["destroy"]),
    ("kubeconfig", &["--driver odd kubeconfig", "--driver odd kubeconfig --file kubeconfig"]),
    ("kubeconfig", &["--driver odd kubeconfig --merge", "--driver odd kubeconfig --merge"]),
    ("use", &["--driver odd use", "--driver odd use"]),
    ("env", &["--driver odd env"]),
    ("version", &["version", "--driver odd version"]),
    ("doctor", &["--driver mock doctor"]),
    ("config validate", &["config validate", "-c more.yaml config validate"]),
    ("config show", &["config show", "-c more.yaml config show"]),
    ("config init", &["--driver mock -c new.yaml config init"]),
    ("config schema", &["config schema"]),
    ("drivers list", &["drivers list"]),
    ("drivers describe", &["drivers describe mock"]),
    ("drivers new", &["drivers new --lang bash mine"]),
    ("drivers check", &["drivers check --rules", "drivers check --level wire broken"]),
    ("drivers call", &["drivers call mock version {\"profile\":\"caproni\"}"]),
    ("drivers schema", &["drivers schema", "drivers schema --openrpc"]),
    ("completion", &["completion bash"]),
    ("help", &["help status", "help --schema image load"]),
];

/// Those that need what another one has written, or are about more than one value.
const OTHERS: [(&str, &[&str]); 2] = [
    ("drivers replay", &["--driver mock drivers replay it", "--driver odd drivers replay it"]),
    ("man", &["man pages"]),
];

/// Those whose stdout is another program's.
const STREAMS: [(&str, &str); 4] = [
    ("kubectl", "--driver odd kubectl get"),
    ("exec", "exec -- echo said"),
    ("logs", "logs"),
    ("drivers record", "drivers record it -- status"),
];

/// Command lines that fail, of every command that can.
const FAILS: [&str; 38] = [
    "-c more.yaml start",
    "-c broken.yaml start",
    "-c none.yaml restart",
    "--driver odd stop",
    "--driver odd destroy",
    "--driver none status",
    "--driver odd status",
    "--driver none status --watch",
    "--driver none wait --for ready",
    "--driver bare diff",
    "-c broken.yaml diff",
    "--driver ./none list",
    "--profile other usage",
    "image load ./none.tar",
    "image load",
    "--driver bare kubeconfig",
    "--driver bare use",
    "--driver bare env",
    "--driver bare kubectl get",
    "--driver bare exec",
    "--profile other exec -- true",
    "--driver bare logs",
    "--driver odd version",
    "--driver none doctor",
    "-c broken.yaml config validate",
    "-c broken.yaml config show",
    "-c more.yaml config init",
    "--timeout nonsense config schema",
    "--no-such-option drivers list",
    "drivers describe none",
    "drivers new --lang bash .",
    "drivers check none",
    "drivers call mock nonsense",
    "drivers record no/such/folder -- status",
    "drivers replay none",
    "completion nonsense",
    "help chek",
    "help --schema chek",
];

/// A driver of which some answers are errors of each sort, and which ends when it is asked for its
/// status.
const SICK: &str = r#"
    status() { echo "last words" >&2; exit 3; }
    stop() { error Unknown 'no more'; }
    destroy() {
        say "{\"jsonrpc\":\"2.0\",\"id\":$id,\"error\":{\"code\":1010,\"message\":\"it failed\",\"data\":{\"kind\":\"BackendFailed\",\"command\":\"sick rm\",\"exitCode\":7,\"output\":\"no\",\"causes\":[\"a\"],\"state\":\"stopped\"}}}"
    }
    version() { say "{\"jsonrpc\":\"2.0\",\"id\":$id,\"error\":{\"code\":7,\"message\":\"odd\"}}"; }
    methods='"version"'"#;

/// Files that the command lines above name.
fn furnished(sandbox: Sandbox) -> Sandbox {
    sandbox.write("project/caproni.yaml", MOCK);
    let more = "cluster:\n  driver: mock\n  name: {strategy: static}\n  mock: {agents: \"${A:-1}\"}\n  mine: {}\n";
    sandbox.write("project/more.yaml", more);
    let broken = "cluster:\n  driver: mock\n  mock: {agents: none, agnets: 1}\n  mine: {}\n";
    sandbox.write("project/broken.yaml", broken);
    sandbox.executable("bin/caproni-driver-broken", "#!/bin/sh\nexit 4\n");
    sandbox.executable("bin/kubectl", "#!/bin/sh\necho said\n");
    sandbox
}

/// The schemas of all commands, in which no object has fields that are not named.
struct Schemas(Value);

impl Schemas {
    fn of(sandbox: &Sandbox) -> Self {
        let mut all = sandbox.run("help --schema").json();
        for (name, schema) in all["$defs"].as_object_mut().unwrap() {
            // Of a driver's schema only some keywords are named.
            if !name.starts_with("Config") {
                close(schema);
            }
        }
        Self(all)
    }

    /// What holds a value against the schema of a command.
    fn judge(&self, command: &str) -> impl Fn(&Value) + use<> {
        let mut schema = self.0.clone();
        schema["$ref"] = format!("#/$defs/{}", command.replace(' ', "%20")).into();
        let schema = jsonschema::draft202012::new(&schema).unwrap();
        let command = command.to_owned();
        move |value| {
            let wrong: Vec<_> = schema.iter_errors(value).map(|wrong| wrong.to_string()).collect();
            assert!(wrong.is_empty(), "{command}: {wrong:#?} in {value:#}");
        }
    }
}

fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.get("properties").is_some_and(Value::is_object) {
                fields.insert("additionalProperties".into(), false.into());
            }
            fields.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// A format and how a program reads it.
#[derive(Debug, Clone, Copy)]
enum Format {
    Json,
    Yaml,
}

impl Format {
    const BOTH: [Self; 2] = [Self::Json, Self::Yaml];

    fn run(self, sandbox: &Sandbox, words: &str) -> Output {
        sandbox.run(&format!("-o {} {words}", self.name()))
    }

    fn name(self) -> &'static str {
        if let Self::Json = self { "json" } else { "yaml" }
    }

    /// The one value that is the whole text.
    fn read(self, text: &str) -> Value {
        // The placeholders of the sandbox would begin lists of YAML.
        let text = &text.replace("[ROOT]", "ROOT").replace("[PROGRAM]", "PROGRAM");
        match self {
            Self::Json => serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}")),
            Self::Yaml => serde_saphyr::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}")),
        }
    }
}

/// A value without what no two runs have in common.
fn steady(value: &Value) -> Value {
    match value {
        Value::String(text) => text.replace(|c: char| c.is_ascii_digit() || c == '.', "").into(),
        Value::Array(items) => items.iter().map(steady).collect(),
        Value::Object(fields) => {
            let measured = ["seconds", "ranMs", "waitedMs"];
            let steady = |(name, value): (&String, &Value)| match measured.contains(&name.as_str())
            {
                true => (name.clone(), json!(0)),
                false => (name.clone(), steady(value)),
            };
            Value::Object(fields.iter().map(steady).collect())
        }
        other => other.clone(),
    }
}

/// What the commands print, each alone on stdout and as its schema says.
fn printed(format: Format, cases: &[(&str, &[&str])], sandbox: &Sandbox) -> Vec<(String, Value)> {
    let schemas = Schemas::of(sandbox);
    let mut printed = Vec::new();
    for (command, lines) in cases {
        let judge = schemas.judge(command);
        for line in *lines {
            let output = format.run(sandbox, line);
            assert_eq!(output.stderr, "", "{line}");
            let value = format.read(&output.stdout);
            judge(&value);
            printed.push(((*line).to_owned(), steady(&value)));
        }
    }
    printed
}

/// Both formats at once, each in a sandbox of its own: they must come to the same.
fn assert_same(of: impl Fn(Format) -> Vec<(String, Value)> + Sync) {
    let [json, yaml] = std::thread::scope(|scope| {
        let of = &of;
        Format::BOTH.map(|format| scope.spawn(move || of(format))).map(|it| it.join().unwrap())
    });
    for (json, yaml) in json.into_iter().zip(yaml) {
        assert_eq!(json, yaml);
    }
}

#[test]
fn every_result_is_one_value_that_its_schema_describes() {
    assert_same(|format| {
        let sandbox = furnished(boaster());
        sandbox.write("project/cluster", "");
        printed(format, &WORKS, &sandbox)
    });
}

#[test]
fn the_results_of_replay_and_man_are_values_too() {
    assert_same(|format| {
        let sandbox = furnished(boaster());
        assert_eq!(sandbox.run("drivers record it -- status").code(), 3);
        printed(format, &OTHERS, &sandbox)
    });
}

#[test]
fn every_error_is_one_value_on_stderr_that_its_schema_describes() {
    assert_same(|format| {
        let sandbox = furnished(driver(SICK));
        // One that can nothing but what it must.
        let bare = include_str!("rules.sh").replace("odd", "bare");
        sandbox.executable("bin/caproni-driver-bare", &bare);
        assert_eq!(sandbox.run("start").code(), 0);
        let judge = Schemas::of(&sandbox).judge("error");
        let failed = FAILS.iter().map(|line| {
            let output = format.run(&sandbox, line);
            assert_ne!(output.code(), 0, "{line}: {output:#?}");
            assert_eq!(output.stdout, "", "{line}");
            let value = format.read(&output.stderr);
            judge(&value);
            assert_eq!(value["error"]["exitCode"], output.code(), "{line}");
            ((*line).to_owned(), steady(&value))
        });
        failed.collect()
    });
}

#[test]
fn each_change_that_a_watch_tells_is_a_value_that_its_schema_describes() {
    for format in Format::BOTH {
        let sandbox = driver(
            "status() {
                if [ -e broken ]; then error BackendUnavailable 'no answer'
                else result '{\"state\":\"ready\",\"exists\":true}'; fi
            }",
        );
        let watch = sandbox.caproni("--driver odd -v status --watch");
        let mut watch = watch.env("CAPRONI_OUTPUT", format.name()).spawn();
        watch.until("watch: ready");
        sandbox.write("project/broken", "");
        watch.until("watch: unknown: ");
        watch.signal(Signal::INT);
        let output = watch.end();
        let between = if let Format::Json = format { "\n" } else { "\n---\n" };
        let told = output.stdout.trim_end().split(between);
        let told: Vec<Value> = told.map(|one| format.read(one)).collect();
        let schemas = Schemas::of(&sandbox);
        told.iter().for_each(schemas.judge("watch"));
        assert_eq!(told[0]["state"], "ready", "{output:#?}");
        assert_eq!(told[1]["error"]["kind"], "BackendUnavailable", "{output:#?}");
        assert_eq!(told.len(), 2, "{output:#?}");
    }
}

#[test]
fn a_backend_s_exit_code_is_not_taken_for_that_of_caproni() {
    let error = driver(SICK).run("--driver odd -o json destroy").json_error();
    assert_eq!((&error["exitCode"], &error["commandExitCode"]), (&json!(1), &json!(7)));
}

#[test]
fn what_other_programs_print_is_left_alone() {
    for format in Format::BOTH {
        let sandbox = furnished(boaster());
        sandbox.write("project/cluster", "");
        sandbox.run("start");
        for (command, line) in STREAMS {
            let output = format.run(&sandbox, line);
            assert_eq!((output.code(), output.stderr.as_str()), (0, ""), "{command}: {output:#?}");
            match command {
                "kubectl" | "exec" => assert_eq!(output.stdout, "said\n"),
                "logs" => assert!(!output.stdout.starts_with(['{', '-']), "{output:#?}"),
                _ => assert_eq!(format.read(&output.stdout)["state"], "ready"),
            }
        }
    }
}

#[test]
fn every_command_is_held_against_its_schema() {
    let sandbox = Sandbox::new();
    let pages = sandbox.run("-o json man pages").json();
    let pages: BTreeSet<&str> = pages["pages"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|page| page.as_str()?.strip_prefix("caproni-")?.strip_suffix(".1"))
        .collect();
    // One that only has others below it prints nothing.
    let prefix = |page: &str| format!("{page}-");
    let is_leaf = |page: &&str| !pages.iter().any(|other| other.starts_with(&prefix(page)));
    let tested = WORKS.iter().chain(&OTHERS).map(|(command, _)| *command);
    let tested = tested.chain(STREAMS.map(|(command, _)| command)).filter(|it| *it != "man");
    let tested: BTreeSet<String> = tested.map(|command| command.replace(' ', "-")).collect();
    let commands: BTreeSet<String> =
        pages.iter().copied().filter(is_leaf).map(str::to_owned).collect();
    assert_eq!(tested, commands);
}

#[test]
fn a_schema_that_is_not_there_names_the_nearest() {
    let sandbox = Sandbox::new();
    let hint = sandbox.run("-o json help --schema driver list").json_error()["hint"].clone();
    assert_eq!(hint, "did you mean `caproni help --schema drivers list`?");
    let told = sandbox.run("help --schema stop").json();
    assert_eq!(told["$id"], "urn:caproni:output:stop");
    assert!(told["$defs"]["Changed"].is_object() && told["$defs"]["ClusterList"].is_null());
}
