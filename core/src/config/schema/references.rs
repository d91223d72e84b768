//! Where a schema's references lead: within the schema, and to an end.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::Fault;

/// In how many ways one value may be looked at, by schemas that apply to the same value.
const MAX_WAYS: u64 = 10_000;

/// How many schemas may lead on to each other for one value.
const MAX_STEPS: usize = 200;

/// Keywords by what stands under them.
struct Keywords {
    /// A schema.
    schemas: &'static [&'static str],
    /// A list of schemas.
    lists: &'static [&'static str],
    /// A schema under each of its names.
    maps: &'static [&'static str],
}

const ALL: Keywords = Keywords {
    schemas: &[
        "items",
        "contains",
        "additionalProperties",
        "propertyNames",
        "unevaluatedItems",
        "unevaluatedProperties",
        "contentSchema",
        "not",
        "if",
        "then",
        "else",
    ],
    lists: &["allOf", "anyOf", "oneOf", "prefixItems"],
    maps: &["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"],
};

/// Those whose schemas apply to the very value that the outer one applies to.
const IN_PLACE: Keywords = Keywords {
    schemas: &["not", "if", "then", "else"],
    lists: &["allOf", "anyOf", "oneOf"],
    maps: &["dependentSchemas"],
};

/// Keywords that refer to another schema.
const REFERENCES: [&str; 2] = ["$ref", "$dynamicRef"];

/// Finds references that lead out of the schema, or round in a circle.
///
/// # Errors
/// `CONF-2` for the former, `CONF-8` for the latter.
pub(super) fn check(root: &Value) -> Result<(), Fault> {
    let (mut references, schemas) = References::read(root)?;
    for schema in schemas {
        references.count(schema, 0)?;
    }
    Ok(())
}

/// Where the references of a schema lead.
pub(super) struct References<'a> {
    root: &'a Value,
    /// Schemas that are referred to by a name of their own; one name may be given twice.
    anchors: HashMap<&'a str, Vec<&'a Value>>,
    /// What was counted of each schema; `None` while it is being counted.
    counted: HashMap<*const Value, Option<Counted>>,
}

/// How much work it is to look at one value with a schema.
#[derive(Clone, Copy)]
struct Counted {
    /// How many schemas apply to it, each as often as it does.
    ways: u64,
    /// How many of them lead on to each other, at most.
    steps: usize,
}

impl<'a> References<'a> {
    /// Those of a schema.
    ///
    /// # Errors
    /// `CONF-2` where one leads out of it.
    pub(super) fn of(root: &'a Value) -> Result<Self, Fault> {
        Self::read(root).map(|(references, _)| references)
    }

    fn read(root: &'a Value) -> Result<(Self, Vec<&'a Value>), Fault> {
        let mut references = Self { root, anchors: HashMap::new(), counted: HashMap::new() };
        let schemas = references.all_schemas()?;
        Ok((references, schemas))
    }

    /// Every schema there is, and those that are only referred to.
    fn all_schemas(&mut self) -> Result<Vec<&'a Value>, Fault> {
        let mut found: Vec<&'a Value> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        let mut left = vec![self.root];
        while let Some(schema) = left.pop() {
            let Some(keywords) =
                schema.as_object().filter(|_| seen.insert(std::ptr::from_ref(schema)))
            else {
                continue;
            };
            found.push(schema);
            for name in ["$anchor", "$dynamicAnchor"] {
                let name = keywords.get(name).and_then(Value::as_str);
                name.into_iter()
                    .for_each(|name| self.anchors.entry(name).or_default().push(schema));
            }
            if !std::ptr::eq(schema, self.root) && keywords.get("$id").is_some_and(Value::is_string)
            {
                let what = "has an `$id` in the midst of it, so that references lead elsewhere";
                return Err(Fault::new("CONF-2", what));
            }
            left.extend(inner(keywords, &ALL));
            for reference in references_of(keywords) {
                left.extend(self.by_pointer(reference)?);
            }
        }
        Ok(found)
    }

    /// What a reference such as `#/$defs/a` leads to; nothing for one by name, such as `#a`.
    fn by_pointer(&self, reference: &str) -> Result<Option<&'a Value>, Fault> {
        let leads_out =
            || Fault::new("CONF-2", format!("refers to `{reference}`, which is not in it"));
        let pointer = reference.strip_prefix('#').ok_or_else(leads_out)?;
        if !pointer.is_empty() && !pointer.starts_with('/') {
            return Ok(None);
        }
        self.root.pointer(&decoded(pointer)).map(Some).ok_or_else(leads_out)
    }

    /// Counts the work of a schema that was reached in so many steps.
    fn count(&mut self, schema: &'a Value, steps_before: usize) -> Result<Counted, Fault> {
        let at = std::ptr::from_ref(schema);
        match self.counted.get(&at) {
            Some(Some(counted)) => return Ok(*counted),
            Some(None) => return Err(Fault::new("CONF-8", "refers to itself without end")),
            None => {}
        }
        self.counted.insert(at, None);
        let mut counted = Counted { ways: 1, steps: 0 };
        // Too many steps are told below, by what leads to here.
        let next = if steps_before > MAX_STEPS { Vec::new() } else { self.in_place(schema)? };
        for next in next {
            let next = self.count(next, steps_before + 1)?;
            counted.ways = counted.ways.saturating_add(next.ways);
            counted.steps = counted.steps.max(next.steps + 1);
        }
        let too_much = match counted {
            Counted { steps, .. } if steps > MAX_STEPS => {
                "leads on from one schema to the next without end"
            }
            Counted { ways, .. } if ways > MAX_WAYS => "looks at one value in too many ways",
            counted => {
                self.counted.insert(at, Some(counted));
                return Ok(counted);
            }
        };
        Err(Fault::new("CONF-8", too_much))
    }

    /// The schemas that apply to the same value as this one.
    pub(super) fn in_place(&self, schema: &'a Value) -> Result<Vec<&'a Value>, Fault> {
        let Some(keywords) = schema.as_object() else { return Ok(Vec::new()) };
        let mut next = inner(keywords, &IN_PLACE);
        for reference in references_of(keywords) {
            match self.by_pointer(reference)? {
                Some(target) => next.push(target),
                None => next.extend(self.anchors.get(&reference[1..]).into_iter().flatten()),
            }
        }
        Ok(next)
    }
}

fn references_of(keywords: &Map<String, Value>) -> impl Iterator<Item = &str> {
    REFERENCES.iter().filter_map(|keyword| keywords.get(*keyword)?.as_str())
}

/// The schemas under some keywords. What is of another type is no schema.
fn inner<'a>(schema: &'a Map<String, Value>, keywords: &Keywords) -> Vec<&'a Value> {
    // A schema has few fields, and there are many keywords to look for.
    let mut found = Vec::new();
    for (name, value) in schema {
        let is_one_of = |names: &[&str]| names.contains(&name.as_str());
        match value {
            value if is_one_of(keywords.schemas) => found.push(value),
            Value::Array(items) if is_one_of(keywords.lists) => found.extend(items),
            Value::Object(fields) if is_one_of(keywords.maps) => found.extend(fields.values()),
            _ => {}
        }
    }
    found
}

/// A pointer without the `%` codes for what a URI cannot hold.
fn decoded(pointer: &str) -> String {
    let mut parts = pointer.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let code = part.get(..2).and_then(|code| u8::from_str_radix(code, 16).ok());
        bytes.push(code.unwrap_or(b'%'));
        bytes.extend_from_slice(if code.is_some() {
            &part.as_bytes()[2..]
        } else {
            part.as_bytes()
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fault(schema: &Value) -> String {
        let fault = check(schema).unwrap_err();
        format!("{}: {}", fault.rule, fault.what)
    }

    #[test]
    fn references_within_the_schema_are_taken() {
        for schema in [
            json!({"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {}}}),
            json!({"properties": {"a": {"$ref": "#/$defs/a%20b~1%7E0c"}}, "$defs": {"a b/~c": {}}}),
            json!({"properties": {"a": {"$ref": "#named"}, "b": {"$anchor": "named"}}}),
            // A tree: each step is one level down in the config.
            json!({"properties": {"children": {"type": "array", "items": {"$ref": "#"}}}}),
            json!({"$id": "urn:mine", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {}}}),
        ] {
            assert_eq!(check(&schema), Ok(()), "{schema}");
        }
    }

    #[test]
    fn references_out_of_the_schema_are_refused() {
        for reference in
            ["https://example.org/a", "file:///etc/passwd", "a.json", "#/$defs/B", "//a"]
        {
            let schema =
                json!({"properties": {"a": {"items": {"$ref": reference}}}, "$defs": {"A": {}}});
            assert_eq!(
                fault(&schema),
                format!("CONF-2: refers to `{reference}`, which is not in it")
            );
        }
        let inner = json!({"properties": {"a": {"$id": "https://example.org/a"}}});
        assert!(fault(&inner).starts_with("CONF-2: has an `$id`"));
    }

    #[test]
    fn what_only_looks_like_a_reference_is_none() {
        let schema = json!({"properties": {
            "$ref": {"type": "string"},
            "a": {"default": {"$ref": "https://example.org/a"}, "enum": [{"$ref": "b"}]},
        }});
        assert_eq!(check(&schema), Ok(()));
    }

    #[test]
    fn circles_that_no_value_ends_are_refused() {
        for schema in [
            json!({"$ref": "#"}),
            json!({"allOf": [{"anyOf": [{"$ref": "#"}]}]}),
            json!({"properties": {"a": {"$ref": "#/$defs/A"}},
                "$defs": {"A": {"$ref": "#/$defs/B"}, "B": {"not": {"$ref": "#/$defs/A"}}}}),
            json!({"properties": {"a": {"$anchor": "me", "if": {"$ref": "#me"}}}}),
            json!({"properties": {"a": {"$dynamicAnchor": "me", "else": {"$dynamicRef": "#me"}}}}),
            json!({"properties": {"a": {"$ref": "#/x/y"}}, "x": {"y": {"$ref": "#/x/y"}}}),
        ] {
            assert_eq!(fault(&schema), "CONF-8: refers to itself without end", "{schema}");
        }
    }

    #[test]
    fn a_few_references_that_are_a_billion_are_refused() {
        let twice = |index| json!({"allOf": [{"$ref": format!("#/$defs/{index}")}, {"$ref": format!("#/$defs/{index}")}]});
        let mut definitions: Map<_, _> =
            (0..40).map(|index| (index.to_string(), twice(index + 1))).collect();
        definitions.insert("40".into(), json!({}));
        let schema = json!({"properties": {"a": {"$ref": "#/$defs/0"}}, "$defs": definitions});
        assert_eq!(fault(&schema), "CONF-8: looks at one value in too many ways");
    }

    #[test]
    fn a_chain_for_one_value_has_an_end() {
        let chain = |length: usize| {
            let next = |index: usize| json!({"$ref": format!("#/$defs/{}", index + 1)});
            let mut definitions: Map<_, _> =
                (0..length).map(|index| (index.to_string(), next(index))).collect();
            definitions.insert(length.to_string(), json!({}));
            json!({"properties": {"a": {"$ref": "#/$defs/0"}}, "$defs": definitions})
        };
        assert_eq!(check(&chain(MAX_STEPS - 1)), Ok(()));
        assert_eq!(
            fault(&chain(MAX_STEPS)),
            "CONF-8: leads on from one schema to the next without end"
        );
        assert!(fault(&chain(4000)).starts_with("CONF-8: leads on"));
    }
}
