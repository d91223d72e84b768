//! Any text as a recording, and any line as one in which a secret stands.

use serde_json::{Value, json};

use super::*;

/// Stands for the secret in the lines of an input.
const PLACE: char = '@';

/// A text is a recording, or the line is told that is none; and of the lines of a dialogue
/// none shows a secret once that is known.
///
/// The first line of the input is the secret, and `@` in the others stands for it.
pub fn recording(text: &[u8]) {
    let text = String::from_utf8_lossy(text);
    let folder = tempfile::tempdir().expect("there is room for a file");
    read(&folder.path().join("recording"), &text);
    let (secret, lines) = text.split_once('\n').unwrap_or((&text, ""));
    if is_looked_for(secret) {
        lines.lines().for_each(|line| check_mask(secret, line));
    }
}

fn read(path: &Path, text: &str) {
    std::fs::write(path, text).expect("there is room for a file");
    match Recording::read(path) {
        Ok(recording) => {
            let _ = recording.driver();
            for (session, exchange) in recording.exchanges() {
                assert!(session.exchanges.len() <= text.lines().count());
                let _ = (exchange.method(), exchange.reply());
            }
        }
        Err(error) => assert!(error.message.contains(": line "), "{error}"),
    }
}

/// Short texts are in half of all words. One that is part of what stands in a secret's place
/// is not hidden by it.
fn is_looked_for(secret: &str) -> bool {
    secret.len() >= 4
        && secret.trim() == secret
        && !secret.contains(['(', ')', PLACE, '\r'])
        && !"hidden 1".contains(secret)
}

fn check_mask(secret: &str, line: &str) {
    let mut mask = Mask::default();
    let schema = json!({"properties": {"token": {"type": "string", "x-caproni-sensitive": true}}});
    mask.line(Side::Driver, &json!({"result": {"configSchema": schema}}).to_string());
    let request = json!({"id": 1, "params": {"config": {"token": secret}}}).to_string();
    let shown = mask.line(Side::Host, &request);
    assert!(!shows(&shown, secret), "{shown}");
    let escaped = Value::from(secret).to_string();
    for spelling in [secret, &escaped[1..escaped.len() - 1]] {
        let line = line.replace(PLACE, spelling);
        for from in [Side::Host, Side::Driver, Side::Stderr, Side::Event] {
            let shown = mask.line(from, &line);
            assert!(!shows(&shown, secret), "{from:?}: {shown}");
        }
    }
}

/// Whether a secret can be read in a line: in the texts of JSON, or anywhere else.
fn shows(line: &str, secret: &str) -> bool {
    match serde_json::from_str(line) {
        Ok(value) => holds(&value, secret),
        Err(_) => line.contains(secret),
    }
}

fn holds(value: &Value, secret: &str) -> bool {
    match value {
        Value::String(text) => text.contains(secret),
        Value::Array(items) => items.iter().any(|item| holds(item, secret)),
        Value::Object(fields) => {
            fields.iter().any(|(name, value)| name.contains(secret) || holds(value, secret))
        }
        _ => false,
    }
}
