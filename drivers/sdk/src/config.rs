//! What a config schema says beyond types, and how two configs differ.
//!
//! Both ends use this module: the host before it calls `start`, a driver under
//! its own lock, so that the answer holds when two programs start one cluster.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::messages::{ChangeCost, Difference};

/// The schema keyword that says what a change of a field costs: `live`, `restart` or `recreate`.
pub const CHANGE: &str = "x-caproni-change";

/// The schema keyword (a boolean) for a field that is never shown or stored in the clear.
pub const SENSITIVE: &str = "x-caproni-sensitive";

/// The JSON Schema of a Rust type, as `initialize` answers it.
pub fn schema<T: schemars::JsonSchema>() -> Value {
    schemars::schema_for!(T).to_value()
}

/// Fills in the schema's defaults for every field that is absent or `null`.
pub fn complete(schema: &Value, config: &Value) -> Value {
    complete_section(schema, schema, config)
}

/// Lists the fields in which `running` and `requested` differ, in the schema's order.
///
/// A field that `running` lacks is not compared: it is not known. Both sides are
/// compared as [`seal`] leaves them, with the schema's defaults filled in on the
/// requested one. A difference in a sensitive field shows as `(hidden)`.
pub fn differences(schema: &Value, running: &Value, requested: &Value) -> Vec<Difference> {
    let requested = seal(schema, &complete(schema, requested));
    let running = seal(schema, running);
    let mut found = Vec::new();
    compare(schema, schema, "", &running, &requested, &mut found);
    found
}

/// Replaces the value of each sensitive field by its SHA-256, so that it can be
/// kept in the open and still be compared. A sealed value stays as it is.
pub fn seal(schema: &Value, config: &Value) -> Value {
    seal_within(schema, schema, config)
}

/// What a change of a field costs, by its path such as `k3s.disable`: what the field says,
/// else what the section says that it is in, else `recreate`.
pub fn change_cost(schema: &Value, path: &str) -> ChangeCost {
    let mut at = schema;
    let mut cost = ChangeCost::Recreate;
    for key in path.split('.') {
        let Some(next) = raw_property(schema, at, key) else { break };
        at = resolve(schema, next);
        let word = said(schema, next, CHANGE);
        if let Some(parsed) = word.and_then(|word| serde_json::from_value(word.clone()).ok()) {
            cost = parsed;
        }
    }
    cost
}

const SEAL: &str = "sha256:";

fn seal_value(value: &Value) -> Value {
    match value {
        // There is no secret in nothing, and it is compared as nothing.
        value if is_nothing(value) => value.clone(),
        Value::String(text) if text.starts_with(SEAL) => value.clone(),
        value => {
            let digest = Sha256::digest(canonical(value).to_string());
            let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            Value::String(format!("{SEAL}{hex}"))
        }
    }
}

/// Sorts the keys, so that two spellings of one value have one digest.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_by_key(|(key, _)| *key);
            Value::Object(sorted.into_iter().map(|(k, v)| (k.clone(), canonical(v))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(canonical).collect()),
        other => other.clone(),
    }
}

/// Seals what is sensitive in a value, whatever it is itself: in lists and maps too.
fn seal_within(root: &Value, schema: &Value, value: &Value) -> Value {
    let schema = resolve(root, schema);
    let seal = |schema: Option<&Value>, value: &Value| match schema {
        Some(schema) if is_sensitive(root, schema) => seal_value(value),
        Some(schema) => seal_within(root, schema, value),
        None => value.clone(),
    };
    match value {
        Value::Object(fields) => {
            let known = schema.get("properties");
            let others = schema.get("additionalProperties");
            let sealed = fields.iter().map(|(key, value)| {
                let field = known.and_then(|known| known.get(key)).or(others);
                (key.clone(), seal(field, value))
            });
            Value::Object(sealed.collect())
        }
        Value::Array(items) => {
            let of_items = schema.get("items");
            Value::Array(items.iter().map(|item| seal(of_items, item)).collect())
        }
        value => value.clone(),
    }
}

fn complete_section(root: &Value, section: &Value, config: &Value) -> Value {
    let mut complete = config.as_object().cloned().unwrap_or_default();
    for (key, property) in properties(root, section) {
        let given = complete.get(key).filter(|value| !value.is_null());
        let resolved = resolve(root, property);
        let value = match (given, said(root, property, "default")) {
            (Some(value), _) if is_section(resolved) && value.is_object() => {
                complete_section(root, resolved, value)
            }
            (Some(value), _) => value.clone(),
            (None, Some(default)) => default.clone(),
            (None, None) => continue,
        };
        complete.insert(key.clone(), value);
    }
    complete.retain(|_, value| !value.is_null());
    Value::Object(complete)
}

fn compare(
    root: &Value,
    section: &Value,
    prefix: &str,
    running: &Value,
    requested: &Value,
    found: &mut Vec<Difference>,
) {
    for (key, property) in properties(root, section) {
        let resolved = resolve(root, property);
        let Some(running) = running.get(key) else { continue };
        let requested = requested.get(key).unwrap_or(&Value::Null);
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        if is_section(resolved) && running.is_object() && requested.is_object() {
            compare(root, resolved, &path, running, requested, found);
        } else if !same(running, requested) {
            let hide = is_sensitive(root, property);
            let show = |value: &Value| match value {
                value if !hide || value.is_null() => value.clone(),
                _ => Value::String("(hidden)".into()),
            };
            found.push(Difference {
                change: change_cost(root, &path),
                running: show(running),
                requested: show(requested),
                path,
            });
        }
    }
}

/// Absent, `null`, `[]` and `{}` all say "nothing".
fn same(a: &Value, b: &Value) -> bool {
    (is_nothing(a) && is_nothing(b)) || canonical(a) == canonical(b)
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

fn properties<'a>(
    root: &'a Value,
    section: &'a Value,
) -> impl Iterator<Item = (&'a String, &'a Value)> {
    static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    resolve(root, section).get("properties").and_then(Value::as_object).unwrap_or(&NONE).iter()
}

fn raw_property<'a>(root: &'a Value, section: &'a Value, key: &str) -> Option<&'a Value> {
    resolve(root, section).get("properties")?.get(key)
}

/// How many references are followed that lead to each other; more are a circle.
const MOST_STEPS: usize = 256;

/// Follows references within `root` such as `#/$defs/…`, also as the one non-null branch of an
/// `anyOf`, to the end. In a circle, which no valid schema has, the end is anywhere in it.
pub fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    chain(root, schema).last().unwrap_or(schema)
}

/// Tells whether a field is never shown: by its schema, or by one that this refers to.
pub fn is_sensitive(root: &Value, schema: &Value) -> bool {
    chain(root, schema).any(|schema| schema.get(SENSITIVE) == Some(&Value::Bool(true)))
}

/// What a schema says under a keyword, or else one that it refers to, the nearest first.
fn said<'a>(root: &'a Value, schema: &'a Value, keyword: &str) -> Option<&'a Value> {
    chain(root, schema).find_map(|schema| schema.get(keyword))
}

/// A schema, and those that it refers to, one after the other.
fn chain<'a>(root: &'a Value, schema: &'a Value) -> impl Iterator<Item = &'a Value> {
    std::iter::successors(Some(schema), |schema| step(root, schema)).take(MOST_STEPS)
}

fn step<'a>(root: &'a Value, schema: &'a Value) -> Option<&'a Value> {
    let branches = schema.get("anyOf").and_then(Value::as_array);
    let not_null = |branch: &&Value| branch.get("type").and_then(Value::as_str) != Some("null");
    if let Some(branch) = branches.and_then(|branches| branches.iter().find(not_null)) {
        return Some(branch);
    }
    let reference = schema.get("$ref").and_then(Value::as_str)?;
    root.pointer(reference.strip_prefix('#')?)
}

fn is_section(schema: &Value) -> bool {
    schema.get("properties").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> Value {
        json!({
            "type": "object",
            "properties": {
                "servers": {"type": "integer", "default": 1},
                "ports": {"type": "array", "x-caproni-change": "live"},
                "token": {"type": "string", "x-caproni-sensitive": true},
                "k3s": {"anyOf": [{"$ref": "#/$defs/K3s"}, {"type": "null"}]},
            },
            "$defs": {"K3s": {"type": "object", "properties": {
                "disable": {"type": "array", "x-caproni-change": "restart"},
                "mode": {"type": "string", "default": "plain"},
            }}},
        })
    }

    #[test]
    fn defaults_fill_absent_and_null_fields_at_every_depth() {
        let complete = complete(&schema(), &json!({"servers": null, "k3s": {}}));
        assert_eq!(complete, json!({"servers": 1, "k3s": {"mode": "plain"}}));
    }

    #[test]
    fn references_are_followed_to_their_end() {
        let root = json!({"$defs": {
            "A": {"$ref": "#/$defs/B"},
            "B": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/C"}]},
            "C": {"type": "integer"},
        }});
        assert_eq!(resolve(&root, &json!({"$ref": "#/$defs/A"})), &json!({"type": "integer"}));
        let outside = json!({"$ref": "https://example.org/a"});
        assert_eq!(resolve(&root, &outside), &outside);
    }

    #[test]
    fn circles_of_references_come_to_an_end() {
        let schema = json!({"$ref": "#/$defs/A", "properties": {"a": {"$ref": "#/$defs/A"}, "b": {"$ref": "#"}},
            "$defs": {"A": {"anyOf": [{"$ref": "#/$defs/B"}]}, "B": {"$ref": "#/$defs/A"}}});
        let config = json!({"a": {"a": 1}, "b": {"b": {"a": 2}}});
        assert_eq!(complete(&schema, &config), config);
        assert_eq!(differences(&schema, &config, &config), []);
        assert_eq!(seal(&schema, &config), config);
        assert_eq!(change_cost(&schema, "b.b.b.a"), ChangeCost::Recreate);
    }

    #[test]
    fn a_field_that_is_not_known_is_not_compared() {
        assert_eq!(differences(&schema(), &json!({}), &json!({"servers": 3})), []);
    }

    #[test]
    fn each_difference_has_path_both_values_and_cost() {
        let running = json!({"servers": 1, "ports": [], "k3s": {"disable": ["a"]}});
        let requested = json!({"servers": 2, "ports": ["80:80"], "k3s": {"disable": ["b"]}});
        let found = differences(&schema(), &running, &requested);
        let rows: Vec<_> = found.iter().map(|d| (d.path.as_str(), d.change.clone())).collect();
        assert_eq!(
            rows,
            [
                ("servers", ChangeCost::Recreate),
                ("ports", ChangeCost::Live),
                ("k3s.disable", ChangeCost::Restart),
            ]
        );
        assert_eq!((&found[0].running, &found[0].requested), (&json!(1), &json!(2)));
    }

    #[test]
    fn nothing_is_the_same_in_all_its_spellings() {
        assert_eq!(
            differences(&schema(), &json!({"ports": null, "k3s": null}), &json!({"ports": []})),
            []
        );
    }

    #[test]
    fn a_secret_is_compared_by_its_digest_and_never_shown() {
        let sealed = seal(&schema(), &json!({"token": "hunter2"}));
        assert!(!sealed.to_string().contains("hunter2"));
        assert_eq!(differences(&schema(), &sealed, &json!({"token": "hunter2"})), []);
        let found = differences(&schema(), &sealed, &json!({"token": "hunter3"}));
        assert_eq!(found[0].running, "(hidden)");
        assert_eq!(found[0].requested, "(hidden)");
    }

    #[test]
    fn a_secret_is_sealed_wherever_it_stands() {
        let schema = json!({
            "properties": {
                "alias": {"$ref": "#/$defs/Alias"},
                "list": {"items": {"$ref": "#/$defs/Login"}},
                "map": {"additionalProperties": {"anyOf": [{"$ref": "#/$defs/Login"}, {"type": "null"}]}},
                "words": {"items": {"$ref": "#/$defs/Secret"}},
            },
            "$defs": {
                "Alias": {"$ref": "#/$defs/Secret"},
                "Secret": {"type": "string", "x-caproni-sensitive": true},
                "Login": {"properties": {"user": {}, "password": {"$ref": "#/$defs/Alias"}}},
            },
        });
        let login = json!({"user": "ann", "password": "hunter2"});
        let config = json!({"alias": "hunter2", "list": [login], "map": {"a": login},
            "words": ["hunter2"]});
        let sealed = seal(&schema, &config).to_string();
        assert!(!sealed.contains("hunter2") && sealed.contains("ann"), "{sealed}");
        assert_eq!(sealed.matches("sha256:").count(), 4, "{sealed}");
        assert_eq!(seal(&schema, &seal(&schema, &config)).to_string(), sealed);
        assert!(is_sensitive(&schema, &schema["properties"]["alias"]));
    }

    #[test]
    fn the_order_of_keys_is_no_difference() {
        let running = json!({"token": {"a": 1, "b": 2}});
        let sealed = seal(&schema(), &running);
        assert_eq!(differences(&schema(), &sealed, &json!({"token": {"b": 2, "a": 1}})), []);
    }
}
