//! The line of a file that something is wrong with, as a compiler shows it.

use serde::{Deserialize, Serialize};

/// How much of a line is shown, in characters: with what stands before it, a line of 80.
const WIDEST: usize = 68;

/// How much of a clipped line is shown before the place that is meant.
const BEFORE: usize = 30;

/// A place in a file, and what stands there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Excerpt {
    /// What is wrong there, in one line.
    pub message: String,
    /// The file, or the address that it came from.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// The line itself, without its secrets, clipped where it is too long.
    pub source: String,
    /// Where the place is in `source`, from 0, in characters.
    pub offset: usize,
    /// How many characters of `source` are meant.
    pub length: usize,
}

impl Excerpt {
    /// Shows a line of a file; the place in it counts from 0, in characters.
    pub fn new(file: &str, line: usize, place: usize, source: &str) -> Self {
        let characters: Vec<char> = source.chars().map(plain).collect();
        let (at, column) = (place.min(characters.len()), place + 1);
        let length = length_of_word(&characters[at..]);
        let (source, offset) = clipped(&characters, at);
        let length = length.min(source.chars().count().saturating_sub(offset)).max(1);
        let file = file.to_owned();
        Self { message: String::new(), file, line, column, source, offset, length }
    }

    /// The column in the file, where the line is not shown as it stands there.
    #[must_use]
    pub fn at_column(mut self, column: usize) -> Self {
        self.column = column;
        self
    }

    /// Says what is wrong there.
    #[must_use]
    pub fn saying(mut self, message: &str) -> Self {
        message.clone_into(&mut self.message);
        self
    }

    /// The place as `file:line:column`.
    pub fn location(&self) -> String {
        format!("{}:{}:{}", self.file, self.line, self.column)
    }

    /// The line with its number, and below it a mark at the place.
    pub fn to_text(&self) -> String {
        let number = self.line.to_string();
        let (gap, space) = (" ".repeat(number.len().max(4)), " ".repeat(self.offset));
        let mark = "^".repeat(self.length);
        let text = format!("{number:>4} | {}\n{gap} | {space}{mark}\n", self.source);
        text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
    }
}

/// Everything as wide as one column, and nothing that commands a terminal.
fn plain(c: char) -> char {
    match c {
        '\t' => ' ',
        c if c.is_control() || "\u{200e}\u{200f}".contains(c) => '?',
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '?',
        c => c,
    }
}

/// How long the word or the quoted text is that begins a line.
fn length_of_word(line: &[char]) -> usize {
    match line.first() {
        Some(&quote) if quote == '"' || quote == '\'' => {
            let end = line.iter().skip(1).position(|&c| c == quote);
            end.map_or(line.len(), |end| end + 2)
        }
        _ => {
            let ends = |(index, &c): (usize, &char)| {
                let before_space = line.get(index + 1).is_none_or(|next| next.is_whitespace());
                c.is_whitespace() || ",[]{}#".contains(c) || (c == ':' && before_space)
            };
            line.iter().enumerate().position(ends).unwrap_or(line.len())
        }
    }
}

fn clipped(line: &[char], at: usize) -> (String, usize) {
    if line.len() <= WIDEST {
        return (line.iter().collect(), at);
    }
    let begin = at.saturating_sub(BEFORE).min(line.len().saturating_sub(WIDEST));
    let end = (begin + WIDEST).min(line.len());
    let mut shown: Vec<char> = line[begin..end].to_vec();
    if begin > 0 {
        shown[0] = '…';
    }
    if end < line.len()
        && let Some(last) = shown.last_mut()
    {
        *last = '…';
    }
    (shown.into_iter().collect(), at - begin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_shown_with_a_mark_below_the_word() {
        let shown = |column, line| Excerpt::new("f", 12, column, line).to_text();
        assert_eq!(shown(2, "  servers: none"), "  12 |   servers: none\n     |   ^^^^^^^\n");
        assert_eq!(shown(3, "a: \"b c\" # d"), "  12 | a: \"b c\" # d\n     |    ^^^^^\n");
        assert_eq!(shown(8, "a: [b, c]"), "  12 | a: [b, c]\n     |         ^\n");
        assert_eq!(shown(2, "- https://h/a b"), "  12 | - https://h/a b\n     |   ^^^^^^^^^^^\n");
        assert_eq!(shown(0, ""), "  12 |\n     | ^\n");
        assert_eq!(shown(98, "a"), "  12 | a\n     |  ^\n");
    }

    #[test]
    fn a_long_line_is_clipped_around_the_place() {
        for at in [0, 40, 250, 499] {
            let line: String = (0..500).map(|i| if i == at { 'X' } else { 'x' }).collect();
            let shown = Excerpt::new("f", 1, at, &line);
            assert!(shown.source.chars().count() <= WIDEST, "{shown:?}");
            let there = shown.source.chars().nth(shown.offset).unwrap();
            assert!("X…".contains(there), "{shown:?}");
            assert!(shown.to_text().lines().all(|line| line.chars().count() <= 80), "{shown:?}");
        }
    }

    #[test]
    fn nothing_in_a_line_can_command_the_terminal() {
        let shown = Excerpt::new("f", 1, 0, "a\u{1b}[2J\tb\u{202e}c\u{85}");
        assert_eq!(shown.source, "a?[2J b?c?");
    }
}
