//! Whether a driver's config schema is one that the host can use: [CONF-2] and [CONF-8].
//!
//! A schema comes from a program that anyone may have written, and is used before the user
//! has agreed to anything. So it is measured before it is compiled, its patterns match in
//! linear time, and it leads nowhere outside of itself nor round in a circle.

mod references;
mod visits;

use std::time::Duration;

use boon::{CompileError, Compiler, Draft, SchemaIndex, Schemas, ValidationError};
use serde_json::Value;

use super::misfit;

/// The longest schema, in bytes.
const MAX_LENGTH: usize = 256 * 1024;

/// The deepest one, in levels.
const MAX_DEPTH: usize = 64;

/// How long a config may take to be checked: a schema can be small, and ask for more
/// than any machine can do.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where a schema is said to be, for references to begin from; nothing is there.
const PLACE: &str = "caproni:///schema";

/// For the checks, which follow references: a small schema can be a long chain of them.
const STACK: usize = 256 * 1024 * 1024;

/// The rule of the protocol that a schema breaks, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The rule's id.
    pub(crate) rule: &'static str,
    /// What is wrong, as in "the schema …".
    pub(crate) what: String,
}

impl Fault {
    fn new(rule: &'static str, what: impl Into<String>) -> Self {
        Self { rule, what: what.into() }
    }
}

/// Why nothing can be checked with a schema.
#[derive(Debug)]
pub(super) enum Unusable {
    /// It is the schema's fault.
    Schema(Fault),
    /// It is this machine's, which has no thread left.
    Machine(std::io::Error),
}

impl From<Fault> for Unusable {
    fn from(fault: Fault) -> Self {
        Self::Schema(fault)
    }
}

/// Tells whether the host can use a schema; in bounded time, whatever it is.
///
/// # Errors
/// The first rule that it breaks.
pub(crate) fn check(schema: &Value) -> Result<(), Fault> {
    with_compiled(schema, |_| Ok(())).map_err(|unusable| match unusable {
        Unusable::Schema(fault) => fault,
        Unusable::Machine(error) => Fault::new("CONF-8", format!("cannot be checked: {error}")),
    })
}

/// Checks something with a compiled schema, in bounded time.
///
/// # Errors
/// The first rule that the schema breaks, or that there is no thread to do it in.
pub(super) fn with_compiled<T: Send + 'static>(
    schema: &Value,
    check: impl FnOnce(&Compiled) -> Result<T, Fault> + Send + 'static,
) -> Result<T, Unusable> {
    measure(schema)?;
    let schema = schema.clone();
    in_time(PATIENCE, move || compile(schema).and_then(|compiled| check(&compiled)))
}

/// Tells whether a config fits a schema; none fits one that is not valid itself.
pub(crate) fn fits(schema: &Value, config: &Value) -> bool {
    let config = config.clone();
    let check = move |compiled: &Compiled| Ok(compiled.misfits(&config)?.is_none());
    with_compiled(schema, check).unwrap_or(false)
}

/// A schema that configs can be checked with.
pub(super) struct Compiled {
    schema: Value,
    schemas: Schemas,
    root: SchemaIndex,
}

impl Compiled {
    /// The schema that it is made of, without what leads elsewhere.
    pub(super) fn schema(&self) -> &Value {
        &self.schema
    }

    /// Tells all of a config that does not fit.
    ///
    /// # Errors
    /// `CONF-8` where the schema makes more work of it than can be done.
    pub(super) fn misfits<'a>(
        &'a self,
        config: &'a Value,
    ) -> Result<Option<ValidationError<'a, 'a>>, Fault> {
        visits::check(&self.schema, config)?;
        Ok(self.schemas.validate(config, self.root).err())
    }
}

/// What must hold before anything walks through the schema: its size, and where its
/// references lead.
///
/// # Errors
/// The first rule that it breaks.
pub(super) fn measure(schema: &Value) -> Result<(), Fault> {
    if is_deeper(schema, MAX_DEPTH) {
        return Err(Fault::new("CONF-8", format!("is nested more than {MAX_DEPTH} levels deep")));
    }
    check_length(schema)?;
    if !schema.is_object() || schema.get("type").is_some_and(|kind| kind != "object") {
        return Err(Fault::new("CONF-8", "is not one of an object"));
    }
    references::check(schema)
}

fn check_length(schema: &Value) -> Result<(), Fault> {
    if longest_text(schema) <= MAX_LENGTH {
        return Ok(());
    }
    let length = schema.to_string().len();
    if length <= MAX_LENGTH {
        return Ok(());
    }
    let what = format!("is {length} bytes long, and {MAX_LENGTH} are allowed");
    Err(Fault::new("CONF-8", what))
}

/// How long the text of a value is at most, in bytes: sooner told than how long it is, and short
/// enough for nearly all.
fn longest_text(value: &Value) -> usize {
    // Quotes, and six bytes for each that has to be escaped.
    let quoted = |text: &str| 2 + 6 * text.len();
    match value {
        Value::Null | Value::Bool(_) => 5,
        // The longest number of 64 bits has 24 digits and signs.
        Value::Number(_) => 24,
        Value::String(text) => quoted(text),
        Value::Array(items) => 2 + items.iter().map(|item| 1 + longest_text(item)).sum::<usize>(),
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| 2 + quoted(name) + longest_text(value);
            2 + fields.iter().map(field).sum::<usize>()
        }
    }
}

/// Without recursion, for which the schema may be too deep.
fn is_deeper(schema: &Value, levels: usize) -> bool {
    let mut left = vec![(schema, 1)];
    while let Some((value, depth)) = left.pop() {
        let inner: Vec<&Value> = match value {
            Value::Object(fields) => fields.values().collect(),
            Value::Array(items) => items.iter().collect(),
            _ => continue,
        };
        if depth > levels {
            return true;
        }
        left.extend(inner.into_iter().map(|inner| (inner, depth + 1)));
    }
    false
}

fn compile(mut schema: Value) -> Result<Compiled, Fault> {
    // There is one dialect, and references lead by pointers and anchors.
    for elsewhere in ["$schema", "$id"] {
        schema.as_object_mut().and_then(|keywords| keywords.shift_remove(elsewhere));
    }
    let mut compiler = Compiler::new();
    compiler.set_default_draft(Draft::V2020_12);
    let mut schemas = Schemas::new();
    let wrong = |error: CompileError| not_valid(&schema, &error);
    compiler.add_resource(PLACE, schema.clone()).map_err(wrong)?;
    let root = compiler.compile(PLACE, &mut schemas).map_err(wrong)?;
    Ok(Compiled { schema, schemas, root })
}

fn not_valid(schema: &Value, error: &CompileError) -> Fault {
    let what = match error {
        CompileError::ValidationError { src, .. } => {
            let misfit = misfit::all(schema, src).next();
            misfit.map(|misfit| format!("`{}`: {}", misfit.path.join("."), misfit.what(false)))
        }
        CompileError::InvalidRegex { regex, src, .. } => {
            let why = src.to_string();
            Some(format!("the pattern {regex:?}: {}", misfit::last_line(&why)))
        }
        _ => None,
    };
    let what = what.unwrap_or_else(|| error.to_string().replace(PLACE, ""));
    Fault::new("CONF-8", format!("is not valid: {what}"))
}

/// Does work in a thread that has all the stack it needs, and is left behind when it takes
/// too long: the program ends soon after.
fn in_time<T: Send + 'static>(
    patience: Duration,
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Unusable> {
    let (sender, done) = std::sync::mpsc::channel();
    let worker = std::thread::Builder::new().stack_size(STACK);
    let too_much = |_| Fault::new("CONF-8", format!("takes more than {patience:?} to use"));
    // No one listens any more once it took too long.
    worker.spawn(move || drop(sender.send(work()))).map_err(Unusable::Machine)?;
    Ok(done.recv_timeout(patience).map_err(too_much)??)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, json};
    use std::time::Instant;

    fn fault(schema: &Value) -> String {
        let begin = Instant::now();
        let fault = check(schema).unwrap_err();
        assert!(begin.elapsed() < 2 * PATIENCE, "{:?}", begin.elapsed());
        format!("{}: {}", fault.rule, fault.what)
    }

    fn with_field(field: &Value) -> Value {
        json!({"type": "object", "properties": {"a": field}})
    }

    #[test]
    fn a_schema_that_is_too_long_is_refused() {
        let schema = |length: usize| with_field(&json!({"description": "x".repeat(length)}));
        let without = schema(0).to_string().len();
        assert_eq!(check(&schema(MAX_LENGTH - without)), Ok(()));
        let said = fault(&schema(1024 * 1024));
        assert!(said.starts_with("CONF-8: is 1048"), "{said}");
    }

    #[test]
    fn a_schema_that_is_too_deep_is_refused_however_deep() {
        let schema = |levels: usize| {
            // Without `json!`, which walks through what it is given.
            let around =
                |name: &str, inner| Value::Object(Map::from_iter([(name.to_owned(), inner)]));
            // The root, its properties and the field itself are levels as well.
            let field = (0..levels - 3).fold(json!({}), |inner, _| around("items", inner));
            around("properties", around("a", field))
        };
        assert_eq!(check(&schema(MAX_DEPTH)), Ok(()));
        assert_eq!(fault(&schema(MAX_DEPTH + 1)), "CONF-8: is nested more than 64 levels deep");
        let deep = schema(10_000);
        assert_eq!(fault(&deep), "CONF-8: is nested more than 64 levels deep");
        // To drop it takes more stack than a test has.
        std::mem::forget(deep);
    }

    #[test]
    fn patterns_that_need_a_search_are_refused() {
        for pattern in ["(?=a)b", "(?<!a)b", r"(a)\1"] {
            for field in
                [json!({ "pattern": pattern }), json!({"patternProperties": {pattern: {}}})]
            {
                let said = fault(&with_field(&field));
                assert!(said.starts_with("CONF-8: is not valid: "), "{said}");
            }
        }
    }

    #[test]
    fn a_pattern_that_blows_up_is_refused_or_matches_in_no_time() {
        let said = fault(&with_field(&json!({"pattern": "((a{1,1000}){1,1000}){1,1000}"})));
        assert!(said.starts_with("CONF-8: "), "{said}");
        let schema = with_field(&json!({"pattern": "^(a+)+$"}));
        let config = json!({"a": format!("{}b", "a".repeat(100_000))});
        assert!(!fits(&schema, &config));
    }

    #[test]
    fn what_is_no_schema_of_an_object_is_refused() {
        for schema in
            [json!(true), json!([]), json!({"type": "array"}), json!({"type": "nonsense"})]
        {
            assert!(fault(&schema).starts_with("CONF-8: is not "), "{schema}");
        }
        assert_eq!(fault(&json!({"properties": []})).split(": ").next(), Some("CONF-8"));
    }

    #[test]
    fn another_dialect_is_not_looked_for() {
        let schema = json!({"$schema": "https://example.org/mine", "type": "object"});
        assert_eq!(check(&schema), Ok(()));
    }

    #[test]
    fn what_takes_too_long_is_given_up() {
        let (end, never) = std::sync::mpsc::channel::<()>();
        let work = move || {
            let _ = never.recv();
            Ok(())
        };
        let Err(Unusable::Schema(fault)) = in_time(Duration::from_millis(1), work) else {
            panic!("it is not given up")
        };
        assert_eq!((fault.rule, fault.what.as_str()), ("CONF-8", "takes more than 1ms to use"));
        drop(end);
    }

    #[test]
    fn a_long_chain_of_references_is_no_crash() {
        let field =
            |index: usize| json!({"properties": {"a": {"$ref": format!("#/$defs/{index}")}}});
        let mut schema = field(0);
        let definitions = (1..5000).map(|index| ((index - 1).to_string(), field(index)));
        schema["$defs"] = Value::Object(definitions.collect());
        schema["$defs"]["4999"] = json!({});
        assert!(schema.to_string().len() < MAX_LENGTH);
        assert_eq!(check(&schema), Ok(()));
    }
}
