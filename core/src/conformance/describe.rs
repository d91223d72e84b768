//! Whether what a driver says of itself is as it should be.

use caproni_driver::config::{CHANGE, SENSITIVE};
use caproni_driver::{Capabilities, ChangeCost, Description};
use serde_json::Value;

use super::judge::Verdict;

/// The optional methods of the page.
pub(super) const OPTIONAL: [&str; 9] =
    ["restart", "kubeconfig", "version", "list", "exec", "logs", "usage", "diagnose", "loadImage"];

/// The longest schema, in bytes, and the deepest ([CONF-8]).
const MAX_SCHEMA: usize = 256 * 1024;
const MAX_DEPTH: usize = 64;

/// A rule that a description breaks, how badly, and how.
pub(super) type Fault = (&'static str, Verdict, String);

/// The rules that [`description`] looks at.
pub(super) const RULES: [&str; 9] =
    ["CALL-7", "INIT-2", "INIT-3", "INIT-4", "COMPAT-4", "CONF-2", "CONF-3", "CONF-4", "CONF-8"];

/// Reads the result of `initialize`, and lists what is wrong with it. `name` is what the
/// driver's file says, if it says one.
pub(super) fn description(result: &Value, name: Option<&str>) -> (Option<Description>, Vec<Fault>) {
    let mut faults = Vec::new();
    let mut failed = |rule, what: String| faults.push((rule, Verdict::Failed, what));
    let described: Description = match serde_json::from_value(result.clone()) {
        Ok(described) => described,
        Err(error) => {
            failed("CALL-7", format!("the answer to `initialize` is not a Description: {error}"));
            return (None, faults);
        }
    };
    if described.protocol_version != caproni_driver::PROTOCOL_VERSION {
        let chosen = described.protocol_version;
        failed("INIT-2", format!("it chose protocol version {chosen}, which was not offered"));
    }
    if let Some(name) = name.filter(|name| described.name != *name) {
        failed(
            "INIT-3",
            format!("it calls itself `{}`, and its file says `{name}`", described.name),
        );
    }
    if described.version.is_empty() {
        failed("INIT-3", "its `version` is empty".into());
    }
    for method in strange_methods(&described.capabilities) {
        failed("COMPAT-4", format!("`{method}` is no method of the protocol, and has no `/`"));
    }
    faults.extend(schema(&described.config_schema));
    (Some(described), faults)
}

fn strange_methods(capabilities: &Capabilities) -> impl Iterator<Item = &String> {
    capabilities.methods.iter().filter(|method| {
        !OPTIONAL.contains(&method.as_str())
            && !method.contains(['/', '.'])
            // Superfluous, and harmless.
            && !["initialize", "start", "stop", "destroy", "status"].contains(&method.as_str())
    })
}

fn schema(schema: &Value) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut failed = |rule, what: String| faults.push((rule, Verdict::Failed, what));
    let length = schema.to_string().len();
    if length > MAX_SCHEMA || depth(schema) > MAX_DEPTH {
        failed(
            "CONF-8",
            format!("the schema is {length} bytes long and {} levels deep", depth(schema)),
        );
        return faults;
    }
    let mut foreign = None;
    walk(schema, &mut |at| {
        let reference = at.get("$ref").and_then(Value::as_str);
        foreign = foreign.take().or(reference.filter(|to| !to.starts_with('#')).map(str::to_owned));
    });
    if let Some(foreign) = foreign {
        failed("CONF-2", format!("the schema refers to `{foreign}`, which is not in it"));
        return faults;
    }
    let options = jsonschema::options().with_pattern_options(jsonschema::PatternOptions::regex());
    if let Err(error) = options.build(schema) {
        failed("CONF-8", format!("the schema is not valid: {error}"));
    }
    if !schema.is_object() || schema.get("type").is_some_and(|kind| kind != "object") {
        failed("CONF-8", "the schema is not one of an object".into());
    }
    walk(schema, &mut |at| annotations(at, &mut failed));
    let without = undescribed(schema);
    if !without.is_empty() {
        let what = format!("without a `description`: {}", without.join(", "));
        faults.push(("CONF-3", Verdict::Warning, what));
    }
    faults
}

fn annotations(at: &Value, failed: &mut impl FnMut(&'static str, String)) {
    if let Some(cost) = at.get(CHANGE) {
        let known = serde_json::from_value::<ChangeCost>(cost.clone());
        if !matches!(known, Ok(ChangeCost::Live | ChangeCost::Restart | ChangeCost::Recreate)) {
            failed("CONF-4", format!("`{CHANGE}` is {cost}, not `live`, `restart` or `recreate`"));
        }
    }
    if let Some(sensitive) = at.get(SENSITIVE).filter(|value| !value.is_boolean()) {
        failed("CONF-7", format!("`{SENSITIVE}` is {sensitive}, neither true nor false"));
    }
}

fn undescribed(schema: &Value) -> Vec<String> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let lacks = |property: &Value| {
        let resolved = caproni_driver::config::resolve(schema, property);
        [property, resolved].iter().all(|at| at.get("description").is_none())
    };
    let names = properties.into_iter().flatten().filter(|(_, property)| lacks(property));
    names.map(|(name, _)| format!("`{name}`")).collect()
}

fn walk(value: &Value, visit: &mut impl FnMut(&Value)) {
    visit(value);
    match value {
        Value::Object(fields) => fields.values().for_each(|value| walk(value, visit)),
        Value::Array(items) => items.iter().for_each(|value| walk(value, visit)),
        _ => {}
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rules(change: &Value) -> Vec<&'static str> {
        let mut result = json!({
            "protocolVersion": 1, "name": "mine", "version": "1",
            "capabilities": {"methods": ["restart", "mine/compact"], "features": ["cancel"]},
            "configSchema": {"type": "object", "properties": {
                "size": {"type": "integer", "description": "how large", "x-caproni-change": "live"},
            }},
        });
        for (key, value) in change.as_object().unwrap() {
            result[key] = value.clone();
        }
        description(&result, Some("mine")).1.into_iter().map(|(rule, ..)| rule).collect()
    }

    fn with_size(size: &Value) -> Value {
        json!({"configSchema": {"type": "object", "properties": {"size": size}}})
    }

    #[test]
    fn a_good_description_breaks_no_rule() {
        assert_eq!(rules(&json!({})), Vec::<&str>::new());
        assert_eq!(rules(&json!({"configSchema": {}})), Vec::<&str>::new());
    }

    #[test]
    fn each_fault_is_found_under_its_rule() {
        let long = json!({"configSchema": {"description": "x".repeat(MAX_SCHEMA)}});
        let mut deep = json!({});
        for _ in 0..100 {
            deep = json!({ "not": deep });
        }
        for (change, rule) in [
            (json!({"protocolVersion": 2}), "INIT-2"),
            (json!({"name": "yours"}), "INIT-3"),
            (json!({"version": ""}), "INIT-3"),
            (json!({"version": 3}), "CALL-7"),
            (json!({"capabilities": {"methods": ["compact"]}}), "COMPAT-4"),
            (long, "CONF-8"),
            (json!({ "configSchema": deep }), "CONF-8"),
            (with_size(&json!({"type": "nonsense", "description": "x"})), "CONF-8"),
            (with_size(&json!({"pattern": "(?=x)y", "description": "x"})), "CONF-8"),
            (json!({"configSchema": {"type": "array"}}), "CONF-8"),
            (with_size(&json!({"$ref": "https://example.org/s", "description": "x"})), "CONF-2"),
            (with_size(&json!({"type": "integer"})), "CONF-3"),
            (with_size(&json!({"description": "x", "x-caproni-change": "later"})), "CONF-4"),
        ] {
            assert_eq!(rules(&change), [rule], "{change}");
        }
    }
}
