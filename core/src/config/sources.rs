//! The files that a config is made of, and what stands where in them.

use std::path::{Path, PathBuf};

use super::yaml::{Node, Place};
use crate::error::{Error, Kind};
use crate::excerpt::Excerpt;

/// What a file is to the config.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The config file itself.
    File,
    /// One that another one extends.
    Fragment,
    /// The one beside the config file that is laid over it.
    Local,
}

impl Role {
    /// The role in a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Fragment => "fragment",
            Self::Local => "local",
        }
    }
}

/// One file that a config is made of.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its path, or the address that it came from.
    pub name: String,
    /// What it is to the config.
    pub role: Role,
    text: String,
}

/// All of them, in the order in which they were read.
#[derive(Debug, Clone, Default)]
pub(super) struct Sources(Vec<Source>);

impl Sources {
    pub(super) fn add(&mut self, name: String, role: Role, text: String) -> usize {
        self.0.push(Source { name, role, text });
        self.0.len() - 1
    }

    /// Each of them.
    pub(super) fn all(&self) -> &[Source] {
        &self.0
    }

    /// A place as `file:line:column`.
    pub(super) fn at(&self, place: Place) -> String {
        format!("{}:{}:{}", self.name(place), place.line, place.column)
    }

    /// The same, as seen from the folder of the config file itself.
    pub(super) fn at_from_file(&self, place: Place) -> String {
        let folder = self.0.first().map(|file| folder_of(Path::new(&file.name)));
        let name = Path::new(self.name(place));
        let short = folder.as_ref().and_then(|folder| name.strip_prefix(folder).ok());
        format!("{}:{}:{}", short.unwrap_or(name).display(), place.line, place.column)
    }

    fn name(&self, place: Place) -> &str {
        self.0.get(place.source).map_or("", |source| &source.name)
    }

    /// The text of a value as it was written, where it is within one line.
    pub(super) fn written(&self, node: &Node) -> Option<String> {
        let (begin, end) = node.span;
        let line = self.line(begin).filter(|_| begin.line == end.line)?;
        let text = line.chars().skip(begin.column - 1).take(end.column.checked_sub(begin.column)?);
        Some(text.collect::<String>().trim_end().to_owned())
    }

    /// Says that a file is wrong at a place.
    pub(super) fn error(&self, place: Place, message: &str) -> Error {
        let excerpt = self.excerpt(place, None).saying(message);
        Error::new(Kind::InvalidConfigFile, format!("{}: {message}", self.at(place)))
            .with_excerpts(&[excerpt])
    }

    /// The line of a place, in which these values are secret; `None` where there is no schema
    /// that could tell, and names have to.
    pub(super) fn excerpt(&self, place: Place, secrets: Option<&[(Place, Place)]>) -> Excerpt {
        let mut shown: Vec<char> = self.line(place).unwrap_or_default().chars().collect();
        let mut at = place.column - 1;
        let mut spans: Vec<(usize, usize)> = match secrets {
            Some(secrets) => {
                let here = secrets.iter().filter(|secret| secret.0.source == place.source);
                here.filter_map(|secret| within(secret, place.line)).collect()
            }
            None => self.suspicious(place).into_iter().collect(),
        };
        spans.sort_unstable();
        // From the right, so that what is before keeps its place.
        for (begin, end) in spans.into_iter().rev() {
            let (begin, end) = (begin.min(shown.len()), end.min(shown.len()));
            if begin >= end {
                continue;
            }
            shown.splice(begin..end, HIDDEN.chars());
            at = match at {
                at if at >= end => at + HIDDEN.len() - (end - begin),
                at => at.min(begin),
            };
        }
        let shown: String = shown.into_iter().collect();
        Excerpt::new(self.name(place), place.line, at, &shown).at_column(place.column)
    }

    fn line(&self, place: Place) -> Option<&str> {
        self.0.get(place.source)?.text.lines().nth(place.line.checked_sub(1)?)
    }

    /// What of a line may be a secret as far as its names tell: there may be no schema to say
    /// so, or no way to read the file at all.
    fn suspicious(&self, place: Place) -> Option<(usize, usize)> {
        let text = &self.0.get(place.source)?.text;
        let lines: Vec<&str> = text.lines().take(place.line).collect();
        let (line, above) = lines.split_last()?;
        let mut names = vec![*line];
        for above in above.iter().rev().filter(|line| !line.trim().is_empty()) {
            let below = names[names.len() - 1];
            // A list may stand as deep as the name that it belongs to.
            let of_list =
                is_item(below) && !is_item(above) && indentation(above) == indentation(below);
            if indentation(above) < indentation(below) || of_list {
                names.push(above);
            }
        }
        names.iter().any(|line| is_suspicious(line)).then(|| {
            let after =
                line.find(": ").map(|at| at + 2).or_else(|| line.find("- ").map(|at| at + 2));
            let after = after.unwrap_or(if names[0].contains(':') {
                line.len()
            } else {
                indentation(line)
            });
            (line[..after].chars().count(), line.chars().count())
        })
    }
}

/// Tells whether a text has words in it that secrets are called by.
pub(super) fn is_suspicious(text: &str) -> bool {
    let text = text.to_lowercase();
    SUSPICIOUS.iter().any(|word| text.contains(word))
}

/// What is shown instead of a secret.
const HIDDEN: &str = "(hidden)";

/// Words in the names of things that are none of anyone's business.
const SUSPICIOUS: [&str; 6] = ["token", "password", "passwd", "secret", "credential", "private"];

fn is_item(line: &str) -> bool {
    line.trim_start().starts_with('-')
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The part of a value that is in a line, as positions from 0.
fn within((begin, end): &(Place, Place), line: usize) -> Option<(usize, usize)> {
    if !(begin.line..=end.line).contains(&line) {
        return None;
    }
    let from = if begin.line == line { begin.column - 1 } else { 0 };
    let to = if end.line == line { end.column - 1 } else { usize::MAX };
    Some((from, to))
}

/// The folder that a file is in.
pub(super) fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    use super::super::yaml::parse;
    use super::*;

    fn sources(text: &str) -> (Node, Sources) {
        let mut sources = Sources::default();
        sources.add("f.yaml".into(), Role::File, text.into());
        (parse(text).unwrap(), sources)
    }

    #[test]
    fn a_value_is_as_it_was_written() {
        let (document, sources) = sources("a: 1.10\nb: 0755 # c\nc: {d: 0x10, e: true}\n");
        let written = |path: &[&str]| {
            let node = path.iter().try_fold(&document, |node, name| node.get(name)).unwrap();
            sources.written(node).unwrap()
        };
        assert_eq!((written(&["a"]), written(&["b"])), ("1.10".into(), "0755".into()));
        assert_eq!((written(&["c", "d"]), written(&["c", "e"])), ("0x10".into(), "true".into()));
    }

    #[test]
    fn secrets_of_the_schema_are_hidden_wherever_they_stand_in_a_line() {
        let (document, sources) = sources("m: {bad: 1, pin: hunter2, x: 2}\nl: [hunter3, b]\n");
        let m = document.get("m").unwrap();
        let hidden = [m.get("pin").unwrap().span];
        let shown = sources.excerpt(m.get("x").unwrap().place, Some(&hidden));
        assert_eq!(shown.source, "m: {bad: 1, pin: (hidden), x: 2}");
        assert_eq!(shown.offset, 27);
        let list = document.get("l").unwrap();
        let shown = sources.excerpt(list.place, Some(&[list.span]));
        assert!(!shown.source.contains("hunter3"), "{shown:?}");
    }

    #[test]
    fn a_text_of_several_lines_is_hidden_in_each() {
        let (document, sources) = sources("c: |\n  a\n  hunter2\nd: 1\n");
        let span = document.get("c").unwrap().span;
        let place = Place { line: 3, ..span.0 };
        assert!(!sources.excerpt(place, Some(&[span])).source.contains("hunter2"));
    }

    #[test]
    fn what_has_the_name_of_a_secret_is_hidden_without_a_schema() {
        let line = |text: &str, line: usize| {
            let mut sources = Sources::default();
            sources.add("f".into(), Role::File, text.into());
            sources.excerpt(Place { source: 0, line, column: 1 }, None).source
        };
        assert_eq!(line("  token: hunter2 \"\n", 1), "  token: (hidden)");
        assert_eq!(line("password:\n  - hunter2 [\n", 2), "  - (hidden)");
        assert_eq!(line("secrets:\n- hunter2 [\n", 2), "- (hidden)");
        assert_eq!(line("a:\n  Secret: {\n    b: hunter2\n", 3), "    b: (hidden)");
        assert_eq!(line("secret:\n  hunter2 [\n", 2), "  (hidden)");
        assert_eq!(line("token: x\nservers: y\n", 2), "servers: y");
    }
}
