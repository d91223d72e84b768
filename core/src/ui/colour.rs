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
pub fn columns(table: &str, heads: &[&str]) -> String {
    let Some(first) = table.lines().next() else { return String::new() };
    let begins: Vec<usize> = heads.iter().filter_map(|head| first.find(head)).collect();
    table.lines().map(|line| with_colours(line, &begins) + "\n").collect()
}

/// From the last column on, so that what is put in moves none that is still to come. A line whose
/// columns are elsewhere, since its characters are wider, stays as it is.
fn with_colours(line: &str, begins: &[usize]) -> String {
    let mut begins = begins.to_vec();
    begins.sort_unstable();
    begins.into_iter().rev().fold(line.to_owned(), |line, begin| {
        let at = line.char_indices().nth(begin).map(|(at, _)| at);
        let Some((before, rest)) = at.map(|at| line.split_at(at)) else { return line };
        let (word, after) = rest.split_at(rest.find(' ').unwrap_or(rest.len()));
        format!("{before}{}{after}", state(word))
    })
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
