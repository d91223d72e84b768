//! Colour: what the words say already, for the eye. It never stands alone, since it is there on a
//! terminal only, and there not with `NO_COLOR` or `TERM=dumb`: who prints takes it out.

use anstyle::{AnsiColor, Style};

/// What begins an error.
pub(super) const ERROR: Style = AnsiColor::Red.on_default().bold();
/// What begins a warning.
pub(super) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// What begins advice.
pub(super) const ADVICE: Style = AnsiColor::Cyan.on_default().bold();
/// What is as it should be.
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
/// What is not as it should be.
pub(super) const BAD: Style = AnsiColor::Red.on_default();
/// What will be or may be.
const BETWEEN: Style = AnsiColor::Yellow.on_default();

/// Puts a text into a colour.
pub(super) fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Gives a word the colour of what it means, if it is a word for a state or a verdict.
pub fn state(word: &str) -> String {
    match style(word) {
        Some(style) => paint(style, word),
        None => word.to_owned(),
    }
}

fn style(word: &str) -> Option<Style> {
    match word {
        "ready" | "Ready" | "running" | "ok" => Some(GOOD),
        "starting" | "created" | "restarting" | "paused" | "warning" => Some(BETWEEN),
        "not-ready" | "NotReady" | "missing" | "failed" => Some(BAD),
        _ => None,
    }
}

/// Gives the words of some columns of a table their colour.
pub(super) fn columns(table: &str, heads: &[&str]) -> String {
    let Some(first) = table.lines().next() else { return String::new() };
    let mut begins: Vec<usize> = heads.iter().filter_map(|head| first.find(head)).collect();
    begins.sort_unstable();
    let mut coloured = String::with_capacity(2 * table.len());
    for line in table.lines() {
        put_with_colours(&mut coloured, line, &begins);
        coloured.push('\n');
    }
    coloured
}

/// A line whose columns are elsewhere, since its characters are wider, stays as it is.
fn put_with_colours(text: &mut String, line: &str, begins: &[usize]) {
    let mut rest = 0;
    for begin in begins {
        let Some(at) = place(line, *begin).filter(|at| *at >= rest) else { continue };
        let word = line[at..].split(' ').next().unwrap_or_default();
        text.push_str(&line[rest..at]);
        match style(word) {
            Some(style) => text.push_str(&paint(style, word)),
            None => text.push_str(word),
        }
        rest = at + word.len();
    }
    text.push_str(&line[rest..]);
}

/// Where a character of a line begins, in bytes.
fn place(line: &str, character: usize) -> Option<usize> {
    match line.is_ascii() {
        true => Some(character).filter(|at| *at < line.len()),
        false => line.char_indices().nth(character).map(|(at, _)| at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_words_of_the_columns_have_a_colour() {
        let table = "NAME   STATE    AT\nready  ready    x\nü      stopped  y\na      ready\n";
        let (on, off) = (GOOD.render().to_string(), GOOD.render_reset().to_string());
        assert_eq!(
            columns(table, &["STATE", "NONE"]),
            format!(
                "NAME   STATE    AT\nready  {on}ready{off}    x\nü      stopped  y\n\
                 a      {on}ready{off}\n"
            )
        );
    }
}
