//! The secrets that a run has come to know, and texts without them.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

/// How each masked value begins. The number after it tells equal ones from others.
pub const HIDDEN: &str = "(hidden";

/// The shortest text that is looked for where it does not belong. A shorter one would be
/// found in half of all words.
const LEAST: usize = 4;

/// The shortest line of a longer secret that is looked for, since logs come line by line.
const LEAST_OF_MANY: usize = 8;

/// What is secret in one run of the program, whatever driver it came from. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Secrets(Arc<Mutex<Vec<String>>>);

impl Secrets {
    /// The word for a secret, the same for the same one, which is known from then on.
    pub(super) fn hide(&self, secret: &str) -> String {
        if secret.is_empty() {
            return String::new();
        }
        let mut known = self.lock();
        let index = known.iter().position(|known| known == secret).unwrap_or_else(|| {
            known.push(secret.to_owned());
            known.len() - 1
        });
        format!("{HIDDEN} {})", index + 1)
    }

    /// A text without the secrets in it.
    pub fn scrub(&self, text: &str) -> String {
        let known = self.lock();
        let mut found: Vec<(String, usize)> = Vec::new();
        for (index, secret) in known.iter().enumerate() {
            found.extend(spellings(secret).map(|spelling| (spelling, index + 1)));
        }
        // The longest first, so that none is cut up by a part of it.
        found.sort_by_key(|(spelling, _)| std::cmp::Reverse(spelling.len()));
        found.into_iter().fold(text.to_owned(), |text, (spelling, number)| {
            text.replace(&spelling, &format!("{HIDDEN} {number})"))
        })
    }

    /// Scrubs all texts of a value.
    pub fn scrub_all(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.scrub(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.scrub_all(item)),
            Value::Object(fields) => {
                let all = std::mem::take(fields).into_iter();
                fields.extend(all.map(|(name, mut value)| {
                    self.scrub_all(&mut value);
                    (self.scrub(&name), value)
                }));
            }
            _ => {}
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The texts by which a secret is recognised: itself, its lines, and the value of `NAME=VALUE`;
/// each also as it stands in JSON, of which a line may hold a part.
fn spellings(secret: &str) -> impl Iterator<Item = String> {
    let lines = secret.lines().map(str::trim).filter(|line| line.len() >= LEAST_OF_MANY);
    let value = secret.split_once('=').map(|(_, value)| value);
    let all = std::iter::once(secret).chain(value).filter(|text| text.len() >= LEAST);
    all.chain(lines).flat_map(|text| [text.to_owned(), in_json(text)])
}

pub(super) fn in_json(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}
