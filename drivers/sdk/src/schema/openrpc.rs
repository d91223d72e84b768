//! The methods as an OpenRPC document, for its viewers and generators.

use serde_json::{Map, Value, json};

use super::definitions::Definitions;
use super::error::{FRAMING, kinds};
use super::methods::{METHODS, Method};
use crate::error::ErrorKind;
use crate::messages::{PROTOCOL_VERSION, Progress};

/// The [OpenRPC](https://spec.open-rpc.org) 1.3 document of what a driver answers.
///
/// OpenRPC describes servers, and a driver is one. What a driver sends unasked, the
/// notification `progress`, stands under the extension `x-notifications`.
pub fn openrpc() -> Value {
    let mut definitions = Definitions::under("/components/schemas");
    let (names, errors) = errors(&mut definitions);
    let mut methods: Vec<_> =
        METHODS.iter().map(|method| of_method(&mut definitions, method, &names)).collect();
    methods.push(json!({
        "name": "cancel",
        "summary": "A notification: ends the request that is being answered.",
        "paramStructure": "by-name",
        "params": [],
    }));
    let progress = definitions.inline::<Progress>();
    json!({
        "openrpc": "1.3.2",
        "info": {
            "title": "The driver protocol of caproni",
            "description": "JSON-RPC 2.0 on stdin and stdout, one message per line. `protocol.md` \
                            says what each message promises.",
            "version": PROTOCOL_VERSION.to_string(),
            "license": {"name": "MIT"},
        },
        "methods": methods,
        "x-notifications": [{
            "name": "progress",
            "summary": "Sent by the driver while it answers a request.",
            "paramStructure": "by-name",
            "params": params(&progress),
        }],
        "components": {"schemas": definitions.into_value(), "errors": errors},
    })
}

fn of_method(definitions: &mut Definitions, method: &Method, errors: &[String]) -> Value {
    let schema = (method.params)(definitions);
    let result = (method.result)(definitions);
    let errors: Vec<_> =
        errors.iter().map(|name| json!({"$ref": format!("#/components/errors/{name}")})).collect();
    json!({
        "name": method.name,
        "summary": method.summary,
        "paramStructure": "by-name",
        "params": params(&schema),
        "result": {"name": format!("{}Result", method.type_name()), "schema": result},
        "errors": errors,
    })
}

/// The fields of an object, those that are required first, as OpenRPC wants them.
fn params(object: &Value) -> Vec<Value> {
    let required = object["required"].as_array().cloned().unwrap_or_default();
    let fields = object["properties"].as_object().cloned().unwrap_or_default();
    let mut params: Vec<_> = fields
        .into_iter()
        .map(|(name, schema)| {
            let is_required = required.contains(&name.as_str().into());
            json!({"name": name, "required": is_required, "schema": schema})
        })
        .collect();
    params.sort_by_key(|param| param["required"] == false);
    params
}

/// The names of all errors that a driver may answer with, and what each says.
fn errors(definitions: &mut Definitions) -> (Vec<String>, Value) {
    let framing = FRAMING
        .iter()
        .map(|(code, meaning)| (format!("JsonRpc{code}"), *code, (*meaning).to_owned()));
    // These two are for the host to say.
    let of_host = [ErrorKind::DriverNotFound, ErrorKind::MissingDriverConfig];
    let kinds = kinds(definitions).into_iter().filter(|(kind, _)| !of_host.contains(kind));
    let kinds = kinds.map(|(kind, meaning)| (kind.to_string(), kind.code(), meaning));
    let all: Vec<_> = kinds.chain(framing).collect();
    let names = all.iter().map(|(name, ..)| name.clone()).collect();
    let errors = all
        .into_iter()
        .map(|(name, code, message)| (name, json!({"code": code, "message": message})));
    (names, Value::Object(errors.collect::<Map<_, _>>()))
}
