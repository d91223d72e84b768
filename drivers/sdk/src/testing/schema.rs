//! A config schema that is kept as text, beside the type that it is of.

use std::path::Path;

use crate::config::schema;

/// Says that the text is to be written anew.
const WRITE: &str = "CAPRONI_WRITE_SCHEMA";

/// Holds a file with the text of a [`ConfigSchema`](crate::ConfigSchema) against the config's type. With
/// the variable `CAPRONI_WRITE_SCHEMA` set it writes the file.
///
/// # Panics
/// When the file is not that of the type.
pub fn check_schema<Config: schemars::JsonSchema>(file: impl AsRef<Path>) {
    let (file, text) = (file.as_ref(), format!("{}\n", schema::<Config>()));
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(file, &text).expect("the file of a schema can be written");
    }
    let told = std::fs::read_to_string(file).unwrap_or_default();
    assert_eq!(told, text, "run this test with {WRITE}=1 to write `{}` anew", file.display());
}
