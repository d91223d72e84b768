//! `${NAME}` in a text, as shells know it: a pure function of the text and what names mean.
//!
//! `${NAME}` must be set, `${NAME:-text}` is the text where it is unset or empty,
//! `${NAME:?message}` is an error then. Both may hold further `${…}`, which are looked at only
//! where they are needed. `$${` stands for `${` itself; any other `$` is a `$`.

/// How deep they may stand in each other.
const DEEPEST: usize = 32;

/// How long a result may be, in bytes: a short text can ask for a long one many times.
const LONGEST: usize = 1024 * 1024;

/// A text in which everything is replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpolated {
    /// The text.
    pub text: String,
    /// Whether it was one `${…}` and nothing else.
    pub is_whole: bool,
    /// The names whose values are in it.
    pub names: Vec<String>,
    /// Whether a default is in it, as no value was there.
    pub has_default: bool,
}

/// Replaces what a text holds; `lookup` is the value of a name, or a word on why there is none.
///
/// # Errors
/// What is wrong, as one lowercase line.
pub fn interpolate(
    text: &str,
    lookup: impl Fn(&str) -> Result<Option<String>, String>,
) -> Result<Interpolated, String> {
    let mut parser = Parser { rest: text };
    let parts = parser.parts(0, Until::End)?;
    let is_whole = matches!(parts.as_slice(), [Part::Variable { .. }]);
    let empty =
        Interpolated { text: String::new(), is_whole, names: Vec::new(), has_default: false };
    let mut writer = Writer { lookup, out: empty };
    writer.write(&parts)?;
    Ok(writer.out)
}

/// Tells whether there is anything to replace in a text.
pub(super) fn has_any(text: &str) -> bool {
    text.contains("${")
}

enum Part<'a> {
    Text(&'a str),
    Variable { name: &'a str, otherwise: Otherwise<'a> },
}

/// What holds when a variable is unset or empty.
enum Otherwise<'a> {
    Nothing,
    Default(Vec<Part<'a>>),
    Complaint(Vec<Part<'a>>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    End,
    Brace,
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn parts(&mut self, depth: usize, until: Until) -> Result<Vec<Part<'a>>, String> {
        if depth > DEEPEST {
            return Err(format!("`${{…}}` stand more than {DEEPEST} deep in each other"));
        }
        let mut parts = Vec::new();
        // Braces that belong to a `$${`, which is no variable.
        let mut literal = 0_usize;
        loop {
            let stop = |c: char| c == '$' || (c == '}' && until == Until::Brace);
            let length = self.rest.find(stop).unwrap_or(self.rest.len());
            parts.extend(self.take(length));
            if self.rest.starts_with("$${") {
                self.rest = &self.rest[1..];
                parts.extend(self.take(2));
                literal += 1;
            } else if let Some(inner) = self.rest.strip_prefix("${") {
                self.rest = inner;
                parts.push(self.variable(depth)?);
            } else if self.rest.starts_with('$') || (self.rest.starts_with('}') && literal > 0) {
                literal -= usize::from(self.rest.starts_with('}'));
                parts.extend(self.take(1));
            } else if let Some(after) = self.rest.strip_prefix('}') {
                self.rest = after;
                return Ok(parts);
            } else if until == Until::End {
                return Ok(parts);
            } else {
                return Err("`${` is never closed with `}`".into());
            }
        }
    }

    fn variable(&mut self, depth: usize) -> Result<Part<'a>, String> {
        let of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let length = self.rest.find(|c| !of_name(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(length);
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return Err("`${` must be followed by a name of letters, digits and `_`".into());
        }
        self.rest = rest;
        let otherwise = if let Some(inner) = rest.strip_prefix(":-") {
            self.rest = inner;
            Otherwise::Default(self.parts(depth + 1, Until::Brace)?)
        } else if let Some(inner) = rest.strip_prefix(":?") {
            self.rest = inner;
            Otherwise::Complaint(self.parts(depth + 1, Until::Brace)?)
        } else if let Some(after) = rest.strip_prefix('}') {
            self.rest = after;
            Otherwise::Nothing
        } else if rest.is_empty() {
            return Err("`${` is never closed with `}`".into());
        } else {
            return Err(format!("after `${{{name}` there can be `}}`, `:-` or `:?`"));
        };
        Ok(Part::Variable { name, otherwise })
    }

    fn take(&mut self, length: usize) -> Option<Part<'a>> {
        let (text, rest) = self.rest.split_at(length);
        self.rest = rest;
        (!text.is_empty()).then_some(Part::Text(text))
    }
}

struct Writer<L> {
    lookup: L,
    out: Interpolated,
}

impl<L: Fn(&str) -> Result<Option<String>, String>> Writer<L> {
    fn write(&mut self, parts: &[Part<'_>]) -> Result<(), String> {
        for part in parts {
            match part {
                Part::Text(text) => self.push(text)?,
                Part::Variable { name, otherwise } => self.variable(name, otherwise)?,
            }
        }
        Ok(())
    }

    fn variable(&mut self, name: &str, otherwise: &Otherwise<'_>) -> Result<(), String> {
        let value = (self.lookup)(name)?;
        let given = value.as_ref().filter(|value| !value.is_empty());
        match (otherwise, given, &value) {
            (_, Some(value), _) | (Otherwise::Nothing, None, Some(value)) => {
                self.out.names.push(name.to_owned());
                self.push(value)
            }
            (Otherwise::Default(parts), None, _) => {
                self.out.has_default = true;
                self.write(parts)
            }
            (Otherwise::Complaint(parts), None, _) => Err(self.complaint(name, parts)),
            (Otherwise::Nothing, None, None) => Err(format!("`{name}` is not set")),
        }
    }

    fn complaint(&mut self, name: &str, parts: &[Part<'_>]) -> String {
        let before = std::mem::take(&mut self.out.text);
        let said = match self.write(parts) {
            Ok(()) => std::mem::replace(&mut self.out.text, before),
            Err(error) => return error,
        };
        if said.trim().is_empty() { format!("`{name}` is not set") } else { said }
    }

    fn push(&mut self, text: &str) -> Result<(), String> {
        if self.out.text.len() + text.len() > LONGEST {
            return Err(format!("is longer than {LONGEST} bytes with everything replaced"));
        }
        self.out.text += text;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `A` is `a`, `E` is empty, nothing else is set.
    fn replaced(text: &str) -> Result<String, String> {
        let lookup = |name: &str| {
            Ok(match name {
                "A" => Some("a".to_owned()),
                "E" => Some(String::new()),
                "SECOND" => Some("${A}".to_owned()),
                _ => None,
            })
        };
        interpolate(text, lookup).map(|done| done.text)
    }

    #[test]
    fn a_name_is_replaced_by_its_value_and_the_value_is_not_looked_into() {
        assert_eq!(replaced("x-${A}-${A}").unwrap(), "x-a-a");
        assert_eq!(replaced("[${E}]").unwrap(), "[]");
        assert_eq!(replaced("${SECOND}").unwrap(), "${A}");
    }

    #[test]
    fn a_default_holds_for_what_is_unset_or_empty() {
        assert_eq!(replaced("${N:-d} ${E:-d} ${A:-d} ${N:-}").unwrap(), "d d a ");
        assert_eq!(replaced("${N:-http://h:80/${A}/x}").unwrap(), "http://h:80/a/x");
    }

    #[test]
    fn they_stand_in_each_other() {
        let nested = "${N:-${B:?set A or B}}";
        assert_eq!(replaced(nested).unwrap_err(), "set A or B");
        assert_eq!(replaced("${A:-${B:?set A or B}}").unwrap(), "a");
        assert_eq!(replaced("${N:-${B:-${A}}}!").unwrap(), "a!");
        assert_eq!(replaced("${N:?need ${A}}").unwrap_err(), "need a");
    }

    #[test]
    fn what_is_not_set_is_an_error_with_its_name() {
        assert_eq!(replaced("${N}").unwrap_err(), "`N` is not set");
        assert_eq!(replaced("${N:?}").unwrap_err(), "`N` is not set");
        assert_eq!(replaced("${E:?E is empty}").unwrap_err(), "E is empty");
    }

    #[test]
    fn a_doubled_dollar_stands_for_itself() {
        assert_eq!(replaced("$${A} $$ $5 $A {}}").unwrap(), "${A} $$ $5 $A {}}");
        assert_eq!(replaced("${N:-$${A}}").unwrap(), "${A}");
    }

    #[test]
    fn what_is_no_variable_is_refused() {
        for text in ["${A", "${A:-x", "${A:-${B}", "${N:?x"] {
            assert_eq!(replaced(text).unwrap_err(), "`${` is never closed with `}`", "{text}");
        }
        for text in ["${", "${}", "${ A}", "${1A}", "${-}", "${ü}"] {
            assert!(replaced(text).unwrap_err().contains("followed by a name"), "{text}");
        }
        for text in ["${A-b}", "${A:+b}", "${A?b}", "${A:}", "${A.b}"] {
            assert_eq!(
                replaced(text).unwrap_err(),
                "after `${A` there can be `}`, `:-` or `:?`",
                "{text}"
            );
        }
    }

    #[test]
    fn a_broken_default_is_told_even_where_it_is_not_needed() {
        assert!(replaced("${A:-${}}").is_err());
    }

    #[test]
    fn depth_and_length_are_bounded() {
        let deep = |levels| format!("{}x{}", "${N:-".repeat(levels), "}".repeat(levels));
        assert_eq!(replaced(&deep(DEEPEST)).unwrap(), "x");
        assert!(replaced(&deep(100_000)).unwrap_err().contains("deep in each other"));
        let long = |_: &str| Ok(Some("x".repeat(LONGEST / 2)));
        assert!(interpolate("${A}${A}", long).is_ok());
        assert!(interpolate("${A}${A}.", long).unwrap_err().contains("is longer than"));
    }

    #[test]
    fn it_is_known_where_a_value_came_from() {
        let lookup = |name: &str| Ok((name == "A").then(|| "a".to_owned()));
        let done = |text| interpolate(text, lookup).unwrap();
        assert!(done("${A}").is_whole && done("${N:-3}").is_whole);
        assert!(!done("${A}${A}").is_whole && !done("a").is_whole && !done(" ${A}").is_whole);
        assert_eq!(done("${A}${N:-x}").names, ["A"]);
        assert!(done("${N:-x}").has_default && !done("${A:-x}").has_default);
    }
}
