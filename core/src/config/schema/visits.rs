//! How often a schema looks at the parts of a config.
//!
//! A schema that leads to itself twice, one level down, looks 2ⁿ times at what is n levels deep,
//! and each look can find something that does not fit, which takes room.

use serde_json::{Map, Value};

use super::Fault;
use super::references::References;

/// How many looks there may be at any config, and how many more for each of its parts.
const MOST: usize = 20_000;
const MOST_FOR_EACH: usize = 20;

/// Counts what it takes to check a config.
///
/// # Errors
/// `CONF-8` where it is too much.
pub(super) fn check(schema: &Value, config: &Value) -> Result<(), Fault> {
    let references = References::of(schema)?;
    let left = MOST + MOST_FOR_EACH * parts(config);
    Visits { references, left }.look(schema, config)
}

fn parts(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(parts).sum::<usize>(),
        Value::Object(fields) => 1 + fields.values().map(parts).sum::<usize>(),
        _ => 1,
    }
}

struct Visits<'a> {
    references: References<'a>,
    left: usize,
}

impl<'a> Visits<'a> {
    fn look(&mut self, schema: &'a Value, value: &Value) -> Result<(), Fault> {
        let too_much = || Fault::new("CONF-8", "looks at this config in too many ways");
        self.left = self.left.checked_sub(1).ok_or_else(too_much)?;
        for schema in self.references.in_place(schema)? {
            self.look(schema, value)?;
        }
        let Some(keywords) = schema.as_object() else { return Ok(()) };
        match value {
            Value::Object(fields) => fields.iter().try_for_each(|(name, inner)| {
                of_field(keywords, name).try_for_each(|schema| self.look(schema, inner))
            }),
            Value::Array(items) => items.iter().try_for_each(|item| {
                of_item(keywords).try_for_each(|schema| self.look(schema, item))
            }),
            _ => Ok(()),
        }
    }
}

/// The schemas for one field; of those for names that match a pattern, all.
fn of_field<'a>(
    keywords: &'a Map<String, Value>,
    name: &str,
) -> impl Iterator<Item = &'a Value> + use<'a> {
    let named = keywords.get("properties").and_then(|fields| fields.get(name));
    let patterns = keywords.get("patternProperties").and_then(Value::as_object);
    let others = ["additionalProperties", "unevaluatedProperties"];
    let others = others.into_iter().filter_map(|keyword| keywords.get(keyword));
    named.into_iter().chain(patterns.into_iter().flat_map(Map::values)).chain(others)
}

/// The schemas for one item, those of all places.
fn of_item(keywords: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    let places = keywords.get("prefixItems").and_then(Value::as_array);
    let others = ["items", "contains", "unevaluatedItems"];
    let others = others.into_iter().filter_map(|keyword| keywords.get(keyword));
    places.into_iter().flatten().chain(others)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn nested(levels: usize) -> Value {
        (0..levels).fold(json!({}), |inner, _| json!({ "a": inner }))
    }

    #[test]
    fn a_config_for_which_a_schema_doubles_at_each_level_is_refused() {
        let schema = json!({"properties": {"a": {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}}});
        assert_eq!(check(&schema, &nested(5)), Ok(()));
        let fault = check(&schema, &nested(60)).unwrap_err();
        assert_eq!(fault, Fault::new("CONF-8", "looks at this config in too many ways"));
    }

    #[test]
    fn a_large_config_is_no_reason() {
        let many: Map<String, Value> = (0..50_000).map(|n| (n.to_string(), json!("x"))).collect();
        let schema = json!({"anyOf": [{"type": "null"}, {"additionalProperties": {"type": "string"}}],
            "patternProperties": {"^[0-9]": {"minLength": 1}}});
        assert_eq!(check(&schema, &Value::Object(many)), Ok(()));
    }
}
