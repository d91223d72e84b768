//! Text for people: command lines that can be pasted, output without colours.

use std::ffi::OsStr;

/// Joins arguments so that a shell would take them apart again.
pub fn command_line<A: AsRef<OsStr>>(argv: impl IntoIterator<Item = A>) -> String {
    let words: Vec<String> =
        argv.into_iter().map(|word| word.as_ref().to_string_lossy().into_owned()).collect();
    // The only thing that cannot be quoted is a NUL byte, which no argument can hold.
    shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "))
}

/// Takes terminal colours and the like out of a program's output.
pub fn strip_ansi(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '\u{1b}' {
            plain.push(c);
        } else if rest.next_if_eq(&'[').is_some() {
            // CSI: parameters, then one final byte from `@` to `~`.
            while rest.next().is_some_and(|c| !('@'..='~').contains(&c)) {}
        } else {
            rest.next();
        }
    }
    plain
}

/// Makes one line of a text that a terminal can take: no escape codes, no control characters.
pub(crate) fn one_line(text: &str) -> String {
    let plain = strip_ansi(text).replace(char::is_control, " ");
    plain.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_has_neither_colours_nor_line_ends() {
        assert_eq!(one_line("\u{1b}[31mred\u{1b}[0m\r\nnext\ttab\u{7}\u{9b}\n"), "red  next tab");
        assert_eq!(one_line("pulling `ü`"), "pulling `ü`");
    }
}
