//! The JSON Schema of the whole file, for editors: put together from those of the drivers.

use serde_json::{Map, Value, json};

use super::schema;

/// Puts the schemas of drivers together; `names` are all that `cluster.driver` may say. A schema
/// that is of no use is left out, and `complain` is told whose and why.
///
/// What the host allows is allowed here too: `${…}` in the place of any value, and `null`
/// that takes a field back. What it refuses is refused: fields that a driver does not name.
pub fn whole_schema(
    names: &[String],
    drivers: &[(String, Value)],
    complain: impl Fn(&str, &str),
) -> Value {
    let (mut sections, mut definitions) = (Map::new(), Map::new());
    for (name, schema) in drivers {
        if let Err(fault) = schema::measure(schema) {
            complain(name, &fault.what);
            continue;
        }
        definitions.insert(name.clone(), adapted(schema, name, Level::Section));
        let reference = json!({"$ref": format!("#/$defs/{name}")});
        sections.insert(name.clone(), json!({"anyOf": [reference, {"type": "null"}]}));
    }
    let mut cluster = ours(names);
    cluster.extend(sections);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "caproni.yaml",
        "description": "The config of local Kubernetes clusters. Other sections are ignored.",
        "type": "object",
        "properties": {
            "version": {"description": "The version of this format", "enum": [2, "2"]},
            "variables": {
                "description": "Values for `${NAME}`, before those of the environment",
                "type": "object",
                "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
            },
            "extends": {
                "description": "Fragments that this file is laid over, the later ones over the earlier",
                "type": ["array", "null"],
                "items": {"anyOf": [
                    {"type": "string", "not": {"pattern": "^https?://[^#]*$"}},
                    {
                        "type": "object",
                        "required": ["url", "sha256"],
                        "properties": {
                            "url": {"type": "string", "pattern": "^https://"},
                            "sha256": {"type": "string", "pattern": "^[0-9a-fA-F]{64}$"},
                        },
                    },
                ]},
            },
            "cluster": {
                "description": "What cluster there is to be",
                "type": ["object", "null"],
                "properties": cluster,
            },
        },
        "$defs": definitions,
    })
}

/// What `cluster` holds besides the sections of drivers.
fn ours(names: &[String]) -> Map<String, Value> {
    let fields = json!({
        "driver": {
            "description": "The driver that makes the cluster",
            "type": ["string", "null"],
            "anyOf": [{"enum": names}, {"pattern": "^[^/]+$"}],
        },
        "name": {
            "description": "How the profile is chosen where none is named",
            "type": ["object", "null"],
            "additionalProperties": false,
            "properties": {"strategy": {
                "description": "`static`: always `caproni`; `directory`: one for each folder with a config file",
                "anyOf": [{"enum": ["static", "directory", null]}, variable()],
                "default": "static",
            }},
        },
        "network": {
            "description": "Names under which the cluster is reached, for tools that read them here",
            "type": ["object", "null"],
            "additionalProperties": false,
            "properties": {
                "hostname": {"type": ["string", "null"]},
                "additional_hostnames": {"type": ["array", "null"], "items": {"type": "string"}},
            },
        },
    });
    fields.as_object().cloned().unwrap_or_default()
}

/// What stands for another value.
fn variable() -> Value {
    json!({"type": "string", "pattern": "\\$\\{"})
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    /// A schema that must hold as it is.
    Section,
    /// That of a value, in whose place other things may stand.
    Value,
}

/// A driver's schema as a part of a bigger one: its references lead on from there.
fn adapted(schema: &Value, driver: &str, level: Level) -> Value {
    let Value::Object(fields) = schema else { return schema.clone() };
    let mut adapted_fields = Map::new();
    for (keyword, value) in fields {
        let value = match keyword.as_str() {
            // This one's dialect is that of the whole.
            "$schema" | "$id" | "$comment" => continue,
            "$ref" => value.as_str().map_or_else(|| value.clone(), |to| rebased(to, driver)),
            "properties" | "patternProperties" => map(value, driver, Level::Value),
            "$defs" | "definitions" | "dependentSchemas" => map(value, driver, Level::Section),
            "items" | "additionalProperties" => adapted(value, driver, Level::Value),
            "not" | "if" | "then" | "else" | "contains" | "propertyNames" => {
                adapted(value, driver, Level::Section)
            }
            "allOf" | "anyOf" | "oneOf" | "prefixItems" => {
                let all = value.as_array().into_iter().flatten();
                all.map(|inner| adapted(inner, driver, Level::Section)).collect()
            }
            _ => value.clone(),
        };
        adapted_fields.insert(keyword.clone(), value);
    }
    // As the host takes it: a misspelt field is never silent.
    if fields.contains_key("properties") && !fields.contains_key("additionalProperties") {
        adapted_fields.insert("additionalProperties".into(), false.into());
    }
    match level {
        Level::Section => Value::Object(adapted_fields),
        Level::Value => or_another(adapted_fields),
    }
}

/// The schema, or what may stand in the place of its value. What editors show stays outside.
fn or_another(mut fields: Map<String, Value>) -> Value {
    let mut outer = Map::new();
    for shown in ["title", "description", "default", "deprecated", "examples"] {
        if let Some(value) = fields.remove(shown) {
            outer.insert(shown.into(), value);
        }
    }
    if !fields.is_empty() {
        outer.insert("anyOf".into(), json!([fields, {"type": "null"}, variable()]));
    }
    Value::Object(outer)
}

fn map(value: &Value, driver: &str, level: Level) -> Value {
    let fields = value.as_object().into_iter().flatten();
    fields.map(|(name, inner)| (name.clone(), adapted(inner, driver, level))).collect()
}

fn rebased(reference: &str, driver: &str) -> Value {
    match reference.strip_prefix('#') {
        Some(pointer) if pointer.is_empty() || pointer.starts_with('/') => {
            format!("#/$defs/{driver}{pointer}").into()
        }
        _ => reference.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> Value {
        let driver = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {
                "servers": {"type": "integer", "minimum": 1, "description": "how many"},
                "k3s": {"anyOf": [{"$ref": "#/$defs/K3s"}, {"type": "null"}]},
                "child": {"$ref": "#"},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            },
            "$defs": {"K3s": {"properties": {"disable": {"type": "array", "items": {"enum": ["a"]}}}}},
        });
        let broken = json!({"$ref": "https://example.org"});
        let drivers = [("k3d".to_owned(), driver), ("odd".to_owned(), broken)];
        whole_schema(&["k3d".into()], &drivers, |name, why| {
            assert_eq!((name, why.contains("example.org")), ("odd", true));
        })
    }

    #[test]
    fn it_is_a_schema_of_its_draft() {
        assert!(jsonschema::meta::validate(&whole()).is_ok());
    }

    #[test]
    fn it_takes_and_refuses_what_the_host_does() {
        let schema = whole();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        for section in [
            json!(null),
            json!({}),
            json!({"servers": 2, "k3s": {"disable": ["a"]}, "child": {"servers": 3}}),
            json!({"servers": "${N}", "k3s": null, "labels": {"a": "${B}"}}),
            json!({"k3s": {"disable": ["${A:-a}"]}}),
        ] {
            let file = json!({"version": 2, "deployers": 1, "cluster": {"driver": "k3d", "k3d": section, "mine": 1}});
            assert!(validator.is_valid(&file), "{file}");
        }
        for section in [
            json!({"servers": 0}),
            json!({"servers": "2"}),
            json!({"sevrers": 2}),
            json!({"k3s": {"disabled": []}}),
            json!({"k3s": {"disable": ["b"]}}),
            json!({"child": {"child": {"servers": 0}}}),
            json!([]),
        ] {
            let file = json!({"cluster": {"k3d": section}});
            assert!(!validator.is_valid(&file), "{file}");
        }
        for file in [
            json!({"version": 1}),
            json!({"extends": ["https://h/a"]}),
            json!({"extends": [{"url": "https://h/a"}]}),
            json!({"cluster": {"name": {"strategy": "other"}}}),
            json!({"cluster": {"driver": "./a"}}),
        ] {
            assert!(!validator.is_valid(&file), "{file}");
        }
    }

    #[test]
    fn what_an_editor_shows_stays_at_the_field() {
        let servers = &whole()["$defs"]["k3d"]["properties"]["servers"];
        assert_eq!(servers["description"], "how many");
    }
}
