//! Whole lines: requests, replies and notifications.

use serde_json::{Value, json};

use super::definitions::Definitions;
use super::error;
use super::methods::{METHODS, Method};
use crate::messages::Progress;

/// What the host writes: a request of each method, and `cancel`.
pub(super) fn of_host(definitions: &mut Definitions) -> Value {
    definitions.add("Id", id());
    let mut lines: Vec<_> = METHODS.iter().map(|method| request(definitions, method)).collect();
    let cancel = notification(
        "Asks the driver to end the request that it is answering.",
        "cancel",
        json!({"description": "There is nothing to say.", "type": ["object", "null"]}),
        &["jsonrpc", "method"],
    );
    lines.push(definitions.add("CancelNotification", cancel));
    json!({"description": "What the host writes.", "anyOf": lines})
}

/// What a driver writes: a reply, or progress.
pub(super) fn of_driver(definitions: &mut Definitions) -> Value {
    let mut lines: Vec<_> = METHODS.iter().map(|method| reply(definitions, method)).collect();
    lines.push(error_reply(definitions));
    let params = definitions.of::<Progress>();
    let progress = notification(
        "Says what the request that is being answered does now.",
        "progress",
        params,
        &["jsonrpc", "method", "params"],
    );
    lines.push(definitions.add("ProgressNotification", progress));
    json!({"description": "What a driver writes.", "anyOf": lines})
}

fn request(definitions: &mut Definitions, method: &Method) -> Value {
    let (name, type_name) = (method.name, method.type_name());
    let mut params = (method.params)(definitions);
    if let Some(fields) = params.as_object_mut() {
        fields.shift_insert(0, "description".into(), format!("The params of `{name}`.").into());
    }
    let may_be_absent = params.get("required").is_none();
    let params = definitions.add(&format!("{type_name}Params"), params);
    let mut required = vec!["jsonrpc", "id", "method"];
    let params = if may_be_absent {
        json!({"anyOf": [params, {"type": "null"}]})
    } else {
        required.push("params");
        params
    };
    let request = json!({
        "description": method.summary,
        "type": "object",
        "properties": {
            "jsonrpc": {"const": "2.0"},
            "id": definitions.reference("Id"),
            "method": {"const": name},
            "params": params,
        },
        "required": required,
    });
    definitions.add(&format!("{type_name}Request"), request)
}

fn reply(definitions: &mut Definitions, method: &Method) -> Value {
    let type_name = method.type_name();
    let result = (method.result)(definitions);
    let result = definitions.add(&format!("{type_name}Result"), result);
    let reply = json!({
        "description": format!("The answer to `{}`.", method.name),
        "type": "object",
        "properties": {
            "jsonrpc": {"const": "2.0"},
            "id": definitions.reference("Id"),
            "result": result,
            "error": {"description": "There is none beside a result.", "type": "null"},
        },
        "required": ["jsonrpc", "id", "result"],
    });
    definitions.add(&format!("{type_name}Reply"), reply)
}

fn error_reply(definitions: &mut Definitions) -> Value {
    let error = error::add(definitions);
    let reply = json!({
        "description": "The answer to a request that failed, or to a line that was not understood.",
        "type": "object",
        "properties": {
            "jsonrpc": {"const": "2.0"},
            "id": {
                "description": "The request's, as it came; `null` when it could not be read.",
                "anyOf": [definitions.reference("Id"), {"type": "null"}],
            },
            "error": error,
            "result": {"description": "There is none beside an error.", "type": "null"},
        },
        "required": ["jsonrpc", "id", "error"],
    });
    definitions.add("ErrorReply", reply)
}

fn notification(description: &str, method: &str, params: Value, required: &[&str]) -> Value {
    json!({
        "description": description,
        "type": "object",
        "properties": {
            "jsonrpc": {"const": "2.0"},
            "method": {"const": method},
            "params": params,
            // What has one is a request.
            "id": false,
        },
        "required": required,
    })
}

fn id() -> Value {
    json!({
        "description": "Whole numbers or strings; a reply repeats the request's as it came.",
        "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string"}],
    })
}
