//! Loading a YAML text within limits.
//!
//! The parser itself goes as deep into a text as that leads, and repeats what its aliases name
//! however often: 400 bytes can be gigabytes. A config file may come with a project that nobody
//! has read yet, so it is measured while it is loaded.

use std::collections::HashMap;

use saphyr::{MarkedYamlOwned, YamlLoader};
use saphyr_parser::{Event, Marker, Parser, ScanError, SpannedEventReceiver};

/// The longest text, in bytes.
pub(in crate::config) const MAX_LENGTH: usize = 1024 * 1024;

/// How many levels deep values may lie in each other.
const MAX_DEPTH: usize = 64;

/// How many values there may be, those that aliases repeat among them.
const MAX_VALUES: usize = 100_000;

/// How many bytes of text all values may hold, those that aliases repeat among them.
const MAX_TEXT: usize = 4 * MAX_LENGTH;

/// The longest name of a field, in bytes; YAML itself has no longer ones in their usual form.
const MAX_NAME: usize = 1024;

/// Why a text cannot be loaded.
pub(super) struct Refusal {
    /// Where; it counts from 1.
    pub(super) line: usize,
    /// Where in the line; it counts from 1.
    pub(super) column: usize,
    /// What is wrong, or the limit that is passed.
    pub(super) what: String,
}

impl Refusal {
    fn at(marker: Marker, what: String) -> Self {
        Self { line: marker.line(), column: marker.col() + 1, what }
    }

    fn at_end_of(text: &str, what: String) -> Self {
        let last = text.rsplit('\n').next().unwrap_or_default();
        let column = last.chars().count() + 1;
        Self { line: text.matches('\n').count() + 1, column, what }
    }
}

impl From<ScanError> for Refusal {
    fn from(error: ScanError) -> Self {
        let what = match error.info() {
            // The scanner is ahead of the parser, and has a limit of its own.
            "recursion limit exceeded" => too_deep(),
            other => other.to_owned(),
        };
        Self::at(*error.marker(), what)
    }
}

fn too_deep() -> String {
    format!("the file is nested more than {MAX_DEPTH} levels deep")
}

/// Loads all documents of a text.
///
/// # Errors
/// What is wrong, or the limit that is passed, and where.
pub(super) fn load(text: &str) -> Result<Vec<MarkedYamlOwned>, Refusal> {
    if text.len() > MAX_LENGTH {
        let whole = &String::from_utf8_lossy(&text.as_bytes()[..MAX_LENGTH]);
        return Err(Refusal::at_end_of(
            whole,
            format!("the file is longer than {} MiB", MAX_LENGTH >> 20),
        ));
    }
    let mut loader = YamlLoader::default();
    let mut measure = Measure::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event?;
        measure.event(&event).map_err(|limit| Refusal::at(span.start, limit))?;
        loader.on_event(event, span);
        if let Some(error) = loader.error() {
            return Err(error.clone().into());
        }
    }
    Ok(loader.into_documents())
}

/// How much values are.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    values: usize,
    text: usize,
}

/// What was loaded so far.
#[derive(Debug, Default)]
struct Measure {
    all: Size,
    /// The lists and maps around the next value: their anchors, and what came before them.
    open: Vec<(usize, Size)>,
    /// What an alias of each anchor repeats.
    anchors: HashMap<usize, Size>,
}

impl Measure {
    fn event(&mut self, event: &Event<'_>) -> Result<(), String> {
        match event {
            Event::Scalar(text, _, anchor, _) => {
                let size = Size { values: 1, text: text.len() };
                self.add(size);
                self.anchor(*anchor, size);
            }
            Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _) => {
                self.open.push((*anchor, self.all));
                self.add(Size { values: 1, text: 0 });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some((anchor, before)) = self.open.pop() {
                    let values = self.all.values - before.values;
                    self.anchor(anchor, Size { values, text: self.all.text - before.text });
                }
            }
            // One inside of what it names is told where the document is read.
            Event::Alias(anchor) => {
                let size = self.anchors.get(anchor).copied();
                self.add(size.unwrap_or(Size { values: 1, text: 0 }));
            }
            _ => {}
        }
        self.check()
    }

    fn add(&mut self, size: Size) {
        self.all.values = self.all.values.saturating_add(size.values);
        self.all.text = self.all.text.saturating_add(size.text);
    }

    /// What has an anchor is kept a second time.
    fn anchor(&mut self, anchor: usize, size: Size) {
        if anchor > 0 {
            self.anchors.insert(anchor, size);
            self.add(size);
        }
    }

    fn check(&self) -> Result<(), String> {
        let with_aliases = "counting what its aliases repeat";
        if self.open.len() > MAX_DEPTH {
            return Err(too_deep());
        }
        if self.all.values > MAX_VALUES {
            return Err(format!("the file holds more than {MAX_VALUES} values, {with_aliases}"));
        }
        if self.all.text > MAX_TEXT {
            let most = MAX_TEXT >> 20;
            return Err(format!("the file holds more than {most} MiB of text, {with_aliases}"));
        }
        Ok(())
    }
}

/// Refuses a name that is too long to be told.
///
/// # Errors
/// The limit.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    if name.len() <= MAX_NAME {
        return Ok(());
    }
    Err(format!("a field's name is longer than {MAX_NAME} bytes"))
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;
    use std::time::{Duration, Instant};

    /// Where and why a text is refused, which takes no longer than reading it would.
    fn refusal(text: &str) -> String {
        let begin = Instant::now();
        let (place, why) = parse(text).unwrap_err();
        assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
        format!("{}:{}: {why}", place.line, place.column)
    }

    #[test]
    fn a_text_that_is_too_long_is_refused_where_it_is_cut() {
        let text = format!("a: {}\nb: {}\n", "x".repeat(100), "y".repeat(MAX_LENGTH));
        assert_eq!(refusal(&text), "2:1048473: the file is longer than 1 MiB");
        assert!(parse(&text[..MAX_LENGTH]).is_ok());
    }

    #[test]
    fn a_text_that_is_too_deep_is_refused_however_deep() {
        let why = "the file is nested more than 64 levels deep";
        for levels in [65, 100_000] {
            for begin in ["[", "- ", "{a: ", "? "] {
                let said = refusal(&begin.repeat(levels));
                assert!(said.starts_with("1:") && said.ends_with(why), "{begin}: {said}");
            }
        }
        assert_eq!(refusal(&"- ".repeat(65)), format!("1:129: {why}"));
        assert!(parse(&format!("{}{}", "[".repeat(64), "]".repeat(64))).is_ok());
    }

    #[test]
    fn aliases_that_repeat_aliases_are_refused_before_they_are_followed() {
        let first = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
        let next = |text: String, (one, two): (char, char)| {
            format!("{text}{two}: &{two} [{}]\n", vec![format!("*{one}"); 9].join(", "))
        };
        let text = ('a'..='y').zip('b'..='z').fold(first, next);
        assert_eq!(
            refusal(&text),
            "5:42: the file holds more than 100000 values, counting what its aliases repeat"
        );
    }

    #[test]
    fn a_long_text_that_is_repeated_is_refused() {
        let text = format!("a: &a {}\nb: [{}]\n", "x".repeat(500_000), "*a, ".repeat(100_000));
        assert_eq!(
            refusal(&text),
            "2:29: the file holds more than 4 MiB of text, counting what its aliases repeat"
        );
    }

    #[test]
    fn anchors_in_anchors_are_counted_as_often_as_they_are_kept() {
        let anchors: String = (0..64).map(|level| format!("&a{level} [")).collect();
        let text = format!("{anchors}{}{}", "x,".repeat(50_000), "]".repeat(64));
        assert!(
            refusal(&text).ends_with(
                "the file holds more than 100000 values, counting what its aliases repeat"
            )
        );
    }

    #[test]
    fn an_anchor_that_holds_itself_is_refused() {
        for text in ["a: &a [*a]\n", "&a {b: *a}\n", "&a ? *a\n: 1\n"] {
            assert!(!refusal(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn a_name_that_is_too_long_is_refused() {
        let text = |length| format!("? {}\n: 1\n", "x".repeat(length));
        assert!(parse(&text(MAX_NAME)).is_ok());
        assert_eq!(refusal(&text(500_000)), "1:3: a field's name is longer than 1024 bytes");
    }
}
