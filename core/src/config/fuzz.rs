//! Any text as `caproni.yaml`, and any schema from a driver.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::{ConfigFile, Environment, fields, interpolate, schema, validate};
use crate::error::{Error, Kind};

/// A schema of all that drivers' schemas are made of.
static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "type": "object",
        "properties": {
            "servers": {"type": "integer", "minimum": 1, "default": 1},
            "image": {"anyOf": [{"type": "string", "minLength": 1}, {"type": "null"}]},
            "ports": {"type": "array", "items": {"type": "string", "pattern": "^[0-9]+(:[0-9]+)?$"}},
            "token": {"type": "string", "minLength": 8, "x-caproni-sensitive": true},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "k3s": {"$ref": "#/$defs/K3s"},
        },
        "$defs": {"K3s": {"properties": {"disable": {"type": "array"}, "child": {"$ref": "#/$defs/K3s"}}}},
    })
});

/// A config file is read, or it is told where in it something is wrong.
pub fn config(text: &[u8]) {
    // Fragments are other files, and other machines.
    if text.windows(b"extends".len()).any(|word| word == b"extends") {
        return;
    }
    let folder = tempfile::tempdir().expect("there is room for a file");
    let path = folder.path().join("caproni.yaml");
    std::fs::write(&path, text).expect("there is room for a file");
    let lines = text.split(|byte| matches!(byte, b'\n' | b'\r')).count();
    let shown = path.display().to_string();
    let is_told = |error: &Error| {
        assert!(error.message.contains(&shown), "{error}");
    };
    let file = match ConfigFile::read_in(&path, environment()) {
        Ok(file) => file,
        Err(error) => {
            assert_eq!(error.kind, Kind::InvalidConfigFile, "{error}");
            return is_told(&error);
        }
    };
    let _ = file.driver().map_err(|error| is_told(&error));
    let Ok(section) = file.section("k3d").map_err(|error| is_told(&error)) else { return };
    let Err(error) = validate(Some(&section), &SCHEMA, "k3d") else { return };
    for violation in error.data.violations {
        let location = violation.location.expect("each violation has its place");
        let place = location.strip_prefix(&shown).expect("it is in the file");
        let line: usize =
            place[1..].split(':').next().and_then(|n| n.parse().ok()).expect("a line");
        assert!((1..=lines).contains(&line), "{location} of {lines} lines");
    }
}

/// A schema is of use, or the rule is told that it breaks; and then so it is with every config.
///
/// The input is two JSON values: the schema, and a config for it.
pub fn schema(values: &[u8]) {
    let mut values = serde_json::Deserializer::from_slice(values).into_iter::<Value>();
    let Some(Ok(schema)) = values.next() else { return };
    // What looks at a schema without a config looks at any.
    let told = fields(&schema);
    assert!(told.len() <= 1000, "{} fields", told.len());
    if let Err(fault) = schema::check(&schema) {
        assert!(["CONF-2", "CONF-8"].contains(&fault.rule), "{fault:?}");
        return;
    }
    let Some(Ok(config)) = values.next() else { return };
    let folder = tempfile::tempdir().expect("there is room for a file");
    let path = folder.path().join("caproni.yaml");
    std::fs::write(&path, json!({"cluster": {"x": config}}).to_string()).expect("there is room");
    let section = ConfigFile::read_in(&path, environment()).and_then(|file| file.section("x"));
    let Ok(section) = section else { return };
    if let Err(error) = validate(Some(&section), &schema, "x") {
        let hidden = error.data.violations.iter().all(|violation| violation.location.is_some());
        assert!(hidden, "{error}");
    }
}

/// What is replaced stays bounded, and a text without variables, or with each of them escaped,
/// stays as it is.
pub fn interpolation(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let lookup = |name: &str| match name {
        "EMPTY" => Ok(Some(String::new())),
        "LONG" => Ok(Some("x".repeat(100_000))),
        "BROKEN" => Err("it cannot be read".to_owned()),
        name => Ok((name.len() == 1).then(|| name.to_lowercase())),
    };
    match interpolate(text, lookup) {
        Ok(done) => {
            assert!(done.text.len() <= 1024 * 1024, "{} bytes", done.text.len());
            assert!(text.contains("${") || done.text == text, "{}", done.text);
        }
        Err(why) => assert!(text.contains("${") && !why.is_empty(), "{why}"),
    }
    let escaped = text.replace("${", "$${");
    assert_eq!(interpolate(&escaped, lookup).map(|done| done.text).as_deref(), Ok(text));
}

/// With a variable that makes a long text of a short one.
fn environment() -> Environment {
    Environment::new(|name| (name == "LONG").then(|| "x".repeat(100_000)))
}
