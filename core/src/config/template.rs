//! A new config file, in which every field stands as a comment.

use caproni_driver::ChangeCost;
use serde_json::Value;

use super::fields::{Field, fields};

/// How wide a line of words is, in characters.
const WIDTH: usize = 80;

/// How the file begins.
const HEAD: &str = "\
# The cluster that `caproni start` makes. A field that is left out has the value that stands
# here; take the `#` before it away to change it. `caproni config validate` checks this file,
# `caproni config show` tells what it comes to.
version: 2

cluster:
";

/// Writes a config file for a driver, by the fields of its schema: `named` is what
/// `cluster.driver` says, `driver` whose section it is.
///
/// A field is a comment without a space after its `#`, so that taking the `#` away is all there
/// is to do; a field that must be given is none.
pub fn template(named: &str, driver: &str, schema: &Value) -> String {
    let mut text = HEAD.to_owned();
    if named != driver {
        text += &format!("  # It becomes `{driver}` on this platform.\n");
    }
    text += &format!("  driver: {named}\n\n  {driver}:");
    let all = fields(schema);
    let lines = Lines { all: &all, out: String::new() }.section("", 0, true);
    match lines.as_str() {
        "" => text + " {}\n",
        lines => format!("{text}\n{lines}"),
    }
}

struct Lines<'a> {
    all: &'a [Field],
    out: String,
}

impl<'a> Lines<'a> {
    /// The fields of a section, so many levels deep in the driver's.
    fn section(mut self, prefix: &str, depth: usize, is_active: bool) -> String {
        let fields: Vec<&Field> = self.all.iter().filter(|field| is_in(field, prefix)).collect();
        for (index, field) in fields.iter().enumerate() {
            if depth == 0 && index > 0 {
                self.out.push('\n');
            }
            let is_given = is_active && must_be_given(field);
            let inner = self.inner(field);
            // A section that is taken up with a part left out is none: it is all or nothing.
            let is_whole = is_given || !inner.iter().any(|inner| must_be_given(inner));
            let names = if is_whole { Vec::new() } else { inner };
            for line in words(field, &names, WIDTH.saturating_sub(8 + 2 * depth)) {
                // Words before a field that counts are a comment, and not a comment's comment.
                self.line(depth, is_active, &format!("# {line}"));
            }
            let name = &field.path[prefix.len()..];
            let is_section = is_whole && !self.inner(field).is_empty();
            let value = if is_section { String::new() } else { value(field, is_given) };
            self.line(depth, is_given, format!("{}: {value}", key(name)).trim_end());
            if is_section {
                let lines = Lines { all: self.all, out: String::new() };
                let inner = format!("{}.", field.path);
                self.out += &lines.section(&inner, depth + 1, is_given);
            }
        }
        self.out
    }

    fn inner(&self, field: &Field) -> Vec<&'a Field> {
        let prefix = format!("{}.", field.path);
        self.all.iter().filter(|other| is_in(other, &prefix)).collect()
    }

    fn line(&mut self, depth: usize, is_active: bool, text: &str) {
        let space = "  ".repeat(depth);
        self.out += &match is_active {
            true => format!("    {space}{text}\n"),
            false => format!("    #{space}{text}\n"),
        };
    }
}

/// Tells whether a field is one of a section's own: not one of a section in it, nor of the
/// entries of a list or map, whose number nobody knows.
fn is_in(field: &Field, prefix: &str) -> bool {
    let rest = field.path.strip_prefix(prefix);
    rest.is_some_and(|rest| !rest.contains('.') && !rest.contains("[]"))
}

fn must_be_given(field: &Field) -> bool {
    field.required && field.default.is_none()
}

fn key(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
    match begins && name.chars().all(is_plain) {
        true => name.to_owned(),
        false => Value::String(name.to_owned()).to_string(),
    }
}

/// JSON is YAML; `${` alone would be a variable.
fn value(field: &Field, is_given: bool) -> String {
    match &field.default {
        Some(default) => default.to_string().replace("${", "$${"),
        None if is_given => sample(&field.takes).to_owned(),
        None => String::new(),
    }
}

/// What may do for a field that must be given; its driver's author knows better.
fn sample(takes: &str) -> &'static str {
    match takes {
        "integer" | "number" => "1",
        "boolean" => "true",
        "section" | "map" => "{}",
        list if list.starts_with("list") => "[]",
        map if map.starts_with("map") => "{}",
        _ => "\"\"",
    }
}

fn words(field: &Field, inner: &[&Field], width: usize) -> Vec<String> {
    let mut told = vec![field.description.trim_end_matches('.').to_owned()];
    told.retain(|text| !text.is_empty());
    told.push(field.takes.clone());
    // A pattern is for programs; what it means is in the description.
    told.extend(field.limits.iter().filter(|limit| !limit.contains("matches `")).cloned());
    let last = |field: &&Field| field.path.rsplit('.').next().unwrap_or_default().to_owned();
    let names: Vec<String> = inner.iter().map(last).collect();
    told.extend((!names.is_empty()).then(|| format!("its fields are {}", names.join(", "))));
    told.extend(field.required.then(|| "must be given".to_owned()));
    told.extend(field.sensitive.then(|| "kept secret".to_owned()));
    told.push(match field.change {
        ChangeCost::Live => "can be changed while the cluster runs".into(),
        ChangeCost::Restart => "a change needs `caproni restart`".into(),
        _ => "a change needs a new cluster".into(),
    });
    let text = told.join("; ");
    let mut lines = vec![String::new()];
    for word in crate::ui::clean(&text).split_whitespace() {
        let last = lines.len() - 1;
        if lines[last].is_empty() {
            lines[last] = word.to_owned();
        } else if lines[last].chars().count() + 1 + word.chars().count() <= width {
            lines[last] += &format!(" {word}");
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::yaml::parse;
    use super::*;
    use serde_json::json;

    fn schema() -> Value {
        json!({"required": ["name"], "properties": {
            "name": {"type": "string", "description": "What it is called"},
            "servers": {"type": "integer", "default": 1, "minimum": 1, "x-caproni-change": "restart"},
            "image": {"type": "string", "default": "a:${b}"},
            "parts": {"description": "What runs besides.", "properties": {
                "out": {"type": "array", "items": {"type": "string"}, "default": []},
                "deep": {"properties": {"x": {"type": "boolean"}}},
                "whole": {"required": ["a"], "properties": {"a": {}, "b": {}}},
            }},
            "mounts": {"type": "array", "items": {"properties": {"source": {}}}},
        }})
    }

    #[test]
    fn a_field_is_a_comment_but_for_one_that_must_be_given() {
        let text = template("mine", "mine", &schema());
        let (_, section) = text.split_once("  mine:\n").unwrap();
        assert_eq!(
            section,
            r##"    # What it is called; string; must be given; a change needs a new cluster
    name: ""

    # integer; at least 1; a change needs `caproni restart`
    #servers: 1

    # string; a change needs a new cluster
    #image: "a:$${b}"

    # What runs besides; section; a change needs a new cluster
    #parts:
    #  # list of string; a change needs a new cluster
    #  out: []
    #  # section; a change needs a new cluster
    #  deep:
    #    # boolean; a change needs a new cluster
    #    x:
    #  # section; its fields are a, b; a change needs a new cluster
    #  whole:

    # list of section; a change needs a new cluster
    #mounts:
"##
        );
    }

    #[test]
    fn it_is_yaml_with_what_must_be_given() {
        let text = template("auto", "mine", &schema());
        let document = parse(&text).unwrap().to_json();
        assert_eq!(
            document,
            json!({"version": 2, "cluster": {"driver": "auto", "mine": {"name": ""}}})
        );
    }

    #[test]
    fn a_driver_without_fields_has_an_empty_section() {
        assert!(template("a", "a", &json!({})).ends_with("  driver: a\n\n  a: {}\n"));
    }
}
