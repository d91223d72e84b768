//! The schema of the messages, made strict: what is shown must be spelt as it is known.
//!
//! The protocol is open: fields and words that one does not know are valid. In its own text
//! they would be slips of the pen.

use caproni_driver::schema;
use serde_json::{Value, json};

/// Checks a value that is shown against a definition of the schema.
pub(crate) fn check(definition: &str, value: &Value) {
    let mut document = schema::messages();
    close(&mut document["$defs"]);
    document.as_object_mut().expect("an object").remove("anyOf");
    document["$ref"] = format!("#/$defs/{definition}").into();
    let validator = jsonschema::draft202012::new(&document).expect("a valid schema");
    let errors: Vec<_> = validator
        .iter_errors(value)
        .map(|error| format!("{error} at `{}`", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "no strict {definition}: {errors:#?} in {value:#}");
}

/// The definition of a method's params, request, result or reply.
pub(crate) fn definition(method: &str, of: &str) -> String {
    let (first, rest) = method.split_at(1);
    format!("{}{rest}{of}", first.to_uppercase())
}

/// Takes the openness out of a schema: objects have the fields that they name, and
/// enumerations the words that they list. Conditions are no objects, and stay as they are.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(keywords) => {
            // Maps of free names stay maps; the data of errors lists all fields there are.
            let is_closed = keywords.get("type") == Some(&json!("object"))
                && keywords.get("additionalProperties").is_none_or(|more| more == true)
                && keywords.contains_key("properties");
            if is_closed {
                keywords.insert("additionalProperties".into(), json!(false));
            }
            let of_words = keywords.get_mut("anyOf").and_then(Value::as_array_mut);
            if let Some(words) = of_words.filter(|of| of.iter().any(is_word)) {
                words.retain(is_word);
            }
            let conditions = ["if", "then", "not"];
            let parts = keywords.iter_mut().filter(|(key, _)| !conditions.contains(&key.as_str()));
            parts.for_each(|(_, part)| close(part));
        }
        Value::Array(parts) => parts.iter_mut().for_each(close),
        _ => {}
    }
}

fn is_word(schema: &Value) -> bool {
    schema.get("const").is_some()
}
