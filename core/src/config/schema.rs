//! A driver's config schema, held against what `protocol.md` allows before it is put to use.

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

use crate::error::{Error, Kind};

/// How long a schema may be as JSON, in bytes.
pub const MAX_LENGTH: usize = 256 * 1024;

/// How many levels deep a schema may be nested.
pub const MAX_DEPTH: usize = 64;

/// Makes a validator of a driver's schema.
///
/// # Errors
/// `DriverProtocolError` that says why the schema is of no use.
pub fn compile(schema: &Value, driver: &str) -> Result<Validator, Error> {
    check_size(schema).and_then(|()| build(schema)).map_err(|why| {
        let message = format!("driver `{driver}` has a config schema that is of no use: {why}");
        Error::new(Kind::DriverProtocolError, message).with_hint("tell the driver's author")
    })
}

fn check_size(schema: &Value) -> Result<(), String> {
    let length = schema.to_string().len();
    if length > MAX_LENGTH {
        return Err(format!("it is {length} bytes long, where {MAX_LENGTH} are allowed"));
    }
    if depth(schema) > MAX_DEPTH {
        return Err(format!("it is nested more than {MAX_DEPTH} levels deep"));
    }
    Ok(())
}

/// The parser of messages has a limit of its own, so this ends.
fn depth(value: &Value) -> usize {
    match value {
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// Patterns are matched in linear time, so that none can keep the host busy. References to
/// other documents are never fetched: the crate is built without that.
fn build(schema: &Value) -> Result<Validator, String> {
    let options = jsonschema::options().with_pattern_options(PatternOptions::regex());
    options.build(schema).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(schema: &Value) -> String {
        let error = compile(schema, "x").err().unwrap();
        assert_eq!(error.kind, Kind::DriverProtocolError);
        error.message
    }

    /// A schema of so many levels.
    fn nested(levels: usize) -> Value {
        (1..levels).fold(json!({}), |inner, _| json!({ "not": inner }))
    }

    #[test]
    fn a_schema_may_be_as_long_and_as_deep_as_the_protocol_says_and_no_more() {
        let long = |text: usize| json!({"description": "x".repeat(text)});
        let frame = long(0).to_string().len();
        assert!(compile(&long(MAX_LENGTH - frame), "x").is_ok());
        assert!(refused(&long(MAX_LENGTH - frame + 1)).contains("bytes long"));
        assert!(compile(&nested(MAX_DEPTH), "x").is_ok());
        assert!(refused(&nested(MAX_DEPTH + 1)).contains("levels deep"));
    }

    #[test]
    fn a_pattern_that_could_take_for_ever_is_refused() {
        for pattern in ["^(?=(a|aa)+$)", r"(a)\1"] {
            refused(&json!({"properties": {"name": {"type": "string", "pattern": pattern}}}));
        }
    }

    #[test]
    fn a_reference_to_another_document_is_not_followed() {
        refused(&json!({"properties": {"name": {"$ref": "http://127.0.0.1:9/schema.json"}}}));
        refused(&json!({"properties": {"name": {"$ref": "file:///etc/hostname"}}}));
    }
}
