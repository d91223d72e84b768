//! Writes the protocol's documents for machines into the folder `schema` of this crate.
//!
//! `cargo run -p caproni-driver --example schema`, after a change of the protocol's types.

use std::path::Path;

use caproni_driver::schema;

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("protocol.schema.json"), format!("{:#}\n", schema::messages()))?;
    std::fs::write(folder.join("openrpc.json"), format!("{:#}\n", schema::openrpc()))
}
