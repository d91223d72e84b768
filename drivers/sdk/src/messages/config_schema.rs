//! The config schema in a driver's answer to `initialize`.

use std::ops::Deref;
use std::sync::OnceLock;

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Error, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// The schema of a driver's config: a JSON value, which a driver may have ready as text.
///
/// To make it of a type and to write that was more than half of what a driver did from its start until
/// it was asked anything. The text goes over the wire as it is.
#[derive(Debug, Clone)]
pub struct ConfigSchema {
    text: Option<&'static str>,
    value: OnceLock<Value>,
}

impl ConfigSchema {
    /// Takes the text of a schema: JSON in one line, of which nothing is checked before it is told.
    /// [`testing::check_schema`](crate::testing::check_schema) holds it against the type.
    pub const fn of_text(text: &'static str) -> Self {
        Self { text: Some(text), value: OnceLock::new() }
    }

    /// The schema as a value of its own.
    pub fn into_value(self) -> Value {
        self.value().clone()
    }

    fn value(&self) -> &Value {
        let read = || serde_json::from_str(self.text.unwrap_or_default()).unwrap_or_default();
        self.value.get_or_init(read)
    }
}

impl From<Value> for ConfigSchema {
    fn from(schema: Value) -> Self {
        Self { text: None, value: schema.into() }
    }
}

impl Deref for ConfigSchema {
    type Target = Value;

    fn deref(&self) -> &Value {
        self.value()
    }
}

impl PartialEq for ConfigSchema {
    fn eq(&self, other: &Self) -> bool {
        self.value() == other.value()
    }
}

impl Serialize for ConfigSchema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(text) = self.text else { return self.value().serialize(serializer) };
        serde_json::from_str::<&RawValue>(text).map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ConfigSchema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TEXT: &str = "{\"type\":\"object\"}\n";

    #[test]
    fn a_text_is_told_as_it_is_and_is_the_same_as_its_value() {
        let schema = ConfigSchema::of_text(TEXT);
        assert_eq!(serde_json::to_string(&schema).unwrap(), TEXT.trim_end());
        assert_eq!(serde_json::to_value(&schema).unwrap(), json!({"type": "object"}));
        assert_eq!(schema, ConfigSchema::from(json!({"type": "object"})));
        assert_eq!(
            (&schema["type"], &schema.clone().into_value()["type"]),
            (&json!("object"), &json!("object"))
        );
    }

    #[test]
    fn a_text_that_is_no_json_is_not_told() {
        assert!(serde_json::to_string(&ConfigSchema::of_text("{")).is_err());
    }
}
