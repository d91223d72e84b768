//! What `${NAME}` means in a config: a variable of the file, or else of the environment.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::interpolate::{has_any, interpolate};
use super::nearest::nearest;
use super::sources::Sources;
use super::yaml::{Data, Expanded, Node};
use crate::error::Error;

/// Where the values of variables come from that a file does not define.
#[derive(Clone)]
pub struct Environment(Arc<Lookup>);

type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Environment")
    }
}

impl Environment {
    /// That of this process. A value that is no text counts as unset.
    pub fn of_process() -> Self {
        Self::new(|name| std::env::var(name).ok())
    }

    /// Any other one.
    pub fn new(lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(lookup))
    }

    /// Replaces what a text holds by this environment alone.
    pub(super) fn expand(&self, text: &str) -> Result<String, String> {
        interpolate(text, |name| Ok((self.0)(name))).map(|done| done.text)
    }
}

/// The variables of a file, and the environment.
#[derive(Debug, Clone)]
pub(super) struct Variables {
    defined: BTreeMap<String, Variable>,
    environment: Environment,
}

#[derive(Debug, Clone)]
struct Variable {
    text: String,
    place: String,
}

/// A text of a config in which something could not be replaced.
#[derive(Debug, Clone)]
pub(super) struct Unexpanded {
    /// Where, as field names and list positions.
    pub(super) path: Vec<String>,
    /// Why, as one lowercase line.
    pub(super) why: String,
}

impl Variables {
    /// Reads the `variables` of a document.
    ///
    /// # Errors
    /// `InvalidConfigFile`: they are not names with a value each.
    pub(super) fn read(
        document: &Node,
        sources: &Sources,
        environment: Environment,
    ) -> Result<Self, Error> {
        let mut defined = BTreeMap::new();
        let Some(node) = document.get("variables").filter(|node| !node.is_null()) else {
            return Ok(Self { defined, environment });
        };
        if !matches!(node.data, Data::Fields(_)) {
            let what = "`variables` must hold names with a value each";
            return Err(sources.error(node.place, what).with_hint("write `NAME: value` lines"));
        }
        for (name, node) in node.fields() {
            let text = match &node.data {
                Data::Scalar(Value::Null) => continue,
                Data::Scalar(Value::String(text)) => text.clone(),
                // As it was written: `1.10` is not 1.1 where it is a version.
                Data::Scalar(value) => sources.written(node).unwrap_or_else(|| value.to_string()),
                Data::List(_) | Data::Fields(_) => {
                    let what = format!("variable `{name}` must be one value");
                    return Err(sources.error(node.place, &what).with_hint("write it as a text"));
                }
            };
            let place = sources.at_from_file(node.place);
            defined.insert(name.clone(), Variable { text, place });
        }
        Ok(Self { defined, environment })
    }

    /// Replaces what is in each text of a value. What cannot be replaced stays as it is, and is
    /// told besides.
    pub(super) fn expand(&self, node: &Node) -> (Node, Vec<Unexpanded>) {
        let mut expansion =
            Expansion { variables: self, path: Vec::new(), left: Vec::new(), length: 0 };
        let node = expansion.of(node);
        (node, expansion.left)
    }

    fn replace(&self, text: &str) -> Result<(String, Expanded), String> {
        let done = interpolate(text, |name| self.value(name)).map_err(|why| self.explain(why))?;
        let mut from: Vec<String> = Vec::new();
        for name in &done.names {
            let word = match self.defined.get(name) {
                Some(variable) => format!("variable {name} ({})", variable.place),
                None => format!("{name} of the environment"),
            };
            if !from.contains(&word) {
                from.push(word);
            }
        }
        if done.has_default {
            from.push("its default".into());
        }
        Ok((done.text, Expanded { is_whole: done.is_whole, from }))
    }

    /// The variable's value, in which only the environment counts.
    fn value(&self, name: &str) -> Result<Option<String>, String> {
        let Some(variable) = self.defined.get(name) else {
            return Ok((self.environment.0)(name));
        };
        let value = self.environment.expand(&variable.text).map_err(|why| {
            let another = self.defined.keys().find(|other| why == format!("`{other}` is not set"));
            let more = match another {
                Some(_) => " in the environment, and variables cannot refer to each other",
                None => "",
            };
            format!("variable `{name}` ({}): {why}{more}", variable.place)
        })?;
        Ok(Some(value))
    }

    /// An unset name may be a misspelt one.
    fn explain(&self, why: String) -> String {
        let unset = why.strip_prefix('`').and_then(|rest| rest.strip_suffix("` is not set"));
        let near = unset.and_then(|name| nearest(name, self.defined.keys().map(String::as_str)));
        match near {
            Some(near) => format!("{why}, did you mean `{near}`?"),
            None => why,
        }
    }
}

/// How long all texts of a section may be together, in bytes: a short variable may be used often.
const LONGEST: usize = 4 * 1024 * 1024;

/// On the way through a value.
struct Expansion<'a> {
    variables: &'a Variables,
    path: Vec<String>,
    left: Vec<Unexpanded>,
    length: usize,
}

impl Expansion<'_> {
    fn of(&mut self, node: &Node) -> Node {
        let mut node = node.clone();
        match &mut node.data {
            Data::Scalar(Value::String(text)) if has_any(text) => match self.replaced(text) {
                Ok((done, expanded)) => {
                    *text = done;
                    node.expanded = Some(expanded);
                }
                Err(why) => self.left.push(Unexpanded { path: self.path.clone(), why }),
            },
            Data::Scalar(_) => {}
            Data::List(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    *item = self.below(index.to_string(), item);
                }
            }
            Data::Fields(fields) => {
                for (name, field) in fields {
                    *field = self.below(name.clone(), field);
                }
            }
        }
        node
    }

    fn below(&mut self, name: String, node: &Node) -> Node {
        self.path.push(name);
        let node = self.of(node);
        self.path.pop();
        node
    }

    fn replaced(&mut self, text: &str) -> Result<(String, Expanded), String> {
        let done = self.variables.replace(text)?;
        self.length += done.0.len();
        match self.length <= LONGEST {
            true => Ok(done),
            false => Err(format!("all texts together are longer than {LONGEST} bytes")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sources::Role;
    use super::super::yaml::parse;
    use super::*;

    /// The `c` of a file, where `HOST` is all that the environment holds.
    fn expanded(text: &str) -> (Node, Vec<String>) {
        let mut sources = Sources::default();
        sources.add("f.yaml".into(), Role::File, text.into());
        let document = parse(text).unwrap();
        let environment = Environment::new(|name| (name == "HOST").then(|| "h".to_owned()));
        let variables = Variables::read(&document, &sources, environment).unwrap();
        let (node, left) = variables.expand(document.get("c").unwrap());
        let left = left.into_iter().map(|left| format!("{}: {}", left.path.join("."), left.why));
        (node, left.collect())
    }

    #[test]
    fn the_file_s_variables_come_before_the_environment() {
        let (node, left) = expanded("variables: {HOST: mine}\nc: \"${HOST}\"\n");
        assert_eq!((node.as_str(), left.len()), (Some("mine"), 0));
        let (node, _) =
            expanded("variables: {HOST: \"${HOST:-x}.test\"}\nc: [a, {b: \"${HOST}\"}]\n");
        assert_eq!(node.to_json(), serde_json::json!(["a", {"b": "h.test"}]));
    }

    #[test]
    fn a_value_that_is_no_text_is_as_it_was_written() {
        let (node, _) = expanded("variables: {A: 1.10, B: 0755, C: true}\nc: ${A} ${B} ${C}\n");
        assert_eq!(node.as_str(), Some("1.10 0755 true"));
    }

    #[test]
    fn variables_do_not_refer_to_each_other() {
        let (_, left) = expanded("variables: {A: x, B: \"${A}\"}\nc: \"${B}\"\n");
        assert_eq!(
            left,
            [
                ": variable `B` (f.yaml:1:19): `A` is not set in the environment, and variables cannot \
              refer to each other"
            ]
        );
    }

    #[test]
    fn a_variable_that_nobody_uses_is_not_looked_at() {
        let (_, left) = expanded("variables: {CHART: \"${REF:?set REF}\"}\nc: 1\n");
        assert!(left.is_empty());
    }

    #[test]
    fn all_texts_together_have_a_bound() {
        let uses = "- ${A}\n".repeat(5000);
        let (_, left) = expanded(&format!("variables: {{A: {}}}\nc:\n{uses}", "x".repeat(10_000)));
        assert!(left[0].starts_with("419: all texts together are longer than"), "{}", left[0]);
    }

    #[test]
    fn each_text_that_cannot_be_replaced_is_told_with_its_path() {
        let (node, left) = expanded("variables: {TAG: x}\nc: {a: \"${TAGS}\", b: [\"${\"]}\n");
        assert_eq!(
            left,
            [
                "a: `TAGS` is not set, did you mean `TAG`?",
                "b.0: `${` must be followed by a name of letters, digits and `_`"
            ]
        );
        assert_eq!(node.get("a").unwrap().as_str(), Some("${TAGS}"));
    }

    #[test]
    fn it_is_told_where_a_value_came_from() {
        let (node, _) = expanded("variables: {A: x}\nc: \"${A}-${HOST}-${A}-${N:-d}\"\n");
        let from = node.expanded.unwrap().from;
        assert_eq!(from, ["variable A (f.yaml:1:13)", "HOST of the environment", "its default"]);
    }

    #[test]
    fn variables_of_another_shape_are_refused_with_their_place() {
        for (text, place) in [("variables: [A]\n", "1:1"), ("variables:\n  A: [x]\n", "2:3")] {
            let mut sources = Sources::default();
            sources.add("f.yaml".into(), Role::File, text.into());
            let environment = Environment::new(|_| None);
            let read = Variables::read(&parse(text).unwrap(), &sources, environment);
            let message = read.unwrap_err().message;
            assert!(message.starts_with(&format!("f.yaml:{place}: ")), "{message}");
        }
    }
}
