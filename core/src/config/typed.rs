//! Numbers and truth values that came out of `${…}`, which is always text.

use caproni_driver::config::resolve;
use serde_json::{Map, Number, Value};

use super::yaml::{Data, Node};

/// A value as JSON, in which a text that was one `${…}` is the number, `true` or `false` that
/// the schema asks for. What cannot be read as such stays text, for the schema to refuse.
pub(super) fn typed(root: &Value, schema: &Value, node: &Node) -> Value {
    let schema = resolve(root, schema);
    let of_field = |name: &str| {
        let known = schema.get("properties").and_then(|known| known.get(name));
        known.or_else(|| schema.get("additionalProperties")).unwrap_or(&Value::Null)
    };
    match &node.data {
        Data::Scalar(Value::String(text)) if is_whole(node) => {
            read_as(schema, text).unwrap_or_else(|| Value::String(text.clone()))
        }
        Data::Scalar(value) => value.clone(),
        Data::List(items) => {
            let of_items = schema.get("items").unwrap_or(&Value::Null);
            Value::Array(items.iter().map(|item| typed(root, of_items, item)).collect())
        }
        Data::Fields(fields) => {
            let typed =
                |(name, field): &(String, Node)| (name.clone(), typed(root, of_field(name), field));
            Value::Object(fields.iter().map(typed).collect::<Map<_, _>>())
        }
    }
}

fn is_whole(node: &Node) -> bool {
    node.expanded.as_ref().is_some_and(|expanded| expanded.is_whole)
}

fn read_as(schema: &Value, text: &str) -> Option<Value> {
    let types: Vec<&str> = match schema.get("type")? {
        Value::String(one) => vec![one],
        several => several.as_array()?.iter().filter_map(Value::as_str).collect(),
    };
    if types.contains(&"string") {
        return None;
    }
    let integer = || text.parse::<i64>().ok().map(Value::from);
    let number = || text.parse().ok().and_then(Number::from_f64).map(Value::Number);
    let boolean = || text.parse::<bool>().ok().map(Value::Bool);
    types.iter().find_map(|name| match *name {
        "integer" => integer(),
        "number" => integer().or_else(number),
        "boolean" => boolean(),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::yaml::{Expanded, parse};
    use super::*;
    use serde_json::json;

    fn whole(mut node: Node, is_whole: bool) -> Node {
        node.expanded = Some(Expanded { is_whole, from: Vec::new() });
        if let Data::Fields(fields) = &mut node.data {
            for (_, field) in fields {
                *field = whole(field.clone(), is_whole);
            }
        }
        if let Data::List(items) = &mut node.data {
            for item in items {
                *item = whole(item.clone(), is_whole);
            }
        }
        node
    }

    #[test]
    fn what_came_wholly_from_a_variable_has_the_type_that_the_schema_asks_for() {
        let schema = json!({"properties": {
            "i": {"type": "integer"}, "n": {"type": ["number", "null"]}, "b": {"$ref": "#/$defs/B"},
            "s": {"type": "string"}, "either": {"type": ["integer", "string"]},
            "l": {"type": "array", "items": {"type": "integer"}},
            "m": {"type": "object", "additionalProperties": {"type": "boolean"}},
        }, "$defs": {"B": {"anyOf": [{"type": "boolean"}, {"type": "null"}]}}});
        let node = parse(
            r#"{i: "3", n: "1.5", b: "true", s: "3", either: "3", l: ["4"], m: {x: "false"}, odd: "5"}"#,
        );
        let node = node.unwrap();
        assert_eq!(
            typed(&schema, &schema, &whole(node.clone(), true)),
            json!({"i": 3, "n": 1.5, "b": true, "s": "3", "either": "3", "l": [4], "m": {"x": false}, "odd": "5"})
        );
        assert_eq!(typed(&schema, &schema, &whole(node.clone(), false)), node.to_json());
    }

    #[test]
    fn what_is_no_number_stays_text() {
        let schema = json!({"properties": {"i": {"type": "integer"}, "b": {"type": "boolean"}}});
        let node = whole(parse(r#"{i: "3x", b: "yes"}"#).unwrap(), true);
        assert_eq!(typed(&schema, &schema, &node), json!({"i": "3x", "b": "yes"}));
    }
}
