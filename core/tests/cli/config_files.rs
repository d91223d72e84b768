//! Config files as people have them, and broken ones, each with what is said of it.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::{Value, json};
use snapbox::data::DataFormat;
use snapbox::{Data, assert_data_eq};

use crate::sandbox::{Sandbox, build};

/// The drivers whose sections real files hold.
static DRIVERS: LazyLock<Vec<(&str, PathBuf)>> = LazyLock::new(|| {
    let built = |name| {
        let program = format!("caproni-driver-{name}");
        (name, build(&program, &program))
    };
    ["k3d", "colima", "kind", "minikube"].map(built).into()
});

static AUTO: LazyLock<PathBuf> =
    LazyLock::new(|| build("caproni-driver-auto", "caproni-driver-auto"));

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/configs").join(name)
}

/// A sandbox with the drivers, and these files in its project folder.
fn sandbox(files: Option<&str>) -> Sandbox {
    let sandbox = Sandbox::new();
    for (name, program) in DRIVERS.iter() {
        sandbox.link(program, &format!("drivers/caproni-driver-{name}"));
    }
    // No link: it looks for others beside its own file.
    std::fs::copy(&*AUTO, sandbox.path("drivers/caproni-driver-auto")).unwrap();
    if let Some(files) = files {
        copy(&folder(files), &sandbox.path("project"));
    }
    sandbox
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (entry, to) = (entry.as_ref().unwrap(), to.join(entry.as_ref().unwrap().file_name()));
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(std::fs::copy(entry.path(), to).unwrap()),
        }
    }
}

/// What the environment of each file holds where it is used.
const ENVIRONMENTS: [(&str, &[(&str, &str)]); 4] = [
    ("portable", &[]),
    (
        "pinned",
        &[
            ("INGRESS_DOMAIN", "172.17.0.2.nip.io"),
            ("MIRROR_PREFIX", "mirror.example.com/rancher"),
            ("DOCKER_HOST_IP", "172.17.0.2"),
        ],
    ),
    ("release", &[("SUBPATH", "/app"), ("AGENTS", "2"), ("BASE_DOMAIN", "environment.test")]),
    ("patched", &[]),
];

fn run(sandbox: &Sandbox, words: &str, environment: &[(&str, &str)]) -> crate::output::Output {
    let command = environment
        .iter()
        .fold(sandbox.caproni(words), |command, (name, value)| command.env(name, value));
    command.run()
}

#[test]
fn files_as_people_have_them_are_valid() {
    for (name, environment) in ENVIRONMENTS {
        let told = run(&sandbox(Some(name)), "-o json config validate", environment);
        assert_eq!(told.code(), 0, "{name}: {told:#?}");
        let told = told.json();
        assert_eq!(told["valid"], true, "{name}");
        let left: Vec<&str> = told["notChecked"]
            .as_array()
            .unwrap()
            .iter()
            .map(|left| left["section"].as_str().unwrap())
            .collect();
        let expected: &[&str] = if name == "patched" { &["cluster.registry_mirror"] } else { &[] };
        assert_eq!(left, expected, "{name}");
    }
}

#[test]
fn the_schema_for_editors_takes_the_same_files() {
    let sandbox = sandbox(None);
    let schema = sandbox.run("config schema").json();
    jsonschema::meta::validate(&schema).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let check = |file: &Path| {
        let text = std::fs::read_to_string(file).unwrap();
        let document: Value = serde_saphyr::from_str(&text).unwrap();
        let errors: Vec<String> = validator.iter_errors(&document).map(|e| e.to_string()).collect();
        errors
    };
    for (name, _) in ENVIRONMENTS {
        for file in ["caproni.yaml", "caproni.local.yaml", "fragments/cluster.yaml"] {
            let file = folder(name).join(file);
            if file.exists() {
                assert_eq!(check(&file), Vec::<String>::new(), "{}", file.display());
            }
        }
    }
    for name in
        ["unknown-field", "wrong-values", "another-version", "unpinned-address", "long-line"]
    {
        assert_ne!(
            check(&folder("broken").join(format!("{name}.yaml"))),
            Vec::<String>::new(),
            "{name}"
        );
    }
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let names = &schema["properties"]["cluster"]["properties"]["driver"]["anyOf"][0]["enum"];
    assert_eq!(*names, json!(["auto", "colima", "k3d", "kind", "minikube", "mock"]));
}

/// With `SNAPSHOTS=overwrite` the words are written anew.
#[test]
fn broken_files_are_told_with_the_line_and_what_is_wrong_there() {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder("broken"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .collect();
    files.sort();
    assert!(files.len() >= 12);
    let sandbox = sandbox(None);
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        std::fs::copy(&file, sandbox.path("project").join(&name)).unwrap();
        let told = sandbox.run(&format!("--config-file {name} config validate"));
        assert_eq!(told.code(), 6, "{name}: {told:#?}");
        assert!(!told.stderr.contains("hunter2"), "{told:#?}");
        let shown = |line: &&str| {
            line.trim_start_matches(|c: char| c == ' ' || c.is_ascii_digit()).starts_with("| ")
        };
        let wide: Vec<&str> = told.stderr.lines().filter(shown).collect();
        assert!(wide.iter().all(|line| line.chars().count() <= 80), "{wide:#?}");
        let expected = Data::read_from(&file.with_extension("txt"), Some(DataFormat::Text));
        assert_data_eq!(told, expected);
    }
}

#[test]
fn json_has_the_place_and_the_line_of_each_mistake() {
    let sandbox = sandbox(Some("broken"));
    let error = sandbox.run("-c wrong-values.yaml -o json config validate").json_error();
    let places = error["places"].as_array().unwrap();
    assert_eq!(places.len(), error["violations"].as_array().unwrap().len());
    assert_eq!(
        places[0],
        json!({
            "message": "`servers`: \"none\" is not of type \"integer\"",
            "file": "wrong-values.yaml",
            "line": 4,
            "column": 5,
            "source": "    servers: none",
            "offset": 4,
            "length": 7,
        })
    );
    let error = sandbox.run("-c no-section.yaml -o json config validate").json_error();
    assert_eq!(error["kind"], "InvalidConfigFile");
    assert_eq!(error["violations"].as_array().unwrap().len(), 3, "{error:#}");
}

#[test]
fn a_file_is_written_for_each_driver_and_is_valid_with_and_without_its_comments() {
    for name in ["k3d", "colima", "kind", "minikube", "mock"] {
        let sandbox = sandbox(None);
        let told = sandbox.run(&format!("--driver {name} config init -o json"));
        assert_eq!(told.json()["driver"], name);
        let file = sandbox.path("project/caproni.yaml");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        let told = sandbox.run("config validate");
        assert_eq!(told.code(), 0, "{name}: {told:#?}");
        let active: Vec<String> = text
            .lines()
            .map(|line| match line.trim_start().strip_prefix('#') {
                Some(rest) if !rest.starts_with(" ") || line.starts_with("    #  ") => {
                    format!("    {rest}")
                }
                _ => line.to_owned(),
            })
            .collect();
        assert_ne!(active.join("\n"), text.trim_end());
        sandbox.write("project/caproni.yaml", &active.join("\n"));
        let told = sandbox.run("config validate");
        assert_eq!(told.code(), 0, "{name}: {told:#?}\n{}", active.join("\n"));
        let shown = || without_nulls(&sandbox.run("-o json config show").json()["cluster"]);
        let config = shown();
        sandbox.write("project/caproni.yaml", &text);
        // To be told how to misbehave is something else than to be told nothing at all.
        if name != "mock" {
            assert_eq!(config, shown(), "{name}");
        }
    }
}

#[test]
fn a_file_without_a_named_driver_is_one_for_every_platform() {
    let sandbox = sandbox(None);
    let told = sandbox.run("-o json config init").json();
    let text = std::fs::read_to_string(sandbox.path("project/caproni.yaml")).unwrap();
    assert!(text.contains("\n  driver: auto\n"), "{text}");
    assert!(text.contains(&format!("\n  {}:\n", told["driver"].as_str().unwrap())), "{text}");
    assert_eq!(sandbox.run("config validate").code(), 0);
}

/// `null` is what is left out.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let given = fields.iter().filter(|(_, value)| !value.is_null());
            given.map(|(name, value)| (name.clone(), without_nulls(value))).collect()
        }
        other => other.clone(),
    }
}

#[test]
fn a_file_that_is_there_is_left_as_it_is() {
    let sandbox = sandbox(Some("portable"));
    let before = std::fs::read_to_string(sandbox.path("project/caproni.yaml")).unwrap();
    let told = sandbox.run("config init");
    assert_eq!(told.code(), 2);
    assert!(told.stderr.contains("is there already"), "{told:#?}");
    assert_eq!(std::fs::read_to_string(sandbox.path("project/caproni.yaml")).unwrap(), before);
    assert_eq!(sandbox.run("--driver mock -c other.yaml config init").code(), 0);
    assert_eq!(sandbox.run("-c other.yaml config validate").code(), 0);
}
