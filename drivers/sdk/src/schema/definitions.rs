//! Named schemas that refer to each other, at one place of a document.

use schemars::generate::SchemaSettings;
use schemars::transform::transform_subschemas;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// The definitions of a document: those of the Rust types, and those that are added.
pub(super) struct Definitions {
    generator: SchemaGenerator,
    path: &'static str,
    front: Map<String, Value>,
    added: Map<String, Value>,
}

impl Definitions {
    /// For a document that has its definitions under a path such as `/$defs`.
    pub(super) fn under(path: &'static str) -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = path.into();
            settings.meta_schema = None;
        });
        let generator = settings.with_transform(tidy).into_generator();
        Self { generator, path, front: Map::new(), added: Map::new() }
    }

    /// A reference to the definition of a type.
    pub(super) fn of<T: JsonSchema>(&mut self) -> Value {
        self.generator.subschema_for::<T>().to_value()
    }

    /// The schema of a type itself.
    pub(super) fn inline<T: JsonSchema>(&mut self) -> Value {
        let mut schema = T::json_schema(&mut self.generator);
        tidy(&mut schema);
        schema.to_value()
    }

    /// Adds a definition, and gives the reference to it.
    pub(super) fn add(&mut self, name: &str, schema: Value) -> Value {
        self.added.insert(name.into(), schema);
        self.reference(name)
    }

    /// Adds a definition that is to be read before the others.
    pub(super) fn add_in_front(&mut self, name: &str, schema: Value) {
        self.front.shift_insert(0, name.into(), schema);
    }

    pub(super) fn reference(&self, name: &str) -> Value {
        json!({"$ref": format!("#{}/{name}", self.path)})
    }

    /// All of them: those that were added, in that order, then those of the types.
    pub(super) fn into_value(mut self) -> Value {
        let of_types = self.generator.take_definitions(true);
        let mut all = self.front;
        all.extend(self.added);
        all.extend(of_types);
        Value::Object(all)
    }
}

/// Puts descriptions first and their lines together, and leaves out formats that only Rust has.
fn tidy(schema: &mut Schema) {
    if let Some(fields) = schema.as_object_mut() {
        if let Some(Value::String(text)) = fields.shift_remove("description") {
            let joined: Vec<_> = text.split("\n\n").map(|part| part.replace('\n', " ")).collect();
            fields.shift_insert(0, "description".into(), joined.join("\n\n").into());
        }
        let format = fields.get("format").and_then(Value::as_str).unwrap_or_default();
        if ["int32", "uint32", "uint64", "double"].contains(&format) {
            fields.shift_remove("format");
        }
    }
    transform_subschemas(&mut tidy, schema);
}
