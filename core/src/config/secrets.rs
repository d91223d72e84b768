//! What of a driver's section is never shown.

use caproni_driver::config::{is_sensitive, resolve};
use serde_json::{Map, Value};

use super::nearest;
use super::sources::is_suspicious;
use super::yaml::{Data, Node, Place};

/// Tells whether a value of a driver's section is never shown.
pub fn is_secret(root: &Value, path: &[String]) -> bool {
    let mut at = root;
    for step in path {
        let section = resolve(root, at);
        let known = section.get("properties").and_then(|known| known.get(step));
        let others = || section.get("additionalProperties").or_else(|| section.get("items"));
        let Some(next) = known.or_else(others) else { break };
        at = next;
        if is_sensitive(root, at) {
            return true;
        }
    }
    false
}

/// Where the values stand that are never shown.
pub(super) fn secrets(schema: &Value, section: &Node) -> Vec<(Place, Place)> {
    let mut found = Vec::new();
    secrets_within(schema, schema, section, &mut found);
    found
}

fn secrets_within(root: &Value, schema: &Value, node: &Node, found: &mut Vec<(Place, Place)>) {
    if is_sensitive(root, schema) {
        found.push(node.span);
        return;
    }
    let schema = resolve(root, schema);
    let others = || schema.get("additionalProperties").filter(|others| others.is_object());
    match &node.data {
        Data::Fields(fields) => {
            for (name, field) in fields {
                let all = schema.get("properties").and_then(Value::as_object);
                let known = all.and_then(|all| all.get(name));
                match (known.or_else(others), all) {
                    (Some(schema), _) => secrets_within(root, schema, field, found),
                    (None, all) if is_suspicious(name) || is_misspelt_secret(root, all, name) => {
                        found.push(field.span);
                    }
                    (None, _) => {}
                }
            }
        }
        Data::List(items) => {
            if let Some(schema) = schema.get("items") {
                items.iter().for_each(|item| secrets_within(root, schema, item, found));
            }
        }
        Data::Scalar(_) => {}
    }
}

/// Tells whether an unknown field may be meant to be one that is never shown: the nearest one, or
/// any where none is near.
fn is_misspelt_secret(root: &Value, known: Option<&Map<String, Value>>, name: &str) -> bool {
    let Some(known) = known else { return false };
    match nearest::nearest(name, known.keys().map(String::as_str)) {
        Some(near) => known.get(near).is_some_and(|near| is_sensitive(root, near)),
        None => known.values().any(|field| is_sensitive(root, field)),
    }
}
