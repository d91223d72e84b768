//! YAML with places: every value knows the line it came from.

mod load;

use saphyr::{MarkedYamlOwned, ScalarOwned, YamlDataOwned};
use serde_json::{Map, Number, Value};

pub(super) use load::MAX_LENGTH;

/// Where something stands in a file; line and column count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Which of the files that make up a config, as [`super::sources::Sources`] counts them.
    pub(super) source: usize,
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
    /// Where the value itself begins and ends.
    pub(super) span: (Place, Place),
    /// What it is.
    pub(super) data: Data,
    /// How its text came about, where that held `${…}`.
    pub(super) expanded: Option<Expanded>,
}

/// How a text that held `${…}` came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expanded {
    /// Whether it was one `${…}` and nothing else.
    pub(super) is_whole: bool,
    /// What it was made of, in words, such as `TAG of the environment`.
    pub(super) from: Vec<String>,
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
        .map_err(|refusal| (Place::new(refusal.line, refusal.column), refusal.what))?;
    match documents.as_slice() {
        [] => Ok(Node::empty()),
        [document] => node(document, place(document)),
        [_, second, ..] => Err((place(second), "there is more than one document".into())),
    }
}

impl Place {
    fn new(line: usize, column: usize) -> Self {
        Self { source: 0, line, column }
    }
}

impl Node {
    /// Nothing, at the beginning of a file.
    pub(super) fn empty() -> Self {
        let start = Place::new(1, 1);
        Self { place: start, span: (start, start), data: Data::Scalar(Value::Null), expanded: None }
    }

    /// The same as part of another file.
    #[must_use]
    pub(super) fn in_source(mut self, source: usize) -> Self {
        for place in [&mut self.place, &mut self.span.0, &mut self.span.1] {
            place.source = source;
        }
        let all = |node: Self| node.in_source(source);
        self.data = match self.data {
            Data::List(items) => Data::List(items.into_iter().map(all).collect()),
            Data::Fields(fields) => {
                Data::Fields(fields.into_iter().map(|(name, node)| (name, all(node))).collect())
            }
            scalar @ Data::Scalar(_) => scalar,
        };
        self
    }

    /// Its fields; none when it is anything else.
    pub(super) fn fields(&self) -> &[(String, Self)] {
        match &self.data {
            Data::Fields(fields) => fields,
            _ => &[],
        }
    }

    /// The value of a field.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.fields().iter().find(|(name, _)| name == key).map(|(_, node)| node)
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
    Place::new(node.span.start.line(), node.span.start.col() + 1)
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
    let end = Place::new(source.span.end.line(), source.span.end.col() + 1);
    Ok(Node { place: at, span: (place(source), end), data, expanded: None })
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
        assert_eq!(document.place_of(["b", "1", "z"]), Place::new(5, 5));
        assert_eq!(document.place_of(["b", "7"]), Place::new(2, 1));
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
