//! A driver's config schema, told field by field in words for people.

use caproni_driver::ChangeCost;
use caproni_driver::config::{CHANGE, SENSITIVE, resolve};
use serde_json::{Map, Value};

/// How deep sections may lie in each other; a schema can refer to itself.
const DEEPEST: usize = 16;

/// How many fields are told, which is more than anyone reads: sections that refer to each
/// other are without end.
const MOST: usize = 1000;

/// How deep the words for one field go, such as `list of list of string`, and in how many
/// branches.
const DEEPEST_WORDS: usize = 4;
const MOST_BRANCHES: usize = 16;

/// One field of a driver's section.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Where it stands, such as `k3s.disable`, `mounts[].source` in a list, `nodes.*.role`
    /// in a map.
    pub path: String,
    /// What it takes, such as `integer` or `list of string`.
    pub takes: String,
    /// What it is when the user says nothing.
    pub default: Option<Value>,
    /// Whether the user must say something.
    pub required: bool,
    /// What a change of it takes on a cluster that exists.
    pub change: ChangeCost,
    /// Whether it is never shown.
    pub sensitive: bool,
    /// What it is.
    pub description: String,
    /// What its value must be besides, such as `at least 1`.
    pub limits: Vec<String>,
}

/// All fields of a schema, in its order, each section before what is in it.
pub fn fields(schema: &Value) -> Vec<Field> {
    let mut walk = Walk { root: schema, found: Vec::new() };
    let outer = Outer { path: "", change: ChangeCost::Recreate, sensitive: false, depth: 0 };
    walk.section(schema, &outer);
    walk.found
}

struct Walk<'a> {
    root: &'a Value,
    found: Vec<Field>,
}

/// What holds for everything in a section.
struct Outer<'a> {
    path: &'a str,
    change: ChangeCost,
    sensitive: bool,
    depth: usize,
}

impl<'a> Walk<'a> {
    fn section(&mut self, section: &'a Value, outer: &Outer<'_>) {
        let section = self.follow(section);
        let required = section.get("required").and_then(Value::as_array);
        for (key, raw) in properties(section).into_iter().flatten() {
            let is_required = required.is_some_and(|all| all.iter().any(|name| name == key));
            let path = match outer.path {
                "" => key.clone(),
                outer => format!("{outer}.{key}"),
            };
            self.field(path, raw, outer, is_required);
        }
    }

    fn field(&mut self, path: String, raw: &'a Value, outer: &Outer<'_>, required: bool) {
        if self.found.len() >= MOST {
            return;
        }
        let schema = self.follow(raw);
        // What stands beside a reference is nearer than what the reference leads to.
        let said = |key: &str| raw.get(key).or_else(|| schema.get(key));
        let change = said(CHANGE).and_then(|word| serde_json::from_value(word.clone()).ok());
        let change = change.unwrap_or_else(|| outer.change.clone());
        let sensitive = outer.sensitive || said(SENSITIVE) == Some(&Value::Bool(true));
        let text = said("description").or_else(|| said("title")).and_then(Value::as_str);
        let (inner, suffix) = self.inner_section(schema);
        self.found.push(Field {
            takes: self.takes(schema, DEEPEST_WORDS),
            default: said("default").filter(|default| !default.is_null()).cloned(),
            required,
            change: change.clone(),
            sensitive,
            description: text.unwrap_or_default().to_owned(),
            limits: self.limits(schema),
            path: path.clone(),
        });
        if let Some(inner) = inner.filter(|_| outer.depth < DEEPEST) {
            let path = &format!("{path}{suffix}");
            self.section(inner, &Outer { path, change, sensitive, depth: outer.depth + 1 });
        }
    }

    /// The section that a field is, or that each of its entries is.
    fn inner_section(&self, schema: &'a Value) -> (Option<&'a Value>, &'static str) {
        let is_section = |schema: &&Value| properties(schema).is_some();
        let below = |key: &str| schema.get(key).map(|inner| self.follow(inner)).filter(is_section);
        match (below("items"), below("additionalProperties")) {
            _ if is_section(&schema) => (Some(schema), ""),
            (Some(items), _) => (Some(items), "[]"),
            (None, Some(entries)) => (Some(entries), ".*"),
            (None, None) => (None, ""),
        }
    }

    /// Follows references, also those that some generators wrap into an `allOf`. Where a
    /// field takes one of several things, all of them are to be told.
    fn follow(&self, schema: &'a Value) -> &'a Value {
        let branches = schema.get("anyOf").and_then(Value::as_array);
        let is_null = |branch: &Value| branch.get("type").and_then(Value::as_str) == Some("null");
        if branches.is_some_and(|all| all.iter().filter(|branch| !is_null(branch)).count() > 1) {
            return schema;
        }
        let resolved = resolve(self.root, schema);
        match resolved.get("allOf").and_then(Value::as_array).map(Vec::as_slice) {
            Some([one]) => resolve(self.root, one),
            _ => resolved,
        }
    }

    fn takes(&self, schema: &'a Value, levels: usize) -> String {
        let Some(levels) = levels.checked_sub(1) else { return "any".into() };
        let of = |key: &str| schema.get(key).filter(|inner| inner.is_object());
        if properties(schema).is_some() {
            return "section".into();
        }
        let words: Vec<String> = match types(schema).as_slice() {
            [] => self.branches(schema, levels),
            types => types.iter().map(|name| (*name).to_owned()).collect(),
        };
        let words = words.into_iter().map(|word| match (word.as_str(), of("items")) {
            ("array", Some(items)) => format!("list of {}", self.takes(self.follow(items), levels)),
            ("array", None) => "list".into(),
            ("object", _) => match of("additionalProperties") {
                Some(entries) => format!("map of {}", self.takes(self.follow(entries), levels)),
                None => "map".into(),
            },
            _ => word,
        });
        let mut words: Vec<String> = words.collect();
        words.dedup();
        if words.is_empty() { "any".into() } else { words.join(" or ") }
    }

    /// What a schema takes that names no type itself.
    fn branches(&self, schema: &'a Value, levels: usize) -> Vec<String> {
        if let Some(values) = choices(schema) {
            return values.iter().map(type_of).collect();
        }
        let branches = ["anyOf", "oneOf"].iter().filter_map(|key| schema.get(key)?.as_array());
        let branches = branches.flatten().take(MOST_BRANCHES);
        branches.map(|branch| self.takes(self.follow(branch), levels)).collect()
    }

    fn limits(&self, schema: &'a Value) -> Vec<String> {
        let mut limits = limits_of(schema);
        if let Some(items) = schema.get("items").map(|items| self.follow(items)) {
            limits.extend(limits_of(items).into_iter().map(|limit| format!("each {limit}")));
        }
        limits
    }
}

fn properties(schema: &Value) -> Option<&Map<String, Value>> {
    schema.get("properties")?.as_object()
}

/// The names of a schema's types but for `null`, which says only that a field may be left out.
fn types(schema: &Value) -> Vec<&str> {
    let named = match schema.get("type") {
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        one => one.and_then(Value::as_str).into_iter().collect::<Vec<_>>(),
    };
    named.into_iter().filter(|name| *name != "null").collect()
}

fn type_of(value: &Value) -> String {
    let name = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "map",
    };
    name.to_owned()
}

/// The values of a field that takes one of several, however the schema says that.
fn choices(schema: &Value) -> Option<Vec<Value>> {
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return Some(values.iter().filter(|value| !value.is_null()).cloned().collect());
    }
    if let Some(only) = schema.get("const") {
        return Some(vec![only.clone()]);
    }
    let branches = schema.get("oneOf").or_else(|| schema.get("anyOf"))?.as_array()?;
    branches.iter().map(|branch| branch.get("const").cloned()).collect()
}

fn limits_of(schema: &Value) -> Vec<String> {
    let mut limits = Vec::new();
    if let Some(values) = choices(schema) {
        let values: Vec<String> = values.iter().map(quoted).collect();
        limits.push(format!("one of {}", values.join(", ")));
    }
    let number = |key: &str| schema.get(key).filter(|value| value.is_number());
    let numbers = [
        ("minimum", "at least ", ""),
        ("exclusiveMinimum", "more than ", ""),
        ("maximum", "at most ", ""),
        ("exclusiveMaximum", "less than ", ""),
        ("multipleOf", "a multiple of ", ""),
        ("minLength", "at least ", " long"),
        ("maxLength", "at most ", " long"),
        ("minItems", "at least ", " in number"),
        ("maxItems", "at most ", " in number"),
    ];
    let told = |(key, before, after)| Some(format!("{before}{}{after}", number(key)?));
    limits.extend(numbers.into_iter().filter_map(told));
    if let Some(pattern) = schema.get("pattern").and_then(Value::as_str) {
        limits.push(format!("matches `{pattern}`"));
    }
    if schema.get("deprecated") == Some(&Value::Bool(true)) {
        limits.push("deprecated".into());
    }
    limits
}

fn quoted(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{text}`"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(schema: &Value) -> Vec<String> {
        let line = |field: Field| {
            let secret = if field.sensitive { " secret" } else { "" };
            format!("{}: {}, {}{secret} {:?}", field.path, field.takes, field.change, field.limits)
        };
        fields(schema).into_iter().map(line).collect()
    }

    #[test]
    fn nested_fields_have_dots_and_take_over_what_holds_for_their_section() {
        let schema = json!({
            "properties": {
                "k3s": {"$ref": "#/$defs/K3s", "x-caproni-change": "restart"},
                "mounts": {"type": "array", "items": {"$ref": "#/$defs/Mount"}},
                "login": {"type": "object", "x-caproni-sensitive": true,
                    "additionalProperties": {"properties": {"password": {"type": "string"}}}},
            },
            "$defs": {
                "K3s": {"properties": {"args": {"type": "array", "items": {"type": "string"}}}},
                "Mount": {"properties": {"source": {"type": ["string", "null"]}}},
            },
        });
        assert_eq!(
            told(&schema),
            [
                "k3s: section, restart []",
                "k3s.args: list of string, restart []",
                "mounts: list of section, recreate []",
                "mounts[].source: string, recreate []",
                "login: map of section, recreate secret []",
                "login.*.password: string, recreate secret []",
            ]
        );
    }

    #[test]
    fn choices_and_limits_are_told_however_the_schema_says_them() {
        let schema = json!({"properties": {
            "a": {"enum": ["x", "y", null]},
            "b": {"oneOf": [{"const": "x"}, {"const": "y"}]},
            "c": {"anyOf": [{"type": "integer"}, {"type": "boolean"}]},
            "d": {"type": "integer", "minimum": 1, "maximum": 9},
            "e": {"type": "array", "items": {"type": "string", "pattern": "^a$"}, "minItems": 2},
            "f": {},
            "g": {"allOf": [{"$ref": "#/$defs/G"}]},
        }, "$defs": {"G": {"type": "string", "minLength": 8, "deprecated": true}}});
        assert_eq!(
            told(&schema),
            [
                "a: string, recreate [\"one of `x`, `y`\"]",
                "b: string, recreate [\"one of `x`, `y`\"]",
                "c: integer or boolean, recreate []",
                "d: integer, recreate [\"at least 1\", \"at most 9\"]",
                "e: list of string, recreate [\"at least 2 in number\", \"each matches `^a$`\"]",
                "f: any, recreate []",
                "g: string, recreate [\"at least 8 long\", \"deprecated\"]",
            ]
        );
    }

    #[test]
    fn a_schema_that_refers_to_itself_has_an_end() {
        let schema = json!({"$ref": "#/$defs/A", "$defs": {"A": {"properties": {
            "a": {"$ref": "#/$defs/A"},
        }}}});
        assert_eq!(fields(&schema).len(), DEEPEST + 1);
    }

    #[test]
    fn schemas_that_refer_to_each_other_in_many_ways_have_an_end_as_well() {
        let all = |value: &Value| {
            Value::Object((0..10).map(|i| (i.to_string(), value.clone())).collect())
        };
        let schema = json!({"properties": all(&json!({"$ref": "#"}))});
        assert_eq!(fields(&schema).len(), MOST);
        let schema = json!({"properties": {
            "a": {"$ref": "#/$defs/A"}, "b": {"$ref": "#/$defs/B"}, "c": {"$ref": "#/$defs/C"},
        }, "$defs": {
            "A": {"type": "array", "items": {"$ref": "#/$defs/A"}},
            "B": {"oneOf": [{"$ref": "#/$defs/B"}, {"$ref": "#/$defs/B"}]},
            "C": {"$ref": "#/$defs/C"},
        }});
        assert_eq!(told(&schema)[0], "a: list of list of list of list of any, recreate []");
        assert_eq!(told(&schema).len(), 3);
    }

    #[test]
    fn what_is_no_schema_has_no_fields() {
        for odd in [json!(true), json!({}), json!(null), json!({"properties": []})] {
            assert_eq!(fields(&odd), []);
        }
    }
}
