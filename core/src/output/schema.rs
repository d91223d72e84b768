//! The schemas of what the commands print, as this program carries them.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// All of them in one document, made of the types of this module's neighbours: the definitions in
/// small letters are the commands', `error` and `watch`; those in capitals what they are made of.
const DOCUMENT: &str = include_str!("../../schema/output.schema.json");

const DEFINITIONS: &str = "$defs";

/// The whole document.
pub(crate) fn all() -> Value {
    serde_json::from_str(DOCUMENT).expect("a test has read it")
}

/// The schema of what one command prints, of `error` or of `watch`, with nothing else in it.
pub(crate) fn of(name: &str) -> Option<Value> {
    let mut document = all();
    let own = document[DEFINITIONS].get(name).filter(|_| is_command(name)).cloned()?;
    let needed = needed(&document[DEFINITIONS], &own);
    let definitions: Map<String, Value> = match document[DEFINITIONS].take() {
        Value::Object(all) => all.into_iter().filter(|(name, _)| needed.contains(name)).collect(),
        _ => Map::new(),
    };
    let id = format!("{}:{}", document["$id"].as_str()?, name.replace(' ', "-"));
    let mut schema = json!({"$schema": document["$schema"], "$id": id});
    schema.as_object_mut()?.extend(own.as_object()?.clone());
    schema[DEFINITIONS] = definitions.into();
    Some(schema)
}

/// The names that there are schemas for.
pub(crate) fn names() -> Vec<String> {
    let document = all();
    let definitions = document[DEFINITIONS].as_object().into_iter().flat_map(Map::keys);
    definitions.filter(|name| is_command(name)).cloned().collect()
}

fn is_command(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
}

/// The definitions that a schema refers to, and those that they refer to.
fn needed(definitions: &Value, schema: &Value) -> BTreeSet<String> {
    let mut needed = BTreeSet::new();
    let mut left = vec![schema];
    while let Some(value) = left.pop() {
        match value {
            Value::Object(fields) => {
                let name = fields.get("$ref").and_then(Value::as_str);
                if let Some(name) = name.and_then(|name| name.strip_prefix("#/$defs/"))
                    && needed.insert(name.to_owned())
                {
                    left.push(&definitions[name]);
                }
                left.extend(fields.values());
            }
            Value::Array(items) => left.extend(items),
            _ => {}
        }
    }
    needed
}

#[cfg(test)]
mod generate;
