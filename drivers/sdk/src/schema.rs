//! The protocol as documents for machines: JSON Schema and OpenRPC.
//!
//! Both are made from the types of this crate and from the [contract](crate::DriverServer).
//! They stand in the crate's folder `schema` as well, and `caproni drivers schema` prints
//! them. Enumerations list the words that are known and take every other, and objects take
//! fields that they do not name: what is to come is valid today.
//!
//! ```
//! let schema = caproni_driver::schema::messages();
//! assert_eq!(schema["$defs"]["StartResult"]["$ref"], "#/$defs/Outcome");
//! ```

mod config;
mod definitions;
mod error;
mod lines;
mod methods;
mod openrpc;

use serde_json::{Value, json};

pub use openrpc::openrpc;

use crate::messages::PROTOCOL_VERSION;
use definitions::Definitions;

/// The JSON Schema (2020-12) of every line that goes over the wire.
///
/// Of its definitions `HostLine` is what the host writes and `DriverLine` what a driver
/// writes. For a method such as `start` there are `StartParams`, `StartRequest` (a whole
/// line), `StartResult` and `StartReply`; besides them `ProgressNotification`,
/// `CancelNotification`, `ErrorReply`, `Error`, and `ConfigField` with the keywords that
/// the protocol adds to a driver's config schema.
pub fn messages() -> Value {
    let mut definitions = Definitions::under("/$defs");
    let host = lines::of_host(&mut definitions);
    let driver = lines::of_driver(&mut definitions);
    definitions.add_in_front("DriverLine", driver);
    definitions.add_in_front("HostLine", host);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("urn:caproni:driver-protocol:{PROTOCOL_VERSION}"),
        "title": format!("The driver protocol of caproni, version {PROTOCOL_VERSION}"),
        "description": "A line that goes over the wire, in either direction. `protocol.md` says \
                        what each message promises.",
        "anyOf": [{"$ref": "#/$defs/HostLine"}, {"$ref": "#/$defs/DriverLine"}],
        "$defs": definitions.into_value(),
    })
}
