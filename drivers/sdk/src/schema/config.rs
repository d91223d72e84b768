//! What a driver's config schema is, and the keywords that the protocol adds to JSON Schema.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::config::{CHANGE, SENSITIVE};
use crate::messages::{ChangeCost, ConfigSchema};

impl JsonSchema for ConfigSchema {
    fn schema_name() -> Cow<'static, str> {
        "ConfigSchema".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let field = generator.subschema_for::<ConfigField>();
        json_schema!({
            "description": "A JSON Schema (2020-12) of an object, at most 256 KiB long and 64 levels deep. \
                            References are within it, and patterns without look-around and back references.",
            "type": "object",
            "allOf": [field],
        })
    }
}

/// The schema of one field of it.
enum ConfigField {}

impl JsonSchema for ConfigField {
    fn schema_name() -> Cow<'static, str> {
        "ConfigField".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let field = generator.subschema_for::<Self>();
        let fields = json_schema!({"type": "object", "additionalProperties": field});
        let list = json_schema!({"type": "array", "items": field});
        json_schema!({
            "description": "A JSON Schema, with the keywords that this protocol adds.",
            "type": ["object", "boolean"],
            "properties": {
                CHANGE: {
                    "description": "What a change of the field takes, and of the fields below it; \
                                    `recreate` where nothing is said.",
                    "anyOf": [generator.subschema_for::<ChangeCost>()],
                },
                SENSITIVE: {
                    "description": "Whether the field's value is never shown, and kept as its SHA-256 only.",
                    "type": "boolean",
                },
                "description": {"description": "What the field is, for users to read.", "type": "string"},
                "default": {"description": "What the host fills in where the field is absent."},
                "$ref": {
                    "description": "A schema that stands elsewhere in the same document.",
                    "type": "string",
                    "pattern": "^#",
                },
                "$defs": fields,
                "properties": fields,
                "additionalProperties": field,
                "items": field,
                "prefixItems": list,
                "allOf": list,
                "anyOf": list,
                "oneOf": list,
            },
        })
    }
}
