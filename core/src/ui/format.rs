//! One value as programs read it: JSON or YAML, which a terminal may show all the same.

use serde_json::{Map, Value};

use super::text::{commands, is_plain};

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// One JSON value, for programs
    Json,
    /// The same value as YAML
    Yaml,
}

/// A character that YAML can only write as an escape in double quotes: put before another one, it
/// has that one written in double quotes, too.
const MARK: char = '\u{ffff}';

/// How the mark looks when it is written.
const WRITTEN_MARK: &str = "\\uFFFF";

/// As JSON in several lines. What could command a terminal is written as `\u…`, so that nothing
/// is lost.
pub(super) fn json(value: &Value) -> String {
    harmless(format!("{value:#}"))
}

/// As [`json`], on one line.
pub(super) fn json_line(value: &Value) -> String {
    harmless(value.to_string())
}

/// As one YAML document in block style, which is the same value for readers of YAML 1.1 and 1.2.
/// What could command a terminal is an escape, as with [`json`].
pub(super) fn yaml(value: &Value) -> String {
    // Block scalars would show some of what must be an escape.
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    let text = serde_saphyr::to_string_with_options(&marked(value), options);
    // JSON is YAML: nothing is lost where the value cannot be written otherwise.
    text.map_or_else(|_| json(value), |text| unmarked(&text))
}

fn harmless(text: String) -> String {
    if is_plain(&text) {
        return text;
    }
    let mut harmless = String::with_capacity(text.len());
    for c in text.chars() {
        // Outside of strings JSON has no such character.
        match commands(c) {
            true => harmless += &escape(c),
            false => harmless.push(c),
        }
    }
    harmless
}

fn escape(c: char) -> String {
    format!("\\u{:04x}", u32::from(c))
}

/// The value with a mark before each character that could command a terminal. Control characters
/// are written as escapes anyway, those that turn text around would be written as they are.
fn marked(value: &Value) -> Value {
    let mark = |text: &str| {
        let marked = |c| if commands(c) && !c.is_control() { vec![MARK, c] } else { vec![c] };
        text.chars().flat_map(marked).collect::<String>()
    };
    match value {
        Value::String(text) => mark(text).into(),
        Value::Array(items) => items.iter().map(marked).collect(),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| (mark(name), marked(value)));
            fields.collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

/// The text of a marked value, with escapes in the place of marks and what they stand before.
fn unmarked(text: &str) -> String {
    let mut unmarked = String::with_capacity(text.len());
    for c in text.chars() {
        match commands(c) {
            true => {
                let before = unmarked.strip_suffix(WRITTEN_MARK).map_or(unmarked.len(), str::len);
                unmarked.truncate(before);
                unmarked += &escape(c);
            }
            false => unmarked.push(c),
        }
    }
    unmarked
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What some reader of YAML takes for something else where it stands without quotes, or loses.
    const NASTY: [&str; 73] = [
        "",
        " ",
        "~",
        "null",
        "Null",
        "true",
        "TRUE",
        "yes",
        "No",
        "on",
        "OFF",
        "y",
        "N",
        "1",
        "-1",
        "+1",
        "1.30",
        "1.",
        ".5",
        "1e3",
        "1e1000",
        "0x1F",
        "0o14",
        "014",
        "0b1",
        "1_000",
        "12:30:00",
        "190:20:30.15",
        ".inf",
        "-.INF",
        ".nan",
        "2001-01-01",
        "2001-01-01T00:00:00Z",
        "=",
        "<<",
        "-",
        "- a",
        "?",
        "? a",
        ":",
        "a: b",
        "a:",
        "#a",
        "a #b",
        "&a",
        "*a",
        "!a",
        "!!str a",
        "|",
        ">",
        "%a",
        "@a",
        "`a",
        "'",
        "\"",
        "\\",
        "\\n",
        "[",
        "]",
        "{}",
        ",",
        "---",
        "--- a",
        "...",
        " a",
        "a ",
        "a\n",
        "\na\n\n",
        "\t",
        "a\tb",
        "\r\n",
        "\u{feff}a",
        "\u{2028}",
    ];

    /// What commands a terminal, or what this module itself writes.
    const COMMANDS: [&str; 8] = [
        "a\u{1b}[2J",
        "\u{9b}31m",
        "\u{0}\u{7}\u{7f}\u{85}",
        "\u{202e}b",
        "\u{2066}",
        "\u{200f}\u{200e}",
        "\u{ffff}\u{202e}\\uFFFF\u{202a}",
        "\u{ffff}",
    ];

    fn nasty() -> Value {
        let texts: Vec<&str> = NASTY.into_iter().chain(COMMANDS).collect();
        let keys: Map<_, _> = texts.iter().map(|text| ((*text).into(), json!(text))).collect();
        json!({
            "texts": texts, "keys": keys, "deep": [[], {}, [{"a": [{"b": null}]}]],
            "numbers": [0, -1, u64::MAX, i64::MIN, 1.0, -0.5, 1e300, 1.5e-7],
            "bools": [true, false], "long": "word ".repeat(100), "lines": "one\n  two\n\nthree\n",
        })
    }

    #[test]
    fn yaml_gives_every_value_back() {
        let text = yaml(&nasty());
        assert_eq!(serde_saphyr::from_str::<Value>(&text).unwrap(), nasty(), "{text}");
        for text in NASTY.into_iter().chain(COMMANDS) {
            let alone = yaml(&json!(text));
            assert_eq!(serde_saphyr::from_str::<Value>(&alone).unwrap(), json!(text), "{alone}");
        }
    }

    #[test]
    fn what_a_reader_of_yaml_1_1_would_take_for_something_else_is_quoted() {
        for text in ["on", "No", "y", "1.30", "1_000", "12:30:00", "2001-01-01", "=", "<<", "014"] {
            let shown = yaml(&json!({"a": text, text: 1}));
            assert_eq!(shown, format!("a: \"{text}\"\n\"{text}\": 1\n"));
        }
        // Without a dot YAML 1.1 knows no exponent.
        let shown = yaml(&json!([1.0, 1e300, 1.5e-7]));
        assert!(shown.lines().all(|line| line.contains('.')), "{shown}");
    }

    #[test]
    fn json_and_yaml_are_harmless_on_a_terminal_and_say_the_same() {
        let (json, yaml) = (json(&nasty()), yaml(&nasty()));
        assert!(!json.contains(commands), "{json:?}");
        assert!(!yaml.contains(commands), "{yaml:?}");
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), nasty());
        assert!(!json_line(&nasty()).contains('\n'));
    }
}
