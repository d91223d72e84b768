//! YAML with places: every value knows the line it came from.

mod load;

use saphyr::{MarkedYamlOwned, ScalarOwned, YamlDataOwned};
use serde_json::{Map, Number, Value};

pub(super) use load::MAX_LENGTH;

/// Where something stands in a file; both count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// The line.
    pub(super) line: usize,
    /// The column.
    pub(super) column: usize,
}

/// A value of a YAML document, with its place.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Where it begins; for a field's value, where its key begins.
    pub(super) place: Place,
    /// What it is.
    pub(super) data: Data,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(super) enum Data {
    /// Text, a number, true, false or null.
    Scalar(Value),
    /// A list.
    List(Vec<Node>),
    /// Fields in the order they were written.
    Fields(Vec<(String, Node)>),
}

/// Reads the one document of a file.
///
/// # Errors
/// What is wrong, and where.
pub(super) fn parse(text: &str) -> Result<Node, (Place, String)> {
    let documents = load::load(text)
        .map_err(|refusal| (Place { line: refusal.line, column: refusal.column }, refusal.what))?;
    let start = Place { line: 1, column: 1 };
    match documents.as_slice() {
        [] => Ok(Node { place: start, data: Data::Scalar(Value::Null) }),
        [document] => node(document, place(document)),
        [_, second, ..] => Err((place(second), "there is more than one document".into())),
    }
}

impl Node {
    /// The value of a field.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        match &self.data {
            Data::Fields(fields) => {
                fields.iter().find(|(name, _)| name == key).map(|(_, node)| node)
            }
            _ => None,
        }
    }

    /// The value as text.
    pub(super) fn as_str(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar(value) => value.as_str(),
            _ => None,
        }
    }

    /// Whether it says "nothing".
    pub(super) fn is_null(&self) -> bool {
        matches!(self.data, Data::Scalar(Value::Null))
    }

    /// The nearest place for a path of field names and list positions.
    pub(super) fn place_of<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> Place {
        let mut at = self;
        for step in path {
            let next = match &at.data {
                Data::List(items) => step.parse().ok().and_then(|index: usize| items.get(index)),
                _ => at.get(step),
            };
            match next {
                Some(next) => at = next,
                None => break,
            }
        }
        at.place
    }

    /// The value without its places.
    pub(super) fn to_json(&self) -> Value {
        match &self.data {
            Data::Scalar(value) => value.clone(),
            Data::List(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Data::Fields(fields) => Value::Object(
                fields.iter().map(|(k, v)| (k.clone(), v.to_json())).collect::<Map<_, _>>(),
            ),
        }
    }
}

fn place(node: &MarkedYamlOwned) -> Place {
    Place { line: node.span.start.line(), column: node.span.start.col() + 1 }
}

fn node(source: &MarkedYamlOwned, at: Place) -> Result<Node, (Place, String)> {
    let data = match &source.data {
        YamlDataOwned::Value(scalar) => Data::Scalar(json(scalar)),
        YamlDataOwned::Sequence(items) => {
            Data::List(items.iter().map(|item| node(item, place(item))).collect::<Result<_, _>>()?)
        }
        YamlDataOwned::Mapping(fields) => {
            let field = |(key, value): (&MarkedYamlOwned, &MarkedYamlOwned)| {
                Ok((field_name(key)?, node(value, place(key))?))
            };
            Data::Fields(fields.iter().map(field).collect::<Result<_, _>>()?)
        }
        YamlDataOwned::Tagged(_, inner) => return node(inner, at),
        YamlDataOwned::Representation(text, ..) => Data::Scalar(Value::String(text.clone())),
        YamlDataOwned::Alias(_) | YamlDataOwned::BadValue => {
            return Err((at, "a value that cannot be read".into()));
        }
    };
    Ok(Node { place: at, data })
}

fn field_name(key: &MarkedYamlOwned) -> Result<String, (Place, String)> {
    match &key.data {
        YamlDataOwned::Value(ScalarOwned::String(name)) => {
            load::check_name(name).map_err(|limit| (place(key), limit))?;
            Ok(name.clone())
        }
        YamlDataOwned::Value(scalar) => Ok(json(scalar).to_string()),
        _ => Err((place(key), "a field's name must be text".into())),
    }
}

fn json(scalar: &ScalarOwned) -> Value {
    match scalar {
        ScalarOwned::Null => Value::Null,
        ScalarOwned::Boolean(value) => Value::Bool(*value),
        ScalarOwned::Integer(value) => Value::from(*value),
        ScalarOwned::FloatingPoint(value) => {
            Number::from_f64(value.into_inner()).map_or(Value::Null, Value::Number)
        }
        ScalarOwned::String(text) => Value::String(text.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_is_found_with_its_place() {
        let document = parse("a: 1\nb:\n  - x\n  - y: 2\n    z: 3\n").unwrap();
        assert_eq!(document.to_json(), json!({"a": 1, "b": ["x", {"y": 2, "z": 3}]}));
        assert_eq!(document.place_of(["b", "1", "z"]), Place { line: 5, column: 5 });
        assert_eq!(document.place_of(["b", "7"]), Place { line: 2, column: 1 });
    }

    #[test]
    fn what_is_no_yaml_is_told_with_its_place() {
        let (place, message) = parse("a: 1\nb: [1,\n").unwrap_err();
        assert!(place.line >= 2 && !message.is_empty(), "{place:?} {message}");
    }

    #[test]
    fn anchors_are_followed() {
        let document = parse("base: &b {x: 1}\nuse: *b\n").unwrap();
        assert_eq!(document.to_json()["use"], json!({"x": 1}));
    }

    #[test]
    fn an_empty_file_is_null_and_two_documents_are_refused() {
        assert!(parse("").unwrap().is_null());
        assert_eq!(parse("a: 1\n---\nb: 2\n").unwrap_err().0.line, 3);
    }

    #[test]
    fn text_that_looks_like_a_number_stays_text_in_quotes() {
        assert_eq!(parse("v: \"1.30\"").unwrap().to_json(), json!({"v": "1.30"}));
    }

    #[test]
    fn a_field_that_is_given_twice_is_refused() {
        assert!(parse("a: 1\na: 2\n").is_err());
    }
}
