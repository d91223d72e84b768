//! Text in lines of a width, where what is to be copied stays whole.

use super::clean;

/// Text in lines of this width, each after this indentation. What cannot be broken, a long word or
/// a command line in backticks, stays whole.
pub fn wrap(text: &str, width: u16, indentation: &str) -> String {
    let lines = broken(&clean(text), width.into(), indentation.chars().count());
    lines.iter().map(|line| format!("{indentation}{line}\n")).collect()
}

/// As [`wrap`], with only what does not fit the first line indented, so that one text can be told
/// from the next.
pub fn hang(text: &str, width: u16) -> String {
    let lines = broken(&clean(text), width.into(), 2);
    let begins = std::iter::once("").chain(std::iter::repeat("  "));
    begins.zip(lines).map(|(begin, line)| format!("{begin}{line}\n")).collect()
}

/// Where there is a width, each line that is longer in lines of it, the first after what it begins
/// with and the others below its text. Where there is none every line stays as it is.
pub(super) fn fill(text: &str, width: Option<u16>, begin: &str) -> String {
    let indentation = begin.chars().count();
    let space = " ".repeat(indentation);
    let mut filled = String::new();
    for line in text.lines() {
        let fits = |width: u16| indentation + line.chars().count() <= width.into();
        let lines = match width {
            Some(width) if !fits(width) => broken(line, width.into(), indentation),
            _ => vec![line.to_owned()],
        };
        for line in lines {
            let begin = if filled.is_empty() { begin } else { &space };
            filled += &format!("{begin}{line}\n");
        }
    }
    filled
}

fn broken(text: &str, width: usize, indentation: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words(text) {
        let fits =
            |line: &String| indentation + line.chars().count() + 1 + word.chars().count() <= width;
        match lines.last_mut().filter(|line| fits(line)) {
            Some(line) => {
                line.push(' ');
                line.push_str(&word);
            }
            None => lines.push(word),
        }
    }
    lines
}

/// What stands between spaces; what stands between backticks is one word.
fn words(text: &str) -> Vec<String> {
    let mut left = text.matches('`').count();
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        if c == '`' {
            left -= 1;
            quoted = !quoted && left > 0;
        }
        match c.is_whitespace() {
            true if quoted => word.push(' '),
            true => words.push(std::mem::take(&mut word)),
            false => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_text_keeps_to_its_width() {
        assert_eq!(wrap("one two three four", 10, "  "), "  one two\n  three\n  four\n");
        assert_eq!(wrap("a-very-long-word b", 8, "  "), "  a-very-long-word\n  b\n");
        assert_eq!(wrap(" \n", 8, "  "), "");
    }

    #[test]
    fn a_command_line_is_never_broken() {
        assert_eq!(
            wrap("run `caproni start`, then `it", 12, ""),
            "run\n`caproni start`,\nthen `it\n"
        );
    }

    #[test]
    fn a_line_goes_on_below_its_text() {
        assert_eq!(fill("one two three", Some(14), "hint: "), "hint: one two\n      three\n");
        assert_eq!(fill("one\n  two", Some(14), "hint: "), "hint: one\n        two\n");
        assert_eq!(fill("one two three", None, "hint: "), "hint: one two three\n");
    }
}
