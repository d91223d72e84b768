//! What of a config does not fit its schema, in words.

use boon::{ErrorKind, InstanceToken, ValidationError};
use serde_json::Value;

/// One rule that one value breaks.
pub(super) struct Misfit<'a> {
    /// The fields and indexes that lead to the value.
    pub(super) path: Vec<String>,
    value: &'a Value,
    rule: Rule<'a>,
}

enum Rule<'a> {
    /// It is not known to the schema.
    Unknown,
    /// It is the field's name that breaks it.
    Name(&'a str, &'a ErrorKind<'a, 'a>),
    Other(&'a ErrorKind<'a, 'a>),
}

/// All that does not fit, without those that only say that something within them does not.
pub(super) fn all<'a>(
    config: &'a Value,
    error: &'a ValidationError<'a, 'a>,
) -> impl Iterator<Item = Misfit<'a>> {
    sharpest(error).into_iter().flat_map(move |error| misfits(config, error))
}

/// Of a value that fits none of several schemas, the one misfit that tells most: the
/// deepest one. An optional section is "itself or null", and nobody meant null.
fn sharpest<'a>(error: &'a ValidationError<'a, 'a>) -> Vec<&'a ValidationError<'a, 'a>> {
    let within = || error.causes.iter().flat_map(sharpest);
    match error.kind {
        ErrorKind::Schema { .. }
        | ErrorKind::Group
        | ErrorKind::Reference { .. }
        | ErrorKind::AllOf => within().collect(),
        ErrorKind::AnyOf | ErrorKind::OneOf(None) => {
            let depth = |error: &ValidationError<'_, '_>| error.instance_location.tokens.len();
            let deepest = within().max_by_key(|inner| depth(inner));
            vec![deepest.filter(|inner| depth(inner) > depth(error)).unwrap_or(error)]
        }
        _ => vec![error],
    }
}

fn misfits<'a>(config: &'a Value, error: &'a ValidationError<'a, 'a>) -> Vec<Misfit<'a>> {
    let path: Vec<String> = error.instance_location.tokens.iter().map(step).collect();
    let value = error.instance_location.tokens.iter().fold(config, at);
    let of_field = |name: &str| path.iter().cloned().chain([name.to_owned()]).collect();
    match &error.kind {
        ErrorKind::AdditionalProperties { got } => got
            .iter()
            .map(|name| Misfit {
                path: of_field(name),
                value: &value[&**name],
                rule: Rule::Unknown,
            })
            .collect(),
        ErrorKind::PropertyName { prop } => {
            // Where it stands is not told.
            let path = with_field(config, prop).unwrap_or_default();
            let why = error.causes.iter().flat_map(sharpest).next().unwrap_or(error);
            vec![Misfit { path, value, rule: Rule::Name(prop, &why.kind) }]
        }
        kind => vec![Misfit { path, value, rule: Rule::Other(kind) }],
    }
}

/// The path of the first field of that name.
fn with_field(value: &Value, name: &str) -> Option<Vec<String>> {
    let within = |step: &str, inner: &Value| {
        let path = with_field(inner, name)?;
        Some([step.to_owned()].into_iter().chain(path).collect())
    };
    match value {
        Value::Object(fields) if fields.contains_key(name) => Some(vec![name.to_owned()]),
        Value::Object(fields) => fields.iter().find_map(|(step, inner)| within(step, inner)),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(index, inner)| within(&index.to_string(), inner))
        }
        _ => None,
    }
}

fn step(token: &InstanceToken<'_>) -> String {
    match token {
        InstanceToken::Prop(name) => name.to_string(),
        InstanceToken::Item(index) => index.to_string(),
    }
}

fn at<'a>(value: &'a Value, token: &InstanceToken<'_>) -> &'a Value {
    match token {
        InstanceToken::Prop(name) => &value[name.as_ref()],
        InstanceToken::Item(index) => &value[*index],
    }
}

impl Misfit<'_> {
    /// What is wrong, as in "3 is not of type "string"". Of a value that is hidden nothing is told.
    pub(super) fn what(&self, hidden: bool) -> String {
        match self.rule {
            Rule::Unknown | Rule::Other(ErrorKind::FalseSchema) => "is not allowed here".into(),
            Rule::Other(ErrorKind::Required { want }) => match want.as_slice() {
                [name] => format!("the field `{name}` is missing"),
                names => format!("the fields `{}` are missing", names.join("`, `")),
            },
            Rule::Name(_, kind) if hidden => sentence("the name", kind, hidden),
            Rule::Name(name, kind) => sentence(&format!("the name {name:?}"), kind, hidden),
            Rule::Other(kind) if hidden => sentence("(hidden)", kind, hidden),
            Rule::Other(kind) => sentence(&brief(self.value), kind, hidden),
        }
    }
}

fn sentence(value: &str, kind: &ErrorKind<'_, '_>, hidden: bool) -> String {
    match (predicate(kind), kind) {
        (Some(predicate), ErrorKind::Format { err, .. }) if !hidden => {
            format!("{value} {predicate}: {}", last_line(&err.to_string()))
        }
        (Some(predicate), _) => format!("{value} {predicate}"),
        // The words of the others may hold the value.
        (None, _) if hidden => format!("{value} is not valid"),
        (None, _) => format!("{value} is not valid: {kind}"),
    }
}

/// The one that says what is wrong, where a pattern stands in the lines before it.
pub(super) fn last_line(error: &str) -> &str {
    error.lines().last().unwrap_or_default().trim_start_matches("error: ")
}

/// What is said of a value that breaks a rule; nothing of rules that hardly anyone makes.
fn predicate(kind: &ErrorKind<'_, '_>) -> Option<String> {
    Some(match kind {
        ErrorKind::Type { want, .. } => {
            let types: Vec<String> = want.iter().map(|it| format!("\"{it}\"")).collect();
            format!("is not of type {}", types.join(" or "))
        }
        ErrorKind::Enum { want } => {
            let known: Vec<String> = want.iter().map(Value::to_string).collect();
            format!("is not one of {}", known.join(", "))
        }
        ErrorKind::Const { want } => format!("is not {want}"),
        ErrorKind::Minimum { want, .. } => format!("is less than the minimum of {want}"),
        ErrorKind::Maximum { want, .. } => format!("is greater than the maximum of {want}"),
        ErrorKind::ExclusiveMinimum { want, .. } => format!("is not greater than {want}"),
        ErrorKind::ExclusiveMaximum { want, .. } => format!("is not less than {want}"),
        ErrorKind::MultipleOf { want, .. } => format!("is not a multiple of {want}"),
        ErrorKind::MinLength { want, .. } => {
            format!("is shorter than {}", many(*want, "character"))
        }
        ErrorKind::MaxLength { want, .. } => format!("is longer than {}", many(*want, "character")),
        ErrorKind::MinItems { want, .. } => format!("has less than {}", many(*want, "item")),
        ErrorKind::MaxItems { want, .. } => format!("has more than {}", many(*want, "item")),
        ErrorKind::MinProperties { want, .. } => format!("has less than {}", many(*want, "field")),
        ErrorKind::MaxProperties { want, .. } => format!("has more than {}", many(*want, "field")),
        ErrorKind::UniqueItems { got: [one, other] } => {
            format!("has the same item twice, as {one} and as {other}")
        }
        ErrorKind::Pattern { want, .. } => format!("does not match \"{want}\""),
        ErrorKind::Format { want, .. } => format!("is not a valid {want}"),
        ErrorKind::AnyOf | ErrorKind::OneOf(None) => "is none of what it may be".into(),
        ErrorKind::OneOf(Some(_)) => "is more than one of what it may be".into(),
        ErrorKind::Not => "is what it must not be".into(),
        _ => return None,
    })
}

fn many(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// A value as it stands in the config. What holds others is named only: it may hold a secret.
fn brief(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "a section".into(),
        scalar => scalar.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::schema::with_compiled;
    use super::*;

    fn said(schema: &Value, value: &Value, hidden: bool) -> Vec<String> {
        let config = json!({ "a": value });
        let schema = json!({"type": "object", "properties": {"a": schema}});
        let told = with_compiled(&schema, move |compiled| {
            let error = compiled.misfits(&config)?.expect("it does not fit");
            let told = |it: Misfit<'_>| format!("{}: {}", it.path.join("."), it.what(hidden));
            Ok(all(&config, &error).map(told).collect())
        });
        told.expect("a schema")
    }

    #[test]
    fn each_rule_is_told_in_words_and_never_with_a_value_that_is_hidden() {
        for (schema, value, words) in [
            (
                json!({"type": ["string", "null"]}),
                json!(3),
                "is not of type \"null\" or \"string\"",
            ),
            (json!({"enum": ["x", 1]}), json!("y"), "is not one of \"x\", 1"),
            (json!({"const": "x"}), json!("y"), "is not \"x\""),
            (json!({"minimum": 5}), json!(3), "is less than the minimum of 5"),
            (json!({"maximum": 1.5}), json!(3), "is greater than the maximum of 1.5"),
            (json!({"exclusiveMinimum": 3}), json!(3), "is not greater than 3"),
            (json!({"exclusiveMaximum": 3}), json!(3), "is not less than 3"),
            (json!({"multipleOf": 2}), json!(3), "is not a multiple of 2"),
            (json!({"minLength": 1}), json!(""), "is shorter than 1 character"),
            (json!({"maxLength": 2}), json!("long"), "is longer than 2 characters"),
            (json!({"pattern": "^a+$"}), json!("b"), "does not match \"^a+$\""),
            (json!({"anyOf": [{"const": 1}, {"const": 2}]}), json!(3), "is none of what it may be"),
            (json!({"oneOf": [{"const": 1}, {"const": 2}]}), json!(3), "is none of what it may be"),
            (json!({"oneOf": [true, true]}), json!(3), "is more than one of what it may be"),
            (json!({"not": {}}), json!(3), "is what it must not be"),
        ] {
            assert_eq!(said(&schema, &value, false), [format!("a: {value} {words}")]);
            assert_eq!(said(&schema, &value, true), [format!("a: (hidden) {words}")]);
        }
    }

    #[test]
    fn what_holds_others_is_not_shown() {
        for (schema, value, words) in [
            (
                json!({"type": "string"}),
                json!({"b": "hunter2"}),
                "a section is not of type \"string\"",
            ),
            (json!({"type": "string"}), json!(["hunter2"]), "a list is not of type \"string\""),
            (json!({"minItems": 2}), json!(["hunter2"]), "a list has less than 2 items"),
            (json!({"maxItems": 1}), json!([1, 2]), "a list has more than 1 item"),
            (
                json!({"uniqueItems": true}),
                json!([1, 2, 1]),
                "a list has the same item twice, as 0 and as 2",
            ),
            (json!({"minProperties": 1}), json!({}), "a section has less than 1 field"),
            (
                json!({"maxProperties": 1}),
                json!({"b": 1, "c": 2}),
                "a section has more than 1 field",
            ),
            (json!({"required": ["b"]}), json!({}), "the field `b` is missing"),
            (json!({"required": ["b", "c"]}), json!({}), "the fields `b`, `c` are missing"),
            (
                json!({"contains": {"const": 1}}),
                json!([2]),
                "a list is not valid: no items match contains schema",
            ),
        ] {
            assert_eq!(said(&schema, &value, false), [format!("a: {words}")]);
        }
    }

    #[test]
    fn a_field_that_must_not_be_there_is_the_one_that_is_told() {
        let closed = [
            json!({"allOf": [{"properties": {"b": {}}, "additionalProperties": false}]}),
            json!({"properties": {"b": {}}, "unevaluatedProperties": false}),
            json!({"properties": {"c/d": false}}),
        ];
        for schema in closed {
            let told = said(&schema, &json!({"b": 1, "c/d": 2}), false);
            assert_eq!(told, ["a.c/d: is not allowed here"], "{schema}");
        }
        let names = json!({"propertyNames": {"pattern": "^[a-z]+$"}});
        let told = |hidden| said(&names, &json!({"hunter2": 1}), hidden);
        assert_eq!(told(false), ["a.hunter2: the name \"hunter2\" does not match \"^[a-z]+$\""]);
        assert_eq!(told(true), ["a.hunter2: the name does not match \"^[a-z]+$\""]);
    }

    #[test]
    fn of_several_schemas_the_deepest_misfit_is_told() {
        let schema = json!({"anyOf": [
            {"type": "null"},
            {"properties": {"b": {"oneOf": [{"type": "string"}, {"items": {"minimum": 1}}]}}},
        ]});
        assert_eq!(
            said(&schema, &json!({"b": [0]}), false),
            ["a.b.0: 0 is less than the minimum of 1"]
        );
    }
}
